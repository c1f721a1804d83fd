/**
 * Turns commands into the log's bytes, on the thread that orders. Everything that decides *what the log says* happens here:
 * sequences (also those of commits, seals and epoch entries), ordinals, where a group ends, where a segment ends. All of it
 * depends only on the calls made, never on the writer's pace. The writer adds what only it can know: durable mark, chain,
 * checksums.
 */
import { TruthError } from '../errors.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { stricter } from './durability.ts';
import {
  COMMIT,
  COMMIT_BYTES,
  ENTRY_FLAG,
  ENTRY_FLAGS_FOREIGN,
  ENTRY_HEADER,
  ENTRY_TYPE,
  ENTRY_TYPE_FIRST_FOREIGN,
  ENTRY_TYPE_MAX,
  EPOCH,
  EPOCH_BYTES,
  EPOCH_REASON,
  type EpochReason,
  entryBytes,
  FORMAT_VERSION,
  GAP,
  GAP_BYTES,
  SEAL,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
} from './format.ts';
import type { Gap } from './gaps.ts';
import { writeCount } from './layout.ts';
import type { AppendedRange, ClosedCommit, Durability, EntryDraft, LogIdentity, Preparation } from './log.ts';
import { PIECE_KIND, type QueueProducer } from './queue.ts';
import type { SparseIndex } from './sparse-index.ts';

/** A group is closed before it grows past this, so that the writer can start while the turn goes on. */
const GROUP_BYTES_MAX = 1024 * 1024;

/** Where the log goes on. */
export interface EncoderStart {
  readonly identity: LogIdentity;
  readonly epoch: Epoch;
  readonly segmentIndex: number;
  /** Next free byte of the open segment. */
  readonly offset: number;
  /** Entries of any type already in it. */
  readonly segmentEntries: number;
  readonly nextSequence: Sequence;
  readonly lastOrdinal: CommitOrdinal;
  readonly lastRecordedAt: RecordedAt;
  readonly index: SparseIndex;
}

export interface EncoderObservers {
  /** Told of each new segment when it is decided on; gives the index to fill. */
  readonly onSegment: (index: number, first: Sequence) => SparseIndex;
  /** Told of each commit when its group closes: the open one at the end of its turn, an earlier one also during `append`. */
  readonly onCommit: (commit: ClosedCommit) => void;
  /** When it makes sense to try again while so many bytes are queued. */
  readonly retryAfterMillis: (queuedBytes: number) => number;
}

export interface EpochFacts {
  readonly parentEpoch: Epoch;
  readonly parentSequence: Sequence;
  readonly parentChain: Uint8Array;
  readonly reason: EpochReason;
  /** 32 bytes. */
  readonly random: Uint8Array;
  /** Gaps that the epoch records. */
  readonly gaps: readonly Gap[];
}

/** Largest command of a log, in bytes with headers and padding: it must fit an empty segment and half of the ring. */
export function commandBytesMax(segmentBytes: number, ringBytes: number): number {
  const around = EPOCH_BYTES + 2 * COMMIT_BYTES + SEAL_BYTES;
  return Math.min(segmentBytes - SEGMENT_HEADER_BYTES, Math.floor(ringBytes / 2)) - around;
}

export class Encoder {
  readonly #commandBytesMax: number;
  readonly #queue: QueueProducer;
  readonly #identity: LogIdentity;
  readonly #epoch: Epoch;
  readonly #observers: EncoderObservers;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #index: SparseIndex;
  #segment: number;
  #offset: number;
  #segmentEntries: number;
  #next: Sequence;
  #lastOrdinal: CommitOrdinal;
  #lastRecordedAt: RecordedAt;
  #lastCommit = 0 as Sequence;
  #group: Group | null = null;

  constructor(queue: QueueProducer, start: EncoderStart, observers: EncoderObservers) {
    this.#queue = queue;
    this.#identity = start.identity;
    this.#epoch = start.epoch;
    this.#observers = observers;
    this.#bytes = new Uint8Array(queue.ring.buffer);
    this.#view = new DataView(queue.ring.buffer);
    this.#index = start.index;
    this.#segment = start.segmentIndex;
    this.#offset = start.offset;
    this.#segmentEntries = start.segmentEntries;
    this.#next = start.nextSequence;
    this.#lastOrdinal = start.lastOrdinal;
    this.#lastRecordedAt = start.lastRecordedAt;
    this.#commandBytesMax = commandBytesMax(start.identity.segmentBytes, queue.ringBytes);
  }

  /** Sequence the next entry gets if it joins the open group or opens one in this segment. */
  get next(): Sequence {
    return this.#next;
  }

  /** Sequence of the last commit closed, by whoever closed it; 0 before the first of this encoder. */
  get lastCommit(): Sequence {
    return this.#lastCommit;
  }

  /** Whether nobody is served by closing the open group before the writer is ready for it. */
  groupCanWait(bytesMax: number): boolean {
    const group = this.#group;
    return group !== null && group.durability === 'group_sync' && this.#offset - group.offset < bytesMax;
  }

  get groupOpen(): boolean {
    return this.#group !== null;
  }

  /** Adds one command to the open group, opening, closing and rolling over as needed. Throws before changing anything. */
  append(
    entries: readonly EntryDraft[],
    recordedAt: RecordedAt,
    durability: Durability,
    preparation: Preparation | null,
  ): AppendedRange {
    const bytes = this.#commandBytes(entries);
    this.#makePlace(bytes);
    // The place is certain from here on: nothing below refuses.
    if (preparation !== null) preparation.prepare(this.#next);
    const group = this.#openGroup();
    group.recordedAt = recordedAt > group.recordedAt ? recordedAt : group.recordedAt;
    group.durability = stricter(group.durability, durability);
    const first = this.#next;
    let at = this.#allocate(bytes, entries.length);
    const last = entries.length - 1;
    for (let each = 0; each <= last; each++) {
      at = this.#encodeDraft(at, entries[each]!, each === last);
    }
    return { first, last: (first + last) as Sequence };
  }

  /** Writes the entry that begins this encoder's epoch, in a group of its own. Returns its commit. */
  beginEpoch(facts: EpochFacts, recordedAt: RecordedAt): Sequence {
    this.closeGroup();
    const bytes = EPOCH_BYTES + facts.gaps.length * GAP_BYTES;
    this.#makePlace(bytes);
    const group = this.#openGroup();
    group.recordedAt = recordedAt;
    group.durability = 'sync';
    let at = this.#allocate(bytes, 1 + facts.gaps.length);
    this.#encodeHeader(at, ENTRY_TYPE.epoch, EPOCH.size);
    this.#encodeEpoch(at + ENTRY_HEADER.size, facts);
    at += EPOCH_BYTES;
    for (const gap of facts.gaps) {
      this.#encodeHeader(at, ENTRY_TYPE.gap, GAP.size);
      this.#encodeGap(at + ENTRY_HEADER.size, gap);
      at += GAP_BYTES;
    }
    this.closeGroup();
    return this.#lastCommit;
  }

  /** A commit of no entries, to carry the durable mark. False when there is no place for it right now: it can wait. */
  appendMark(recordedAt: RecordedAt, durability: Durability): boolean {
    if (this.#group !== null || !this.#fitsSegment(0) || !this.#queue.hasRoom(COMMIT_BYTES, COMMIT_BYTES))
      return false;
    const group = this.#openGroup();
    group.recordedAt = recordedAt;
    group.durability = durability;
    this.closeGroup();
    return true;
  }

  /** Ends the open group with its commit and hands it to the writer. Returns the commit's sequence, or null without a group. */
  closeGroup(): Sequence | null {
    const group = this.#group;
    if (group === null) return null;
    this.#group = null;
    const at = this.#allocate(COMMIT_BYTES, 1);
    const sequence = this.#next;
    const recordedAt = later(group.recordedAt, this.#lastRecordedAt);
    this.#encodeHeader(at, ENTRY_TYPE.commit, COMMIT.size);
    this.#encodeCommit(at + ENTRY_HEADER.size, group, sequence, recordedAt);
    this.#lastOrdinal = (this.#lastOrdinal + 1) as CommitOrdinal;
    this.#lastRecordedAt = recordedAt;
    this.#lastCommit = sequence;
    this.#index.note(sequence, group.offset);
    this.#queue.publish(PIECE_KIND.groupEnd, sequence, group.durability);
    this.#observers.onCommit({
      ordinal: this.#lastOrdinal,
      epoch: this.#epoch,
      recordedAt,
      first: group.first,
      sequence,
    });
    return sequence;
  }

  #commandBytes(entries: readonly EntryDraft[]): number {
    if (entries.length === 0)
      throw new TruthError('INVALID_ARGUMENT', 'a command of no entries was appended');
    let bytes = 0;
    for (const { payload, type, flags } of entries) {
      if (payload.length > this.#identity.entryBytesMax) {
        throw new TruthError(
          'TOO_LARGE',
          `an entry of ${payload.length} bytes is over this log’s limit of ${this.#identity.entryBytesMax}; split it`,
          { bytes: payload.length, max: this.#identity.entryBytesMax },
        );
      }
      checkDraft(type, flags);
      bytes += entryBytes(payload.length);
    }
    if (bytes > this.#commandBytesMax) {
      throw new TruthError(
        'TOO_LARGE',
        `a command of ${bytes} bytes is over the limit of ${this.#commandBytesMax}; split it`,
        { bytes, max: this.#commandBytesMax },
      );
    }
    return bytes;
  }

  /** Makes sure the command fits: the group, the segment, the queue, and space on disk for a new segment. */
  #makePlace(bytes: number): void {
    const largest = Math.max(bytes, SEAL_BYTES);
    if (!this.#queue.hasRoom(bytes + 2 * COMMIT_BYTES + SEAL_BYTES, largest)) throw this.#queueFull();
    const groupBytes = this.#group === null ? 0 : this.#offset - this.#group.offset;
    const close = this.#group !== null && (groupBytes + bytes > GROUP_BYTES_MAX || !this.#fitsSegment(bytes));
    // A closed group's commit takes part of the segment before the command does.
    const roll = !this.#fitsSegment(bytes + (close ? COMMIT_BYTES : 0));
    if (roll && this.#queue.prepared <= this.#segment) throw this.#noSegment();
    if (close) this.closeGroup();
    if (roll) this.#rollOver();
  }

  /** Every group leaves room for its commit and for the segment's seal. */
  #fitsSegment(bytes: number): boolean {
    return this.#offset + bytes + COMMIT_BYTES + SEAL_BYTES <= this.#identity.segmentBytes;
  }

  #openGroup(): Group {
    this.#group ??= {
      first: this.#next,
      offset: this.#offset,
      recordedAt: 0n as RecordedAt,
      durability: 'async',
    };
    return this.#group;
  }

  #rollOver(): void {
    const at = this.#allocate(SEAL_BYTES, 1);
    const sequence = this.#next;
    const offset = this.#offset - SEAL_BYTES;
    this.#encodeHeader(at, ENTRY_TYPE.seal, SEAL.size);
    // A seal belongs to the last commit, not to one to come.
    writeCount(this.#view, at + ENTRY_HEADER.at.ordinal, this.#lastOrdinal);
    const fields = at + ENTRY_HEADER.size;
    this.#bytes.fill(0, fields, fields + SEAL.size);
    writeCount(this.#view, fields + SEAL.at.lastSequence, sequence - 1);
    writeCount(this.#view, fields + SEAL.at.entryCount, this.#segmentEntries - 1);
    this.#view.setUint32(fields + SEAL.at.epoch, this.#epoch, true);
    this.#index.note(sequence, offset);
    this.#queue.publish(PIECE_KIND.seal, sequence, 'sync');
    this.#segment += 1;
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#segmentEntries = 0;
    this.#index = this.#observers.onSegment(this.#segment, this.#next);
  }

  #allocate(bytes: number, entries: number): number {
    this.#offset += bytes;
    this.#segmentEntries += entries;
    return this.#queue.allocate(bytes, entries);
  }

  /** Header of one of the log's own entries; takes the next sequence. */
  #encodeHeader(at: number, type: number, payloadBytes: number): void {
    this.#encodeOrder(at, type, payloadBytes);
    this.#view.setBigUint64(at + ENTRY_HEADER.at.partitionKey, 0n, true);
    this.#view.setUint32(at + ENTRY_HEADER.at.tenant, 0, true);
    this.#view.setUint32(at + ENTRY_HEADER.at.flags, 0, true);
  }

  #encodeDraft(
    at: number,
    { type, tenant, partitionKey, flags, payload }: EntryDraft,
    commandEnd: boolean,
  ): number {
    const view = this.#view;
    this.#encodeOrder(at, type, payload.length);
    view.setBigUint64(at + ENTRY_HEADER.at.partitionKey, partitionKey, true);
    view.setUint32(at + ENTRY_HEADER.at.tenant, tenant, true);
    view.setUint32(at + ENTRY_HEADER.at.flags, commandEnd ? flags | ENTRY_FLAG.commandEnd : flags, true);
    const size = entryBytes(payload.length);
    // The last word before the footer is zeroed first: it holds the padding, and the ring has old bytes in it.
    view.setBigUint64(at + size - 16, 0n, true);
    this.#bytes.set(payload, at + ENTRY_HEADER.size);
    return at + size;
  }

  #encodeOrder(at: number, type: number, payloadBytes: number): void {
    const view = this.#view;
    view.setUint32(at, FORMAT_VERSION | (type << 16), true);
    view.setUint32(at + ENTRY_HEADER.at.payloadBytes, payloadBytes, true);
    writeCount(view, at + ENTRY_HEADER.at.sequence, this.#next);
    writeCount(view, at + ENTRY_HEADER.at.ordinal, this.#lastOrdinal + 1);
    this.#next = (this.#next + 1) as Sequence;
  }

  #encodeCommit(at: number, group: Group, sequence: Sequence, recordedAt: RecordedAt): void {
    const view = this.#view;
    this.#bytes.fill(0, at, at + COMMIT.size);
    writeCount(view, at + COMMIT.at.firstSequence, group.first);
    view.setUint32(at + COMMIT.at.entryCount, sequence - group.first, true);
    view.setUint32(at + COMMIT.at.epoch, this.#epoch, true);
    writeCount(view, at + COMMIT.at.groupBytes, this.#offset - COMMIT_BYTES - group.offset);
    view.setBigUint64(at + COMMIT.at.recordedAt, recordedAt, true);
  }

  #encodeEpoch(at: number, facts: EpochFacts): void {
    const view = this.#view;
    this.#bytes.fill(0, at, at + EPOCH.size);
    view.setUint32(at + EPOCH.at.epoch, this.#epoch, true);
    view.setUint32(at + EPOCH.at.parentEpoch, facts.parentEpoch, true);
    writeCount(view, at + EPOCH.at.parentSequence, facts.parentSequence);
    view.setUint32(at + EPOCH.at.reason, EPOCH_REASON[facts.reason], true);
    this.#bytes.set(facts.parentChain, at + EPOCH.at.parentChain);
    this.#bytes.set(facts.random, at + EPOCH.at.random);
  }

  #encodeGap(at: number, { segment, offset, end, from, to }: Gap): void {
    const view = this.#view;
    writeCount(view, at + GAP.at.segment, segment);
    writeCount(view, at + GAP.at.offset, offset);
    writeCount(view, at + GAP.at.end, end);
    writeCount(view, at + GAP.at.firstSequence, from);
    writeCount(view, at + GAP.at.lastSequence, to);
  }

  #busy(reason: string): TruthError {
    const { queuedBytes, queuedEntries, ringBytes: queueBytesMax } = this.#queue;
    const retryAfterMillis = this.#observers.retryAfterMillis(queuedBytes);
    const details = { queuedBytes, queueBytesMax, queuedEntries, retryAfterMillis };
    return new TruthError('BUSY', `${reason}; try again in ${retryAfterMillis} ms`, details);
  }

  #queueFull(): TruthError {
    return this.#busy(`the log’s queue holds ${this.#queue.queuedBytes} of ${this.#queue.ringBytes} bytes`);
  }

  #noSegment(): TruthError {
    if (!this.#queue.diskFull) return this.#busy('the next log segment is still being prepared');
    return new TruthError(
      'DISK_FULL',
      'there is no space for another log segment; reading goes on, writing resumes by itself when space is freed',
      { segmentBytes: this.#identity.segmentBytes, retryAfterMillis: RETRY_AFTER_FULL_MILLIS },
    );
  }
}

const RETRY_AFTER_FULL_MILLIS = 1000;

/** The group being collected. */
interface Group {
  readonly first: Sequence;
  /** Where it starts in the segment. */
  readonly offset: number;
  recordedAt: RecordedAt;
  durability: Durability;
}

function checkDraft(type: number, flags: number): void {
  if (type < ENTRY_TYPE_FIRST_FOREIGN || type > ENTRY_TYPE_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `entry type ${type} is not one of ${ENTRY_TYPE_FIRST_FOREIGN} to ${ENTRY_TYPE_MAX}, which belong to the layers above the log`,
    );
  }
  const allowed = ENTRY_FLAGS_FOREIGN | ENTRY_FLAG.encrypted;
  if ((flags & ~allowed) !== 0) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `entry flags 0x${flags.toString(16)} set bits that belong to the log`,
    );
  }
}

function later(recordedAt: RecordedAt, previous: RecordedAt): RecordedAt {
  return recordedAt > previous ? recordedAt : ((previous + 1n) as RecordedAt);
}
