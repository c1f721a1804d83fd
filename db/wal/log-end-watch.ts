/**
 * Where the stable log ends, for receivers that are behind: finds it by walking the last segment, each part once, and only
 * while somebody asks. It is told as it was when the walk got there; a receiver that has caught up knows it exactly.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, RecordedAt, Sequence } from '../types.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import type { StableEnd } from './log-bytes.ts';
import { Scanner } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';

const WALK_BYTES = 1024 * 1024;

interface Walked extends StableEnd {
  readonly ordinal: CommitOrdinal;
}

export class LogEndWatch {
  readonly #disk: Disk;
  readonly #openLast: () => OpenedSegment | null;
  readonly #scanner: Scanner;
  #known: Walked | null = null;
  #walking: Promise<void> | null = null;

  /** `openLast` opens the segment that holds the last stable sequence. */
  constructor(disk: Disk, openLast: () => OpenedSegment | null) {
    this.#disk = disk;
    this.#openLast = openLast;
    this.#scanner = new Scanner(disk);
  }

  async read(stable: Sequence): Promise<StableEnd> {
    this.#walking ??= this.#walk(stable).finally(() => {
      this.#walking = null;
    });
    await this.#walking;
    const { segment, offset, recordedAt } = this.#known ?? NOTHING;
    return { sequence: stable, segment, offset, recordedAt };
  }

  async #walk(stable: Sequence): Promise<void> {
    const segment = this.#openLast();
    if (segment === null) return;
    try {
      let walked = this.#known?.segment === segment.header.index ? this.#known : beginningOf(segment);
      while (walked.sequence < stable) {
        const next = this.#some(segment, walked, stable);
        this.#known = next;
        // Damage: whoever ships that part says so.
        if (next.offset === walked.offset) return;
        walked = next;
        await turn();
      }
    } finally {
      this.#disk.close(segment.handle);
    }
  }

  #some(segment: OpenedSegment, from: Walked, stable: Sequence): Walked {
    let walked = from;
    this.#scanner.start(segment, {
      offset: from.offset,
      sequence: (from.sequence + 1) as Sequence,
      ordinal: from.ordinal,
      chain: null,
      contentHash: false,
    });
    while (walked.sequence < stable && walked.offset - from.offset < WALK_BYTES) {
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') break;
      const { sequence, end: offset } = scanned;
      walked = { ...walked, sequence, offset };
      if (scanned.kind === 'seal') break;
      walked = { ...walked, ordinal: scanned.ordinal, recordedAt: scanned.recordedAt };
    }
    return walked;
  }
}

const NOTHING = { segment: 0, offset: 0, recordedAt: 0n as RecordedAt };

function beginningOf({ header }: OpenedSegment): Walked {
  return {
    segment: header.index,
    offset: SEGMENT_HEADER_BYTES,
    sequence: (header.firstSequence - 1) as Sequence,
    ordinal: header.lastOrdinal,
    recordedAt: header.lastRecordedAt,
  };
}
