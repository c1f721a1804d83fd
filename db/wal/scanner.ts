/**
 * Walks the groups of a segment file, validating every byte on the way: recovery, verification, index building and reading
 * all stand on it. Synchronous; what `next` returns is valid until the next call.
 */
import { createWasmMemory, WASM_PAGE_BYTES, XXH64_STATE_BYTES } from '../hash/index.ts';
import type { Disk, FileHandle } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkCommit, linkSeal } from './chain.ts';
import { createEntryProgram, type EntryProgram, STOP, VALIDATION } from './entry-program.ts';
import {
  COMMIT,
  COMMIT_BYTES,
  ENTRY_HEADER,
  entryBytes,
  SEAL,
  SEAL_BYTES,
  SEGMENT_HEADER_BYTES,
} from './format.ts';
import { readCount, writeCount } from './layout.ts';
import { headerSeed, type OpenedSegment } from './segment.ts';
import { isReadFailure, preadUpToDamage } from './unreadable.ts';

/** Fits the cache; grows only for a larger group. */
const WINDOW_BYTES = 256 * 1024;
const READ_BYTES_MIN = 16 * 1024;
/** The program's own cells at the start of the memory; the window begins on the next page. */
const STATE = 0;
const CONTENT_HASH = 128;
const DIGEST = 256;

export type BreakReason =
  | Exclude<keyof typeof STOP, 'commit' | 'seal' | 'more'>
  | 'truncated'
  /** The disk cannot read it. */
  | 'unreadable'
  | 'commit'
  | 'seal'
  | 'chain';

export interface ScannedCommit {
  readonly kind: 'commit';
  /** Where the group begins and where the next one would. */
  readonly offset: number;
  readonly end: number;
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly firstSequence: Sequence;
  readonly epoch: Epoch;
  readonly durableMark: Sequence;
  readonly recordedAt: RecordedAt;
  readonly chain: Uint8Array;
  /** The group's entries and the commit entry, in the scanner's window. */
  readonly bytes: Uint8Array;
}

export interface ScannedSeal {
  readonly kind: 'seal';
  readonly offset: number;
  readonly end: number;
  readonly sequence: Sequence;
  readonly epoch: Epoch;
  readonly durableMark: Sequence;
  readonly entryCount: number;
  readonly chain: Uint8Array;
  /** The seal entry, in the scanner's window. */
  readonly bytes: Uint8Array;
}

/** Nothing valid follows. `offset`: end of the last group; `brokenAt`: the entry that does not validate. */
export interface ScanBreak {
  readonly kind: 'break';
  readonly offset: number;
  readonly brokenAt: number;
  readonly sequence: Sequence;
  readonly reason: BreakReason;
}

export type Scanned = ScannedCommit | ScannedSeal | ScanBreak;

/** Where to start walking: the beginning of a group. */
export interface ScanStart {
  readonly offset: number;
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  /** Chain before the group; null to leave the chain unchecked; `restart` to take it as the group itself says, once. */
  readonly chain: Uint8Array | 'restart' | null;
  /** Whether to keep the content hash; only from the segment's beginning. */
  readonly contentHash: boolean;
}

export class Scanner {
  readonly #disk: Pick<Disk, 'pread'>;
  #windowBytes = 0;
  #program!: EntryProgram;
  #memory!: Uint8Array;
  #view!: DataView;
  #handle!: FileHandle;
  #segmentBytes = 0;
  /** Size of the next read: small at first, because most walks are short; doubling, because the others are long. */
  #readBytes = READ_BYTES_MIN;
  /** File offset of the window's first byte and of the byte after its last. */
  #windowStart = 0;
  #windowEnd = 0;
  #offset = 0;
  #chain: Uint8Array | 'restart' | null = null;
  #contentHash = false;
  #unreadable = false;

  constructor(disk: Pick<Disk, 'pread'>) {
    this.#disk = disk;
    this.#resize(WINDOW_BYTES);
  }

  /** Goes to the beginning of a group (or seal) of an opened segment file. */
  start(segment: OpenedSegment, start: ScanStart): void {
    const { header, headerBytes, handle } = segment;
    const seed = headerSeed(headerBytes);
    this.#handle = handle;
    this.#segmentBytes = header.identity.segmentBytes;
    this.#readBytes = READ_BYTES_MIN;
    this.#view.setInt32(STATE + VALIDATION.seed, seed.low, true);
    this.#view.setInt32(STATE + VALIDATION.seed + 4, seed.high, true);
    this.#view.setUint32(
      STATE + VALIDATION.payloadBytesMax,
      Math.max(header.identity.entryBytesMax, COMMIT.size),
      true,
    );
    this.#expect(start.sequence, (start.ordinal + 1) as CommitOrdinal);
    this.#offset = start.offset;
    this.#windowStart = start.offset;
    this.#windowEnd = start.offset;
    this.#chain = start.chain;
    this.#contentHash = start.contentHash;
    if (start.contentHash) this.#beginContentHash(headerBytes);
  }

  /** The next group, the seal, or where it all ends. */
  next(): Scanned {
    const offset = this.#offset;
    const expected = this.#expectedSequence;
    let position = offset;
    for (;;) {
      const reason = this.#validateFrom(position);
      position = this.#stoppedAt;
      if (reason === STOP.commit) return this.#commit(offset, position, expected);
      if (reason === STOP.seal) return this.#seal(offset, position);
      if (reason !== STOP.more) return this.#broken(offset, position, reasonName(reason));
      if (!this.#readMore(offset, position))
        return this.#broken(offset, position, this.#unreadable ? 'unreadable' : 'truncated');
    }
  }

  /** State of the content hash of everything walked so far. */
  contentHashState(): Uint8Array {
    return this.#memory.slice(CONTENT_HASH, CONTENT_HASH + XXH64_STATE_BYTES);
  }

  /** The same of a segment's bytes up to `end`, whatever they are. Ends the walk. */
  contentHashOf({ headerBytes, handle }: OpenedSegment, end: number): Uint8Array {
    this.#beginContentHash(headerBytes);
    for (let at = SEGMENT_HEADER_BYTES; at < end; ) {
      const length = Math.min(this.#windowBytes, end - at);
      const target = this.#memory.subarray(WASM_PAGE_BYTES, WASM_PAGE_BYTES + length);
      const count = this.#disk.pread(handle, target, length, at);
      if (count === 0) break;
      this.#program.update(CONTENT_HASH, WASM_PAGE_BYTES, count);
      at += count;
    }
    return this.contentHashState();
  }

  #commit(offset: number, position: number, firstSequence: Sequence): Scanned {
    const at = this.#address(position);
    const fields = at + ENTRY_HEADER.size;
    const view = this.#view;
    const sequence = this.#expectedSequence;
    const count = sequence - firstSequence;
    const wellFormed =
      view.getUint32(at + ENTRY_HEADER.at.payloadBytes, true) === COMMIT.size &&
      readCount(view, fields + COMMIT.at.firstSequence) === firstSequence &&
      view.getUint32(fields + COMMIT.at.entryCount, true) === count &&
      readCount(view, fields + COMMIT.at.groupBytes) === position - offset;
    if (!wellFormed) return this.#broken(offset, position, 'commit');
    const start = this.#address(offset);
    const end = at + COMMIT_BYTES;
    const chain = this.#memory.slice(fields + COMMIT.at.chain, fields + COMMIT.at.chain + 32);
    if (this.#chain !== null) {
      const previous = this.#memory.subarray(fields + COMMIT.at.previousChain, fields + COMMIT.at.chain);
      if (this.#chain === 'restart') this.#chain = previous.slice();
      const link = linkCommit(
        this.#chain,
        [this.#memory.subarray(start, at)],
        this.#memory.subarray(at, end),
      );
      if (!equal(previous, this.#chain) || !equal(link, chain))
        return this.#broken(offset, position, 'chain');
      this.#chain = chain;
    }
    const ordinal = readCount(view, at + ENTRY_HEADER.at.ordinal) as CommitOrdinal;
    if (this.#contentHash) this.#program.update(CONTENT_HASH, start, end - start);
    this.#expect((sequence + 1) as Sequence, (ordinal + 1) as CommitOrdinal);
    this.#offset = position + COMMIT_BYTES;
    return {
      kind: 'commit',
      offset,
      end: this.#offset,
      sequence,
      ordinal,
      firstSequence,
      epoch: view.getUint32(fields + COMMIT.at.epoch, true) as Epoch,
      durableMark: readCount(view, fields + COMMIT.at.durableMark) as Sequence,
      recordedAt: view.getBigUint64(fields + COMMIT.at.recordedAt, true) as RecordedAt,
      chain,
      bytes: this.#memory.subarray(start, end),
    };
  }

  #seal(offset: number, position: number): Scanned {
    const at = this.#address(position);
    const fields = at + ENTRY_HEADER.size;
    const view = this.#view;
    const sequence = this.#expectedSequence;
    const lastSequence = readCount(view, fields + SEAL.at.lastSequence);
    const ordinal = readCount(view, at + ENTRY_HEADER.at.ordinal);
    const wellFormed =
      position === offset &&
      view.getUint32(at + ENTRY_HEADER.at.payloadBytes, true) === SEAL.size &&
      ordinal === this.#expectedOrdinal - 1 &&
      lastSequence === sequence - 1 &&
      readCount(view, fields + SEAL.at.durableMark) === lastSequence &&
      view.getUint32(fields + SEAL.at.reserved, true) === 0;
    if (!wellFormed) return this.#broken(offset, position, 'seal');
    if (this.#contentHash) {
      this.#program.digest(CONTENT_HASH, DIGEST);
      const stored = view.getBigUint64(fields + SEAL.at.contentHash, true);
      if (view.getBigUint64(DIGEST, true) !== stored) return this.#broken(offset, position, 'seal');
    }
    const end = at + SEAL_BYTES;
    const chain = this.#memory.slice(fields + SEAL.at.chain, fields + SEAL.at.chain + 32);
    if (this.#chain !== null) {
      const previous = this.#memory.subarray(fields + SEAL.at.previousChain, fields + SEAL.at.chain);
      if (this.#chain === 'restart') this.#chain = previous.slice();
      const link = linkSeal(this.#chain, this.#memory.subarray(at, end));
      if (!equal(previous, this.#chain) || !equal(link, chain))
        return this.#broken(offset, position, 'chain');
    }
    this.#offset = position + SEAL_BYTES;
    return {
      kind: 'seal',
      offset,
      end: this.#offset,
      sequence,
      epoch: view.getUint32(fields + SEAL.at.epoch, true) as Epoch,
      durableMark: lastSequence as Sequence,
      entryCount: readCount(view, fields + SEAL.at.entryCount),
      chain,
      bytes: this.#memory.subarray(at, end),
    };
  }

  #broken(offset: number, brokenAt: number, reason: BreakReason): ScanBreak {
    return { kind: 'break', offset, brokenAt, sequence: this.#expectedSequence, reason };
  }

  #validateFrom(position: number): number {
    this.#program.validate(this.#address(position), this.#address(this.#windowEnd), position, STATE);
    return this.#view.getInt32(STATE + VALIDATION.reason, true);
  }

  /** Where `validate` stopped, as a file offset. */
  get #stoppedAt(): number {
    return this.#view.getInt32(STATE + VALIDATION.position, true) - WASM_PAGE_BYTES + this.#windowStart;
  }

  /** Gets bytes after the window's end, keeping everything from the group's start. False at the end of the segment. */
  #readMore(groupOffset: number, position: number): boolean {
    if (this.#windowEnd >= this.#segmentBytes) return false;
    const keep = this.#windowEnd - groupOffset;
    this.#memory.copyWithin(WASM_PAGE_BYTES, this.#address(groupOffset), this.#address(this.#windowEnd));
    this.#windowStart = groupOffset;
    const needed = position - groupOffset + this.#entryBytesAt(position);
    if (needed > this.#windowBytes || keep === this.#windowBytes) {
      this.#resize(Math.max(this.#windowBytes * 2, needed + WASM_PAGE_BYTES));
    }
    const wanted = Math.max(this.#readBytes, needed - keep);
    const length = Math.min(wanted, this.#windowBytes - keep, this.#segmentBytes - this.#windowEnd);
    this.#readBytes = Math.min(this.#readBytes * 2, WINDOW_BYTES);
    const target = this.#memory.subarray(WASM_PAGE_BYTES + keep, WASM_PAGE_BYTES + keep + length);
    const count = preadUpToDamage(this.#disk, this.#handle, target, length, this.#windowEnd);
    if (count === 0) this.#unreadable = this.#isUnreadable();
    this.#windowEnd += count;
    return count > 0;
  }

  /** Nothing comes from the window's end on: because the file ends there, or because it cannot be read. */
  #isUnreadable(): boolean {
    try {
      this.#disk.pread(this.#handle, new Uint8Array(1), 1, this.#windowEnd);
      return false;
    } catch (error) {
      return isReadFailure(error);
    }
  }

  /** Size of the entry at `position` as its header says, if the header is in the window already. */
  #entryBytesAt(position: number): number {
    if (this.#windowEnd - position < ENTRY_HEADER.size) return ENTRY_HEADER.size;
    return entryBytes(this.#view.getUint32(this.#address(position) + ENTRY_HEADER.at.payloadBytes, true));
  }

  #address(position: number): number {
    return position - this.#windowStart + WASM_PAGE_BYTES;
  }

  get #expectedSequence(): Sequence {
    return readCount(this.#view, STATE + VALIDATION.sequence) as Sequence;
  }

  get #expectedOrdinal(): CommitOrdinal {
    return readCount(this.#view, STATE + VALIDATION.ordinal) as CommitOrdinal;
  }

  #expect(sequence: Sequence, ordinal: CommitOrdinal): void {
    writeCount(this.#view, STATE + VALIDATION.sequence, sequence);
    writeCount(this.#view, STATE + VALIDATION.ordinal, ordinal);
  }

  #beginContentHash(headerBytes: Uint8Array): void {
    this.#program.begin(CONTENT_HASH, 0, 0);
    this.#memory.set(headerBytes, WASM_PAGE_BYTES);
    this.#program.update(CONTENT_HASH, WASM_PAGE_BYTES, SEGMENT_HEADER_BYTES);
  }

  /** A larger memory with the same content. Rare: only for groups larger than any before. */
  #resize(windowBytes: number): void {
    const pages = 1 + Math.ceil(windowBytes / WASM_PAGE_BYTES);
    const shape = { pages, shared: false };
    const memory = createWasmMemory(shape);
    const bytes = new Uint8Array(memory.buffer);
    if (this.#windowBytes > 0) bytes.set(this.#memory);
    this.#windowBytes = (pages - 1) * WASM_PAGE_BYTES;
    this.#memory = bytes;
    this.#view = new DataView(memory.buffer);
    this.#program = createEntryProgram(memory, shape);
  }
}

const REASON_NAMES = new Map<number, BreakReason>(
  Object.entries(STOP).map(([name, value]) => [value, name as BreakReason]),
);

function reasonName(reason: number): BreakReason {
  return REASON_NAMES.get(reason) ?? 'checksum';
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
