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
import { gapAt, isSameGap } from '../wal/gaps.ts';
import type { Gap, LogPlace } from '../wal/index.ts';
import type { LogIdentity } from '../wal/log.ts';
import { startBehind } from '../wal/resync.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner } from '../wal/scanner.ts';
import { decodeSegmentHeader, type SegmentHeader } from '../wal/segment.ts';
import { gapEntriesIn } from './gap-entries.ts';
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
  /**
   * What is not known because it was lost: with `moment` recordedAt, which is at least what is said here, with `link` chain and
   * ordinal too. What follows says it.
   */
  readonly unknown?: 'moment' | 'link' | undefined;
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
  /** What the log is known to have lost, and whether it says so itself. */
  readonly gaps: readonly KnownGap[];
}

export interface KnownGap extends Gap {
  readonly recorded: boolean;
}

/** What a copy has to do. Bytes are valid until the next frame is given. */
export type Received =
  /** Begin a file with these bytes; afterwards the copy is at `end`. */
  | {
      readonly kind: 'segment';
      readonly header: SegmentHeader;
      readonly bytes: Uint8Array;
      readonly end: CopyEnd;
    }
  /** This was lost. What lies behind it has arrived and comes next. */
  | { readonly kind: 'gap'; readonly gap: Gap }
  /** The log itself says that this was lost. */
  | { readonly kind: 'gap-recorded'; readonly gap: Gap }
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
  /** Gaps that were told and behind which nothing has arrived yet. */
  #pending: Gap[] = [];
  /** Gaps of which the log has not said itself that they are. */
  #unrecorded: Gap[];
  /** The source has said where it goes on. */
  #placed = false;

  /** `start.open.read` is used in the call only. Errors: those of a copy that is not what `start` says. */
  constructor(start: ReceiverStart) {
    this.#identity = start.identity;
    this.#proofs = [...start.proofs];
    this.#end = start.end;
    this.#unrecorded = start.gaps.filter(({ recorded }) => !recorded);
    if (start.open !== null) this.#resume(start.open, start.end, start.gaps);
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
      this.#receiveGap(frame);
      return [];
    }
    if (!this.#end.sealed && this.#pending.length === 0) {
      this.#checkSameSegment(frame);
      return [];
    }
    return this.#beginSegment(frame);
  }

  /** Nothing can be verified of what was lost but where it lay; it counts when something valid has arrived behind it. */
  #receiveGap({ kind: _, ...gap }: LogFrame & { kind: 'gap' }): void {
    const before = this.#pending.at(-1);
    const { segment, offset, sequence, sealed } = this.#end;
    const size = this.#identity?.segmentBytes ?? gap.end;
    const inside = before === undefined && !sealed;
    const expected = inside ? { segment, offset } : { segment: (before?.segment ?? segment) + 1, offset: 0 };
    const from = (before?.to ?? sequence) + 1;
    const fits =
      (before === undefined || before.end === size) &&
      gap.segment === expected.segment &&
      gap.offset === expected.offset &&
      gap.from === from &&
      gap.to >= from &&
      gap.end > gap.offset &&
      gap.end <= size &&
      (gap.offset > 0 || gap.end === size) &&
      (!inside || (this.#placed && this.#bytes.end === offset));
    if (!fits) {
      throw lied(
        gap.segment,
        gap.offset,
        from,
        `sequences ${gap.from} to ${gap.to} cannot have been lost there`,
      );
    }
    this.#pending.push(gap);
    if (gap.end === size) return;
    this.#bytes.reset(gap.end, () => 0);
    this.#finder = this.#finderAt(gap.end, this.#header as SegmentHeader);
  }

  /** The pending gaps count now. */
  #passGaps(): Received[] {
    const passed = this.#pending;
    this.#pending = [];
    this.#unrecorded.push(...passed);
    return passed.map((gap) => ({ kind: 'gap', gap }));
  }

  /** Walks what the copy has of its last segment, so that scanner and content hash stand at its end. */
  #resume({ headerBytes, read }: OpenCopySegment, end: CopyEnd, gaps: readonly Gap[]): void {
    const header = decodeSegmentHeader(headerBytes, `${end.segment}`);
    this.#header = header;
    this.#headerBytes = headerBytes.slice();
    this.#identity ??= header.identity;
    this.#bytes.reset(end.offset, read);
    this.#startScanner(header, headerBytes);
    let offset = SEGMENT_HEADER_BYTES;
    while (offset < end.offset) {
      const scanned = this.#scanner.next();
      const gap = scanned.kind === 'break' ? gapAt(gaps, header.index, offset) : null;
      if (gap !== null) {
        this.#scanBehind(gap, header, headerBytes);
        offset = gap.end;
        continue;
      }
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

  /** The first group behind a gap says itself what it continues. Returns the ordinal before it. */
  #scanBehind(gap: Gap, header: SegmentHeader, headerBytes: Uint8Array): CommitOrdinal {
    const opened = { name: '', handle: 0 as never, header, headerBytes };
    const start = startBehind(this.#bytes, opened, gap);
    this.#scanner.start(opened, start);
    return start.ordinal;
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

  #beginSegment(frame: LogFrame & { kind: 'segment' }): Received[] {
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
    this.#end = {
      segment: header.index,
      offset: SEGMENT_HEADER_BYTES,
      sequence: (header.firstSequence - 1) as Sequence,
      chain: linkSegmentHeader(header.chainHead, bytes),
      ordinal: header.lastOrdinal,
      recordedAt: header.lastRecordedAt,
      epoch: this.#end.epoch,
      sealed: false,
    };
    this.#bytes.reset(SEGMENT_HEADER_BYTES, () => 0);
    this.#startScanner(header, bytes);
    this.#finder = this.#finderAt(SEGMENT_HEADER_BYTES, header);
    return [...this.#passGaps(), { kind: 'segment', header, bytes, end: this.#end }];
  }

  #checkContinues(frame: LogFrame & { kind: 'segment' }, header: SegmentHeader): void {
    const { ordinal, recordedAt, chain } = this.#end;
    const lost = this.#pending.at(-1);
    const { segment, sequence } =
      lost === undefined ? this.#end : { segment: lost.segment, sequence: lost.to };
    const unknown = lost === undefined ? this.#end.unknown : 'link';
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
    if (unknown !== 'link' && Buffer.compare(header.chainHead, chain) !== 0) {
      throw forkedAt(sequence, `segment ${header.index} continues another chain`);
    }
    const continues =
      (unknown === 'link' ? header.lastOrdinal >= ordinal : header.lastOrdinal === ordinal) &&
      (unknown === undefined ? header.lastRecordedAt === recordedAt : header.lastRecordedAt >= recordedAt);
    if (!continues) {
      throw lied(header.index, 0, first, 'the header tells other things of the commit before it');
    }
  }

  #receiveBytes(offset: number, bytes: Uint8Array): Received[] {
    const header = this.#header;
    const finder = this.#finder;
    const over = this.#end.sealed || this.#pending.at(-1)?.end === header?.identity.segmentBytes;
    if (!this.#placed || header === null || finder === null || over) {
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
    const [lost] = this.#pending;
    const from = lost?.end ?? this.#end.offset;
    const recorded: Received[] = [];
    for (;;) {
      const found = finder.next();
      if (found === null) break;
      if (lost !== undefined && this.#end.offset < from) this.#leap(lost, header);
      const scanned = this.#scanner.next();
      if (scanned.kind === 'break') throw this.#refusal(header, scanned);
      if (found === 'broken') throw lied(header.index, scanned.end, scanned.sequence, 'no entry follows');
      this.#end =
        scanned.kind === 'commit' ? this.#afterCommit(header, scanned) : this.#afterSeal(header, scanned);
      this.#checkProofs();
      if (scanned.kind === 'commit') recorded.push(...this.#recordedIn(scanned));
      if (scanned.kind === 'seal' && this.#bytes.end !== scanned.end) {
        throw lied(header.index, scanned.end, scanned.sequence, 'bytes follow the seal');
      }
    }
    const { offset: to } = this.#end;
    if (to <= from) return [];
    // Bytes before `from` went with the last call; those handed out now go with the next.
    this.#bytes.dropBefore(from);
    const bytes = this.#bytes.view(from, to);
    return [...this.#passGaps(), { kind: 'bytes', offset: from, bytes, end: this.#end }, ...recorded];
  }

  #leap(gap: Gap, header: SegmentHeader): void {
    const ordinal = this.#scanBehind(gap, header, this.#headerBytes as Uint8Array);
    if (ordinal < this.#end.ordinal) {
      throw lied(header.index, gap.end, gap.to + 1, 'what follows the gap was written before it');
    }
    this.#end = { ...this.#end, offset: gap.end, ordinal, unknown: 'moment' };
  }

  /** Gaps of which the log says in this commit that they are. */
  #recordedIn({ bytes }: ScannedCommit): Received[] {
    if (this.#unrecorded.length + this.#pending.length === 0) return [];
    const said = gapEntriesIn(bytes);
    const recorded = [...this.#unrecorded, ...this.#pending].filter((gap) =>
      said.some((each) => isSameGap(each, gap)),
    );
    this.#unrecorded = this.#unrecorded.filter((gap) => !recorded.includes(gap));
    return recorded.map((gap) => ({ kind: 'gap-recorded', gap }));
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
    // `unknown` stays: behind a gap without a commit nobody knows when the last one was.
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
