/**
 * Many crash disks from one recording without copying the disk for each: one file moves forward along the recording, and
 * a crash disk is this file with some later writes on it for as long as somebody looks.
 */
import { closeSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { type CrashPoint, flushedRanges, type SurvivingRange } from './crash-disk.ts';
import { parseLogWrites, type RecordedWrite } from './log-writes.ts';

/** Ranges are applied and taken back in parts of this size at most. */
const PART_BYTES = 2 ** 22;

/** All that the recording at `path` holds. */
export function readRecording(path: string): RecordedWrite[] {
  const fd = openSync(path, 'r');
  try {
    return parseLogWrites((offset, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
    }, statSync(path).size);
  } finally {
    closeSync(fd);
  }
}

interface Former {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export class CrashReplay {
  /** The file that is a crash disk while `during` runs. */
  readonly disk: string;
  readonly #disk: number;
  readonly #recording: number;
  readonly #entries: readonly RecordedWrite[];
  #applied = -1;

  /** @param disk Holds what the disk held when the recording began; changed from now on. */
  constructor(disk: string, recording: string, entries: readonly RecordedWrite[]) {
    this.disk = disk;
    this.#disk = openSync(disk, 'r+');
    this.#recording = openSync(recording, 'r');
    this.#entries = entries;
  }

  /** Moves on until the disk holds everything up to the flush of `point`. Points must come in their order. */
  advance({ flush }: CrashPoint): void {
    if (flush < this.#applied)
      throw new Error(`the disk is at entry ${this.#applied} already and cannot go back to ${flush}`);
    for (const range of flushedRanges(this.#entries, this.#applied, flush)) this.#apply(range);
    this.#applied = flush;
  }

  /** Puts `ranges` on the disk for as long as `look` runs. */
  async during<T>(ranges: readonly SurvivingRange[], look: (disk: string) => Promise<T>): Promise<T> {
    const former: Former[] = [];
    try {
      for (const range of ranges) this.#apply(range, former);
      return await look(this.disk);
    } finally {
      for (const { offset, bytes } of former.reverse()) this.#write(bytes, offset);
    }
  }

  close(): void {
    closeSync(this.#disk);
    closeSync(this.#recording);
  }

  #apply({ offset, length, source }: SurvivingRange, former?: Former[]): void {
    for (let done = 0; done < length; done += PART_BYTES) {
      const bytes = Buffer.alloc(Math.min(PART_BYTES, length - done));
      former?.push({ offset: offset + done, bytes: read(this.#disk, bytes.length, offset + done) });
      if (source !== undefined) bytes.set(read(this.#recording, bytes.length, source + done));
      this.#write(bytes, offset + done);
    }
  }

  /** Zeros over zeros would only fill holes. */
  #write(bytes: Uint8Array, offset: number): void {
    if (!read(this.#disk, bytes.length, offset).equals(bytes))
      writeSync(this.#disk, bytes, 0, bytes.length, offset);
  }
}

/** All of it, or an error: a disk or recording that ends here is not the one that was recorded. */
function read(fd: number, length: number, offset: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  const got = readSync(fd, bytes, 0, length, offset);
  if (got !== length) throw new Error(`${length} bytes at ${offset} end after ${got}`);
  return bytes;
}
