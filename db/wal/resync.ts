/**
 * Finds where a segment can be read again behind damage. Checksums know their place in the file, so whatever validates at
 * an offset was written there: looking for it needs no index and cannot be misled by bytes inside payloads.
 */
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Sequence } from '../types.ts';
import { COMMIT_BYTES, ENTRY_HEADER, ENTRY_TYPE, FORMAT_VERSION } from './format.ts';
import type { Gap } from './gaps.ts';
import { readCount } from './layout.ts';
import type { ScanBreak, Scanner, ScanStart } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';
import { nextPage, preadUpToDamage } from './unreadable.ts';

const BLOCK_BYTES = 1024 * 1024;

/** Start of the first whole group (or the seal) behind the break; null when there is none. Moves the scanner. */
export function groupBehind(
  disk: Pick<Disk, 'pread'>,
  scanner: Scanner,
  segment: OpenedSegment,
  { brokenAt }: ScanBreak,
): ScanStart | null {
  const { segmentBytes } = segment.header.identity;
  const block = new DataView(new ArrayBuffer(BLOCK_BYTES + ENTRY_HEADER.size));
  let at = brokenAt + 8;
  while (at < segmentBytes) {
    const count = preadUpToDamage(disk, segment.handle, new Uint8Array(block.buffer), block.byteLength, at);
    if (count < ENTRY_HEADER.size) {
      // Unreadable, or the end of a file that was cut short: then nothing is found in the rest either.
      at = nextPage(at);
      continue;
    }
    const end = at + Math.min(count - ENTRY_HEADER.size + 8, BLOCK_BYTES);
    const from = at;
    while (at < end) {
      const start = startAtHeader(block, at - from, at);
      if (start === null) {
        at += 8;
        continue;
      }
      scanner.start(segment, start);
      const scanned = scanner.next();
      if (scanned.kind !== 'break') return start;
      // A commit that does not fit ends a group that began before: nothing up to its end begins one.
      at = scanned.reason === 'commit' ? scanned.brokenAt + COMMIT_BYTES : at + 8;
    }
  }
  return null;
}

/** Start of the walk behind a gap; the chain begins anew there. */
export function startBehind(disk: Pick<Disk, 'pread'>, segment: OpenedSegment, { end, to }: Gap): ScanStart {
  const block = new DataView(new ArrayBuffer(ENTRY_HEADER.size));
  disk.pread(segment.handle, new Uint8Array(block.buffer), block.byteLength, end);
  const found = startAtHeader(block, 0, end);
  const sequence = (to + 1) as Sequence;
  return {
    ordinal: 0 as CommitOrdinal,
    offset: end,
    contentHash: false,
    ...found,
    sequence,
    chain: 'restart',
  };
}

/** The start of a walk at something that looks like an entry. */
function startAtHeader(block: DataView, at: number, offset: number): ScanStart | null {
  if (block.getUint16(at, true) !== FORMAT_VERSION) return null;
  const sequence = readCount(block, at + ENTRY_HEADER.at.sequence) as Sequence;
  if (!Number.isFinite(sequence)) return null;
  const own = readCount(block, at + ENTRY_HEADER.at.ordinal);
  // Unlike other entries a seal belongs to the commit before it.
  const isSeal = block.getUint16(at + ENTRY_HEADER.at.type, true) === ENTRY_TYPE.seal;
  const ordinal = (isSeal ? own : own - 1) as CommitOrdinal;
  return { offset, sequence, ordinal, chain: null, contentHash: false };
}
