/**
 * Checkpoints of views on disk: `views/<view>/<part>` files, written under a temporary name, synced, renamed, and only
 * then named by the manifest. A crash at any point leaves the checkpoint before or the new one. Parts that a newer
 * checkpoint no longer names are removed after it counts.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { listIfThere } from './files.ts';
import { manifestFile, type PartRecord, readManifest, VIEWS, type ViewRecord } from './manifest.ts';
import type { CheckpointReader } from './materializer.ts';
import type { SaveRunner } from './save-step.ts';
import { type SetAsideReason, setAside, type ViewAhead, viewsAhead } from './set-aside.ts';

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

  /** Reads the parts of a record, each checked against it. */
  reader(record: ViewRecord): CheckpointReader {
    return {
      parts: record.parts.map(({ name }) => name),
      read: (name) => this.#readPart(record, name),
    };
  }

  /** Writes what is new, makes it count, removes what no longer does. Calls must not overlap. */
  async save(pending: PendingCheckpoint, runner: SaveRunner): Promise<void> {
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

  /** Moves a checkpoint the log does not bear out where nothing touches it; returns what its paths begin with. */
  setAside(record: ViewRecord, reason: SetAsideReason): string {
    const path = setAside(this.#disk, this.folder, record, reason);
    this.#remove(record.name);
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
