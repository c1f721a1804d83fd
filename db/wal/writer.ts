/**
 * Writes the log: takes published pieces, fills in what only the writer knows (durable mark, chain, checksums), writes them
 * in large sequential stretches, makes them durable, says so. A plain object over `Disk` and `Clock`: production runs it in
 * its own thread, tests and the simulator call `cycle` themselves.
 *
 * The first failed write or sync ends it for good. After a failed fsync the page cache may call lost bytes clean, so
 * nothing is retried and nothing more acknowledged (Rebello et al., ATC'20).
 */
import { join } from 'node:path';
import type { Clock, Disk, FileHandle } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkCommit, linkSeal, linkSegmentHeader } from './chain.ts';
import { stricter } from './durability.ts';
import { createEntryProgram, type EntryProgram } from './entry-program.ts';
import { Flusher, PARALLEL_BYTES_MIN, type SyncCaps, type SyncRunner } from './flusher.ts';
import { COMMIT, COMMIT_BYTES, ENTRY_HEADER, SEAL, SEAL_BYTES, SEGMENT_HEADER_BYTES } from './format.ts';
import { readCount, writeCount } from './layout.ts';
import type { Durability, LogIdentity } from './log.ts';
import { writeDurableMark, writeLastSegment } from './metadata.ts';
import {
  PIECE_KIND,
  type Piece,
  QueueConsumer,
  type QueueMemory,
  QueueStatistics,
  queuePages,
} from './queue.ts';
import { encodeSegmentHeader, headerSeed, segmentFileName, walDirectory } from './segment.ts';
import { unlessFull } from './settle.ts';
import { type Spare, Spares } from './spares.ts';

/** What is stamped and written in one go, so that a sync that has ended is noticed soon. */
const BATCH_BYTES_MAX = 512 * 1024;

/** Idle work starts after this long without any: work that comes every millisecond must not queue behind it. */
const IDLE_WAIT_MILLIS = 20;

/** Where the open segment stands. Plain data: it crosses to the writer's thread. */
export interface WriterStart {
  readonly identity: LogIdentity;
  readonly directory: string;
  readonly epoch: Epoch;
  readonly segmentIndex: number;
  readonly segmentFirst: Sequence;
  readonly offset: number;
  /** Last sequence on disk; everything up to it is durable. */
  readonly durable: Sequence;
  readonly chain: Uint8Array;
  readonly lastOrdinal: CommitOrdinal;
  readonly lastRecordedAt: RecordedAt;
  /** Seed of the open segment's checksums. */
  readonly seed: { readonly low: number; readonly high: number };
  /** State of the content hash after everything before `offset`. */
  readonly contentHash: Uint8Array;
  readonly syncCaps: SyncCaps;
}

export class Writer {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #random: (bytes: number) => Uint8Array;
  readonly #queue: QueueConsumer;
  readonly #statistics: QueueStatistics;
  readonly #program: EntryProgram;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #identity: LogIdentity;
  readonly #directory: string;
  readonly #wal: string;
  readonly #epoch: Epoch;
  readonly #spares: Spares;
  readonly #flusher: Flusher;
  readonly #unsyncedMillis: number;
  readonly #piece: Piece = {
    kind: 1,
    offset: 0,
    length: 0,
    durability: 'sync',
    last: 0 as Sequence,
    entries: 0,
  };
  #handle: FileHandle;
  #segment: number;
  #segmentFirst: Sequence;
  #seed: { readonly low: number; readonly high: number };
  /** Next byte of the segment to be stamped, and next to be written. */
  #offset: number;
  #chain: Uint8Array;
  #lastOrdinal: CommitOrdinal;
  #lastRecordedAt: RecordedAt;
  /** Segment noted in the metadata as existing. */
  #noted = 0;

  constructor(
    queue: QueueMemory,
    start: WriterStart,
    io: { readonly disk: Disk; readonly clock: Clock; readonly random: (bytes: number) => Uint8Array },
    runner: SyncRunner | null,
  ) {
    this.#disk = io.disk;
    this.#clock = io.clock;
    this.#random = io.random;
    this.#queue = new QueueConsumer(queue);
    this.#statistics = new QueueStatistics(queue);
    this.#program = createEntryProgram(queue.memory, { pages: queuePages(queue), shared: queue.shared });
    this.#bytes = new Uint8Array(queue.memory.buffer);
    this.#view = new DataView(queue.memory.buffer);
    this.#identity = start.identity;
    this.#directory = start.directory;
    this.#wal = walDirectory(start.directory);
    this.#epoch = start.epoch;
    this.#segment = start.segmentIndex;
    this.#segmentFirst = start.segmentFirst;
    this.#seed = start.seed;
    this.#offset = start.offset;
    this.#chain = start.chain;
    this.#lastOrdinal = start.lastOrdinal;
    this.#lastRecordedAt = start.lastRecordedAt;
    this.#bytes.set(start.contentHash, this.#contentHashAt);
    this.#handle = this.#disk.open(this.#segmentPath('open'), 'write');
    this.#spares = new Spares(this.#disk, this.#wal, this.#identity.segmentBytes);
    this.#flusher = new Flusher(io, this.#queue, this.#statistics, runner, start.durable, start.syncCaps);
    this.#unsyncedMillis = start.syncCaps.millis;
    this.#prepareSpare();
  }

  /** One round: what is published, up to a seal or the caps, is written; syncs begin and are collected. False when there was nothing. */
  cycle(): boolean {
    return this.#queue.available > 0 ? this.#work() : this.#rest();
  }

  /** A slice of work that can wait: space for coming segments. False when nothing is left to do. */
  idle(): boolean {
    if (this.#spares.missing) return this.#prepareSpare();
    if (this.#noted < this.#segment) {
      this.#noteSegment();
      return true;
    }
    const zeroed = this.#spares.zeroSome();
    this.#statistics.add('bytesZeroFilled', zeroed);
    return zeroed > 0;
  }

  /** Makes the spares that are missing, as far as there is space. */
  prepareSpares(): void {
    while (this.#spares.missing && this.#prepareSpare());
  }

  get stopping(): boolean {
    return this.#queue.stopping && this.#queue.available === 0;
  }

  get unsynced(): boolean {
    return this.#flusher.unsynced;
  }

  /** Sleeps until there is something to do; false when the time for idle work has come instead. */
  wait(): boolean {
    const flusher = this.#flusher;
    const millis = flusher.unsynced ? this.#unsyncedMillis : IDLE_WAIT_MILLIS;
    return this.#queue.wait(flusher.underWay ? Number.POSITIVE_INFINITY : millis, () => flusher.ready);
  }

  /** Makes everything durable, notes the mark and lets the files go. The log was closed cleanly if this returns. */
  close(): void {
    this.#flusher.flush(this.#handle);
    if (this.#noted < this.#segment) this.#noteSegment();
    const mark = { sequence: this.#flusher.durable, epoch: this.#epoch };
    // Without room for the mark this is a stop without one, which the next start knows how to take.
    unlessFull('the mark of a clean close', () => writeDurableMark(this.#disk, this.#directory, mark));
    this.#spares.close();
    this.#disk.close(this.#handle);
    this.#queue.publishClosed();
  }

  #work(): boolean {
    this.#queue.peek(0, this.#piece);
    if (this.#piece.kind === PIECE_KIND.seal) {
      this.#flusher.flush(this.#handle);
      this.#rollOver();
      this.#queue.release(1);
      return true;
    }
    // The cap on groups is reached while a sync is under way: the next one has to begin first.
    if (this.#flusher.groupsLeft === 0) this.#flusher.finish();
    else this.#writeBatch(this.#stampGroups(this.#flusher.groupsLeft));
    this.#flusher.advance(this.#handle, this.#queue.waitingBytes(PARALLEL_BYTES_MIN));
    return true;
  }

  /** With nothing to write: syncs what somebody waits for or what has waited long enough. */
  #rest(): boolean {
    if (!this.#queue.takeSyncRequest()) return this.#flusher.advance(this.#handle, 0);
    this.#flusher.flush(this.#handle);
    return true;
  }

  /** Stamps whole groups from the queue up to the caps, a seal, or a group that wants an fdatasync of its own. */
  #stampGroups(groupsMax: number): Batch {
    const piece = this.#piece;
    const batch: Batch = {
      pieces: 0,
      groups: 0,
      bytes: 0,
      last: 0 as Sequence,
      durability: 'async',
      someAsync: false,
      runs: [],
    };
    const available = this.#queue.available;
    const groupParts: Uint8Array[] = [];
    let groupEntries = 0;
    while (batch.pieces < available && batch.groups < groupsMax) {
      this.#queue.peek(batch.pieces, piece);
      if (piece.kind === PIECE_KIND.seal) break;
      addRun(batch.runs, piece.offset, piece.length, this.#offset);
      batch.pieces += 1;
      batch.bytes += piece.length;
      groupEntries += piece.entries;
      if (piece.kind === PIECE_KIND.groupPart) {
        this.#stamp(piece.offset, piece.offset + piece.length);
        groupParts.push(this.#bytes.subarray(piece.offset, piece.offset + piece.length));
        continue;
      }
      this.#stampGroupEnd(piece, groupParts);
      groupParts.length = 0;
      this.#statistics.groupEntries.observe(groupEntries);
      groupEntries = 0;
      batch.groups += 1;
      batch.last = piece.last;
      batch.durability = stricter(batch.durability, piece.durability);
      batch.someAsync ||= piece.durability === 'async';
      if (piece.durability === 'sync' || batch.bytes >= BATCH_BYTES_MAX) break;
    }
    return batch;
  }

  #stampGroupEnd(piece: Piece, parts: Uint8Array[]): void {
    const end = piece.offset + piece.length;
    const commit = end - COMMIT_BYTES;
    const fields = commit + ENTRY_HEADER.size;
    this.#stamp(piece.offset, commit);
    parts.push(this.#bytes.subarray(piece.offset, commit));
    writeCount(this.#view, fields + COMMIT.at.durableMark, this.#flusher.durable);
    this.#bytes.set(this.#chain, fields + COMMIT.at.previousChain);
    this.#chain = linkCommit(this.#chain, parts, this.#bytes.subarray(commit, end));
    this.#bytes.set(this.#chain, fields + COMMIT.at.chain);
    this.#stamp(commit, end);
    this.#lastOrdinal = readCount(this.#view, commit + ENTRY_HEADER.at.ordinal) as CommitOrdinal;
    this.#lastRecordedAt = this.#view.getBigUint64(fields + COMMIT.at.recordedAt, true) as RecordedAt;
  }

  /** Fills the checksums of the entries in [start, end), which go to the segment's next bytes. */
  #stamp(start: number, end: number): void {
    this.#program.stamp(start, end, this.#offset, this.#seed.low, this.#seed.high);
    this.#program.update(this.#contentHashAt, start, end - start);
    this.#offset += end - start;
  }

  #writeBatch(batch: Batch): void {
    const began = this.#clock.monotonicNanos();
    for (const run of batch.runs) {
      this.#disk.pwrite(this.#handle, this.#bytes.subarray(run.start, run.end), run.fileOffset);
      this.#statistics.add('bytesWritten', run.end - run.start);
    }
    this.#statistics.writeMicros.observe(this.#microsSince(began));
    this.#queue.release(batch.pieces);
    this.#flusher.noteWritten(batch);
    // "An fdatasync per commit" leaves nothing to share.
    if (batch.durability === 'sync') this.#flusher.flush(this.#handle);
  }

  /**
   * Seal durable, new header durable, old renamed, new renamed, directory durable; only then the first batch. A crash
   * between any two leaves a state that recovery knows (recovery.ts).
   */
  #rollOver(): void {
    const last = this.#sealSegment();
    const spare = this.#takeSpare();
    const first = (last + 1) as Sequence;
    const header = encodeSegmentHeader({
      identity: this.#identity,
      index: this.#segment + 1,
      firstSequence: first,
      epoch: this.#epoch,
      salt: new DataView(this.#random(8).slice().buffer).getBigUint64(0, true),
      lastOrdinal: this.#lastOrdinal,
      lastRecordedAt: this.#lastRecordedAt,
      chainHead: this.#chain,
    });
    this.#disk.pwrite(spare.handle, header, 0);
    this.#disk.fdatasync(spare.handle);
    this.#disk.rename(this.#segmentPath('open'), this.#segmentPath('sealed'));
    this.#disk.close(this.#handle);
    this.#segment += 1;
    this.#segmentFirst = first;
    this.#disk.rename(spare.path, this.#segmentPath('open'));
    this.#disk.fsyncDirectory(this.#wal);
    this.#beginSegment(spare.handle, header);
    this.#flusher.noteDurable(last);
    // Under load there is no idle time: the last spare must not be missing when it is needed.
    if (this.#spares.ready === 0) this.#prepareSpare();
  }

  #beginSegment(handle: FileHandle, header: Uint8Array): void {
    this.#handle = handle;
    this.#seed = headerSeed(header);
    this.#chain = linkSegmentHeader(this.#chain, header);
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#program.begin(this.#contentHashAt, 0, 0);
    this.#bytes.set(header, this.#scratchHeaderAt);
    this.#program.update(this.#contentHashAt, this.#scratchHeaderAt, header.length);
  }

  /** Completes the seal at the queue's front and makes it durable. Returns its sequence. */
  #sealSegment(): Sequence {
    const piece = this.#piece;
    const start = piece.offset + piece.length - SEAL_BYTES;
    const fields = start + ENTRY_HEADER.size;
    writeCount(this.#view, fields + SEAL.at.durableMark, this.#flusher.durable);
    this.#program.digest(this.#contentHashAt, fields + SEAL.at.contentHash);
    this.#bytes.set(this.#chain, fields + SEAL.at.previousChain);
    this.#chain = linkSeal(this.#chain, this.#bytes.subarray(start, start + SEAL_BYTES));
    this.#bytes.set(this.#chain, fields + SEAL.at.chain);
    this.#program.stamp(start, start + SEAL_BYTES, this.#offset, this.#seed.low, this.#seed.high);
    this.#disk.pwrite(this.#handle, this.#bytes.subarray(start, start + SEAL_BYTES), this.#offset);
    this.#disk.fdatasync(this.#handle);
    this.#statistics.add('bytesWritten', SEAL_BYTES);
    return piece.last;
  }

  /** So that the newest segment is missed if its file goes. Not at the rollover itself, which others wait for. */
  #noteSegment(): void {
    this.#noted = this.#segment;
    unlessFull('the number of the newest segment', () =>
      writeLastSegment(this.#disk, this.#directory, this.#segment),
    );
  }

  #takeSpare(): Spare {
    const spare = this.#spares.take();
    if (spare === null) throw new Error('a segment was ordered for which no space had been prepared');
    return spare;
  }

  /** True when something changed; a full disk is reported, not thrown. */
  #prepareSpare(): boolean {
    const outcome = this.#spares.prepare(this.#clock.monotonicNanos());
    if (outcome === 'waiting') return false;
    this.#queue.publishPrepared(this.#segment + this.#spares.ready, outcome === 'full');
    return outcome === 'prepared';
  }

  get #contentHashAt(): number {
    return this.#queue.scratch;
  }

  get #scratchHeaderAt(): number {
    return this.#queue.scratch + 4096;
  }

  #segmentPath(state: 'open' | 'sealed'): string {
    return join(this.#wal, segmentFileName(this.#segment, this.#segmentFirst, state));
  }

  #microsSince(began: bigint): number {
    return Number(this.#clock.monotonicNanos() - began) / 1000;
  }
}

interface Batch {
  pieces: number;
  groups: number;
  bytes: number;
  last: Sequence;
  durability: Durability;
  someAsync: boolean;
  /** Stretches of the memory that go to the file one after the other. */
  readonly runs: Run[];
}

interface Run {
  readonly start: number;
  end: number;
  readonly fileOffset: number;
}

/** Pieces that lie one after the other in memory become one write. */
function addRun(runs: Run[], start: number, length: number, fileOffset: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.end === start) last.end += length;
  else runs.push({ start, end: start + length, fileOffset });
}
