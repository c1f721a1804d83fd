/**
 * Judges what a source sends: frames in, verified writes out, nothing in between that has not been checked. A group counts
 * when its checksums, footers, padding, sequences, commit and chain are right and it continues what was there; a segment when
 * its header does; a seal when it also counts and hashes right. Pure: it reads no clock and touches no disk but through the
 * prefix it is given.
 */
import { TruthError } from '../errors.ts';
import type { LogFrame } from '../protocol/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from '../wal/chain.ts';
import { COMMIT, ENTRY_HEADER, SEGMENT_HEADER_BYTES } from '../wal/format.ts';
import type { LogPlace } from '../wal/index.ts';
import type { LogIdentity } from '../wal/log.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner } from '../wal/scanner.ts';
import { decodeSegmentHeader, type SegmentHeader } from '../wal/segment.ts';
import { GroupFinder } from './group-finder.ts';
import { type ReadPrefix, ReceivedBytes } from './received-bytes.ts';
import { differs, forkedAt, lied } from './refusals.ts';

/** Where a copy ends, and all that the next entry has to continue. */
export interface CopyEnd extends LogPlace {
  readonly ordinal: CommitOrdinal;
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
  /** The segment is complete: what follows lies in the next one. */
  readonly sealed: boolean;
}

/** A copy of nothing. */
export const COPY_START: CopyEnd = {
  segment: 0,
  offset: 0,
  sequence: 0 as Sequence,
  chain: new Uint8Array(32),
  ordinal: 0 as CommitOrdinal,
  recordedAt: 0n as RecordedAt,
  epoch: 0 as Epoch,
  sealed: true,
};

/** A sequence whose chain is known from elsewhere: whatever is received must come by it. */
export interface ChainProof {
  readonly sequence: Sequence;
  readonly chain: Uint8Array;
}

/** The segment in which a copy ends: its header, and its bytes up to the end. */
export interface OpenCopySegment {
  readonly headerBytes: Uint8Array;
  readonly read: ReadPrefix;
}

export interface ReceiverStart {
  readonly end: CopyEnd;
  /** Null when the end is that of a sealed segment. */
  readonly open: OpenCopySegment | null;
  /** Null: the first segment tells. */
  readonly identity: LogIdentity | null;
  /** In order. */
  readonly proofs: readonly ChainProof[];
}

/** What a copy has to do. Bytes are valid until the next frame is given. */
export type Received =
  /** Begin a file with these bytes. */
  | { readonly kind: 'segment'; readonly header: SegmentHeader; readonly bytes: Uint8Array }
  /** Write these bytes into the file of `end.segment`; afterwards the copy is at `end`. */
  | { readonly kind: 'bytes'; readonly offset: number; readonly bytes: Uint8Array; readonly end: CopyEnd }
  /** Nothing: what the source says of itself. */
  | (LogFrame & { readonly kind: 'end' });

export class Receiver {
  readonly #bytes = new ReceivedBytes();
  readonly #scanner = new Scanner(this.#bytes);
  readonly #proofs: ChainProof[];
  #identity: LogIdentity | null;
  #header: SegmentHeader | null = null;
  #headerBytes: Uint8Array | null = null;
  #finder: GroupFinder | null = null;
  #end: CopyEnd;
  /** The source has said where it goes on. */
  #placed = false;

  /** `start.open.read` is used in the call only. Errors: those of a copy that is not what `start` says. */
  constructor(start: ReceiverStart) {
    this.#identity = start.identity;
    this.#proofs = [...start.proofs];
    this.#end = start.end;
    if (start.open !== null) this.#resume(start.open, start.end);
  }

  get end(): CopyEnd {
    return this.#end;
  }

  /** Every proof has been met. */
  get proven(): boolean {
    return this.#proofs.length === 0;
  }

  /** What a frame comes to. Errors: CORRUPT (segment, offset, sequence), FORKED, PROTOCOL; nothing may be received after one. */
  receive(frame: LogFrame): Received[] {
    if (frame.kind === 'end') return [frame];
    if (frame.kind === 'bytes') return this.#receiveBytes(frame.offset, frame.bytes);
    if (frame.kind === 'gap') {
      throw new TruthError('PROTOCOL', 'the source tells of a gap, although nobody asked it to');
    }
    if (!this.#end.sealed) {
      this.#checkSameSegment(frame);
      return [];
    }
    return [this.#beginSegment(frame)];
  }

  /** Walks what the copy has of its last segment, so that scanner and content hash stand at its end. */
  #resume({ headerBytes, read }: OpenCopySegment, end: CopyEnd): void {
    const header = decodeSegmentHeader(headerBytes, `${end.segment}`);
    this.#header = header;
    this.#headerBytes = headerBytes.slice();
    this.#identity ??= header.identity;
    this.#bytes.reset(end.offset, read);
    this.#startScanner(header, headerBytes);
    let offset = SEGMENT_HEADER_BYTES;
    while (offset < end.offset) {
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break')
        throw new Error(`the copy changed while it was opened: ${scanned.reason}`);
      offset = scanned.end;
    }
    this.#finder = this.#finderAt(end.offset, header);
  }

  #startScanner(header: SegmentHeader, headerBytes: Uint8Array): void {
    const opened = { name: '', handle: 0 as never, header, headerBytes };
    this.#scanner.start(opened, {
      offset: SEGMENT_HEADER_BYTES,
      sequence: header.firstSequence,
      ordinal: header.lastOrdinal,
      chain: linkSegmentHeader(header.chainHead, headerBytes),
      contentHash: true,
    });
  }

  #finderAt(offset: number, { identity }: SegmentHeader): GroupFinder {
    return new GroupFinder(this.#bytes, offset, identity.segmentBytes, identity.entryBytesMax);
  }

  #checkSameSegment({ index, offset, header }: LogFrame & { kind: 'segment' }): void {
    const { segment, offset: expected, sequence } = this.#end;
    const same = this.#headerBytes !== null && Buffer.compare(header, this.#headerBytes) === 0;
    if (this.#placed || index !== segment || offset !== expected) {
      throw new TruthError(
        'PROTOCOL',
        `the source goes on in segment ${index} at offset ${offset}; segment ${segment} is at ${expected} and has no seal`,
      );
    }
    if (!same) throw forkedAt(sequence, `segment ${index} has another header at the source`);
    this.#placed = true;
  }

  #beginSegment(frame: LogFrame & { kind: 'segment' }): Received {
    const bytes = Uint8Array.from(frame.header);
    if (bytes.length !== SEGMENT_HEADER_BYTES) {
      throw new TruthError('PROTOCOL', `the source sent a segment header of ${bytes.length} bytes`);
    }
    if (frame.offset !== SEGMENT_HEADER_BYTES) {
      throw forkedAt(
        this.#end.sequence,
        `it lies inside segment ${frame.index} of the source and ends one here`,
      );
    }
    const header = decodeSegmentHeader(bytes, `${frame.index} of the source`);
    this.#checkContinues(frame, header);
    this.#placed = true;
    this.#identity ??= header.identity;
    this.#header = header;
    this.#headerBytes = bytes;
    const chain = linkSegmentHeader(header.chainHead, bytes);
    this.#end = { ...this.#end, segment: header.index, offset: SEGMENT_HEADER_BYTES, chain, sealed: false };
    this.#bytes.reset(SEGMENT_HEADER_BYTES, () => 0);
    this.#startScanner(header, bytes);
    this.#finder = this.#finderAt(SEGMENT_HEADER_BYTES, header);
    return { kind: 'segment', header, bytes };
  }

  #checkContinues(frame: LogFrame & { kind: 'segment' }, header: SegmentHeader): void {
    const { segment, sequence, ordinal, recordedAt, chain } = this.#end;
    const first = sequence + 1;
    if (frame.index !== header.index || frame.firstSequence !== header.firstSequence) {
      throw lied(header.index, 0, first, 'the header is that of another segment');
    }
    if (header.index !== segment + 1 || header.firstSequence !== first) {
      throw lied(
        header.index,
        0,
        first,
        `segment ${segment + 1} from sequence ${first} should follow, segment ${header.index} from ${header.firstSequence} came`,
      );
    }
    const known = this.#identity;
    if (known !== null && differs(known, header.identity)) {
      throw forkedAt(sequence, `segment ${header.index} belongs to another log`);
    }
    if (Buffer.compare(header.chainHead, chain) !== 0) {
      throw forkedAt(sequence, `segment ${header.index} continues another chain`);
    }
    if (header.lastOrdinal !== ordinal || header.lastRecordedAt !== recordedAt) {
      throw lied(header.index, 0, first, 'the header tells other things of the commit before it');
    }
  }

  #receiveBytes(offset: number, bytes: Uint8Array): Received[] {
    const header = this.#header;
    const finder = this.#finder;
    if (!this.#placed || header === null || finder === null || this.#end.sealed) {
      throw new TruthError('PROTOCOL', 'the source sent bytes of a segment it had not begun');
    }
    if (offset !== this.#bytes.end) {
      throw new TruthError(
        'PROTOCOL',
        `the source sent bytes for ${offset}, expected were ${this.#bytes.end}`,
      );
    }
    if (offset + bytes.length > header.identity.segmentBytes) {
      throw new TruthError('PROTOCOL', `the source sent more than segment ${header.index} can hold`);
    }
    this.#bytes.append(bytes);
    return this.#verify(header, finder);
  }

  #verify(header: SegmentHeader, finder: GroupFinder): Received[] {
    const from = this.#end.offset;
    for (;;) {
      const found = finder.next();
      if (found === null) break;
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') throw this.#refusal(header, scanned);
      if (found === 'broken') throw lied(header.index, scanned.end, scanned.sequence, 'no entry follows');
      this.#end =
        scanned.kind === 'commit' ? this.#afterCommit(header, scanned) : this.#afterSeal(header, scanned);
      this.#checkProofs();
      if (scanned.kind === 'seal' && this.#bytes.end !== scanned.end) {
        throw lied(header.index, scanned.end, scanned.sequence, 'bytes follow the seal');
      }
    }
    const { offset: to } = this.#end;
    if (to === from) return [];
    // Bytes before `from` went with the last call; those handed out now go with the next.
    this.#bytes.dropBefore(from);
    return [{ kind: 'bytes', offset: from, bytes: this.#bytes.view(from, to), end: this.#end }];
  }

  #afterCommit(header: SegmentHeader, commit: ScannedCommit): CopyEnd {
    const refuse = (problem: string) => lied(header.index, commit.offset, commit.sequence, problem);
    if (commit.recordedAt <= this.#end.recordedAt)
      throw refuse('its recorded-at is not later than the one before');
    if (commit.epoch < this.#end.epoch) throw refuse('its epoch is lower than the one before');
    if (commit.durableMark >= commit.firstSequence) throw refuse('its durable mark lies ahead of it');
    const { end: offset, sequence, chain, ordinal, recordedAt, epoch } = commit;
    return { segment: header.index, offset, sequence, chain, ordinal, recordedAt, epoch, sealed: false };
  }

  #afterSeal(header: SegmentHeader, seal: ScannedSeal): CopyEnd {
    if (seal.entryCount !== seal.sequence - header.firstSequence) {
      throw lied(header.index, seal.offset, seal.sequence, `its seal counts ${seal.entryCount} entries`);
    }
    const { end: offset, sequence, chain, epoch } = seal;
    return { ...this.#end, offset, sequence, chain, epoch, sealed: true };
  }

  #checkProofs(): void {
    for (let proof = this.#proofs[0]; proof !== undefined; proof = this.#proofs[0]) {
      const { sequence, chain } = this.#end;
      if (proof.sequence > sequence) return;
      if (proof.sequence < sequence || Buffer.compare(proof.chain, chain) !== 0) {
        throw forkedAt(proof.sequence, 'the source has another chain there than this copy had');
      }
      this.#proofs.shift();
    }
  }

  /** A group that continues another chain is another history; one that is wrong in itself is damage or a lie. */
  #refusal(header: SegmentHeader, { reason, brokenAt, sequence }: ScanBreak): TruthError {
    if (reason === 'chain') {
      const at = brokenAt + ENTRY_HEADER.size + COMMIT.at.previousChain;
      const previous = this.#bytes.view(at, at + this.#end.chain.length);
      if (Buffer.compare(previous, this.#end.chain) !== 0) {
        return forkedAt(this.#end.sequence, 'what follows at the source continues another chain');
      }
    }
    return lied(header.index, brokenAt, sequence, reason);
  }
}
