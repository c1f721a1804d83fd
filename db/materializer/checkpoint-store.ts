/**
 * Checkpoints of views on disk: `views/<view>/<part>` files, written under a temporary name, synced, renamed, and only
 * then named by the manifest. A crash at any point leaves the checkpoint before or the new one. Parts that a newer
 * checkpoint no longer names are removed after it counts.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import { type Disk, RealDisk, readSmallFile, writeSmallFile } from '../io/index.ts';
import { invariant } from '../kernel/invariant.ts';
import type { Sequence } from '../types.ts';
import { listIfThere } from './files.ts';
import {
  manifestFile,
  type PartRecord,
  readManifest,
  SCRATCH,
  VIEW_NAME,
  VIEWS,
  type ViewRecord,
} from './manifest.ts';
import type { CheckpointReader, CheckpointWriter, HeldFile } from './materializer.ts';
import type { SaveRunner } from './save-step.ts';
import {
  removeSetAside,
  type SetAsideReason,
  setAside,
  setAsideFolder,
  type ViewAhead,
  viewsAhead,
} from './set-aside.ts';

/** What a view handed over at its position, not yet written. */
export interface PendingCheckpoint {
  readonly name: string;
  readonly version: number;
  readonly applied: Sequence;
  readonly chain: Uint8Array;
  readonly parts: readonly PendingPart[];
}

export interface PersistedPosition {
  readonly name: string;
  readonly version: number;
  readonly applied: Sequence;
  readonly chain: Uint8Array;
  readonly files: readonly HeldFile[];
}

export interface PendingPart {
  readonly name: string;
  readonly chunks: () => Iterable<Uint8Array>;
  /** Nobody will ask for the chunks any more. */
  readonly done?: () => void;
}

/** Collects what a view hands over. */
export class PendingParts implements CheckpointWriter {
  readonly parts: PendingPart[] = [];

  part(name: string, chunks: () => Iterable<Uint8Array>, done: () => void = () => {}): void {
    invariant(VIEW_NAME.test(name), 'a part has lower-case words joined by dashes for a name');
    this.parts.push({ name, chunks, done });
  }
}

export class CheckpointStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #logId: string;
  #records: readonly ViewRecord[];

  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly logId: string;
    readonly report: (line: string) => void;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#logId = options.logId;
    this.#records = readManifest(options.disk, options.directory, options.logId, options.report);
    this.#disk.mkdir(this.folder);
  }

  get folder(): string {
    return join(this.#directory, VIEWS);
  }

  record(view: string): ViewRecord | null {
    return this.#records.find(({ name }) => name === view) ?? null;
  }

  /** Where a view can keep files of its own; null where only this process knows what the disk holds. */
  folderOf(view: string): string | null {
    return this.#disk instanceof RealDisk ? join(this.folder, view) : null;
  }

  /** Where scratch files can lie; null where a disk is memory. */
  get scratch(): string | null {
    return this.#disk instanceof RealDisk ? join(this.folder, SCRATCH) : null;
  }

  /** Reads the parts of a record, each checked against it. */
  reader(record: ViewRecord): CheckpointReader {
    return partsReader(this.#disk, this.#directory, record);
  }

  /** Writes what is new, makes it count, removes what no longer does. Calls must not overlap. */
  async save(pending: PendingCheckpoint, runner: SaveRunner): Promise<void> {
    try {
      await this.#save(pending, runner);
    } finally {
      for (const { done } of pending.parts) done?.();
    }
  }

  /** Makes the position of a view with files of its own count: everything up to it is in them, durably. */
  async savePosition(position: PersistedPosition, runner: SaveRunner): Promise<void> {
    const { name, version, applied, files } = position;
    const chain = Buffer.from(position.chain).toString('hex');
    const records = [...this.#others(name), { name, version, applied, chain, parts: [], files: [...files] }];
    await runner.run({ kind: 'replace', ...manifestFile(this.#directory, this.#logId, records) });
    this.#records = records;
  }

  async #save(pending: PendingCheckpoint, runner: SaveRunner): Promise<void> {
    const folder = join(this.folder, pending.name);
    await runner.run({ kind: 'folder', path: folder });
    const kept = new Map(this.record(pending.name)?.parts.map((part) => [part.name, part]));
    const parts: PartRecord[] = [];
    for (const { name, chunks } of pending.parts) {
      const part = kept.get(name) ?? (await savePart(runner, folder, name, joined(chunks())));
      parts.push(part);
    }
    await runner.run({ kind: 'sync folder', path: folder });
    const { name, version, applied } = pending;
    const record = { name, version, applied, chain: Buffer.from(pending.chain).toString('hex'), parts };
    const records = [...this.#others(name), record];
    await runner.run({ kind: 'replace', ...manifestFile(this.#directory, this.#logId, records) });
    this.#records = records;
    const counting = new Set(parts.map((part) => part.name));
    for (const file of listIfThere(this.#disk, folder)) {
      if (!counting.has(file)) await runner.run({ kind: 'remove', path: join(folder, file) });
    }
  }

  /** Forgets a view's checkpoint and removes its files: for one that is broken or of another version. */
  drop(view: string): void {
    this.#remove(view);
    const folder = join(this.folder, view);
    for (const file of listIfThere(this.#disk, folder)) this.#disk.unlink(join(folder, file));
  }

  /** Removes what was ever set aside. */
  dropSetAside(): void {
    removeSetAside(this.#disk, this.folder);
  }

  /** Moves a checkpoint the log does not bear out where nothing touches it; returns what its paths begin with. */
  setAside(record: ViewRecord, reason: SetAsideReason): string {
    const path = setAside(this.#disk, this.folder, record, reason);
    this.#remove(record.name);
    return path;
  }

  /** The same with all files of a view that keeps its own, whatever it says of them. */
  setAsideFiles(view: string, applied: number, reason: SetAsideReason): string {
    const path = setAsideFolder(this.#disk, this.folder, view, applied, reason);
    this.#remove(view);
    return path;
  }

  /** Checkpoints set aside, now or earlier, that are ahead of the log. */
  ahead(stable: Sequence): ViewAhead[] {
    return viewsAhead(this.#disk, this.folder, stable);
  }

  #others(view: string): ViewRecord[] {
    return this.#records.filter(({ name }) => name !== view);
  }

  #remove(view: string): void {
    const records = this.#others(view);
    const { path, bytes } = manifestFile(this.#directory, this.#logId, records);
    writeSmallFile(this.#disk, path, bytes);
    this.#records = records;
  }
}

/** Reads the parts of a record, each checked against it. `directory`: of the data. */
export function partsReader(disk: Disk, directory: string, record: ViewRecord): CheckpointReader {
  const read = (name: string): Uint8Array => readPart(disk, directory, record, name);
  return { parts: record.parts.map(({ name }) => name), read, chunks: (name) => [read(name)] };
}

function readPart(disk: Disk, directory: string, record: ViewRecord, name: string): Uint8Array {
  const part = record.parts.find((candidate) => candidate.name === name);
  const path = join(VIEWS, record.name, name);
  if (part === undefined)
    throw new TruthError('CORRUPT', `the checkpoint of view "${record.name}" has no part ${name}`);
  const bytes = readSmallFile(disk, join(directory, path));
  if (bytes === null) throw new TruthError('CORRUPT', `${path} is missing`);
  if (bytes.length !== part.bytes || checksum(bytes) !== part.xxh64) {
    throw new TruthError(
      'CORRUPT',
      `${path} is not what was written: its ${bytes.length} bytes have another checksum`,
    );
  }
  return bytes;
}

async function savePart(
  runner: SaveRunner,
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<PartRecord> {
  await runner.run({ kind: 'part', path: join(folder, name), bytes });
  return { name, bytes: bytes.length, xxh64: checksum(bytes) };
}

/** In memory of its own: sent to another thread, a slice of a shared buffer would take all of that along. */
function joined(chunks: Iterable<Uint8Array>): Uint8Array {
  const parts = [...chunks];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function checksum(bytes: Uint8Array): string {
  return xxh64(bytes).toString(16).padStart(16, '0');
}
