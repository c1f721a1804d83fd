/**
 * A log that another thread of the same process writes, read from its files. How far it is stable is told through shared
 * memory; segments that came since are found in the directory when they are needed.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { type Sequence, sequence } from '../types.ts';
import { listSegments } from './catalog.ts';
import { type ReadableSegment, SegmentReader } from './reader.ts';
import type { SegmentName } from './segment.ts';

/** How often a list is asked for again that was taken while a segment was renamed. */
const LISTS_MAX = 5;
/** Whoever waits looks this often whether its signal has been aborted. */
const WAIT_MILLIS = 1_000;

/** The stable sequence, written by the thread that hears of it and read by all others. */
export class StableMark {
  readonly memory: SharedArrayBuffer;
  readonly #cell: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#cell = new BigInt64Array(memory);
  }

  get stable(): Sequence {
    return sequence(Atomics.load(this.#cell, 0));
  }

  /** Wakes whoever waits. */
  reached(stable: Sequence): void {
    Atomics.store(this.#cell, 0, BigInt(stable));
    Atomics.notify(this.#cell, 0);
  }

  /** Resolves when it is no longer `at`, or after so long. */
  async moved(at: Sequence, millis: number): Promise<void> {
    const waiting = Atomics.waitAsync(this.#cell, 0, BigInt(at), millis);
    if (waiting.async) await waiting.value;
  }
}

export interface SharedReaderOptions {
  readonly disk: Disk;
  /** Absolute path of the data directory. */
  readonly directory: string;
  readonly mark: StableMark;
}

/** Errors: NOT_FOUND, CORRUPT. */
export function openSharedReader({ disk, directory, mark }: SharedReaderOptions): SegmentReader {
  let segments = listed(disk, directory);
  return new SegmentReader(disk, directory, segments.map(readable), {
    get stable() {
      return mark.stable;
    },
    stablePast: (after, signal) => stablePast(mark, after, signal),
    later: () => {
      const known = segments.at(-1)!.index;
      segments = listed(disk, directory);
      return segments.filter(({ index }) => index > known).map(readable);
    },
  });
}

function readable({ index, firstSequence }: SegmentName): ReadableSegment {
  return { index, firstSequence, sparse: null, saved: true };
}

/** A segment that is renamed meanwhile can be missing from a list, or be there twice. */
function listed(disk: Disk, directory: string): readonly SegmentName[] {
  for (let time = 1; ; time++) {
    try {
      return listSegments(disk, directory);
    } catch (error) {
      if (!(error instanceof TruthError && error.code === 'CORRUPT') || time === LISTS_MAX) throw error;
    }
  }
}

async function stablePast(
  mark: StableMark,
  after: Sequence,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  for (let stable = mark.stable; stable <= after; stable = mark.stable) {
    if (signal?.aborted === true) return false;
    await mark.moved(stable, WAIT_MILLIS);
  }
  return true;
}
