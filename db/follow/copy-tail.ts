/**
 * Reads a copy's commits in order, each once, as they become durable, and keeps the index of the segment they lie in, which
 * readers use. Every byte is validated on the way.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, Sequence } from '../types.ts';
import { decodeCommit } from '../wal/decode.ts';
import { SEGMENT_HEADER_BYTES } from '../wal/format.ts';
import { gapAt, lostSegment, readGaps } from '../wal/gaps.ts';
import type { Gap } from '../wal/index.ts';
import type { LogCommit } from '../wal/log.ts';
import type { ReadableSegment } from '../wal/reader.ts';
import { startBehind } from '../wal/resync.ts';
import { type ScannedCommit, type ScannedSeal, Scanner } from '../wal/scanner.ts';
import type { OpenedSegment } from '../wal/segment.ts';
import { SegmentFiles } from '../wal/segment-files.ts';
import { SparseIndex } from '../wal/sparse-index.ts';

/** A group behind the last one. */
interface TailStep {
  readonly sequence: Sequence;
  readonly epoch: Epoch;
  /** Null for a seal. */
  readonly commit: LogCommit | null;
  /** What was lost between the last group and this one. */
  readonly lost: readonly Gap[];
}

export class CopyTail {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #files: SegmentFiles;
  readonly #scanner: Scanner;
  readonly #onSegment: (segment: ReadableSegment) => void;
  #segment: OpenedSegment;
  #index: SparseIndex;
  #offset = SEGMENT_HEADER_BYTES;
  #next: Sequence;
  #ordinal: CommitOrdinal;
  #epoch: Epoch;
  #sealed = false;
  #reading = false;
  #lost: Gap[] = [];

  /** Goes on behind `after`, which ends a group. `onSegment` hears of the segment it stands in and of each one it enters. */
  constructor(disk: Disk, directory: string, after: Sequence, onSegment: (segment: ReadableSegment) => void) {
    this.#disk = disk;
    this.#directory = directory;
    this.#files = new SegmentFiles(disk, directory);
    this.#scanner = new Scanner(disk);
    this.#onSegment = onSegment;
    this.#segment = this.#open((after < 1 ? 1 : after) as Sequence);
    const { header } = this.#segment;
    this.#next = header.firstSequence;
    this.#ordinal = header.lastOrdinal;
    this.#epoch = header.epoch;
    this.#index = new SparseIndex(header.firstSequence);
    this.#announce();
    while (this.#next <= after) this.#advance();
    this.#lost = [];
  }

  get epoch(): Epoch {
    return this.#epoch;
  }

  /** The next group, which must be durable. Errors: CORRUPT. */
  next(): TailStep {
    if (this.#sealed) this.#enterNext();
    const scanned = this.#advance();
    const { sequence, epoch } = scanned;
    const lost = this.#lost;
    this.#lost = [];
    return { sequence, epoch, commit: scanned.kind === 'commit' ? decodeCommit(scanned) : null, lost };
  }

  /** More is durable: what was read ahead may be old. */
  refresh(): void {
    this.#reading = false;
  }

  close(): void {
    this.#disk.close(this.#segment.handle);
  }

  #advance(): ScannedCommit | ScannedSeal {
    if (!this.#reading) this.#startReading();
    const scanned = this.#scanner.next();
    if (scanned.kind === 'break' && this.#leapGap(scanned.offset)) return this.#advance();
    if (scanned.kind === 'break') {
      const { name } = this.#segment;
      throw new TruthError(
        'CORRUPT',
        `segment ${name} of the copy is damaged at offset ${scanned.brokenAt}: ${scanned.reason}; ` +
          '`truthdb follow --verify` brings it again from the source',
        { segment: name, offset: scanned.brokenAt, sequence: scanned.sequence, side: 'copy' },
      );
    }
    this.#index.note(scanned.sequence, scanned.offset);
    this.#offset = scanned.end;
    this.#next = (scanned.sequence + 1) as Sequence;
    this.#epoch = scanned.epoch;
    this.#sealed = scanned.kind === 'seal';
    if (scanned.kind === 'commit') this.#ordinal = scanned.ordinal;
    return scanned;
  }

  /** Over what is known to be lost there; false when nothing is. */
  #leapGap(offset: number): boolean {
    const { index, identity } = this.#segment.header;
    const gap = gapAt(readGaps(this.#disk, this.#directory), index, offset);
    if (gap === null) return false;
    this.#pass(gap);
    if (gap.end >= identity.segmentBytes) {
      this.#enterNext();
      return true;
    }
    this.#index.note(gap.to, gap.offset);
    const behind = startBehind(this.#disk, this.#segment, gap);
    this.#offset = behind.offset;
    this.#ordinal = behind.ordinal;
    this.#reading = false;
    return true;
  }

  #pass(gap: Gap): void {
    this.#lost.push(gap);
    this.#next = (gap.to + 1) as Sequence;
  }

  #startReading(): void {
    this.#reading = true;
    this.#scanner.start(this.#segment, {
      offset: this.#offset,
      sequence: this.#next,
      ordinal: this.#ordinal,
      chain: null,
      contentHash: false,
    });
  }

  #enterNext(): void {
    const { handle, header } = this.#segment;
    const gaps = readGaps(this.#disk, this.#directory);
    const passed = Math.max(header.index, this.#lost.at(-1)?.segment ?? 0);
    for (let index = passed + 1; ; index++) {
      const gap = lostSegment(gaps, index);
      if (gap === null) break;
      this.#pass(gap);
    }
    this.#segment = this.#open(this.#next);
    this.#ordinal = this.#segment.header.lastOrdinal;
    this.#disk.close(handle);
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#sealed = false;
    this.#reading = false;
    this.#index = new SparseIndex(this.#next);
    this.#announce();
  }

  #announce(): void {
    const { index, firstSequence } = this.#segment.header;
    this.#onSegment({ index, firstSequence, sparse: this.#index, saved: false });
  }

  #open(sequence: Sequence): OpenedSegment {
    const segment = this.#files.holding(sequence);
    if (segment !== null) return segment;
    throw new TruthError('CORRUPT', `no segment of the copy holds sequence ${sequence}`, {
      sequence,
      side: 'copy',
    });
  }
}
