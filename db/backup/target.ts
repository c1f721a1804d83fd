/** Where a backup goes: a directory, or a stream as a tar archive. Files come one after the other, the manifest last. */
import { basename, dirname, join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound, writeSmallFile } from '../io/index.ts';
import { MANIFEST_FILE } from './manifest.ts';
import { TAR_END, tarHeader, tarPadding } from './tar.ts';

export interface BackupTarget {
  /** Refuses a place that cannot be used. Called first. Errors: ALREADY_EXISTS, those of the disk. */
  begin(): void;
  /** `bytes` is the sum of the chunks' lengths. */
  file(name: string, bytes: number, chunks: Iterable<Uint8Array>): Promise<void>;
  /** The backup exists from here on. */
  finish(manifest: Uint8Array): Promise<void>;
}

/** Everything is durable before the manifest is there. */
export class DirectoryTarget implements BackupTarget {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #folders = new Set<string>();

  /** `directory`: absolute; made if missing. */
  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  begin(): void {
    const there = listIfThere(this.#disk, this.#directory);
    if (there.length > 0) {
      throw new TruthError(
        'ALREADY_EXISTS',
        `${this.#directory} is not empty (${there[0]}); a backup wants a directory of its own`,
      );
    }
    this.#mkdir(this.#directory);
  }

  async file(name: string, _bytes: number, chunks: Iterable<Uint8Array>): Promise<void> {
    const path = join(this.#directory, name);
    this.#mkdir(dirname(path));
    const handle = this.#disk.open(path, 'create');
    try {
      let position = 0;
      for (const chunk of chunks) {
        this.#disk.pwrite(handle, chunk, position);
        position += chunk.length;
      }
      this.#disk.fsync(handle);
    } finally {
      this.#disk.close(handle);
    }
  }

  async finish(manifest: Uint8Array): Promise<void> {
    for (const folder of this.#folders) this.#disk.fsyncDirectory(folder);
    writeSmallFile(this.#disk, join(this.#directory, MANIFEST_FILE), manifest);
    this.#disk.fsyncDirectory(dirname(this.#directory));
  }

  #mkdir(folder: string): void {
    if (this.#folders.has(folder)) return;
    if (folder !== this.#directory) this.#mkdir(dirname(folder));
    this.#disk.mkdir(folder);
    this.#folders.add(folder);
  }
}

export class TarTarget implements BackupTarget {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #modifiedAt: number;

  /** `write` resolves when more may come; `modifiedAt` is put on all files, in seconds since 1970. */
  constructor(write: (bytes: Uint8Array) => Promise<void>, modifiedAt: number) {
    this.#write = write;
    this.#modifiedAt = modifiedAt;
  }

  begin(): void {}

  async file(name: string, bytes: number, chunks: Iterable<Uint8Array>): Promise<void> {
    await this.#write(tarHeader(name, bytes, this.#modifiedAt));
    for (const chunk of chunks) await this.#write(chunk);
    await this.#write(tarPadding(bytes));
  }

  async finish(manifest: Uint8Array): Promise<void> {
    await this.file(basename(MANIFEST_FILE), manifest.length, [manifest]);
    await this.#write(TAR_END);
  }
}

function listIfThere(disk: Disk, directory: string): string[] {
  try {
    return disk.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
