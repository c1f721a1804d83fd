/**
 * One pass over the ranking entries of one tenant in a log that another process may be writing: in turns, so that whoever waits can
 * interrupt it, and within a budget of memory.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { FLAG_ENCRYPTED } from '../tenancy/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import type { LogCommit, LogReader } from '../wal/log.ts';

const TURN_MILLIS = 50;
const BYTES_PER_MEBIBYTE = 1024 * 1024;

/** How a pass is run, and what may end it. */
export interface PassOptions {
  /** `first`: first sequence there is. */
  readonly reader: LogReader & { readonly first: Sequence };
  readonly tenant: TenantId;
  /** Nothing behind it is looked at, so that several passes see the same. */
  readonly until: Sequence;
  /** Interrupts: what has been found so far is the answer. */
  readonly signal: AbortSignal;
  readonly memory: { readonly bytesMax: number; readonly used: () => number };
  /** Millis of a clock that never goes back. */
  readonly millis: () => number;
  /** Gives others of the thread their turn. */
  readonly pause: () => Promise<void>;
}

export class LogPass {
  readonly #options: PassOptions;
  readonly #turned: (position: number) => void;
  #turn: number;
  #position = 0;

  /** `turned` is called at the end of each turn with the position. */
  constructor(options: PassOptions, turned: (position: number) => void) {
    this.#options = options;
    this.#turned = turned;
    this.#turn = options.millis();
  }

  /** Position of the last commit that was handed out. */
  get position(): number {
    return this.#position;
  }

  get interrupted(): boolean {
    return this.#options.signal.aborted;
  }

  /**
   * Commits with the tenant's ranking entries and nothing else; those without any are passed over. Ends early when interrupted.
   * Errors: PRUNED, KEY_UNAVAILABLE, GAP, CORRUPT, TOO_LARGE.
   */
  async *commits(): AsyncGenerator<LogCommit> {
    const { reader, until, signal } = this.#options;
    if (reader.first > 1) throw pruned(reader.first);
    for await (const commit of reader.read({ from: 1 as Sequence, follow: false, signal })) {
      if (commit.sequence > until || signal.aborted) return;
      const entries = commit.entries.filter((entry) => this.#isOurs(entry));
      if (entries.length > 0) yield { ...commit, entries };
      this.#position = commit.sequence;
      await this.turn();
    }
  }

  /** To be called often: ends a turn that has been long enough. */
  async turn(): Promise<void> {
    const { millis, pause, memory } = this.#options;
    if (millis() - this.#turn < TURN_MILLIS) return;
    if (memory.used() > memory.bytesMax) throw outOfMemory(memory, this.#position);
    this.#turned(this.#position);
    await pause();
    this.#turn = millis();
  }

  #isOurs({ tenant, type, flags, sequence }: LogCommit['entries'][number]): boolean {
    if (tenant !== this.#options.tenant) return false;
    if (type < KERNEL_ENTRY.rankingSchema || type > KERNEL_ENTRY.rankingExposure) return false;
    if ((flags & FLAG_ENCRYPTED) !== 0) throw encrypted(tenant, sequence);
    return true;
  }
}

function pruned(first: number): TruthError {
  return new TruthError(
    'PRUNED',
    `the log begins at ${first}, so what was before cannot be replayed: restore a backup that has all of it into a directory of its own, and evaluate there`,
    { first },
  );
}

function encrypted(tenant: number, sequence: number): TruthError {
  return new TruthError(
    'KEY_UNAVAILABLE',
    `the entries of tenant ${tenant} are encrypted (the first is ${sequence}), and keys are opened by a server only: evaluate a copy of the data in a tenant that is not encrypted`,
    { tenant, sequence },
  );
}

function outOfMemory({ bytesMax, used }: PassOptions['memory'], position: number): TruthError {
  const mebibytes = (bytes: number): number => Math.round(bytes / BYTES_PER_MEBIBYTE);
  return new TruthError(
    'TOO_LARGE',
    `at position ${position} the process takes ${mebibytes(used())} MiB, more than the ${mebibytes(bytesMax)} MiB it may: give it more with --memory, where the machine has it`,
    { position },
  );
}
