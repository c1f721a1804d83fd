/**
 * Checkpoints of views on disk: `views/<view>/<part>` files, written under a temporary name, synced, renamed, and only
 * then named by the manifest. A crash at any point leaves the checkpoint before or the new one. Parts that a newer
 * checkpoint no longer names are removed after it counts.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import { type Disk, readSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listIfThere, removeIfThere } from './files.ts';
import { type PartRecord, readManifest, type ViewRecord, writeManifest } from './manifest.ts';
import type { CheckpointReader } from './materializer.ts';
import { type SetAsideReason, setAside, type ViewAhead, viewsAhead } from './set-aside.ts';

const VIEWS = 'views';
const TEMPORARY = '.tmp';

/** What a view handed over at its position, not yet written. */
export interface PendingCheckpoint {
  readonly name: string;
  readonly version: number;
  readonly applied: Sequence;
  readonly chain: Uint8Array;
  readonly parts: readonly PendingPart[];
}

export interface PendingPart {
  readonly name: string;
  readonly chunks: () => Iterable<Uint8Array>;
}

export class CheckpointStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logId: string;
  readonly #pause: () => Promise<void>;
  #records: readonly ViewRecord[];

  /** `pause` is awaited between parts, so that saving a large view never holds the thread for long. */
  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly logId: string;
    readonly pause: () => Promise<void>;
    readonly report: (line: string) => void;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#logId = options.logId;
    this.#pause = options.pause;
    this.#records = readManifest(options.disk, options.directory, options.logId, options.report);
    this.#disk.mkdir(this.folder);
  }

  get folder(): string {
    return join(this.#directory, VIEWS);
  }

  record(view: string): ViewRecord | null {
    return this.#records.find(({ name }) => name === view) ?? null;
  }

  /** Reads the parts of a record, each checked against it. */
  reader(record: ViewRecord): CheckpointReader {
    return {
      parts: record.parts.map(({ name }) => name),
      read: (name) => this.#readPart(record, name),
    };
  }

  /** Writes what is new, makes it count, removes what no longer does. Calls must not overlap. */
  async save(pending: PendingCheckpoint): Promise<void> {
    const folder = join(this.folder, pending.name);
    this.#disk.mkdir(folder);
    this.#disk.fsyncDirectory(this.folder);
    const kept = new Map(this.record(pending.name)?.parts.map((part) => [part.name, part]));
    const parts: PartRecord[] = [];
    for (const part of pending.parts) {
      const record = kept.get(part.name);
      parts.push(record ?? this.#writePart(folder, part));
      if (record === undefined) await this.#pause();
    }
    this.#disk.fsyncDirectory(folder);
    const { name, version, applied, chain } = pending;
    this.#replace(name, { name, version, applied, chain: Buffer.from(chain).toString('hex'), parts });
    this.#removeAllBut(
      folder,
      parts.map((part) => part.name),
    );
  }

  /** Forgets a view's checkpoint and removes its files: for one that is broken or of another version. */
  drop(view: string): void {
    this.#replace(view, null);
    this.#removeAllBut(join(this.folder, view), []);
  }

  /** Moves a checkpoint the log does not bear out where nothing touches it; returns what its paths begin with. */
  setAside(record: ViewRecord, reason: SetAsideReason): string {
    const path = setAside(this.#disk, this.folder, record, reason);
    this.#replace(record.name, null);
    return path;
  }

  /** Checkpoints set aside, now or earlier, that are ahead of the log. */
  ahead(stable: Sequence): ViewAhead[] {
    return viewsAhead(this.#disk, this.folder, stable);
  }

  #replace(view: string, record: ViewRecord | null): void {
    const others = this.#records.filter(({ name }) => name !== view);
    const records = record === null ? others : [...others, record];
    writeManifest(this.#disk, this.#directory, this.#logId, records);
    this.#records = records;
  }

  #writePart(folder: string, part: PendingPart): PartRecord {
    const bytes = Buffer.concat([...part.chunks()]);
    const path = join(folder, part.name);
    removeIfThere(this.#disk, path + TEMPORARY);
    const handle = this.#disk.open(path + TEMPORARY, 'create');
    try {
      this.#disk.pwrite(handle, bytes, 0);
      this.#disk.fsync(handle);
    } finally {
      this.#disk.close(handle);
    }
    this.#disk.rename(path + TEMPORARY, path);
    return { name: part.name, bytes: bytes.length, xxh64: checksum(bytes) };
  }

  #readPart(record: ViewRecord, name: string): Uint8Array {
    const part = record.parts.find((candidate) => candidate.name === name);
    const path = join(VIEWS, record.name, name);
    if (part === undefined)
      throw new TruthError('CORRUPT', `the checkpoint of view "${record.name}" has no part ${name}`);
    const bytes = readSmallFile(this.#disk, join(this.#directory, path));
    if (bytes === null) throw new TruthError('CORRUPT', `${path} is missing`);
    if (bytes.length !== part.bytes || checksum(bytes) !== part.xxh64) {
      throw new TruthError(
        'CORRUPT',
        `${path} is not what was written: its ${bytes.length} bytes have another checksum`,
      );
    }
    return bytes;
  }

  #removeAllBut(folder: string, keep: readonly string[]): void {
    const names = new Set(keep);
    for (const name of listIfThere(this.#disk, folder))
      if (!names.has(name)) this.#disk.unlink(join(folder, name));
  }
}

function checksum(bytes: Uint8Array): string {
  return xxh64(bytes).toString(16).padStart(16, '0');
}
