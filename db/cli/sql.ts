/** `truthdb sql`: statements from the command line, a file or a pipe, or typed by a person. */
import { readFileSync } from 'node:fs';
import type { Client, Queries, QueryResult } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import type { Arguments, Command, Terminal } from './command.ts';
import { scriptStatements } from './sql-script.ts';
import { runShell } from './sql-shell.ts';
import { jsonLines, resultLines, sayNotices } from './sql-table.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

const PROGRESS_MILLIS = 2000;
const TIMEOUT_SECONDS_DEFAULT = 3600;

export const sql: Command = {
  name: 'sql',
  summary: 'Carries out statements of SQL; without one, those of a pipe, or those you type.',
  detail:
    'Several statements are separated by semicolons and run one after the other; the first that fails ends it, with the\n' +
    'exit code of its error. BEGIN and COMMIT make them one. While you type: \\dt lists tables, \\d NAME describes one,\n' +
    '\\timing shows how long statements take, \\q ends. NULL is shown as ∅.',
  positionals: [{ name: 'STATEMENT', required: false }],
  options: [
    { flag: 'file', value: 'FILE', help: 'read the statements from a file' },
    {
      flag: 'at',
      value: 'WHEN',
      help: 'of SELECTs: as of a position, or a moment such as 2026-01-31T12:00:00Z',
    },
    {
      flag: 'timeout',
      value: 'SECONDS',
      help: `longest that one statement may take; default ${TIMEOUT_SECONDS_DEFAULT}`,
    },
    ...TARGET_OPTIONS,
  ],
  example: "truthdb sql 'SELECT * FROM orders ORDER BY id LIMIT 10'",
  run: async (args, terminal) => {
    const at = momentOf(args.text('at'));
    const timeoutMillis = (args.number('timeout', 1) ?? TIMEOUT_SECONDS_DEFAULT) * 1000;
    const text = await givenText(args, terminal);
    const db = await connectTo(args, terminal);
    try {
      const run = runnerOf(db, at, timeoutMillis, terminal);
      if (text === null) return await runShell(run, db, terminal);
      for (const statement of scriptStatements(text)) {
        await print(await run(statement, terminal.signal), terminal);
      }
      return 0;
    } finally {
      await db.close();
    }
  },
};

/** Runs one statement. */
type RunStatement = (statement: string, signal: AbortSignal) => Promise<QueryResult>;

/** The statements given; null when a person is to type them. Errors: INVALID_ARGUMENT, IO. */
async function givenText(args: Arguments, terminal: Terminal): Promise<string | null> {
  const statement = args.positional(0);
  const file = args.text('file');
  if (statement !== undefined && file !== undefined) {
    throw new TruthError('INVALID_ARGUMENT', 'both a statement and --file are given; one is needed');
  }
  if (statement !== undefined) return statement;
  if (file !== undefined) return readFileSync(file, 'utf8');
  if (terminal.isInteractive) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of terminal.stdin()) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** All statements of a run share one conversation, so that BEGIN and COMMIT mean something; the past is asked beside it. */
function runnerOf(
  db: Client,
  at: number | Date | null,
  timeoutMillis: number,
  terminal: Terminal,
): RunStatement {
  const session: Queries = db.session();
  return async (statement, signal) => {
    const startedAt = performance.now();
    const progress = setInterval(() => {
      terminal.progress(`running for ${Math.round((performance.now() - startedAt) / 1000)} s`);
    }, PROGRESS_MILLIS);
    try {
      const options = { signal, timeoutMillis };
      if (at !== null) return await db.queryAt(at, statement, [], options);
      return await session.query(statement, [], options);
    } finally {
      clearInterval(progress);
    }
  };
}

async function print(result: QueryResult, terminal: Terminal): Promise<void> {
  sayNotices(result, terminal);
  for (const line of terminal.json ? jsonLines(result) : resultLines(result)) await terminal.out(line);
}

function momentOf(text: string | undefined): number | Date | null {
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return Number(text);
  const moment = new Date(text);
  if (!Number.isNaN(moment.getTime())) return moment;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `--at is "${text}"; a position or a moment such as 2026-01-31T12:00:00Z is needed`,
  );
}
