/**
 * Scratch files below `views/`: what views moved out of memory, piece behind piece. Nothing in them outlives the process, so
 * nothing is synced, what a crash has left is removed at the next start, and no piece is believed without its checksum.
 *
 * A piece belongs to whoever holds it: when nobody does any more, which the garbage collector tells, its room counts as free,
 * and a file without pieces is removed. So a checkpoint that is still to be written keeps what it needs by holding it.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import { type Disk, type FileHandle, isNotFound } from '../io/index.ts';
import { listIfThere } from './files.ts';
import { SCRATCH_OF_READER, VIEWS } from './manifest.ts';
import type { ScratchPiece } from './materializer.ts';
import type { ScratchStore } from './memory-budget.ts';

/** A file takes no more pieces when it has so many bytes. */
const FILE_BYTES = 64 << 20;
const PIECE_BYTES = 1_024;
/** Pieces read last, kept in memory. */
const CACHE_BYTES = 32 << 20;

/** Where scratch files of views lie that a reader has beside those of the registry. `directory`: of the data. */
export function scratchOfReader(directory: string, reader: string): string {
  return join(directory, VIEWS, `${SCRATCH_OF_READER}${reader}`);
}

interface ScratchFile {
  readonly path: string;
  readonly handle: FileHandle;
  end: number;
  /** Bytes that somebody holds. */
  held: number;
}

interface Place {
  readonly file: ScratchFile;
  readonly at: number;
  readonly bytes: number;
  readonly checksum: bigint;
}

export interface ScratchOptions {
  readonly disk: Disk;
  /** Absolute path of a folder that nobody else uses; made when it is needed. */
  readonly folder: string;
  /** One line when writing fails, and when it works again. */
  readonly report: (line: string) => void;
}

export class ScratchFiles implements ScratchStore {
  readonly bytesLeast = PIECE_BYTES;
  readonly #options: ScratchOptions;
  readonly #files = new Set<ScratchFile>();
  #open: ScratchFile | null = null;
  #made = 0;
  #bytes = 0;
  #problem: string | null = null;
  /** Those read last are at the end. */
  readonly #cache = new Map<Place, Uint8Array<ArrayBuffer>>();
  #cached = 0;
  readonly #dropped = new FinalizationRegistry<Place>((place) => this.#drop(place));

  /** Removes what an earlier process has left. */
  constructor(options: ScratchOptions) {
    this.#options = options;
    const { disk, folder } = options;
    for (const name of listIfThere(disk, folder)) disk.unlink(join(folder, name));
  }

  get bytes(): number {
    return this.#bytes;
  }

  get problem(): string | null {
    return this.#problem;
  }

  put(bytes: Uint8Array): ScratchPiece | null {
    try {
      const file = this.#fileFor();
      const { disk, report } = this.#options;
      disk.pwrite(file.handle, bytes, file.end);
      if (this.#problem !== null) report('views spill to the disk again');
      this.#problem = null;
      return this.#placed(file, bytes);
    } catch (error) {
      if (error instanceof TruthError) throw error;
      this.#failed(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  clear(): void {
    for (const file of [...this.#files]) this.#remove(file);
    this.#cache.clear();
    this.#cached = 0;
    this.#bytes = 0;
  }

  #placed(file: ScratchFile, bytes: Uint8Array): ScratchPiece {
    const place: Place = { file, at: file.end, bytes: bytes.length, checksum: xxh64(bytes) };
    const piece: ScratchPiece = { read: () => this.#read(place) };
    file.end += bytes.length;
    file.held += bytes.length;
    this.#bytes += bytes.length;
    this.#dropped.register(piece, place);
    return piece;
  }

  #read(place: Place): Uint8Array<ArrayBuffer> {
    const known = this.#cache.get(place);
    if (known !== undefined) {
      this.#cache.delete(place);
      this.#cache.set(place, known);
      return known;
    }
    const bytes = this.#readFile(place);
    if (bytes.length > CACHE_BYTES) return bytes;
    this.#cache.set(place, bytes);
    this.#cached += bytes.length;
    for (const oldest of this.#cache.keys()) {
      if (this.#cached <= CACHE_BYTES) break;
      this.#cache.delete(oldest);
      this.#cached -= oldest.bytes;
    }
    return bytes;
  }

  #readFile({ file, at, bytes: length, checksum }: Place): Uint8Array<ArrayBuffer> {
    if (!this.#files.has(file))
      throw new TruthError(
        'IO',
        `${file.path} was removed, and a view that has been given up still asked for it`,
      );
    const bytes = new Uint8Array(length);
    let read: number;
    try {
      read = this.#options.disk.pread(file.handle, bytes, length, at);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TruthError(
        'IO',
        `${length} bytes at ${at} of ${file.path}, which a view had spilled, cannot be read (${reason}): restart to compute the view again`,
      );
    }
    if (read !== length || xxh64(bytes) !== checksum)
      throw new TruthError(
        'CORRUPT',
        `${length} bytes at ${at} of ${file.path} are not what a view had spilled there: restart to compute the view again`,
      );
    return bytes;
  }

  #fileFor(): ScratchFile {
    if (this.#open !== null && this.#open.end < FILE_BYTES) return this.#open;
    const { disk, folder } = this.#options;
    disk.mkdir(folder);
    const path = join(folder, `${this.#made++}.scratch`);
    const file: ScratchFile = { path, handle: disk.open(path, 'create'), end: 0, held: 0 };
    const full = this.#open;
    this.#open = file;
    this.#files.add(file);
    if (full !== null && full.held === 0) this.#remove(full);
    return file;
  }

  /** Nobody holds it any more. */
  #drop(place: Place): void {
    const { file, bytes } = place;
    if (!this.#files.has(file)) return;
    if (this.#cache.delete(place)) this.#cached -= bytes;
    this.#bytes -= bytes;
    file.held -= bytes;
    if (file.held === 0 && file !== this.#open) this.#remove(file);
  }

  #remove(file: ScratchFile): void {
    const { disk } = this.#options;
    this.#files.delete(file);
    if (file === this.#open) this.#open = null;
    disk.close(file.handle);
    try {
      disk.unlink(file.path);
    } catch (error) {
      if (!isNotFound(error)) this.#options.report(`${file.path} cannot be removed: ${String(error)}`);
    }
  }

  #failed(reason: string): void {
    if (this.#problem === null)
      this.#options.report(
        `views cannot spill to ${this.#options.folder} (${reason}): they stay in memory, and when that is full nothing that makes them grow is written`,
      );
    this.#problem = reason;
  }
}
