/**
 * Decides what an invalid entry at the end of the open segment is, and settles it.
 *
 * Sectors written since the last fdatasync reach the disk in any order or not at all, so behind a hole there can be valid
 * groups. Durable marks decide: below one, a break is corruption. Above all of them it is a torn tail, never acknowledged
 * as durable, if the broken entry has a sector that reads as zeros, which is what a sector not yet written holds, or runs
 * past the end of a file that was cut short. Anything else was written and then changed: corruption.
 *
 * Residue: a last group that no mark covers and that reads as zeros cannot be told from one that was torn.
 */
import { join } from 'node:path';
import { type Disk, type FileHandle, writeSmallFile } from '../io/index.ts';
import type { CommitOrdinal, Sequence } from '../types.ts';
import {
  COMMIT,
  COMMIT_BYTES,
  ENTRY_HEADER,
  ENTRY_TYPE,
  entryBytes,
  FORMAT_VERSION,
  SEAL,
  SEAL_BYTES,
} from './format.ts';
import { readCount } from './layout.ts';
import { contentEnd } from './locate.ts';
import { tornDirectory } from './metadata.ts';
import type { ScanBreak, Scanner } from './scanner.ts';
import type { OpenedSegment } from './segment.ts';
import { preadUpToDamage, preadWithZeros } from './unreadable.ts';
import { firstNonZero } from './zeros.ts';

/** The unit a disk writes whole or not at all. Larger physical sectors consist of these. */
const SECTOR_BYTES = 512;
const ZEROS_BYTES = 1024 * 1024;

export interface Tail {
  /** `clean`: only zeros follow. `torn`: something that was never durable. `corrupt`: something that was, or must have been. */
  readonly kind: 'clean' | 'torn' | 'corrupt';
  /** Highest mark of valid commits and of a seal behind the break. */
  readonly mark: Sequence;
  /** Bytes between the accepted end and the last one that is not zero. */
  readonly bytes: Uint8Array;
}

/** `mark`: highest sequence known durable from elsewhere. `accepted`: last sequence before the break's group. */
export function judgeTail(
  disk: Disk,
  scanner: Scanner,
  segment: OpenedSegment,
  found: ScanBreak,
  { accepted, mark }: { readonly accepted: Sequence; readonly mark: Sequence },
): Tail {
  const { bytes, whole } = readTail(disk, segment, found.offset);
  const behind = bytes.length === 0 ? mark : markBehind(scanner, segment, found, bytes);
  const highest = (behind > mark ? behind : mark) as Sequence;
  if (highest > accepted) return { kind: 'corrupt', mark: highest, bytes };
  if (bytes.length === 0) return { kind: 'clean', mark: highest, bytes };
  // What cannot be read shows nothing, least of all that it was never written.
  if (!whole) return { kind: 'corrupt', mark: highest, bytes };
  const extent = extentOf(scanner, segment, found, bytes);
  const cutShort = found.brokenAt + extent > disk.size(segment.handle);
  const torn = isTearable(found) && (cutShort || hasZeroSector(found, bytes, extent));
  return { kind: torn ? 'torn' : 'corrupt', mark: highest, bytes };
}

/** Keeps a copy of what is about to be zeroed. Returns its path. */
export function keepTail(
  disk: Disk,
  directory: string,
  segment: OpenedSegment,
  offset: number,
  bytes: Uint8Array,
): string {
  disk.mkdir(tornDirectory(directory));
  disk.fsyncDirectory(join(tornDirectory(directory), '..'));
  const taken = new Set(disk.list(tornDirectory(directory)));
  let name = `${segment.name}-${offset}.torn`;
  for (let again = 2; taken.has(name); again++) name = `${segment.name}-${offset}-${again}.torn`;
  const path = join(tornDirectory(directory), name);
  writeSmallFile(disk, path, bytes);
  return path;
}

/** Writes [from, end) again as it reads, zeros from `end` to the segment's end, and makes both durable. */
export function rewriteTail(
  disk: Disk,
  handle: FileHandle,
  from: number,
  end: number,
  segmentBytes: number,
): void {
  const block = new Uint8Array(ZEROS_BYTES);
  for (let at = from; at < end; at += block.length) {
    const part = block.subarray(0, Math.min(block.length, end - at));
    disk.pread(handle, part, part.length, at);
    disk.pwrite(handle, part, at);
  }
  block.fill(0);
  for (let at = end; at < segmentBytes; at += block.length) {
    disk.pwrite(handle, block.subarray(0, Math.min(block.length, segmentBytes - at)), at);
  }
  disk.fdatasync(handle);
}

/** `whole`: all of it could be read; zeros stand for what could not. */
function readTail(disk: Disk, segment: OpenedSegment, offset: number): { bytes: Uint8Array; whole: boolean } {
  const bytes = new Uint8Array(Math.max(contentEnd(disk, segment) - offset, 0));
  const { handle } = segment;
  const size = preadWithZeros(disk, handle, bytes, bytes.length, offset);
  return { bytes, whole: preadUpToDamage(disk, handle, new Uint8Array(size), size, offset) === size };
}

/** Reasons that a missing sector can have. The others are valid entries that contradict their log. */
function isTearable(found: ScanBreak): boolean {
  return found.reason !== 'commit' && found.reason !== 'seal' && found.reason !== 'chain';
}

/** Highest durable mark of commits behind the break whose whole group validates, and of a seal there; 0 if there is none. */
function markBehind(scanner: Scanner, segment: OpenedSegment, found: ScanBreak, bytes: Uint8Array): Sequence {
  const view = new DataView(bytes.buffer);
  let mark = 0 as Sequence;
  for (const at of entriesLike(bytes, found, isMark)) {
    const start = startOfMark(view, at);
    if (start === null || !(found.offset + start.offset > found.brokenAt)) continue;
    scanner.start(segment, { ...start, offset: found.offset + start.offset, contentHash: false });
    const marked = scanner.next();
    if (marked.kind === 'break' || marked.end !== found.offset + at + start.bytes) continue;
    if (marked.durableMark > mark) mark = marked.durableMark;
  }
  return mark;
}

function isMark(word: number, length: number): boolean {
  return (word === COMMIT_WORD && length === COMMIT.size) || (word === SEAL_WORD && length === SEAL.size);
}

/** Where the group of the commit at `at` begins, or the seal itself, with what its own fields say of what was before. */
function startOfMark(view: DataView, at: number) {
  const isSeal = view.getUint32(at, true) === SEAL_WORD;
  const fields = at + ENTRY_HEADER.size;
  const bytes = isSeal ? SEAL_BYTES : COMMIT_BYTES;
  if (at + bytes > view.byteLength) return null;
  const ordinal = readCount(view, at + ENTRY_HEADER.at.ordinal);
  const from = fields + (isSeal ? SEAL.at.previousChain : COMMIT.at.previousChain);
  const chain = new Uint8Array(view.buffer.slice(from, from + CHAIN_BYTES));
  if (isSeal) {
    const sequence = readCount(view, at + ENTRY_HEADER.at.sequence) as Sequence;
    return { bytes, offset: at, sequence, ordinal: ordinal as CommitOrdinal, chain };
  }
  const offset = at - readCount(view, fields + COMMIT.at.groupBytes);
  const sequence = readCount(view, fields + COMMIT.at.firstSequence) as Sequence;
  return { bytes, offset, sequence, ordinal: (ordinal - 1) as CommitOrdinal, chain };
}

/**
 * Bytes the broken entry takes. Its own length field may be what is broken, so where a valid successor is found, the entry
 * ends there.
 */
function extentOf(scanner: Scanner, segment: OpenedSegment, found: ScanBreak, bytes: Uint8Array): number {
  if (found.reason === 'unwritten') return 8;
  if (!['checksum', 'footer', 'padding', 'length', 'truncated'].includes(found.reason))
    return ENTRY_HEADER.size;
  const view = new DataView(bytes.buffer);
  const broken = found.brokenAt - found.offset;
  if (broken + 8 > bytes.length) return ENTRY_HEADER.size;
  for (const at of entriesLike(bytes, found)) {
    if (at + ENTRY_HEADER.size > bytes.length) break;
    if (readCount(view, at + ENTRY_HEADER.at.sequence) !== found.sequence + 1) continue;
    const ordinal = (readCount(view, at + ENTRY_HEADER.at.ordinal) - 1) as CommitOrdinal;
    const offset = found.offset + at;
    scanner.start(segment, {
      offset,
      sequence: (found.sequence + 1) as Sequence,
      ordinal,
      chain: null,
      contentHash: false,
    });
    const next = scanner.next();
    if (next.kind !== 'break' || next.brokenAt > offset || !isTearable(next)) return at - broken;
  }
  const payloadBytes = view.getUint32(broken + ENTRY_HEADER.at.payloadBytes, true);
  const isCommit = view.getUint32(broken, true) === COMMIT_WORD;
  return isCommit
    ? COMMIT_BYTES
    : Math.min(entryBytes(payloadBytes), segment.header.identity.segmentBytes - found.brokenAt);
}

const COMMIT_WORD = FORMAT_VERSION | (ENTRY_TYPE.commit << 16);
const SEAL_WORD = FORMAT_VERSION | (ENTRY_TYPE.seal << 16);
const CHAIN_BYTES = 32;

/** Offsets in `bytes`, after the broken entry's start, that begin like an entry. */
function* entriesLike(
  bytes: Uint8Array,
  found: ScanBreak,
  accept: (word: number, length: number) => boolean = () => true,
): Generator<number> {
  const words = new Uint32Array(bytes.buffer, 0, bytes.length >> 2);
  for (let at = (found.brokenAt - found.offset) / 4 + 2; at < words.length; at += 2) {
    const word = words[at] ?? 0;
    if ((word & 0xffff) === FORMAT_VERSION && accept(word, words[at + 1] ?? 0)) yield at * 4;
  }
}

/** Whether a sector of the broken entry, as far as it lies behind the accepted part, reads as zeros. */
function hasZeroSector(found: ScanBreak, bytes: Uint8Array, extent: number): boolean {
  const end = found.brokenAt + extent;
  let sector = found.brokenAt - (found.brokenAt % SECTOR_BYTES);
  for (; sector < end; sector += SECTOR_BYTES) {
    const start = Math.max(sector, found.brokenAt) - found.offset;
    const part = bytes.subarray(start, sector + SECTOR_BYTES - found.offset);
    if (firstNonZero(part) < 0) return true;
  }
  return false;
}
