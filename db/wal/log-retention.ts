/** Who still needs what of an open log, and removing what nobody does while it is written and read. */
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { type Pruned, pruneSegments } from './prune.ts';
import type { SegmentReader } from './reader.ts';
import type { Hold } from './retention.ts';

/** A hold that moves on as its holder does. */
export interface HeldLog {
  /** Everything before `from` is no longer needed. */
  advance(from: Sequence): void;
  release(): void;
}

export class LogRetention {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #reader: SegmentReader;
  readonly #held = new Set<{ hold: Hold }>();

  constructor(disk: Disk, directory: string, reader: SegmentReader) {
    this.#disk = disk;
    this.#directory = directory;
    this.#reader = reader;
  }

  /** First sequence there is: 1 until segments are pruned. */
  get floor(): Sequence {
    return this.#reader.first;
  }

  /** Keeps the log from `hold.from` on until it is released. */
  hold(hold: Hold): HeldLog {
    const held = { hold };
    this.#held.add(held);
    return {
      advance: (from) => {
        held.hold = { ...held.hold, from };
      },
      release: () => {
        this.#held.delete(held);
      },
    };
  }

  /** Those taken here and the readers under way. */
  holds(): Hold[] {
    const readers = this.#reader.reading.map(
      (from) => ({ kind: 'reader', name: `at ${from}`, from }) as const,
    );
    return [...[...this.#held].map(({ hold }) => hold), ...readers];
  }

  /** As pruneSegments; `others` are holds that are not taken here, such as those of views and snapshots. */
  prune(options: {
    readonly before: Sequence;
    readonly withoutArchive: boolean;
    readonly others: readonly Hold[];
  }): Pruned {
    const { before, withoutArchive, others } = options;
    const pruned = pruneSegments({
      disk: this.#disk,
      directory: this.#directory,
      before,
      withoutArchive,
      holds: [...this.holds(), ...others],
    });
    this.#reader.dropBefore(pruned.floor);
    return pruned;
  }
}
