/** Finds groups in a segment without walking it: by an entry's own header, or backwards by the footer and commit before a place. */
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Sequence } from '../types.ts';
import { COMMIT, COMMIT_BYTES, ENTRY_HEADER, SEAL, SEAL_BYTES, SEGMENT_HEADER_BYTES } from './format.ts';
import { readCount } from './layout.ts';
import type { ScanStart } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';
import { nextPage, preadUpToDamage, preadWithZeros } from './unreadable.ts';
import { nonZeroEnd } from './zeros.ts';

/** Start of a walk at an entry that begins at `offset`; the walk finds out whether what it says of itself is true. */
export function startAt(disk: Disk, segment: OpenedSegment, offset: number): ScanStart {
  const view = read(disk, segment, offset, ENTRY_HEADER.size);
  return startOf(view, offset);
}

/** Start of the group whose commit ends at `end`; null when nothing that can be a group ends there. */
export function startBefore(disk: Disk, segment: OpenedSegment, end: number): ScanStart | null {
  const commitAt = end - COMMIT_BYTES;
  if (commitAt < SEGMENT_HEADER_BYTES) return null;
  const view = read(disk, segment, commitAt, COMMIT_BYTES);
  const fields = ENTRY_HEADER.size;
  const offset = commitAt - readCount(view, fields + COMMIT.at.groupBytes);
  if (!(offset >= SEGMENT_HEADER_BYTES)) return null;
  return {
    offset,
    sequence: readCount(view, fields + COMMIT.at.firstSequence) as Sequence,
    ordinal: previousOrdinal(view),
    chain: null,
    contentHash: false,
  };
}

/** Start of the walk that reads the seal of a sealed segment; null when the file does not end with one. */
export function startOfSeal(disk: Disk, segment: OpenedSegment): ScanStart | null {
  // The seal's footer is the last thing in the file that is not zero.
  const offset = contentEnd(disk, segment) - SEAL_BYTES;
  if (offset < SEGMENT_HEADER_BYTES) return null;
  const view = read(disk, segment, offset, SEAL_BYTES);
  const fields = ENTRY_HEADER.size;
  return {
    ...startOf(view, offset),
    // Unlike other entries a seal belongs to the commit before it.
    ordinal: readCount(view, ENTRY_HEADER.at.ordinal) as CommitOrdinal,
    chain: new Uint8Array(view.buffer.slice(fields + SEAL.at.previousChain, fields + SEAL.at.chain)),
  };
}

function startOf(view: DataView<ArrayBuffer>, offset: number): ScanStart {
  return {
    offset,
    sequence: readCount(view, ENTRY_HEADER.at.sequence) as Sequence,
    ordinal: previousOrdinal(view),
    chain: null,
    contentHash: false,
  };
}

function previousOrdinal(view: DataView): CommitOrdinal {
  return (readCount(view, ENTRY_HEADER.at.ordinal) - 1) as CommitOrdinal;
}

function read(disk: Disk, { handle }: OpenedSegment, offset: number, length: number): DataView<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  preadWithZeros(disk, handle, bytes, length, offset);
  return new DataView(bytes.buffer);
}

const BLOCK_BYTES = 64 * 1024;

/** End of the last 8-byte word of the segment that is not zero. */
export function contentEnd(disk: Disk, { handle, header }: OpenedSegment): number {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let end = header.identity.segmentBytes; end > SEGMENT_HEADER_BYTES; end -= BLOCK_BYTES) {
    const start = Math.max(end - BLOCK_BYTES, 0);
    const count = preadUpToDamage(disk, handle, block, end - start, start);
    // What cannot be read must have been written.
    if (count < end - start && start + count < disk.size(handle)) return nextPage(start + count);
    const last = nonZeroEnd(block.subarray(0, count));
    if (last > 0) return start + last;
  }
  return 0;
}
