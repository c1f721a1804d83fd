/** `truthdb evaluate`: how well profiles would have done, and how arms of experiments did, from the files of a log. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import {
  chartOf,
  type EvaluationReport,
  evaluationLines,
  experimentLines,
  type Protocol,
} from '../ranking/evaluate/index.ts';
import {
  type DefineStatement,
  type EvaluateStatement,
  parse,
  parseScript,
} from '../ranking/retrieve/language/index.ts';
import { findTenant, tenantsInLog } from '../tenancy/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import { openReader } from '../wal/index.ts';
import { type Arguments, type Command, misused, type Terminal } from './command.ts';

const PROTOCOLS: readonly Protocol[] = ['all', 'last', 'next-day'];
const HISTORY = 4;
const MEMORY_MEBIBYTES = 2048;
const BYTES_PER_MEBIBYTE = 1024 * 1024;
/** Of commands that a person has stopped: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

export const evaluate: Command = {
  name: 'evaluate',
  summary:
    'Says how well profiles would have done, by a replay of the log, or how the arms of an experiment did.',
  detail:
    'Reads the files of the data directory, beside a running server or without one, and writes nothing there. STATEMENT is the rest of an\n' +
    'EVALUATE statement: PROFILE a [VS b] FROM time TO time [SAMPLE n]. Before each chosen thing that a user went for, each profile is asked\n' +
    'for 20 unseen things. Ctrl-C ends it with what there is by then. docs/ranking.md says what the figures mean.',
  positionals: [{ name: 'STATEMENT', required: false }],
  options: [
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
    { flag: 'tenant', value: 'NAME|N', help: 'whose data; default: the first tenant' },
    { flag: 'kind', value: 'NAME', help: 'what is recommended; default: item' },
    {
      flag: 'protocol',
      value: 'NAME',
      help: 'all: before each positive signal (default); last: before the last of each user; next-day: lists of each day',
    },
    { flag: 'history', value: 'N', help: `signals that a user must have had before; default ${HISTORY}` },
    { flag: 'baselines', value: null, help: 'compare with popularity and item neighbours too' },
    { flag: 'define', value: 'FILE', help: 'profiles and cohorts to try, as DEFINE statements' },
    { flag: 'svg', value: 'FILE', help: 'draw the figures into a file' },
    { flag: 'experiment', value: 'NAME', help: 'report on an experiment instead' },
    { flag: 'memory', value: 'MIB', help: `memory the process may take; default ${MEMORY_MEBIBYTES}` },
  ],
  example:
    "truthdb evaluate \"PROFILE for_you VS trending FROM '2026-01-01' TO '2026-02-01' SAMPLE 2000\" --data /var/lib/truthdb",
  run: async (args, terminal) => {
    const experiment = args.text('experiment');
    const statement = args.positional(0);
    if ((experiment === undefined) === (statement === undefined))
      throw misused(evaluate, 'give either a STATEMENT or --experiment NAME');
    return experiment === undefined
      ? evaluateStatement(statementOf(statement!), args, terminal)
      : showExperiment(experiment, args, terminal);
  },
};

async function evaluateStatement(
  statement: EvaluateStatement,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const protocol = protocolOf(args);
  const definitions = definitionsOf(args.text('define'));
  const opened = openPass(args, terminal);
  try {
    const { evaluateProfiles } = await import('../engine.ts');
    const report = await evaluateProfiles({
      ...{ ...opened.pass, statement, protocol, definitions },
      logId: opened.logId,
      kind: args.text('kind') ?? 'item',
      history: args.number('history', 0) ?? HISTORY,
      baselines: args.switch('baselines'),
      progress: (line) => terminal.progress(line),
    });
    await print(report, args.text('svg'), terminal);
    return report.complete ? 0 : INTERRUPTED;
  } finally {
    opened.close();
  }
}

async function print(report: EvaluationReport, svg: string | undefined, terminal: Terminal): Promise<void> {
  if (svg !== undefined) writeFileSync(svg, chartOf(report));
  if (terminal.json) await terminal.out(JSON.stringify(report));
  else for (const line of evaluationLines(report)) await terminal.out(line);
}

async function showExperiment(experiment: string, args: Arguments, terminal: Terminal): Promise<number> {
  const opened = openPass(args, terminal);
  try {
    const { reportExperiment } = await import('../engine.ts');
    const progress = (line: string): void => terminal.progress(line);
    const report = await reportExperiment({ ...opened.pass, experiment, progress });
    if (terminal.json) await terminal.out(JSON.stringify(report));
    else for (const line of experimentLines(report)) await terminal.out(line);
    return report.complete ? 0 : INTERRUPTED;
  } finally {
    opened.close();
  }
}

/** The log for reading, and how it is read. Errors: those of opening it and of finding the tenant. */
function openPass(args: Arguments, terminal: Terminal) {
  const data = args.text('data');
  if (data === undefined) throw misused(evaluate, '--data is missing');
  const [disk, directory] = [new RealDisk(), resolve(data)];
  const reader = openReader({ disk, directory });
  const until = reader.stable;
  const bytesMax = (args.number('memory', 1) ?? MEMORY_MEBIBYTES) * BYTES_PER_MEBIBYTE;
  const pass = {
    ...{ reader, until, signal: terminal.signal },
    tenant: tenantOf(
      args.text('tenant'),
      (name) => findTenant(tenantsInLog(disk, directory, until), name).id,
    ),
    memory: { bytesMax, used: () => process.memoryUsage.rss() },
    millis: () => performance.now(),
    pause: () => setImmediate(),
  };
  return { pass, logId: reader.identity.logId, close: () => reader.close() };
}

function tenantOf(given: string | undefined, find: (name: string) => TenantId): TenantId {
  if (given === undefined) return TENANT_DEFAULT;
  return /^\d{1,10}$/.test(given) ? (Number(given) as TenantId) : find(given);
}

/** The text may begin with EVALUATE, as the language has it, or go on behind it. */
function statementOf(text: string): EvaluateStatement {
  const parsed = parse(/^\s*evaluate\b/i.test(text) ? text : `EVALUATE ${text}`);
  if (parsed.statement !== 'evaluate') throw misused(evaluate, 'STATEMENT is no EVALUATE');
  return parsed;
}

function protocolOf(args: Arguments): Protocol {
  const given = args.text('protocol') ?? 'all';
  const protocol = PROTOCOLS.find((each) => each === given);
  if (protocol === undefined)
    throw misused(evaluate, `--protocol is "${given}"; there are ${PROTOCOLS.join(', ')}`);
  return protocol;
}

function definitionsOf(file: string | undefined): readonly DefineStatement[] {
  if (file === undefined) return [];
  return parseScript(textOf(file)).map((statement) => {
    if (statement.statement === 'define') return statement;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${file} has a ${statement.statement.toUpperCase()} statement; only DEFINE is tried here`,
    );
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${file} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}
