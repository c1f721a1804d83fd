/**
 * Ships the stable part of a log as it lies in its files: headers, groups and seals, byte for byte, from any place on, then
 * live. Every byte is validated on the way out, so that damage here stays here; payloads mean nothing.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from './chain.ts';
import type { FollowerLeases, FollowerStand } from './follower-leases.ts';
import { COMMIT, COMMIT_BYTES, ENTRY_HEADER, ENTRY_TYPE, SEAL, SEGMENT_HEADER_BYTES } from './format.ts';
import { type Gap, gapAt, gapError, gapWith, lostSegment, readGaps } from './gaps.ts';
import { IndexStore } from './index-store.ts';
import { readCount } from './layout.ts';
import { startAt } from './locate.ts';
import type { Log } from './log.ts';
import { LogEndWatch } from './log-end-watch.ts';
import { readFloor } from './metadata.ts';
import { startBehind } from './resync.ts';
import type { Hold } from './retention.ts';
import { type ScanBreak, Scanner, type ScanStart } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';

/** End of a group or seal in a log, or of a segment's header: everything before it is meant. */
export interface LogPlace {
  /** Index of the segment. */
  readonly segment: number;
  /** Offset in its file. */
  readonly offset: number;
  /** Last sequence before it. */
  readonly sequence: Sequence;
  /** Chain there: 32 bytes. */
  readonly chain: Uint8Array;
}

export interface LogBytesRequest {
  /** What the receiver has, or the first sequence it wants: then the group that contains it comes first. */
  readonly from: LogPlace | Sequence | 'start';
  /** Whose copy it is, as an operator knows it. */
  readonly name: string;
  /** The receiver where it has a name of its own: the log is kept for it, also while it is away. */
  readonly follower?: FollowerStand | undefined;
  /** What was declared lost is told in its place; otherwise the stream ends there with GAP. */
  readonly gaps?: boolean;
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal;
}

/** What a stream of the log's bytes is made of. */
export type LogPiece =
  /** A segment begins; its bytes follow from `offset` on, which is behind the header unless the stream begins inside. */
  | {
      readonly kind: 'segment';
      readonly index: number;
      readonly firstSequence: Sequence;
      readonly offset: number;
      readonly header: Uint8Array;
    }
  /** Whole groups, or the seal, of the segment that began last. */
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array }
  /** A stretch that was lost: the next bytes lie at its end, or in the next segment where that is the segment's. */
  | ({ readonly kind: 'gap' } & Gap)
  /** Where the stable log ends now. `caughtUp`: everything up to there has been sent. */
  | ({ readonly kind: 'end'; readonly caughtUp: boolean } & StableEnd);

/** The log's stable end: exact once a stream is there, at least this much before. */
export interface StableEnd {
  readonly sequence: Sequence;
  readonly recordedAt: RecordedAt;
  readonly segment: number;
  readonly offset: number;
}

/** Groups are shipped together up to this; a larger one alone. */
const PIECE_BYTES = 256 * 1024;
/** A walk lets others have a turn after so much. */
const WALK_BYTES = 1024 * 1024;
/** How often a receiver that is behind hears where the end is. */
const END_MILLIS = 500;

interface Stream {
  readonly name: string;
  readonly cursor: Cursor;
  /** What is kept for it is written down elsewhere. */
  readonly leased: boolean;
}

interface Cursor {
  segment: OpenedSegment;
  /** Index of the segment where what comes next lies: that of `segment`, or of one behind it whose file is lost. */
  index: number;
  offset: number;
  /** Sequence of the next entry. */
  next: Sequence;
  /** Ordinal of the commit before. */
  ordinal: CommitOrdinal;
  recordedAt: RecordedAt;
  /** What follows lies in the next segment. */
  sealed: boolean;
}

export class LogBytes {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #files: SegmentFiles;
  readonly #log: Pick<Log, 'stable' | 'onStable'>;
  readonly #scanner: Scanner;
  readonly #indexes: IndexStore;
  readonly #end: LogEndWatch;
  readonly #leases: FollowerLeases | null;
  readonly #streams = new Set<Stream>();

  constructor(options: {
    readonly disk: Disk;
    /** The data directory. */
    readonly directory: string;
    readonly log: Pick<Log, 'stable' | 'onStable'>;
    /** Without them a receiver is only known while it is connected. */
    readonly leases?: FollowerLeases;
  }) {
    const { disk, directory, log } = options;
    this.#leases = options.leases ?? null;
    this.#disk = disk;
    this.#directory = directory;
    this.#files = new SegmentFiles(disk, directory);
    this.#log = log;
    this.#scanner = new Scanner(disk);
    this.#indexes = new IndexStore(disk, directory);
    this.#end = new LogEndWatch(disk, () => this.#files.holding(log.stable));
  }

  /**
   * The log's bytes in order, for as long as it grows. Pieces are valid until the next one is asked for. Errors: PRUNED
   * (details.first), FORKED (the receiver has another history, or more than there is), INVALID_ARGUMENT (a sequence past
   * the end), GAP (details.from, to, next: a stretch is lost, and the receiver knows no gaps or begins in one), CORRUPT
   * (with segment, offset, sequence).
   */
  async *read(request: LogBytesRequest): AsyncGenerator<LogPiece, void, undefined> {
    const { from, name, follower, signal, gaps = false } = request;
    const cursor = await this.#begin(from, gaps);
    const leases = this.#leases?.active === true && follower !== undefined ? this.#leases : null;
    const stream = { name, cursor, leased: leases !== null };
    this.#streams.add(stream);
    const gone = follower === undefined ? null : (leases?.connected(follower, name) ?? null);
    let toldAt = Number.NEGATIVE_INFINITY;
    try {
      if (!cursor.sealed) yield segmentPiece(cursor);
      while (signal?.aborted !== true) {
        const { stable } = this.#log;
        if (cursor.next > stable) {
          yield { kind: 'end', caughtUp: true, ...this.#endAt(cursor) };
          if (!(await this.#stablePast((cursor.next - 1) as Sequence, signal))) return;
        } else if (cursor.sealed) {
          const lost = this.#advance(cursor);
          yield lost === null ? segmentPiece(cursor) : told(lost, gaps);
        } else {
          const offset = cursor.offset;
          const taken = this.#take(cursor, stable);
          yield taken instanceof Uint8Array ? { kind: 'bytes', offset, bytes: taken } : told(taken, gaps);
        }
        if (cursor.next <= this.#log.stable && performance.now() - toldAt > END_MILLIS) {
          toldAt = performance.now();
          yield { kind: 'end', caughtUp: false, ...(await this.#end.read(this.#log.stable)) };
        }
      }
    } finally {
      gone?.();
      this.#streams.delete(stream);
      this.#disk.close(cursor.segment.handle);
    }
  }

  /** What the streams under way still need of the log, but for those that have a lease on it. */
  holds(): Hold[] {
    const unleased = [...this.#streams].filter(({ leased }) => !leased);
    return unleased.map(({ name, cursor }) => ({ kind: 'follower', name, from: cursor.next }));
  }

  /** The streams under way, each with the sequence it is sent next. */
  streams(): { readonly name: string; readonly next: Sequence }[] {
    return [...this.#streams].map(({ name, cursor }) => ({ name, next: cursor.next }));
  }

  #begin(from: LogBytesRequest['from'], gaps: boolean): Promise<Cursor> | Cursor {
    if (from === 'start') return this.#atSegment(this.#oldest());
    return typeof from === 'number' ? this.#seek(from, gaps) : this.#claimed(from);
  }

  #oldest(): OpenedSegment {
    const [first] = this.#files.reachable();
    return (first === undefined ? null : this.#open(first.index)) ?? this.#files.first();
  }

  /** From the log's own directory, or from an archive. */
  #open(index: number): OpenedSegment | null {
    return this.#files.at(index) ?? this.#files.archived(index);
  }

  /** Checks that the receiver's history is this one. */
  #claimed(place: LogPlace): Cursor {
    const { stable } = this.#log;
    const [first] = this.#files.reachable();
    if (first !== undefined && place.segment < first.index) throw this.#pruned(first.firstSequence);
    const segment = place.sequence > stable ? null : this.#open(place.segment);
    const cursor = segment === null ? null : this.#cursorAt(segment, place);
    if (cursor !== null) return cursor;
    if (segment !== null) this.#disk.close(segment.handle);
    const lost = gapWith(readGaps(this.#disk, this.#directory), place.sequence);
    // The receiver has some of what is lost here: it is the better copy, and nothing here can tell that it is one.
    if (lost !== null) throw gapError(lost);
    throw new TruthError(
      'FORKED',
      place.sequence > stable
        ? `the copy reaches to sequence ${place.sequence}, this log ends at ${stable}: the copy holds commits this log has lost`
        : `sequence ${place.sequence} of the copy and of this log have different chains: they are different histories`,
      { sequence: place.sequence, stable },
    );
  }

  #cursorAt(segment: OpenedSegment, place: LogPlace): Cursor | null {
    const start = this.#atSegment(segment);
    if (place.offset === SEGMENT_HEADER_BYTES) {
      const chain = linkSegmentHeader(segment.header.chainHead, segment.headerBytes);
      return place.sequence === start.next - 1 && same(chain, place.chain) ? start : null;
    }
    const last = new DataView(new ArrayBuffer(COMMIT_BYTES));
    const at = place.offset - COMMIT_BYTES;
    if (at < SEGMENT_HEADER_BYTES || at > segment.header.identity.segmentBytes) return null;
    this.#disk.pread(segment.handle, new Uint8Array(last.buffer), COMMIT_BYTES, at);
    const type = last.getUint16(ENTRY_HEADER.at.type, true);
    // Commits and seals have the same size and keep their chain at the same place.
    const chain = new Uint8Array(last.buffer, ENTRY_HEADER.size + COMMIT.at.chain, 32);
    const holds =
      (type === ENTRY_TYPE.commit || type === ENTRY_TYPE.seal) &&
      readCount(last, ENTRY_HEADER.at.sequence) === place.sequence &&
      same(chain, place.chain);
    if (!holds) return null;
    return {
      segment,
      index: place.segment,
      offset: place.offset,
      next: (place.sequence + 1) as Sequence,
      ordinal: readCount(last, ENTRY_HEADER.at.ordinal) as CommitOrdinal,
      recordedAt:
        type === ENTRY_TYPE.commit
          ? (last.getBigUint64(ENTRY_HEADER.size + COMMIT.at.recordedAt, true) as RecordedAt)
          : segment.header.lastRecordedAt,
      sealed: type === ENTRY_TYPE.seal,
    };
  }

  /** The group that contains a sequence, or the log's end for the one after the last. */
  async #seek(wanted: Sequence, gaps: boolean): Promise<Cursor> {
    const { stable } = this.#log;
    if (wanted > stable + 1) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `sequence ${wanted} lies after the end of this log, which is at ${stable}`,
        { sequence: wanted, stable },
      );
    }
    const within = Math.min(wanted, stable) as Sequence;
    const gap = gapWith(readGaps(this.#disk, this.#directory), within);
    if (gap !== null && gaps && gap.offset === SEGMENT_HEADER_BYTES) {
      return this.#atSegment(this.#open(gap.segment) as OpenedSegment);
    }
    if (gap !== null) throw gapError(gap);
    const names = this.#files.reachable();
    const name = names.findLast(({ firstSequence }) => firstSequence <= within);
    if (name === undefined) throw this.#pruned(names[0]?.firstSequence ?? stable);
    const segment = this.#open(name.index) as OpenedSegment;
    try {
      const cursor = this.#nearest(segment, wanted);
      while (cursor.next <= within && !(await this.#walk(cursor, wanted)));
      return cursor;
    } catch (error) {
      this.#disk.close(segment.handle);
      throw error;
    }
  }

  #nearest(segment: OpenedSegment, wanted: Sequence): Cursor {
    const cursor = this.#atSegment(segment);
    const offset = this.#indexes.load(segment)?.offsetBefore(wanted) ?? null;
    if (offset === null || offset === SEGMENT_HEADER_BYTES) return cursor;
    const { sequence, ordinal } = startAt(this.#disk, segment, offset);
    return { ...cursor, offset, next: sequence, ordinal };
  }

  /** Moves towards the group with a sequence, so far as one turn goes. True when it is there. */
  async #walk(cursor: Cursor, wanted: Sequence): Promise<boolean> {
    const end = cursor.offset + WALK_BYTES;
    this.#scanner.start(cursor.segment, scanStart(cursor));
    while (cursor.offset < end) {
      if (cursor.next > this.#log.stable || cursor.sealed) return true;
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') this.#leapGap(cursor, scanned, wanted);
      else if (scanned.sequence >= wanted) return true;
      else move(cursor, scanned);
    }
    await turn();
    return false;
  }

  /** Stable groups from the cursor on, or the gap there; the cursor moves behind. What is whole before damage is shipped first. */
  #take(cursor: Cursor, stable: Sequence): Uint8Array | Gap {
    const groups: Uint8Array[] = [];
    let bytes = 0;
    this.#scanner.start(cursor.segment, scanStart(cursor));
    while (cursor.next <= stable && !cursor.sealed && bytes < PIECE_BYTES) {
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') {
        if (groups.length > 0) break;
        const gap = gapAt(readGaps(this.#disk, this.#directory), cursor.index, scanned.offset);
        if (gap === null) throw this.#broken(cursor.segment, scanned);
        this.#pass(cursor, gap);
        return gap;
      }
      const group = scanned.kind === 'commit' ? scanned.bytes.slice() : this.#sealBytes(cursor, scanned.end);
      groups.push(group);
      bytes += group.length;
      move(cursor, scanned);
    }
    return groups.length === 1 ? (groups[0] as Uint8Array) : Buffer.concat(groups, bytes);
  }

  #pass(cursor: Cursor, gap: Gap): void {
    const next = (gap.to + 1) as Sequence;
    if (gap.end >= cursor.segment.header.identity.segmentBytes) {
      Object.assign(cursor, { index: gap.segment, offset: gap.end, next, sealed: true });
      return;
    }
    const { offset, ordinal } = startBehind(this.#disk, cursor.segment, gap);
    Object.assign(cursor, { offset, next, ordinal });
  }

  /** To behind a gap that lies before what is wanted. */
  #leapGap(cursor: Cursor, found: ScanBreak, wanted: Sequence): void {
    const { segment } = cursor;
    const gap = gapAt(readGaps(this.#disk, this.#directory), segment.header.index, found.offset);
    if (gap === null || gap.to >= wanted || gap.end >= segment.header.identity.segmentBytes) {
      throw this.#broken(segment, found);
    }
    const start = startBehind(this.#disk, segment, gap);
    Object.assign(cursor, { offset: start.offset, next: start.sequence, ordinal: start.ordinal });
    this.#scanner.start(segment, scanStart(cursor));
  }

  /** What has been declared lost cannot be sent; anything else that does not validate is damage. */
  #broken({ name, header }: OpenedSegment, { offset, brokenAt, sequence, reason }: ScanBreak): TruthError {
    const gap = gapAt(readGaps(this.#disk, this.#directory), header.index, offset);
    if (gap !== null) return gapError(gap);
    return new TruthError(
      'CORRUPT',
      `segment ${name} is damaged at offset ${brokenAt}: ${reason}, expected sequence ${sequence}`,
      { segment: name, offset: brokenAt, sequence },
    );
  }

  #sealBytes({ segment, offset }: Cursor, end: number): Uint8Array {
    const seal = new Uint8Array(end - offset);
    this.#disk.pread(segment.handle, seal, seal.length, offset);
    return seal;
  }

  /** Into the next segment; over it where its file is lost, and then returns what it held. */
  #advance(cursor: Cursor): Gap | null {
    const missing = cursor.index + 1;
    const next = this.#open(missing);
    if (next === null) {
      const gap = lostSegment(readGaps(this.#disk, this.#directory), missing);
      if (gap !== null) {
        this.#pass(cursor, gap);
        return gap;
      }
      const floor = readFloor(this.#disk, this.#directory);
      if (floor !== null && floor.segment > missing) throw this.#pruned(floor.sequence);
      throw new TruthError('CORRUPT', `segment ${missing} (from sequence ${cursor.next}) is missing`, {
        segment: missing,
      });
    }
    this.#disk.close(cursor.segment.handle);
    Object.assign(cursor, { ...this.#atSegment(next), recordedAt: cursor.recordedAt });
    return null;
  }

  #atSegment(segment: OpenedSegment): Cursor {
    const { index, firstSequence, lastOrdinal, lastRecordedAt } = segment.header;
    return {
      segment,
      index,
      offset: SEGMENT_HEADER_BYTES,
      next: firstSequence,
      ordinal: lastOrdinal,
      recordedAt: lastRecordedAt,
      sealed: false,
    };
  }

  #endAt({ segment, offset, next, recordedAt }: Cursor): StableEnd {
    return { segment: segment.header.index, offset, sequence: (next - 1) as Sequence, recordedAt };
  }

  #pruned(first: Sequence): TruthError {
    return new TruthError(
      'PRUNED',
      `what was asked for is no longer in this log, which begins at ${first}: start a new copy from a backup or an archive`,
      { first },
    );
  }

  #stablePast(after: Sequence, signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (moved: boolean): void => {
        stop();
        signal?.removeEventListener('abort', aborted);
        resolve(moved);
      };
      const aborted = (): void => finish(false);
      const stop = this.#log.onStable((stable) => {
        if (stable > after) finish(true);
      });
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted === true) finish(false);
      else if (this.#log.stable > after) finish(true);
    });
  }
}

/** The chain of a seal stands where that of a commit stands: `#cursorAt` relies on it. */
if (SEAL.at.chain !== COMMIT.at.chain)
  throw new Error('commits and seals keep their chains in different places');

function segmentPiece({ segment, offset }: Cursor): LogPiece {
  const { index, firstSequence } = segment.header;
  return { kind: 'segment', index, firstSequence, offset, header: segment.headerBytes };
}

/** To a receiver that knows gaps; any other hears GAP. */
function told(gap: Gap, knowsGaps: boolean): LogPiece {
  if (!knowsGaps) throw gapError(gap);
  const { segment, offset, end, from, to } = gap;
  return { kind: 'gap', segment, offset, end, from, to };
}

function scanStart({ offset, next, ordinal }: Cursor): ScanStart {
  return { offset, sequence: next, ordinal, chain: null, contentHash: false };
}

function move(cursor: Cursor, scanned: Exclude<ReturnType<Scanner['next']>, ScanBreak>): void {
  cursor.offset = scanned.end;
  cursor.next = (scanned.sequence + 1) as Sequence;
  cursor.sealed = scanned.kind === 'seal';
  if (scanned.kind === 'commit') {
    cursor.ordinal = scanned.ordinal;
    cursor.recordedAt = scanned.recordedAt;
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
