/** Shows what a segment or an entry holds, field by field, as plain data for people and programs. Changes nothing. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments } from './catalog.ts';
import {
  COMMIT,
  ENTRY_FOOTER,
  ENTRY_HEADER,
  ENTRY_TYPE,
  EPOCH,
  entryBytes,
  GAP,
  SEAL,
  SEGMENT_HEADER,
  SEGMENT_HEADER_BYTES,
} from './format.ts';
import { gapError, readGaps } from './gaps.ts';
import { type Layout, readCount } from './layout.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner } from './scanner.ts';
import { type OpenedSegment, openSegment, type SegmentName, walDirectory } from './segment.ts';
import { type LostRange, walkSegment } from './segment-walk.ts';

export interface InspectOptions {
  readonly directory: string;
  readonly disk: Disk;
}

/** A field as the format's table names it. Numbers past 2^53 and bytes are text. */
export interface InspectedField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly value: number | string;
  readonly meaning: string;
}

export interface InspectedEntry {
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
  readonly sequence: number;
  /** `commit`, `seal`, `epoch`, or the number of a type of the layers above. */
  readonly type: string;
  readonly header: readonly InspectedField[];
  /** Decoded payload of the log's own entries; empty for others. */
  readonly fields: readonly InspectedField[];
  readonly payloadHex: string;
}

export interface InspectedGroup {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: 'commit' | 'seal' | 'gap' | 'damage';
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export interface InspectedSegment {
  readonly name: string;
  readonly header: readonly InspectedField[];
  readonly groups: readonly InspectedGroup[];
  /** Where reading stopped and why: `unwritten` is the normal end of an open segment. */
  readonly end: { readonly offset: number; readonly sequence: number; readonly reason: string };
}

/** One commit with the entries it covers. */
export interface InspectedCommit {
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
  readonly ordinal: number;
  /** Oldest first; the commit's own entry is not among them. */
  readonly entries: readonly {
    readonly sequence: number;
    readonly offset: number;
    readonly type: string;
    readonly payloadBytes: number;
  }[];
  readonly commit: InspectedEntry;
}

/** The header and the groups of segment `index`, with damage and gaps between them. Throws NOT_FOUND or CORRUPT (header). */
export function inspectSegment({ directory, disk }: InspectOptions, index: number): InspectedSegment {
  const name = listSegments(disk, directory).find((each) => each.index === index);
  if (name === undefined) throw notFound(`there is no segment ${index} in this log`);
  return withSegment(disk, directory, name, (segment, scanner) => {
    const groups: InspectedGroup[] = [];
    let end = { offset: SEGMENT_HEADER_BYTES, sequence: 0, reason: 'gap' };
    for (const walked of walkSegment(disk, scanner, segment, readGaps(disk, directory))) {
      if (walked.kind === 'break') {
        end = { offset: walked.brokenAt, sequence: walked.sequence, reason: walked.reason };
      } else {
        groups.push(groupOf(walked));
        end = { offset: walked.end, sequence: walked.sequence, reason: walked.kind };
      }
    }
    return { name: segment.name, header: decodeFields(SEGMENT_HEADER, segment.headerBytes, 0), groups, end };
  });
}

/** One entry of any type by sequence. Throws NOT_FOUND, GAP, or CORRUPT when it does not validate. */
export function inspectEntry(options: InspectOptions, sequence: Sequence): InspectedEntry {
  const name = listSegments(options.disk, options.directory).findLast(
    (each) => each.firstSequence <= sequence,
  );
  if (name === undefined) throw notFound(`sequence ${sequence} lies before this log`);
  const reached = (walked: Walked): boolean => walked.sequence >= sequence;
  return findGroup(options, name, reached, `sequence ${sequence}`, (segment, group) => {
    const bytes = groupBytes(options.disk, segment, group);
    let at = 0;
    for (let each = groupOf(group).firstSequence; each < sequence; each++) at += sizeAt(bytes, at);
    return entryIn(segment, group, bytes, at);
  });
}

/** One commit by its ordinal, with what it covers. Throws NOT_FOUND, GAP, or CORRUPT when it does not validate. */
export function inspectCommit(options: InspectOptions, ordinal: number): InspectedCommit {
  const { disk, directory } = options;
  const name = listSegments(disk, directory).findLast(
    (each) => withSegment(disk, directory, each, ({ header }) => header.lastOrdinal) < ordinal,
  );
  if (name === undefined) throw notFound(`commit ${ordinal} lies before this log`);
  const reached = (walked: Walked): boolean => walked.kind === 'commit' && walked.ordinal >= ordinal;
  return findGroup(options, name, reached, `commit ${ordinal}`, (segment, group) => {
    if (group.kind === 'commit' && group.ordinal !== ordinal) throw notFound(`commit ${ordinal} was lost`);
    const bytes = groupBytes(disk, segment, group);
    const entries: InspectedEntry[] = [];
    for (let at = 0; at < bytes.length; at += sizeAt(bytes, at))
      entries.push(entryIn(segment, group, bytes, at));
    const commit = entries.pop();
    if (commit === undefined) throw new Error('a group without a commit was found');
    return {
      segment: segment.name,
      offset: group.offset,
      bytes: bytes.length,
      ordinal,
      entries: entries.map(({ sequence, offset, type, payloadHex }) => ({
        sequence,
        offset,
        type,
        payloadBytes: payloadHex.length / 2,
      })),
      commit,
    };
  });
}

type Walked = ScannedCommit | ScannedSeal | LostRange;

/** Hands the group that `reached` names to `use`; damage on the way does not matter. */
function findGroup<T>(
  { disk, directory }: InspectOptions,
  name: SegmentName,
  reached: (walked: Walked) => boolean,
  wanted: string,
  use: (segment: OpenedSegment, group: ScannedCommit | ScannedSeal) => T,
): T {
  return withSegment(disk, directory, name, (segment, scanner) => {
    for (const walked of walkSegment(disk, scanner, segment, readGaps(disk, directory))) {
      if (walked.kind === 'break') throw unreached(segment, walked, wanted);
      if (!reached(walked)) continue;
      if (walked.kind === 'commit' || walked.kind === 'seal') return use(segment, walked);
      if (walked.kind === 'gap')
        throw gapError({ ...walked, from: walked.firstSequence, to: walked.sequence });
      throw damagedAt(segment, walked, wanted);
    }
    throw notFound(`${wanted} lies behind the end of ${segment.name}`);
  });
}

function withSegment<T>(
  disk: Disk,
  directory: string,
  name: SegmentName,
  use: (segment: OpenedSegment, scanner: Scanner) => T,
): T {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  try {
    return use(segment, new Scanner(disk));
  } finally {
    disk.close(segment.handle);
  }
}

function groupOf(walked: Walked): InspectedGroup {
  const { kind, offset, end, sequence } = walked;
  const first = walked.kind === 'seal' ? sequence : walked.firstSequence;
  return { kind, offset, bytes: end - offset, firstSequence: first, lastSequence: sequence };
}

function groupBytes(
  disk: Disk,
  segment: OpenedSegment,
  { offset, end }: ScannedCommit | ScannedSeal,
): Uint8Array {
  const bytes = new Uint8Array(end - offset);
  disk.pread(segment.handle, bytes, bytes.length, offset);
  return bytes;
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return entryBytes(new DataView(bytes.buffer).getUint32(at + ENTRY_HEADER.at.payloadBytes, true));
}

function entryIn(
  segment: OpenedSegment,
  group: ScannedCommit | ScannedSeal,
  bytes: Uint8Array,
  at: number,
): InspectedEntry {
  const view = new DataView(bytes.buffer);
  const entry = bytes.subarray(at, at + sizeAt(bytes, at));
  const payloadBytes = view.getUint32(at + ENTRY_HEADER.at.payloadBytes, true);
  const type = view.getUint16(at + ENTRY_HEADER.at.type, true);
  const own = OWN_PAYLOADS[type];
  return {
    segment: segment.name,
    offset: group.offset + at,
    bytes: entry.length,
    sequence: readCount(view, at + ENTRY_HEADER.at.sequence),
    type: own?.name ?? String(type),
    header: [
      ...decodeFields(ENTRY_HEADER, entry, 0),
      ...decodeFields(ENTRY_FOOTER, entry, entry.length - ENTRY_FOOTER.size),
    ],
    fields: own === undefined ? [] : decodeFields(own.layout, entry, ENTRY_HEADER.size),
    payloadHex: Buffer.from(entry.subarray(ENTRY_HEADER.size, ENTRY_HEADER.size + payloadBytes)).toString(
      'hex',
    ),
  };
}

const OWN_PAYLOADS: Readonly<Record<number, { readonly name: string; readonly layout: Layout<string> }>> = {
  [ENTRY_TYPE.commit]: { name: 'commit', layout: COMMIT },
  [ENTRY_TYPE.seal]: { name: 'seal', layout: SEAL },
  [ENTRY_TYPE.epoch]: { name: 'epoch', layout: EPOCH },
  [ENTRY_TYPE.gap]: { name: 'gap', layout: GAP },
};

function decodeFields(layout: Layout<string>, bytes: Uint8Array, base: number): InspectedField[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return layout.fields.map(({ name, type, offset, size, meaning }) => {
    const at = base + offset;
    if (type === 'u16') return { name, offset: at, size, meaning, value: view.getUint16(at, true) };
    if (type === 'u32') return { name, offset: at, size, meaning, value: view.getUint32(at, true) };
    if (type === 'u64')
      return { name, offset: at, size, meaning, value: countOrText(view.getBigUint64(at, true)) };
    return {
      name,
      offset: at,
      size,
      meaning,
      value: Buffer.from(bytes.subarray(at, at + size)).toString('hex'),
    };
  });
}

function countOrText(value: bigint): number | string {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
}

function unreached(segment: OpenedSegment, found: ScanBreak, wanted: string): TruthError {
  if (found.reason === 'unwritten' && found.brokenAt === found.offset) {
    return notFound(`${wanted} lies behind the end of the log, which is ${found.sequence - 1}`);
  }
  return damagedAt(segment, found, wanted);
}

function damagedAt(
  segment: OpenedSegment,
  { brokenAt, reason }: ScanBreak | LostRange,
  wanted: string,
): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${segment.name} is damaged at offset ${brokenAt} (${reason}), where ${wanted} was or before it`,
    { segment: segment.name, offset: brokenAt },
  );
}

function notFound(message: string): TruthError {
  return new TruthError('NOT_FOUND', message);
}
