/**
 * Reads the stable part of a log: by pread, from any sequence, forwards, backwards or following the end. Readers of one log
 * share one scanner (its memory is not small) and never wait while they use it: some groups are read, validated, copied out
 * and decoded before anybody else gets a turn. A reader that stalls holds nothing the writer needs.
 */
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { CommitOrdinal, RecordedAt, Sequence } from '../types.ts';
import { type ArchivedSegment, archivedBefore, headerOfArchived, openArchived } from './archive-places.ts';
import { decodeCommit } from './decode.ts';
import { EntryLookup } from './entry-lookup.ts';
import { SEGMENT_HEADER_BYTES, SEGMENT_STATES } from './format.ts';
import { type Gap, gapError, gapWith, readGaps, restOf } from './gaps.ts';
import { IndexStore } from './index-store.ts';
import { startAt, startBefore } from './locate.ts';
import type { LogCommit, LogEntry, LogReader, ReadOptions } from './log.ts';
import { readFloor } from './metadata.ts';
import { groupBehind } from './resync.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner, type ScanStart } from './scanner.ts';
import { type OpenedSegment, openSegment, type SegmentHeader, walDirectory } from './segment.ts';
import { SparseIndex } from './sparse-index.ts';

/** What one turn of a forward reader takes at most, so that turns stay short. */
const COMMITS_PER_TURN = 64;
const BYTES_PER_TURN = 1024 * 1024;
const OPENED_MAX = 16;

/** What a reader must know of the log it reads. */
export interface StableLog {
  readonly stable: Sequence;
  /** True once `stable` is past `after`; false when the log or the signal ended the wait. */
  stablePast(after: Sequence, signal: AbortSignal | undefined): Promise<boolean>;
  /** Segments that came behind the last one known, where nobody adds them. */
  later?(): readonly ReadableSegment[];
}

/** A segment as readers know it. */
export interface ReadableSegment {
  readonly index: number;
  readonly firstSequence: Sequence;
  /** Filled by whoever writes the segment; null until somebody needs it. */
  sparse: SparseIndex | null;
  /** Whether the index is on disk, or need not be because the segment was sealed before the log was opened. */
  saved: boolean;
  /** Where it is when it is no longer in the log's own directory. */
  readonly archived?: ArchivedSegment;
}

/** Beginning of a group (or seal) in a segment. */
interface Cursor {
  segment: ReadableSegment;
  start: ScanStart;
  /** The seal of `segment` has been read: what follows lies in the next one, which may not exist yet. */
  sealed: boolean;
}

export class SegmentReader implements LogReader {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #wal: string;
  readonly #log: StableLog;
  readonly #segments: ReadableSegment[];
  #gaps: readonly Gap[];
  readonly #scanner: Scanner;
  readonly #lookup: EntryLookup;
  readonly #indexes: IndexStore;
  /** Forward readers under way, with what each wants next. */
  readonly #reading = new Set<{ next: Sequence }>();
  /** Opened files by segment index, the one unused longest first. */
  readonly #opened = new Map<number, OpenedSegment>();

  constructor(disk: Disk, directory: string, segments: readonly ReadableSegment[], log: StableLog) {
    this.#disk = disk;
    this.#directory = directory;
    this.#wal = walDirectory(directory);
    this.#segments = [...segments];
    this.#gaps = readGaps(disk, directory);
    this.#log = log;
    this.#scanner = new Scanner(disk);
    this.#lookup = new EntryLookup(disk, (scanner, opened, found, wanted) =>
      this.#pastDamage(scanner, opened, found, wanted),
    );
    this.#indexes = new IndexStore(disk, directory);
  }

  get stable(): Sequence {
    return this.#log.stable;
  }

  /** First sequence there is in the log's own directory; archives may have what was before. */
  get first(): Sequence {
    return this.#segments[this.#ownFrom]!.firstSequence;
  }

  get #ownFrom(): number {
    return this.#segments.findIndex(({ archived }) => archived === undefined);
  }

  /** Where the forward readers are that have not ended. */
  get reading(): Sequence[] {
    return [...this.#reading].map(({ next }) => next);
  }

  /** What has been lost of a log that is copied here. */
  addGap(gap: Gap): void {
    this.#gaps = [...this.#gaps, gap];
  }

  /** The log begins with `first` from now on, the first sequence of a segment. */
  dropBefore(first: Sequence): void {
    if (first <= this.first) return;
    this.#dropArchived();
    while (this.#segments[0]!.firstSequence < first) {
      const { index } = this.#segments.shift()!;
      const opened = this.#opened.get(index);
      if (opened !== undefined) this.#disk.close(opened.handle);
      this.#opened.delete(index);
    }
  }

  get segmentCount(): number {
    return this.#segments.length - this.#ownFrom;
  }

  /** A segment that follows the last one, or the last one as it is known from now on. */
  addSegment(segment: ReadableSegment): void {
    if (this.#segments.at(-1)?.index === segment.index) this.#segments.pop();
    this.#segments.push(segment);
  }

  async *read(options: ReadOptions): AsyncGenerator<LogCommit> {
    const reading = { next: atLeastOne(options.from) };
    this.#reading.add(reading);
    try {
      yield* this.#read(options, reading);
    } finally {
      this.#reading.delete(reading);
    }
  }

  async *#read(
    { from, follow, signal }: ReadOptions,
    reading: { next: Sequence },
  ): AsyncGenerator<LogCommit> {
    let cursor: Cursor | null = null;
    for (;;) {
      const next: Sequence = cursor === null ? atLeastOne(from) : cursor.start.sequence;
      reading.next = next;
      if (isAborted(signal)) return;
      if (next > this.stable) {
        const more: boolean = follow && (await this.#log.stablePast((next - 1) as Sequence, signal));
        if (!more) return;
      }
      this.#refuseGap(next);
      cursor ??= this.#seek(next);
      for (const commit of this.#forward(cursor)) {
        if (isAborted(signal)) return;
        yield commit;
      }
    }
  }

  async *readBackwards(from: Sequence): AsyncGenerator<LogCommit> {
    const last = Math.min(from, this.stable) as Sequence;
    if (last < 1) return;
    this.#refuseGap(last);
    const cursor = this.#seek(last);
    const found = this.#scanAt(cursor);
    let { segment } = cursor;
    let end = found.kind === 'seal' ? found.offset : found.end;
    for (;;) {
      this.#refuseGapBefore(segment, end);
      if (end === SEGMENT_HEADER_BYTES) {
        if (segment === this.#segments[0]) this.#reachBack();
        const { index } = segment;
        const previous = this.#segments.findLast((each) => each.index < index);
        if (previous === undefined) return;
        end = this.#scanAt(this.#seek((segment.firstSequence - 1) as Sequence)).offset;
        segment = previous;
        continue;
      }
      const commit = this.#groupBefore(segment, end);
      end = commit.offset;
      yield decodeCommit(commit);
    }
  }

  entryAt(at: Sequence): (LogEntry & { readonly recordedAt: RecordedAt }) | null {
    if (at < 1 || at > this.stable) return null;
    this.#refuseGap(at);
    const segment = this.#segmentOf(at);
    const found = this.#lookup.find(at, () => {
      const opened = this.#open(segment);
      const offset = this.#sparse(segment, opened, at).offsetBefore(at) ?? SEGMENT_HEADER_BYTES;
      return { segment: opened, offset, start: () => startAt(this.#disk, opened, offset) };
    });
    return found === null ? null : { ...found.entry, recordedAt: found.commit.recordedAt };
  }

  /** Keeps the indexes of segments that were sealed since the log was opened. */
  saveIndexes(): void {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.sparse !== null && !segment.saved) this.#indexes.save(this.#open(segment), segment.sparse);
      segment.saved = true;
    }
  }

  close(): void {
    for (const segment of this.#opened.values()) this.#disk.close(segment.handle);
    this.#opened.clear();
  }

  /** Some commits from the cursor on, which moves past them. Only what is stable: a break in there is corruption. */
  #forward(cursor: Cursor): LogCommit[] {
    const commits: LogCommit[] = [];
    let bytes = 0;
    if (cursor.sealed) this.#enterNext(cursor);
    this.#scanner.start(this.#open(cursor.segment), cursor.start);
    while (
      cursor.start.sequence <= this.stable &&
      gapWith(this.#gaps, cursor.start.sequence) === null &&
      commits.length < COMMITS_PER_TURN &&
      bytes < BYTES_PER_TURN
    ) {
      const next = this.#scanner.next();
      // What is whole before the damage is handed out first; the next turn starts at the damage and throws.
      if (next.kind === 'break' && commits.length > 0) return commits;
      const scanned = this.#expectValid(cursor.segment, next);
      if (scanned.kind === 'commit') {
        commits.push(decodeCommit(scanned));
        bytes += scanned.bytes.length;
        cursor.start = startAfter(scanned.end, scanned.sequence, scanned.ordinal);
      } else {
        cursor.start = startAfter(SEGMENT_HEADER_BYTES, scanned.sequence, cursor.start.ordinal);
        cursor.sealed = true;
        if (cursor.start.sequence > this.stable) break;
        this.#enterNext(cursor);
        this.#scanner.start(this.#open(cursor.segment), cursor.start);
      }
    }
    return commits;
  }

  #enterNext(cursor: Cursor): void {
    const { sequence } = cursor.start;
    cursor.segment = this.#segmentAfter(cursor.segment);
    // An archive that is no longer there leaves a hole that nobody declared.
    if (cursor.segment.firstSequence > sequence && gapWith(this.#gaps, sequence) === null) {
      throw pruned(sequence, this.first);
    }
    cursor.sealed = false;
  }

  /** The group or seal that contains a stable sequence. */
  #seek(sequence: Sequence): Cursor {
    const segment = this.#segmentOf(sequence);
    const opened = this.#open(segment);
    const offset = this.#sparse(segment, opened, sequence).offsetBefore(sequence) ?? SEGMENT_HEADER_BYTES;
    let start = startAt(this.#disk, opened, offset);
    this.#scanner.start(opened, start);
    for (;;) {
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') {
        start = this.#pastDamage(this.#scanner, opened, scanned, sequence);
        this.#scanner.start(opened, start);
        continue;
      }
      if (scanned.sequence >= sequence) return { segment, start, sealed: false };
      if (scanned.kind === 'seal')
        throw new Error(`sequence ${sequence} lies behind the seal of its segment`);
      start = startAfter(scanned.end, scanned.sequence, scanned.ordinal);
    }
  }

  #segmentOf(sequence: Sequence): ReadableSegment {
    if (sequence < this.#segments[0]!.firstSequence) this.#reachBack();
    if (sequence >= this.#segments.at(-1)!.firstSequence) this.#lookForLater();
    const segment = this.#segments.findLast((each) => each.firstSequence <= sequence);
    if (segment !== undefined) return segment;
    throw pruned(sequence, this.first);
  }

  /** Takes in what archives have of the log before its first segment here. */
  #reachBack(): void {
    const [first] = this.#segments as [ReadableSegment];
    if (first.index === 1) return;
    const found = archivedBefore(this.#disk, this.#directory, first.index);
    const newest = found.at(-1);
    if (newest === undefined) return;
    // Whatever is wanted of it, it has to lead to this log.
    const checked = openArchived(this.#disk, this.#directory, newest, this.#headerOf(first));
    this.#disk.close(checked.handle);
    this.#segments.unshift(
      ...found.map((archived) => {
        const { index, firstSequence } = archived;
        return { index, firstSequence, sparse: null, saved: true, archived };
      }),
    );
  }

  #scanAt({ segment, start }: Pick<Cursor, 'segment' | 'start'>): ScannedCommit | ScannedSeal {
    this.#scanner.start(this.#open(segment), start);
    return this.#expectValid(segment, this.#scanner.next());
  }

  #groupBefore(segment: ReadableSegment, end: number): ScannedCommit {
    const opened = this.#open(segment);
    const start = startBefore(this.#disk, opened, end);
    if (start !== null) {
      const scanned = this.#scanAt({ segment, start });
      if (scanned.kind === 'commit' && scanned.end === end) return scanned;
    }
    throw corruptAt(opened.name, end, 'no valid group ends here');
  }

  /** The segment's index: in memory, or from disk, or built by walking the segment once. */
  #sparse(segment: ReadableSegment, opened: OpenedSegment, wanted: Sequence): SparseIndex {
    if (segment.sparse !== null) return segment.sparse;
    if (wanted === segment.firstSequence) return new SparseIndex(segment.firstSequence);
    segment.sparse = this.#indexes.load(opened) ?? this.#buildIndex(segment, opened);
    return segment.sparse;
  }

  #buildIndex(segment: ReadableSegment, opened: OpenedSegment): SparseIndex {
    const index = new SparseIndex(segment.firstSequence);
    this.#scanner.start(
      opened,
      startAfter(SEGMENT_HEADER_BYTES, (segment.firstSequence - 1) as Sequence, opened.header.lastOrdinal),
    );
    for (;;) {
      const scanned = this.#scanner.next();
      if (scanned.kind !== 'break') {
        index.note(scanned.sequence, scanned.offset);
        if (scanned.kind === 'commit') continue;
        this.#indexes.save(opened, index);
        return index;
      }
      // Damage or a gap: what is behind it can be found all the same, from where it begins.
      const behind = groupBehind(this.#disk, this.#scanner, opened, scanned);
      if (behind === null) return index;
      index.note((behind.sequence - 1) as Sequence, scanned.offset);
      this.#scanner.start(opened, behind);
    }
  }

  #refuseGap(sequence: Sequence): void {
    const gap = gapWith(this.#gaps, sequence);
    if (gap !== null) throw gapError(gap);
  }

  /** For walks backwards: a gap that ends where a group begins. */
  #refuseGapBefore(segment: ReadableSegment, offset: number): void {
    if (this.#gaps.length === 0) return;
    const { index } = segment;
    const { segmentBytes } = this.#open(segment).header.identity;
    const inside = this.#gaps.find((gap) => gap.segment === index && gap.end === offset);
    const before = offset === SEGMENT_HEADER_BYTES ? restOf(this.#gaps, index - 1, segmentBytes) : null;
    const gap = inside ?? before;
    if (gap !== null) throw gapError(gap);
  }

  #segmentAfter(segment: ReadableSegment): ReadableSegment {
    if (segment.index === this.#segments.at(-1)!.index) this.#lookForLater();
    const next = this.#segments.find(({ index }) => index > segment.index);
    if (next === undefined) throw new Error(`segment ${segment.index} is sealed and has no successor`);
    return next;
  }

  #expectValid(
    segment: ReadableSegment,
    scanned: ScannedCommit | ScannedSeal | ScanBreak,
  ): ScannedCommit | ScannedSeal {
    if (scanned.kind !== 'break') return scanned;
    const opened = this.#open(segment);
    const behind = groupBehind(this.#disk, this.#scanner, opened, scanned);
    throw damaged(
      opened,
      scanned,
      behind !== null && behind.sequence <= this.stable ? behind.sequence : null,
    );
  }

  /** Where a walk to `wanted` goes on behind damage; throws when that lies in the damage. */
  #pastDamage(scanner: Scanner, opened: OpenedSegment, found: ScanBreak, wanted: Sequence): ScanStart {
    const behind = groupBehind(this.#disk, scanner, opened, found);
    if (behind !== null && behind.sequence <= wanted) return behind;
    throw damaged(opened, found, behind?.sequence ?? null);
  }

  #lookForLater(): void {
    for (const segment of this.#log.later?.() ?? []) this.addSegment(segment);
  }

  #open(segment: ReadableSegment): OpenedSegment {
    const known = this.#opened.get(segment.index);
    if (known !== undefined) {
      this.#opened.delete(segment.index);
      this.#opened.set(segment.index, known);
      return known;
    }
    const opened = this.#openFile(segment);
    this.#opened.set(segment.index, opened);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > OPENED_MAX && oldest !== undefined) {
      this.#disk.close(this.#opened.get(oldest)!.handle);
      this.#opened.delete(oldest);
    }
    return opened;
  }

  /** The writer may rename the file between two tries; states only move forward, so one more round finds it. */
  #openFile(segment: ReadableSegment): OpenedSegment {
    const { index, firstSequence, archived } = segment;
    if (archived !== undefined) return this.#openArchived(segment, archived);
    for (const state of [...SEGMENT_STATES, ...SEGMENT_STATES]) {
      try {
        return openSegment(this.#disk, this.#wal, { index, firstSequence, state }, 'read');
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    const floor = readFloor(this.#disk, this.#directory);
    if (floor !== null && floor.segment > index) throw pruned(firstSequence, floor.sequence);
    throw new TruthError('CORRUPT', `segment ${index} (from sequence ${firstSequence}) is missing`, {
      segment: index,
    });
  }

  /** What lies in an archive can go without a word: then it is pruned, as it would be without one. */
  #openArchived(segment: ReadableSegment, archived: ArchivedSegment): OpenedSegment {
    try {
      return openArchived(this.#disk, this.#directory, archived, this.#headerOf(this.#segmentAfter(segment)));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#dropArchived();
      throw pruned(segment.firstSequence, this.first);
    }
  }

  #headerOf(segment: ReadableSegment): SegmentHeader {
    const { archived } = segment;
    return archived === undefined ? this.#open(segment).header : headerOfArchived(this.#disk, archived);
  }

  /** They are looked for again when somebody wants what they have. */
  #dropArchived(): void {
    for (const { index } of this.#segments.splice(0, this.#ownFrom)) {
      const opened = this.#opened.get(index);
      if (opened !== undefined) this.#disk.close(opened.handle);
      this.#opened.delete(index);
    }
  }
}

function startAfter(offset: number, sequence: Sequence, ordinal: CommitOrdinal): ScanStart {
  return { offset, sequence: (sequence + 1) as Sequence, ordinal, chain: null, contentHash: false };
}

function pruned(sequence: Sequence, first: Sequence): TruthError {
  return new TruthError(
    'PRUNED',
    `sequence ${sequence} is no longer in this log, which begins at ${first}; what was before may be in an archive`,
    { sequence, first },
  );
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function atLeastOne(from: Sequence): Sequence {
  return (from < 1 ? 1 : from) as Sequence;
}

/** `next`: the first sequence behind the damage that can be read. */
function damaged(
  segment: OpenedSegment,
  { brokenAt, reason, sequence }: ScanBreak,
  next: Sequence | null,
): TruthError {
  const goOn =
    next === null ? 'nothing behind it in this segment can be read' : `readable again from ${next}`;
  const problem = `${reason}, expected sequence ${sequence}; ${goOn}`;
  return corruptAt(segment.name, brokenAt, problem, { sequence, ...(next === null ? {} : { next }) });
}

function corruptAt(
  segment: string,
  offset: number,
  problem: string,
  details: { readonly sequence?: Sequence; readonly next?: Sequence } = {},
): TruthError {
  return new TruthError('CORRUPT', `segment ${segment} is damaged at offset ${offset}: ${problem}`, {
    segment,
    offset,
    ...details,
  });
}
