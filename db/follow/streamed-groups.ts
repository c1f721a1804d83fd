/** The groups in a stream of the log's bytes, for people: checksums and order are checked, the chain is shown and not checked. */
import { TruthError } from '../errors.ts';
import type { LogFrame } from '../protocol/index.ts';
import type { CommitOrdinal, RecordedAt, Sequence } from '../types.ts';
import { ENTRY_HEADER, ENTRY_TYPE } from '../wal/format.ts';
import { Scanner } from '../wal/scanner.ts';
import { decodeSegmentHeader, type OpenedSegment } from '../wal/segment.ts';
import { GroupFinder } from './group-finder.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { lied } from './refusals.ts';

export interface StreamedGroup {
  readonly kind: 'commit' | 'seal';
  readonly segment: number;
  readonly offset: number;
  readonly bytes: number;
  /** First and last sequence; the last is the commit's or seal's own. */
  readonly first: Sequence;
  readonly last: Sequence;
  readonly epoch: number;
  /** Null for a seal. */
  readonly recordedAt: RecordedAt | null;
  readonly chain: Uint8Array;
}

export class StreamedGroups {
  readonly #bytes = new ReceivedBytes();
  readonly #scanner = new Scanner(this.#bytes);
  #segment: OpenedSegment | null = null;
  #finder: GroupFinder | null = null;
  #offset = 0;
  #started = false;

  /** Errors: CORRUPT, PROTOCOL. */
  receive(frame: LogFrame): StreamedGroup[] {
    if (frame.kind === 'segment') this.#begin(frame);
    if (frame.kind === 'gap') this.#leap(frame.end);
    if (frame.kind !== 'bytes') return [];
    const { segment, finder } = this.#begun();
    this.#bytes.append(frame.bytes);
    const groups: StreamedGroup[] = [];
    for (let found = finder.next(); found !== null; found = finder.next()) {
      if (!this.#started) this.#startScanner(segment);
      groups.push(this.#group(segment));
    }
    this.#bytes.dropBefore(this.#offset);
    return groups;
  }

  #begin({ index, offset, header: headerBytes }: LogFrame & { kind: 'segment' }): void {
    const header = decodeSegmentHeader(headerBytes, `${index} of the source`);
    const { segmentBytes, entryBytesMax } = header.identity;
    this.#segment = { name: '', handle: 0 as never, header, headerBytes: headerBytes.slice() };
    this.#bytes.reset(offset, () => 0);
    this.#finder = new GroupFinder(this.#bytes, offset, segmentBytes, entryBytesMax);
    this.#offset = offset;
    this.#started = false;
  }

  /** What follows a gap in the same segment lies at its end. */
  #leap(end: number): void {
    const header = this.#segment?.header;
    if (header === undefined || end >= header.identity.segmentBytes) return;
    const { segmentBytes, entryBytesMax } = header.identity;
    this.#bytes.reset(end, () => 0);
    this.#finder = new GroupFinder(this.#bytes, end, segmentBytes, entryBytesMax);
    this.#offset = end;
    this.#started = false;
  }

  #begun(): { readonly segment: OpenedSegment; readonly finder: GroupFinder } {
    const [segment, finder] = [this.#segment, this.#finder];
    if (segment !== null && finder !== null) return { segment, finder };
    throw new TruthError('PROTOCOL', 'the source sent bytes of a segment it had not begun');
  }

  /** The first group of a segment, or of the stream, says of itself where it stands. */
  #startScanner(segment: OpenedSegment): void {
    const header = this.#bytes.view(this.#offset, this.#offset + ENTRY_HEADER.size);
    const sequence = Number(header.readBigUInt64LE(ENTRY_HEADER.at.sequence)) as Sequence;
    const ordinal = Number(header.readBigUInt64LE(ENTRY_HEADER.at.ordinal));
    // Unlike other entries a seal belongs to the commit before it.
    const isSeal = header.readUInt16LE(ENTRY_HEADER.at.type) === ENTRY_TYPE.seal;
    const before = (isSeal ? ordinal : ordinal - 1) as CommitOrdinal;
    this.#scanner.start(segment, {
      offset: this.#offset,
      sequence,
      ordinal: before,
      chain: null,
      contentHash: false,
    });
    this.#started = true;
  }

  #group({ header }: OpenedSegment): StreamedGroup {
    const scanned = this.#scanner.next();
    if (scanned.kind === 'break')
      throw lied(header.index, scanned.brokenAt, scanned.sequence, scanned.reason);
    const { kind, offset, end, sequence: last, epoch, chain } = scanned;
    this.#offset = end;
    const group = { kind, segment: header.index, offset, bytes: end - offset, last, epoch, chain };
    if (scanned.kind === 'seal') return { ...group, first: last, recordedAt: null };
    return { ...group, first: scanned.firstSequence, recordedAt: scanned.recordedAt };
  }
}
