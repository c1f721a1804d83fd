/**
 * Recordings of everything a guest wrote to a disk and when it asked for a flush, in the format of the kernel's
 * dm-log-writes target, which QEMU's `blklogwrites` driver writes too.
 *
 * One super block, then entries; all numbers little-endian, all structures padded to the recording's sector size:
 *   super  u64 magic · u64 version (1) · u64 number of entries · u32 sector size
 *   entry  u64 sector · u64 count of sectors · u64 flags · u64 bytes of extra data, then the data unless discarded
 * Source: Linux, drivers/md/dm-log-writes.c and Documentation/admin-guide/device-mapper/log-writes.rst.
 */

const MAGIC = 0x6a_736677_736872n;
const VERSION = 1n;
const ENTRY_HEADER_BYTES = 32;
const SUPER_BYTES = 28;

export const LOG_WRITES_FLAGS = { flush: 1, fua: 2, discard: 4, mark: 8 } as const;

export interface RecordedWrite {
  /** Place on the recorded disk, in bytes. */
  readonly offset: number;
  /** 0 for a bare flush. */
  readonly length: number;
  /** Everything that completed before this entry is on the disk. */
  readonly flush: boolean;
  /** This write itself is on the disk once it completes. */
  readonly fua: boolean;
  /** The range was given up: it may read as anything, and here reads as zeros. No data follows. */
  readonly discard: boolean;
  /** Where the written bytes lie in the recording. */
  readonly dataOffset: number;
  /** Where the entry ends in the recording: a recording of at least this size holds it completely. */
  readonly end: number;
}

/** Reads `length` bytes at `offset` of the recording; fewer at its end. */
export type ReadRecording = (offset: number, length: number) => Uint8Array;

/** All complete entries. `bytes` is the recording's size; an entry cut off by its end is left out. Throws when it is not a recording. */
export function parseLogWrites(read: ReadRecording, bytes: number): RecordedWrite[] {
  const sector = readSectorSize(read);
  const entries: RecordedWrite[] = [];
  let at = sector;
  while (at + ENTRY_HEADER_BYTES <= bytes) {
    const entry = parseEntry(view(read(at, ENTRY_HEADER_BYTES)), at, sector);
    if (entry === undefined || entry.end > bytes) break;
    entries.push(entry);
    at = entry.end;
  }
  return entries;
}

/** Index of every entry that is a flush or carries one. */
export function flushPoints(entries: readonly RecordedWrite[]): number[] {
  return entries.flatMap((entry, index) => (entry.flush ? [index] : []));
}

function readSectorSize(read: ReadRecording): number {
  const header = read(0, SUPER_BYTES);
  if (header.length < SUPER_BYTES)
    throw new Error(`a recording starts with ${SUPER_BYTES} bytes of super block, this has ${header.length}`);
  const fields = view(header);
  const magic = fields.getBigUint64(0, true);
  if (magic !== MAGIC)
    throw new Error(
      `not a recording of writes: its magic is 0x${magic.toString(16)}, not 0x${MAGIC.toString(16)}`,
    );
  const version = fields.getBigUint64(8, true);
  if (version !== VERSION)
    throw new Error(`recording of format version ${version}; only version ${VERSION} is known`);
  const sector = fields.getUint32(24, true);
  if (sector < 512 || (sector & (sector - 1)) !== 0)
    throw new Error(`a sector size of ${sector} is not a power of two from 512`);
  return sector;
}

/** An all-zero header is space that the recorder had not written yet: undefined. */
function parseEntry(header: DataView, at: number, sectorBytes: number): RecordedWrite | undefined {
  const sector = Number(header.getBigUint64(0, true));
  const count = Number(header.getBigUint64(8, true));
  const flags = Number(header.getBigUint64(16, true));
  const extra = Number(header.getBigUint64(24, true));
  if (count === 0 && flags === 0 && extra === 0) return undefined;
  const discard = (flags & LOG_WRITES_FLAGS.discard) !== 0;
  const dataOffset = at + sectorBytes;
  const stored = (discard ? 0 : count * sectorBytes) + Math.ceil(extra / sectorBytes) * sectorBytes;
  return {
    offset: sector * sectorBytes,
    length: count * sectorBytes,
    flush: (flags & LOG_WRITES_FLAGS.flush) !== 0,
    fua: (flags & LOG_WRITES_FLAGS.fua) !== 0,
    discard,
    dataOffset,
    end: dataOffset + stored,
  };
}

function view(bytes: Uint8Array): DataView {
  if (bytes.length < SUPER_BYTES) throw new Error('the recording ends within a header');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
