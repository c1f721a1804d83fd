/**
 * Sparse indexes of sealed segments on disk, in `views/log-index/`: like all of views/ they can be deleted at any time and
 * cost only the time to walk the segment again. So whatever is not exactly right is ignored.
 *
 *     off  bytes
 *     0    8      the letters TRUTHIDX
 *     8    8      xxHash64 of the segment's header, whose salt makes it the name of this one file
 *     16   8      first sequence of the segment
 *     24   4      stride
 *     28   4      count of offsets
 *     32   4 each offsets, then zeros up to a multiple of 8
 *     end  8      xxHash64, seed 0, of all before it
 */
import { join } from 'node:path';
import { xxh64 } from '../hash/index.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { readCount, writeCount } from './layout.ts';
import { headerSeed, type OpenedSegment } from './segment.ts';
import { INDEX_STRIDE, SparseIndex } from './sparse-index.ts';

/** "TRUTHIDX" */
const MAGIC = 0x5844_4948_5455_5254n;
const HEADER_BYTES = 32;

export class IndexStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #views: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#views = join(directory, 'views');
    this.#folder = join(this.#views, 'log-index');
  }

  /** The index of a sealed segment, or null when there is none to be trusted. */
  load(segment: OpenedSegment): SparseIndex | null {
    try {
      const bytes = readSmallFile(this.#disk, this.#path(segment));
      return bytes === null ? null : decode(bytes, segment);
    } catch {
      return null;
    }
  }

  /** Keeps the index of a sealed segment. A disk that will not take it is no reason to stop anything. */
  save(segment: OpenedSegment, index: SparseIndex): void {
    try {
      this.#disk.mkdir(this.#views);
      this.#disk.mkdir(this.#folder);
      writeSmallFile(this.#disk, this.#path(segment), encode(index, segment));
    } catch {
      // Built again when it is needed.
    }
  }

  /** Removes the index of a segment that is gone. */
  remove(segmentIndex: number): void {
    try {
      this.#disk.unlink(this.#pathOf(segmentIndex));
    } catch {
      // There was none, or it stays: no segment will ask for it.
    }
  }

  #path({ header }: OpenedSegment): string {
    return this.#pathOf(header.index);
  }

  #pathOf(segmentIndex: number): string {
    return join(this.#folder, `${String(segmentIndex).padStart(10, '0')}.idx`);
  }
}

function encode(index: SparseIndex, segment: OpenedSegment): Uint8Array {
  const { offsets } = index;
  const body = HEADER_BYTES + ((offsets.length * 4 + 7) & ~7);
  const bytes = new Uint8Array(body + 8);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, true);
  const seed = headerSeed(segment.headerBytes);
  view.setInt32(8, seed.low, true);
  view.setInt32(12, seed.high, true);
  writeCount(view, 16, index.first);
  view.setUint32(24, INDEX_STRIDE, true);
  view.setUint32(28, offsets.length, true);
  for (const [at, offset] of offsets.entries()) view.setUint32(HEADER_BYTES + at * 4, offset, true);
  view.setBigUint64(body, xxh64(bytes.subarray(0, body)), true);
  return bytes;
}

function decode(bytes: Uint8Array, { header, headerBytes }: OpenedSegment): SparseIndex | null {
  const body = bytes.length - 8;
  if (body < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(28, true);
  const seed = headerSeed(headerBytes);
  const trusted =
    view.getBigUint64(0, true) === MAGIC &&
    view.getBigUint64(body, true) === xxh64(bytes.subarray(0, body)) &&
    view.getInt32(8, true) === seed.low &&
    view.getInt32(12, true) === seed.high &&
    readCount(view, 16) === header.firstSequence &&
    view.getUint32(24, true) === INDEX_STRIDE &&
    HEADER_BYTES + ((count * 4 + 7) & ~7) === body;
  if (!trusted) return null;
  return new SparseIndex(
    header.firstSequence,
    Array.from({ length: count }, (_, at) => view.getUint32(HEADER_BYTES + at * 4, true)),
  );
}
