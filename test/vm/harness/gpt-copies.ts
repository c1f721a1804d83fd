/**
 * Both copies of a disk's partition table, each judged by itself. Tools show the copy they would use; after a power cut it
 * matters that no copy is left which some firmware or kernel would use.
 *
 * Source: UEFI Specification 2.10, chapter 5.3 (GUID Partition Table disk layout).
 */
import { crc32 } from 'node:zlib';

const SECTOR = 512;
const SIGNATURE = 'EFI PART';
const HEADER_BYTES_MIN = 92;
const ENTRIES_MAX = 1024;
const BOOT_RECORD_MAGIC = 0xaa55;
const PROTECTIVE_TYPE = 0xee;

export interface CopiedPartition {
  readonly number: number;
  /** Type GUID and PARTUUID, upper case. */
  readonly type: string;
  readonly uuid: string;
  readonly name: string;
  /** Bytes from the start of the disk, and of the partition. */
  readonly offset: number;
  readonly bytes: number;
}

export interface TableCopy {
  /** Disk GUID, upper case. */
  readonly id: string;
  readonly partitions: readonly CopiedPartition[];
}

export interface Tables {
  /** `partitions`: an old-style table that says more than "here is a GPT". */
  readonly bootRecord: 'none' | 'protective' | 'partitions';
  /** Undefined when its checksums do not hold. */
  readonly primary: TableCopy | undefined;
  readonly backup: TableCopy | undefined;
}

/** Reads exactly that many bytes of a disk. */
export type ReadDisk = (offset: number, length: number) => Buffer;

/** A disk of `bytes` bytes in blocks of 512. */
export function readTables(read: ReadDisk, bytes: number): Tables {
  return {
    bootRecord: readBootRecord(read(0, SECTOR)),
    primary: readCopy(read, 1, bytes),
    backup: readCopy(read, bytes / SECTOR - 1, bytes),
  };
}

function readBootRecord(sector: Buffer): Tables['bootRecord'] {
  if (sector.readUInt16LE(510) !== BOOT_RECORD_MAGIC) return 'none';
  const types = [0, 1, 2, 3].map((slot) => sector[446 + 16 * slot + 4]).filter((type) => type !== 0);
  if (types.length === 0) return 'none';
  return types.every((type) => type === PROTECTIVE_TYPE) ? 'protective' : 'partitions';
}

function readCopy(read: ReadDisk, block: number, diskBytes: number): TableCopy | undefined {
  const header = read(block * SECTOR, SECTOR);
  const headerBytes = header.readUInt32LE(12);
  if (header.toString('latin1', 0, 8) !== SIGNATURE || headerBytes < HEADER_BYTES_MIN || headerBytes > SECTOR)
    return undefined;
  const summed = Buffer.from(header.subarray(0, headerBytes));
  summed.writeUInt32LE(0, 16);
  const [entriesAt, count, entryBytes] = [
    Number(header.readBigUInt64LE(72)) * SECTOR,
    header.readUInt32LE(80),
    header.readUInt32LE(84),
  ];
  const sound =
    crc32(summed) === header.readUInt32LE(16) &&
    Number(header.readBigUInt64LE(24)) === block &&
    count <= ENTRIES_MAX &&
    entriesAt + count * entryBytes <= diskBytes;
  if (!sound) return undefined;
  const entries = read(entriesAt, count * entryBytes);
  if (crc32(entries) !== header.readUInt32LE(88)) return undefined;
  const partitions = Array.from({ length: count }, (_, index) =>
    readEntry(entries.subarray(index * entryBytes, (index + 1) * entryBytes), index + 1),
  );
  return { id: guid(header.subarray(56, 72)), partitions: partitions.filter((entry) => entry !== undefined) };
}

function readEntry(entry: Buffer, number: number): CopiedPartition | undefined {
  if (entry.subarray(0, 16).every((byte) => byte === 0)) return undefined;
  const [first, last] = [Number(entry.readBigUInt64LE(32)), Number(entry.readBigUInt64LE(40))];
  return {
    number,
    type: guid(entry.subarray(0, 16)),
    uuid: guid(entry.subarray(16, 32)),
    name: entry.toString('utf16le', 56, 128).replace(/\0.*$/s, ''),
    offset: first * SECTOR,
    bytes: (last - first + 1) * SECTOR,
  };
}

/** The first three groups of a GUID are stored little-endian. */
function guid(bytes: Buffer): string {
  const hex = Buffer.concat([
    Buffer.from(bytes.subarray(0, 4)).reverse(),
    Buffer.from(bytes.subarray(4, 6)).reverse(),
    Buffer.from(bytes.subarray(6, 8)).reverse(),
    bytes.subarray(8),
  ]).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toUpperCase();
}
