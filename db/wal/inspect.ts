/** Shows what a segment or an entry holds, field by field, as plain data for people and programs. Changes nothing. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments } from './catalog.ts';
import { linkSegmentHeader } from './chain.ts';
import {
  COMMIT,
  ENTRY_FOOTER,
  ENTRY_HEADER,
  ENTRY_TYPE,
  EPOCH,
  entryBytes,
  SEAL,
  SEGMENT_HEADER,
  SEGMENT_HEADER_BYTES,
} from './format.ts';
import type { Layout } from './layout.ts';
import { type Scanned, Scanner } from './scanner.ts';
import { type OpenedSegment, openSegment, type SegmentName, walDirectory } from './segment.ts';

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
  readonly kind: 'commit' | 'seal';
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

/** The header and the groups of segment `index`, as far as they validate. Throws NOT_FOUND or CORRUPT (header). */
export function inspectSegment({ directory, disk }: InspectOptions, index: number): InspectedSegment {
  const name = listSegments(disk, directory).find((each) => each.index === index);
  if (name === undefined) throw notFound(`there is no segment ${index} in this log`);
  return withSegment(disk, directory, name, (segment, scanner) => {
    const groups: InspectedGroup[] = [];
    for (const scanned of walk(scanner, segment)) {
      if (scanned.kind === 'break') {
        return summary(segment, groups, {
          offset: scanned.brokenAt,
          sequence: scanned.sequence,
          reason: scanned.reason,
        });
      }
      groups.push(groupOf(scanned));
      if (scanned.kind === 'seal') {
        return summary(segment, groups, { offset: scanned.end, sequence: scanned.sequence, reason: 'seal' });
      }
    }
    throw new Error('a walk ended without an end');
  });
}

/** One entry of any type by sequence. Throws NOT_FOUND, or CORRUPT when what lies before it does not validate. */
export function inspectEntry({ directory, disk }: InspectOptions, sequence: Sequence): InspectedEntry {
  const name = listSegments(disk, directory).findLast((each) => each.firstSequence <= sequence);
  if (name === undefined) throw notFound(`sequence ${sequence} lies before this log`);
  return withSegment(disk, directory, name, (segment, scanner) => {
    for (const scanned of walk(scanner, segment)) {
      if (scanned.kind === 'break') throw unreached(segment, scanned, sequence);
      if (scanned.sequence >= sequence) return entryIn(disk, segment, scanned, sequence);
      if (scanned.kind === 'seal')
        throw notFound(`sequence ${sequence} lies behind the end of ${segment.name}`);
    }
    throw new Error('a walk ended without an end');
  });
}

function* walk(scanner: Scanner, segment: OpenedSegment): Generator<Scanned> {
  const { header, headerBytes } = segment;
  scanner.start(segment, {
    offset: SEGMENT_HEADER_BYTES,
    sequence: header.firstSequence,
    ordinal: header.lastOrdinal,
    chain: linkSegmentHeader(header.chainHead, headerBytes),
    contentHash: true,
  });
  for (;;) yield scanner.next();
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

function summary(
  segment: OpenedSegment,
  groups: InspectedGroup[],
  end: InspectedSegment['end'],
): InspectedSegment {
  return { name: segment.name, header: decodeFields(SEGMENT_HEADER, segment.headerBytes, 0), groups, end };
}

function groupOf(scanned: Exclude<Scanned, { kind: 'break' }>): InspectedGroup {
  const { kind, offset, end, sequence } = scanned;
  const first = scanned.kind === 'commit' ? scanned.firstSequence : sequence;
  return { kind, offset, bytes: end - offset, firstSequence: first, lastSequence: sequence };
}

function entryIn(
  disk: Disk,
  segment: OpenedSegment,
  group: Exclude<Scanned, { kind: 'break' }>,
  sequence: Sequence,
): InspectedEntry {
  const bytes = new Uint8Array(group.end - group.offset);
  disk.pread(segment.handle, bytes, bytes.length, group.offset);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let each = groupOf(group).firstSequence; each < sequence; each++) {
    at += entryBytes(view.getUint32(at + ENTRY_HEADER.at.payloadBytes, true));
  }
  const payloadBytes = view.getUint32(at + ENTRY_HEADER.at.payloadBytes, true);
  const entry = bytes.subarray(at, at + entryBytes(payloadBytes));
  const payload = entry.subarray(ENTRY_HEADER.size, ENTRY_HEADER.size + payloadBytes);
  const type = view.getUint16(at + ENTRY_HEADER.at.type, true);
  const own = OWN_PAYLOADS[type];
  return {
    segment: segment.name,
    offset: group.offset + at,
    bytes: entry.length,
    sequence,
    type: own?.name ?? String(type),
    header: [
      ...decodeFields(ENTRY_HEADER, entry, 0),
      ...decodeFields(ENTRY_FOOTER, entry, entry.length - ENTRY_FOOTER.size),
    ],
    fields: own === undefined ? [] : decodeFields(own.layout, entry, ENTRY_HEADER.size),
    payloadHex: Buffer.from(payload).toString('hex'),
  };
}

const OWN_PAYLOADS: Readonly<Record<number, { readonly name: string; readonly layout: Layout<string> }>> = {
  [ENTRY_TYPE.commit]: { name: 'commit', layout: COMMIT },
  [ENTRY_TYPE.seal]: { name: 'seal', layout: SEAL },
  [ENTRY_TYPE.epoch]: { name: 'epoch', layout: EPOCH },
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

function unreached(
  segment: OpenedSegment,
  found: Extract<Scanned, { kind: 'break' }>,
  wanted: Sequence,
): TruthError {
  if (found.reason === 'unwritten' && found.brokenAt === found.offset) {
    return notFound(`sequence ${wanted} lies behind the end of the log, which is ${found.sequence - 1}`);
  }
  return new TruthError(
    'CORRUPT',
    `segment ${segment.name} is damaged at offset ${found.brokenAt} (${found.reason}), before sequence ${wanted}`,
    { segment: segment.name, offset: found.brokenAt, sequence: found.sequence },
  );
}

function notFound(message: string): TruthError {
  return new TruthError('NOT_FOUND', message);
}
