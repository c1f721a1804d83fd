/**
 * The end of a log that another process writes, found by looking at its files again and again: what validates and what the
 * marks in it prove durable. Groups above every mark may still be cut off by the writer's recovery, so each look begins
 * behind the last durable group. Nothing is locked and nothing changed.
 */
import type { Disk, Scheduler } from '../io/index.ts';
import type { CommitOrdinal, Sequence } from '../types.ts';
import { listSegments } from './catalog.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { gapAt, readGaps } from './gaps.ts';
import { readDurableMark } from './metadata.ts';
import type { ReadableSegment, StableLog } from './reader.ts';
import { startBehind } from './resync.ts';
import { Scanner } from './scanner.ts';
import { type OpenedSegment, openSegment, type SegmentName, walDirectory } from './segment.ts';
import { SparseIndex } from './sparse-index.ts';

/** Behind the last durable group of a segment. */
interface Place {
  readonly offset: number;
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
}

interface Seen extends Place {
  /** Where the group or seal begins. */
  readonly from: number;
  readonly sealed: boolean;
}

export class WatchedLog implements StableLog {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #watch: { readonly scheduler: Scheduler; readonly millis: number } | null;
  readonly #onSegment: (segment: ReadableSegment) => void;
  readonly #scanner: Scanner;
  #segment: OpenedSegment;
  #index: SparseIndex;
  #place: Place;
  #stable: Sequence;
  /** The segment is sealed: the log goes on in the next one. */
  #sealed = false;
  #closed = false;

  /** `last` is the log's last segment; those that come later are handed to `onSegment`. Without `watch` the end stays as found. */
  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly last: OpenedSegment;
    readonly watch: { readonly scheduler: Scheduler; readonly millis: number } | null;
    readonly onSegment: (segment: ReadableSegment) => void;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#watch = options.watch;
    this.#onSegment = options.onSegment;
    this.#scanner = new Scanner(options.disk);
    this.#segment = options.last;
    this.#index = new SparseIndex(options.last.header.firstSequence);
    this.#place = placeOf(options.last);
    // The segment exists, so the seal before it is durable.
    this.#stable = this.#place.sequence;
  }

  get stable(): Sequence {
    return this.#stable;
  }

  /** Index of the last segment, filled up to `stable`. */
  get index(): SparseIndex {
    return this.#index;
  }

  /** Looks how far the log reaches now. */
  look(): void {
    this.#lookAtSegment();
    while (this.#sealed) {
      const next = listSegments(this.#disk, this.#directory).find(
        ({ index }) => index === this.#segment.header.index + 1,
      );
      if (next === undefined) return;
      this.#goOnIn(next);
      this.#lookAtSegment();
    }
  }

  async stablePast(after: Sequence, signal: AbortSignal | undefined): Promise<boolean> {
    while (this.#stable <= after) {
      if (this.#watch === null || this.#closed || signal?.aborted === true) return false;
      this.look();
      if (this.#stable <= after) await this.#pause(this.#watch, signal);
    }
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#disk.close(this.#segment.handle);
  }

  #lookAtSegment(): void {
    const { seen, mark } = this.#walk();
    const stable = Math.max(mark, this.#stable) as Sequence;
    for (const group of seen) {
      if (group.sequence > stable) break;
      this.#index.note(group.sequence, group.from);
      this.#place = group;
      this.#sealed = group.sealed;
    }
    this.#stable = Math.max(this.#stable, Math.min(stable, seen.at(-1)?.sequence ?? 0)) as Sequence;
  }

  /** What validates behind the durable part, and the highest mark known. */
  #walk(): { readonly seen: readonly Seen[]; readonly mark: Sequence } {
    const seen: Seen[] = [];
    let { sequence, ordinal, offset } = this.#place;
    let mark = readDurableMark(this.#disk, this.#directory)?.sequence ?? this.#stable;
    sequence = (sequence + 1) as Sequence;
    this.#scanner.start(this.#segment, { offset, sequence, ordinal, chain: null, contentHash: false });
    for (;;) {
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') {
        const gap = gapAt(readGaps(this.#disk, this.#directory), this.#segment.header.index, scanned.offset);
        if (gap === null) return { seen, mark };
        // Declared lost, which is as good as durable: the log goes on behind it, here or in the next segment.
        mark = Math.max(mark, gap.to) as Sequence;
        const sealed = gap.end >= this.#segment.header.identity.segmentBytes;
        seen.push({ from: gap.offset, offset: gap.end, sequence: gap.to, ordinal, sealed });
        if (sealed) return { seen, mark };
        const behind = startBehind(this.#disk, this.#segment, gap);
        ({ ordinal } = behind);
        this.#scanner.start(this.#segment, { ...behind, chain: null });
        continue;
      }
      ({ sequence, end: offset } = scanned);
      // A seal is written when everything is durable, and nothing is written behind it before it is.
      const sealed = scanned.kind === 'seal';
      if (!sealed) ({ ordinal } = scanned);
      mark = Math.max(mark, scanned.durableMark) as Sequence;
      seen.push({ from: scanned.offset, offset, sequence, ordinal, sealed });
      if (sealed) return { seen, mark: this.#sealDurable(sequence, mark) };
    }
  }

  /** A seal is durable once the next segment is there. */
  #sealDurable(seal: Sequence, mark: Sequence): Sequence {
    const next = listSegments(this.#disk, this.#directory).at(-1)!;
    return next.index > this.#segment.header.index ? (Math.max(seal, mark) as Sequence) : mark;
  }

  #goOnIn(name: SegmentName): void {
    const segment = openSegment(this.#disk, walDirectory(this.#directory), name, 'read');
    this.#disk.close(this.#segment.handle);
    this.#segment = segment;
    this.#index = new SparseIndex(segment.header.firstSequence);
    this.#place = placeOf(segment);
    this.#sealed = false;
    const { index, firstSequence } = segment.header;
    this.#onSegment({ index, firstSequence, sparse: this.#index, saved: true });
  }

  #pause(
    { scheduler, millis }: { readonly scheduler: Scheduler; readonly millis: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = scheduler.after(millis, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}

function placeOf({ header }: OpenedSegment): Place {
  return {
    offset: SEGMENT_HEADER_BYTES,
    sequence: (header.firstSequence - 1) as Sequence,
    ordinal: header.lastOrdinal,
  };
}
