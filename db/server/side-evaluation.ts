/**
 * EVALUATE and reports on experiments beside the server's work: a process of its own reads the files of the log, with a budget of memory
 * and of time, one at a time. It ends when nobody waits for it any more, and when the server does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode, TruthError } from '../errors.ts';
import type { TenantId } from '../types.ts';

const KILL_MILLIS = 5_000;
/** What a process takes to start and to say what it has, beside its own time. */
const GRACE_MILLIS = 60_000;
const OUTPUT_CHARACTERS_MAX = 64 * 1024 * 1024;

export interface SideEvaluationOptions {
  /** Of the database. */
  readonly directory: string;
  /** Starts the program, without a subcommand. */
  readonly program: readonly [string, ...string[]];
  readonly memoryMebibytes: number;
  /** After so long it ends with what there is by then. */
  readonly seconds: number;
}

const failure = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
});

export class SideEvaluation {
  readonly #options: SideEvaluationOptions;
  #running: { readonly child: ChildProcess; progress: string } | null = null;
  #closed = false;

  constructor(options: SideEvaluationOptions) {
    this.#options = options;
  }

  /**
   * What `truthdb evaluate` of these arguments reports, as the object it prints. `signal` ends it. Errors: BUSY while another runs, those
   * of the command, CLOSED, TIMEOUT.
   */
  async report(tenant: TenantId, words: readonly string[], signal: AbortSignal): Promise<unknown> {
    if (this.#closed || signal.aborted) throw ended();
    if (this.#running !== null) throw busy(this.#running.progress);
    const { directory, program, memoryMebibytes, seconds } = this.#options;
    const [command, ...first] = program;
    const budget = ['--memory', String(memoryMebibytes), '--seconds', String(seconds)];
    const whose = ['--data', directory, '--tenant', String(tenant), '--json'];
    const child = spawn(command, [...first, 'evaluate', ...words, ...whose, ...budget], {
      // The channel is never written to: where it breaks, the other side knows that nobody waits.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const running = { child, progress: 'it begins' };
    this.#running = running;
    makeWay(child);
    const stop = (): void => end(child);
    signal.addEventListener('abort', stop, { once: true });
    let isLate = false;
    const late = setTimeout(
      () => {
        isLate = true;
        stop();
      },
      seconds * 1000 + GRACE_MILLIS,
    );
    try {
      const { code, out, err } = await outcome(child, (line) => {
        running.progress = line;
      });
      if (signal.aborted || this.#closed) throw ended();
      if (isLate) throw overdue(seconds);
      return readReport(code, out, err);
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      this.#running = null;
    }
  }

  /** Ends what runs; nothing is begun any more. */
  close(): void {
    this.#closed = true;
    if (this.#running !== null) end(this.#running.child);
  }
}

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  /** The last line of what it said. */
  readonly err: string;
}

function outcome(child: ChildProcess, progressed: (line: string) => void): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let [out, err, rest] = ['', '', ''];
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      out += piece;
      if (out.length > OUTPUT_CHARACTERS_MAX) end(child);
    });
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      const last = lines.at(-1);
      if (last === undefined) return;
      err = last;
      progressed(last);
    });
    child.on('error', (cause) => {
      reject(
        new TruthError('IO', `the process for an evaluation did not start: ${cause.message}`, {}, { cause }),
      );
    });
    child.on('close', (code) => resolve({ code, out, err: rest === '' ? err : rest }));
  });
}

function readReport(code: number | null, out: string, err: string): unknown {
  const report = jsonOf(out);
  // Interrupted by its own time it has said what there was by then.
  if (report !== null) return report;
  const failed = failure.safeParse(jsonOf(err));
  if (!failed.success)
    throw new TruthError(
      'INTERNAL',
      `the process for an evaluation ended with ${code}: ${err.slice(0, 500)}`,
    );
  const { code: name, message, details } = failed.data.error;
  const known = Object.hasOwn(ERROR_CODES, name) ? (name as ErrorCode) : 'INTERNAL';
  throw new TruthError(known, message, details);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Appends and questions go first. A sandbox may forbid it, and then nothing is lost but that. */
function makeWay({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    return;
  }
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM');
  const kill = setTimeout(() => child.kill('SIGKILL'), KILL_MILLIS);
  child.once('close', () => clearTimeout(kill));
}

function ended(): TruthError {
  return new TruthError(
    'CLOSED',
    'the evaluation was ended, because nobody waits for it or the server closes',
  );
}

function overdue(seconds: number): TruthError {
  return new TruthError(
    'TIMEOUT',
    `the evaluation did not end within ${seconds} s: take a smaller SAMPLE, or run \`truthdb evaluate\` on the directory of the database`,
  );
}

function busy(progress: string): TruthError {
  return new TruthError(
    'BUSY',
    `another evaluation runs (${progress}), and there is one at a time: ask again later, or run \`truthdb evaluate\` on the directory of the database`,
    { retryAfterMillis: 10_000 },
  );
}
