/** Statements that a person types, over as many lines as it takes, and the commands that begin with a backslash. */
import type { Queries, QueryResult } from '../client/index.ts';
import { TruthError } from '../errors.ts';
import type { Terminal } from './command.ts';
import type { LineInput } from './line-input.ts';
import { describeTable, listTables } from './sql-describe.ts';
import { isComplete, scriptStatements } from './sql-script.ts';
import { resultLines, sayNotices } from './sql-table.ts';

type RunStatement = (statement: string, signal: AbortSignal) => Promise<QueryResult>;

const HELP = [
  'Statements end with a semicolon and may take several lines; Ctrl-C ends one that is running, or drops what is typed.',
  '  \\dt          tables, projections and indexes',
  '  \\d NAME      columns, indexes and constraints of a table or projection',
  '  \\timing      shows how long each statement takes, or no longer',
  '  \\q           ends, as Ctrl-D does',
];

/** Returns the exit code. */
export async function runShell(run: RunStatement, db: Queries, terminal: Terminal): Promise<number> {
  const input = terminal.lineInput();
  const shell = new Shell(run, db, terminal, input);
  terminal.say('truthdb sql: \\? for help');
  try {
    await shell.run();
    return 0;
  } finally {
    input.close();
  }
}

class Shell {
  readonly #run: RunStatement;
  readonly #db: Queries;
  readonly #terminal: Terminal;
  readonly #input: LineInput;
  #transaction: 'none' | 'open' | 'failed' = 'none';
  #timing = false;
  #ended = false;

  constructor(run: RunStatement, db: Queries, terminal: Terminal, input: LineInput) {
    this.#run = run;
    this.#db = db;
    this.#terminal = terminal;
    this.#input = input;
  }

  async run(): Promise<void> {
    let typed = '';
    while (!this.#ended && !this.#terminal.signal.aborted) {
      const line = await this.#input.ask(this.#prompt(typed !== ''));
      if (line.kind === 'end') return;
      if (line.kind === 'interrupted') {
        typed = '';
        continue;
      }
      if (typed === '' && line.text.trim().startsWith('\\')) {
        await this.#guarded(() => this.#command(line.text.trim()));
        continue;
      }
      typed = typed === '' ? line.text : `${typed}\n${line.text}`;
      if (typed.trim() === '') typed = '';
      if (!isComplete(typed)) continue;
      const text = typed;
      typed = '';
      await this.#guarded(() => this.#statements(text));
    }
  }

  #prompt(goesOn: boolean): string {
    const mark = { none: '', open: '*', failed: '!' }[this.#transaction];
    return goesOn ? `      ${mark}-> ` : `truthdb${mark}> `;
  }

  async #statements(text: string): Promise<void> {
    for (const statement of scriptStatements(text)) {
      const startedAt = performance.now();
      const result = await this.#run(statement, this.#input.whileRunning());
      this.#noteTransaction(result.tag);
      sayNotices(result, this.#terminal);
      for (const line of resultLines(result)) await this.#terminal.out(line);
      if (this.#timing) this.#terminal.say(`Time: ${(performance.now() - startedAt).toFixed(1)} ms`);
    }
  }

  #noteTransaction(tag: string): void {
    if (tag === 'BEGIN') this.#transaction = 'open';
    if (tag === 'COMMIT' || tag === 'ROLLBACK') this.#transaction = 'none';
  }

  async #command(text: string): Promise<void> {
    const [word = '', name] = text.replace(/;$/, '').split(/\s+/);
    if (word === '\\q') this.#ended = true;
    else if (word === '\\timing') this.#toggleTiming();
    else if (word === '\\dt' || (word === '\\d' && name === undefined))
      await this.#print(await listTables(this.#db));
    else if (word === '\\d') await this.#describe(unquoted(name ?? ''));
    else if (word === '\\?' || word === '\\h') for (const line of HELP) await this.#terminal.out(line);
    else throw new TruthError('INVALID_ARGUMENT', `there is no command ${word}; \\? lists them`);
  }

  #toggleTiming(): void {
    this.#timing = !this.#timing;
    this.#terminal.say(`timing is ${this.#timing ? 'on' : 'off'}`);
  }

  async #describe(name: string): Promise<void> {
    const { columns, lines } = await describeTable(this.#db, name);
    await this.#print(columns);
    for (const line of lines) await this.#terminal.out(line);
  }

  async #print(result: QueryResult): Promise<void> {
    for (const line of resultLines(result)) await this.#terminal.out(line);
  }

  /** What goes wrong is said, and the conversation goes on; only a lost connection ends it. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof TruthError)) throw error;
      if (this.#transaction === 'open') this.#transaction = 'failed';
      const { sqlstate } = error.details;
      this.#terminal.say(`ERROR ${typeof sqlstate === 'string' ? sqlstate : error.code}: ${error.message}`);
      if (['CONNECTION', 'CLOSED', 'UNAUTHENTICATED'].includes(error.code)) throw error;
    }
  }
}

/** Names without quotes are folded as PostgreSQL folds them. */
function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
}
