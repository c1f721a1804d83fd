/** A segment file: its name, its header, where it lies. */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import type { Disk, FileHandle } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import {
  FORMAT_VERSION,
  HASH_ALGORITHM,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  SEGMENT_HEADER,
  SEGMENT_HEADER_BYTES,
  SEGMENT_HEADER_CHECKSUM_AT,
  SEGMENT_MAGIC,
  type SegmentState,
} from './format.ts';
import { readCount, writeCount } from './layout.ts';
import type { LogIdentity } from './log.ts';
import { preadUpToDamage } from './unreadable.ts';

/** What a directory scan knows of a segment. */
export interface SegmentName {
  readonly index: number;
  readonly firstSequence: Sequence;
  readonly state: SegmentState;
}

export interface SegmentHeader {
  readonly identity: LogIdentity;
  readonly index: number;
  readonly firstSequence: Sequence;
  readonly epoch: Epoch;
  readonly salt: bigint;
  /** Ordinal and recorded-at of the last commit before the segment. */
  readonly lastOrdinal: CommitOrdinal;
  readonly lastRecordedAt: RecordedAt;
  /** Chain before the segment. */
  readonly chainHead: Uint8Array;
}

const NAME = /^(\d{10})-(\d{20})\.(open|sealed|archived)$/;
const SPARE = /^spare-(\d+)\.tmp$/;
const AT = SEGMENT_HEADER.at;

export function segmentFileName(index: number, firstSequence: Sequence, state: SegmentState): string {
  return `${String(index).padStart(10, '0')}-${String(firstSequence).padStart(20, '0')}.${state}`;
}

/** The parts of a segment's file name, or null for any other file. */
export function parseSegmentFileName(name: string): SegmentName | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const index = Number(match[1]);
  const first = Number(match[2]);
  if (!Number.isSafeInteger(first)) return null;
  return { index, firstSequence: first as Sequence, state: match[3] as SegmentState };
}

export function isSpareFileName(name: string): boolean {
  return SPARE.test(name);
}

export function spareFileName(ordinal: number): string {
  return `spare-${ordinal}.tmp`;
}

export function walDirectory(directory: string): string {
  return join(directory, 'wal');
}

/** A whole header, ready to be written at offset 0. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(AT.magic, SEGMENT_MAGIC, true);
  view.setUint32(AT.version, FORMAT_VERSION, true);
  view.setUint32(AT.headerBytes, SEGMENT_HEADER_BYTES, true);
  bytes.set(header.identity.logId, AT.logId);
  writeCount(view, AT.index, header.index);
  writeCount(view, AT.firstSequence, header.firstSequence);
  writeCount(view, AT.segmentBytes, header.identity.segmentBytes);
  view.setUint32(AT.hash, HASH_ALGORITHM[header.identity.hash], true);
  view.setUint32(AT.epoch, header.epoch, true);
  view.setBigUint64(AT.salt, header.salt, true);
  view.setUint32(AT.entryBytesMax, header.identity.entryBytesMax, true);
  writeCount(view, AT.lastOrdinal, header.lastOrdinal);
  view.setBigUint64(AT.lastRecordedAt, header.lastRecordedAt, true);
  bytes.set(header.chainHead, AT.chainHead);
  view.setBigUint64(SEGMENT_HEADER_CHECKSUM_AT, headerChecksum(bytes), true);
  return bytes;
}

/** The xxHash64 that closes the header and seeds the checksums of the segment's entries. */
export function headerSeed(bytes: Uint8Array): { readonly low: number; readonly high: number } {
  const view = viewOf(bytes);
  return {
    low: view.getInt32(SEGMENT_HEADER_CHECKSUM_AT, true),
    high: view.getInt32(SEGMENT_HEADER_CHECKSUM_AT + 4, true),
  };
}

/** Throws CORRUPT (details: segment, offset 0) or UNSUPPORTED_VERSION. `name` is only for the message. */
export function decodeSegmentHeader(bytes: Uint8Array, name: string): SegmentHeader {
  const problem = headerProblem(bytes);
  if (problem !== null) {
    throw new TruthError('CORRUPT', `segment ${name}: ${problem}`, { segment: name, offset: 0 });
  }
  const view = viewOf(bytes);
  const version = view.getUint32(AT.version, true);
  const hash = view.getUint32(AT.hash, true);
  if (version !== FORMAT_VERSION || hash !== HASH_ALGORITHM.sha256) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `segment ${name} has log format ${version} with chain hash ${hash}; this program reads format ${FORMAT_VERSION} with chain hash ${HASH_ALGORITHM.sha256} (SHA-256). Use the release that wrote it.`,
      { segment: name, version, hash },
    );
  }
  return {
    identity: {
      logId: bytes.slice(AT.logId, AT.logId + 16),
      segmentBytes: readCount(view, AT.segmentBytes),
      entryBytesMax: view.getUint32(AT.entryBytesMax, true),
      hash: 'sha256',
    },
    index: readCount(view, AT.index),
    firstSequence: readCount(view, AT.firstSequence) as Sequence,
    epoch: view.getUint32(AT.epoch, true) as Epoch,
    salt: view.getBigUint64(AT.salt, true),
    lastOrdinal: readCount(view, AT.lastOrdinal) as CommitOrdinal,
    lastRecordedAt: view.getBigUint64(AT.lastRecordedAt, true) as RecordedAt,
    chainHead: bytes.slice(AT.chainHead, AT.chainHead + 32),
  };
}

export interface OpenedSegment {
  readonly name: string;
  readonly handle: FileHandle;
  readonly header: SegmentHeader;
  readonly headerBytes: Uint8Array;
}

/** Opens a segment file and reads its header; name and header must agree. */
export function openSegment(
  disk: Disk,
  wal: string,
  name: SegmentName,
  mode: 'read' | 'write',
): OpenedSegment {
  const fileName = segmentFileName(name.index, name.firstSequence, name.state);
  const handle = disk.open(join(wal, fileName), mode);
  try {
    const headerBytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    preadUpToDamage(disk, handle, headerBytes, SEGMENT_HEADER_BYTES, 0);
    const header = decodeSegmentHeader(headerBytes, fileName);
    if (header.index !== name.index || header.firstSequence !== name.firstSequence) {
      throw new TruthError(
        'CORRUPT',
        `segment ${fileName} says it is segment ${header.index} from sequence ${header.firstSequence}: it was renamed or copied over. Restore the file that belongs here.`,
        { segment: fileName, offset: 0 },
      );
    }
    return { name: fileName, handle, header, headerBytes };
  } catch (error) {
    disk.close(handle);
    throw error;
  }
}

function headerProblem(bytes: Uint8Array): string | null {
  const view = viewOf(bytes);
  if (view.getBigUint64(AT.magic, true) !== SEGMENT_MAGIC)
    return 'the first bytes are not a TruthDB segment’s';
  if (view.getBigUint64(SEGMENT_HEADER_CHECKSUM_AT, true) !== headerChecksum(bytes)) {
    return 'the header does not match its checksum';
  }
  const used = bytes.subarray(SEGMENT_HEADER.size, SEGMENT_HEADER_CHECKSUM_AT);
  if (view.getUint32(AT.reserved, true) !== 0 || used.some((byte) => byte !== 0)) {
    return 'reserved bytes of the header are not zero';
  }
  const segmentBytes = readCount(view, AT.segmentBytes);
  if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX) {
    return `the header gives a segment size of ${segmentBytes}`;
  }
  return null;
}

function headerChecksum(bytes: Uint8Array): bigint {
  return xxh64(bytes.subarray(0, SEGMENT_HEADER_CHECKSUM_AT));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
