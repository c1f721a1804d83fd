/**
 * Segments to come. Space is taken from the disk only here, ahead of need, so that a full disk is noticed while there is
 * still room to write. A spare is allocated at once and zero-filled in idle time: overwriting zeros needs no allocation in
 * fdatasync. Under load there is no idle time and it is used unfilled, which spares the disk the second write.
 */
import { join } from 'node:path';
import { type Disk, type FileHandle, isNoSpace } from '../io/index.ts';
import { SEGMENT_HEADER_BYTES } from './format.ts';
import { spareFileName } from './segment.ts';

/** Spares kept ready: two, or more of small segments, which a burst goes through faster than they are made. */
const SPARES_MIN = 2;
const SPARES_MAX = 4;
const SPARE_BYTES_WANTED = 4 * 1024 * 1024;
const ZERO_STEP_BYTES = 256 * 1024;
const RETRY_NANOS = 1_000_000_000n;

export interface Spare {
  readonly path: string;
  readonly handle: FileHandle;
  /** Bytes from the start that have been written as zeros. */
  zeroed: number;
}

export class Spares {
  readonly #disk: Disk;
  readonly #wal: string;
  readonly #segmentBytes: number;
  readonly #wanted: number;
  readonly #ready: Spare[] = [];
  readonly #zeros = new Uint8Array(ZERO_STEP_BYTES);
  #made = 0;
  #retryAt: bigint | null = null;

  constructor(disk: Disk, wal: string, segmentBytes: number) {
    this.#disk = disk;
    this.#wal = wal;
    this.#segmentBytes = segmentBytes;
    this.#wanted = Math.min(Math.max(Math.ceil(SPARE_BYTES_WANTED / segmentBytes), SPARES_MIN), SPARES_MAX);
  }

  get ready(): number {
    return this.#ready.length;
  }

  get missing(): boolean {
    return this.#ready.length < this.#wanted;
  }

  /** Makes one spare. `full`: there is no space; `waiting`: there was none a moment ago. */
  prepare(nowNanos: bigint): 'prepared' | 'full' | 'waiting' {
    if (this.#retryAt !== null && nowNanos < this.#retryAt) return 'waiting';
    try {
      this.#ready.push(this.#make());
      this.#retryAt = null;
      return 'prepared';
    } catch (error) {
      if (!isNoSpace(error)) throw error;
      this.#retryAt = nowNanos + RETRY_NANOS;
      return 'full';
    }
  }

  /** Writes some zeros into a spare that still needs them; how many. */
  zeroSome(): number {
    const spare = this.#ready.find((each) => each.zeroed < this.#segmentBytes);
    if (spare === undefined) return 0;
    const bytes = Math.min(ZERO_STEP_BYTES, this.#segmentBytes - spare.zeroed);
    this.#disk.pwrite(spare.handle, this.#zeros.subarray(0, bytes), spare.zeroed);
    spare.zeroed += bytes;
    if (spare.zeroed === this.#segmentBytes) this.#disk.fdatasync(spare.handle);
    return bytes;
  }

  take(): Spare | null {
    return this.#ready.shift() ?? null;
  }

  /** Spares that were not needed are left on disk for the next start to remove. */
  close(): void {
    for (const spare of this.#ready) this.#disk.close(spare.handle);
    this.#ready.length = 0;
  }

  #make(): Spare {
    this.#made += 1;
    return createSpare(this.#disk, join(this.#wal, spareFileName(this.#made)), this.#segmentBytes);
  }
}

/** A file of that size whose space is taken and which reads as zeros. Leaves nothing behind when there is no space. */
export function createSpare(disk: Disk, path: string, segmentBytes: number): Spare {
  const handle = disk.open(path, 'create');
  try {
    disk.allocate(handle, segmentBytes);
    disk.fsync(handle);
  } catch (error) {
    disk.close(handle);
    disk.unlink(path);
    throw error;
  }
  return { path, handle, zeroed: SEGMENT_HEADER_BYTES };
}
