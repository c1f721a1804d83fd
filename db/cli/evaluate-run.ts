/** What `truthdb evaluate` does: by itself, because most commands need nothing of it. */
import { writeFileSync } from 'node:fs';
import { TruthError } from '../errors.ts';
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
import { type Arguments, type Command, misused, type Terminal } from './command.ts';
import { FeatureLog } from './feature-log.ts';
import { openPass } from './opened-pass.ts';
import { openOutput } from './output.ts';
import { textFile } from './text-file.ts';

const MILLIS_PER_SECOND = 1000;
const PROTOCOLS: readonly Protocol[] = ['all', 'last', 'next-day'];
/** Of commands that a person has stopped: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/** Of a user before anything is asked for her, and of the process. */
export interface EvaluateDefaults {
  readonly history: number;
  readonly memoryMebibytes: number;
}

export async function runEvaluate(
  command: Command,
  defaults: EvaluateDefaults,
  args: Arguments,
  terminal: Terminal,
): Promise<number> {
  const experiment = args.text('experiment');
  const statement = args.positional(0);
  const all = args.switch('experiments');
  if ([experiment !== undefined, statement !== undefined, all].filter((each) => each).length !== 1)
    throw misused(command, 'give either a STATEMENT, --experiment NAME or --experiments');
  const run: Run = { command, defaults, args, terminal: within(args.number('seconds', 1), terminal) };
  if (all) return showExperiments(run);
  return experiment === undefined ? evaluateStatement(statement!, run) : showExperiment(experiment, run);
}

/** A terminal that interrupts by itself after some time. */
function within(seconds: number | undefined, terminal: Terminal): Terminal {
  if (seconds === undefined) return terminal;
  const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(seconds * MILLIS_PER_SECOND)]);
  return { ...terminal, signal };
}

interface Run {
  readonly command: Command;
  readonly defaults: EvaluateDefaults;
  readonly args: Arguments;
  readonly terminal: Terminal;
}

async function evaluateStatement(text: string, run: Run): Promise<number> {
  const { command, defaults, args, terminal } = run;
  const statement = statementOf(command, text);
  const protocol = protocolOf(command, args);
  const definitions = definitionsOf(args.text('define'));
  const features = args.text('features');
  if (features !== undefined && protocol === 'next-day')
    throw misused(command, '--features are of users, and the lists of next-day are for nobody');
  const opened = openPass(command, defaults.memoryMebibytes, args, terminal);
  const output = features === undefined ? null : openOutput(features, terminal);
  const log = output === null ? null : new FeatureLog(output, features?.endsWith('.csv') === true);
  try {
    const { evaluateProfiles } = await import('../engine.ts');
    const report = await evaluateProfiles({
      shown: log === null ? null : (candidates) => log.write(candidates),
      ...{ ...opened.pass, statement, protocol, definitions },
      logId: opened.logId,
      kind: args.text('kind') ?? 'item',
      history: args.number('history', 0) ?? defaults.history,
      baselines: args.switch('baselines'),
      progress: (line) => terminal.progress(line),
    });
    await output?.finish();
    await print(report, args.text('svg'), terminal);
    return report.complete ? 0 : INTERRUPTED;
  } catch (error) {
    await output?.discard();
    throw error;
  } finally {
    opened.close();
  }
}

async function print(report: EvaluationReport, svg: string | undefined, terminal: Terminal): Promise<void> {
  if (svg !== undefined) writeFileSync(svg, chartOf(report));
  if (terminal.json) await terminal.out(JSON.stringify(report));
  else for (const line of evaluationLines(report)) await terminal.out(line);
}

async function showExperiment(experiment: string, run: Run): Promise<number> {
  const { command, defaults, args, terminal } = run;
  const opened = openPass(command, defaults.memoryMebibytes, args, terminal);
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

async function showExperiments({ command, defaults, args, terminal }: Run): Promise<number> {
  const opened = openPass(command, defaults.memoryMebibytes, args, terminal);
  try {
    const { reportExperiments } = await import('../engine.ts');
    const progress = (line: string): void => terminal.progress(line);
    const reports = await reportExperiments({ ...opened.pass, progress });
    if (terminal.json) await terminal.out(JSON.stringify(reports));
    for (const [at, report] of reports.entries()) {
      if (terminal.json) break;
      if (at > 0) await terminal.out('');
      for (const line of experimentLines(report)) await terminal.out(line);
    }
    return reports.every(({ complete }) => complete) ? 0 : INTERRUPTED;
  } finally {
    opened.close();
  }
}

/** The text may begin with EVALUATE, as the language has it, or go on behind it. */
function statementOf(command: Command, text: string): EvaluateStatement {
  const parsed = parse(/^\s*evaluate\b/i.test(text) ? text : `EVALUATE ${text}`);
  if (parsed.statement !== 'evaluate') throw misused(command, 'STATEMENT is no EVALUATE');
  return parsed;
}

function protocolOf(command: Command, args: Arguments): Protocol {
  const given = args.text('protocol') ?? 'all';
  const protocol = PROTOCOLS.find((each) => each === given);
  if (protocol === undefined)
    throw misused(command, `--protocol is "${given}"; there are ${PROTOCOLS.join(', ')}`);
  return protocol;
}

function definitionsOf(file: string | undefined): readonly DefineStatement[] {
  if (file === undefined) return [];
  return parseScript(textFile(file)).map((statement) => {
    if (statement.statement === 'define') return statement;
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${file} has a ${statement.statement.toUpperCase()} statement; only DEFINE is tried here`,
    );
  });
}
