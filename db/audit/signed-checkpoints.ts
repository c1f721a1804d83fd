/**
 * The checkpoints that were signed, in `metadata/checkpoints/checkpoints`: records of equal length, one after the other, only
 * ever appended. What a crash has torn at the end does not count and is written over.
 */
import { join } from 'node:path';
import { type Disk, type FileHandle, isNotFound } from '../io/index.ts';
import { sequence } from '../types.ts';
import { metadataDirectory, readLogId } from '../wal/metadata.ts';
import type { DurableClaim } from '../wal/settle.ts';
import { CHECKPOINT_SIZE, decodeCheckpoint, ProofError } from './verifier.ts';

const FILE = 'checkpoints';

export class SignedCheckpoints {
  readonly #disk: Disk;
  readonly #folder: string;
  #count: number;
  #last: Uint8Array | null;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#folder = join(metadataDirectory(directory), 'checkpoints');
    this.#count = this.#whole();
    this.#last = this.#count === 0 ? null : this.at(this.#count - 1);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the newest. */
  get last(): Uint8Array | null {
    return this.#last;
  }

  /** Bytes of one, the oldest being 0. */
  at(index: number): Uint8Array {
    return this.range(index, 1)[0]!;
  }

  /** Up to `count` of them from one on. */
  range(first: number, count: number): Uint8Array[] {
    const wanted = Math.max(Math.min(count, this.#count - first), 0);
    const bytes = new Uint8Array(wanted * CHECKPOINT_SIZE);
    if (wanted > 0)
      this.#with('read', (handle) => this.#disk.pread(handle, bytes, bytes.length, first * CHECKPOINT_SIZE));
    return Array.from({ length: wanted }, (_, at) =>
      bytes.slice(at * CHECKPOINT_SIZE, (at + 1) * CHECKPOINT_SIZE),
    );
  }

  /** Index of the first whose size is not below `size`; their number when there is none. Sizes ascend. */
  indexOf(size: number): number {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (decodeCheckpoint(this.at(middle)).size < size) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Durable when it returns. */
  append(record: Uint8Array): void {
    this.#disk.mkdir(this.#folder);
    this.#with('write', (handle) => {
      this.#disk.pwrite(handle, record, this.#count * CHECKPOINT_SIZE);
      this.#disk.fdatasync(handle);
    });
    if (this.#count === 0) this.#disk.fsyncDirectory(this.#folder);
    this.#count += 1;
    this.#last = record;
  }

  /** Records in the file, without what a crash has left unfinished behind them. */
  #whole(): number {
    return (
      this.#with('read', (handle) => {
        const record = new Uint8Array(CHECKPOINT_SIZE);
        let count = Math.floor(this.#disk.size(handle) / CHECKPOINT_SIZE);
        for (; count > 0; count--) {
          this.#disk.pread(handle, record, CHECKPOINT_SIZE, (count - 1) * CHECKPOINT_SIZE);
          if (isRecord(record)) break;
        }
        return count;
      }) ?? 0
    );
  }

  /** Null when there is no file and none is to be made. */
  #with<T>(mode: 'read' | 'write', work: (handle: FileHandle) => T): T | null {
    const handle = this.#open(mode);
    if (handle === null) return null;
    try {
      return work(handle);
    } finally {
      this.#disk.close(handle);
    }
  }

  #open(mode: 'read' | 'write'): FileHandle | null {
    const path = join(this.#folder, FILE);
    try {
      return this.#disk.open(path, mode);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return mode === 'read' ? null : this.#disk.open(path, 'create');
    }
  }
}

function isRecord(bytes: Uint8Array): boolean {
  try {
    decodeCheckpoint(bytes);
    return true;
  } catch (error) {
    if (error instanceof ProofError) return false;
    throw error;
  }
}

/** What a signed checkpoint proves to have been durable. */
export function checkpointClaims(disk: Disk, directory: string): DurableClaim[] {
  const { last } = new SignedCheckpoints(disk, directory);
  if (last === null) return [];
  const { size, logId } = decodeCheckpoint(last);
  if (logId !== readLogId(disk, directory)) return [];
  return [{ source: `the signed checkpoint of size ${size}`, sequence: sequence(size) }];
}
