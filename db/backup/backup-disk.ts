/**
 * A backup as the data directory it stands for, read-only: the segments joined from their pieces, zeros behind, and what
 * `metadata/` said of them. So whatever reads and verifies a log does it to a backup, unchanged.
 */
import { basename, dirname, join } from 'node:path';
import type { Disk, DiskLock, FileHandle } from '../io/index.ts';
import { FORMAT_VERSION } from '../wal/format.ts';
import { segmentFileName, walDirectory } from '../wal/segment.ts';
import type { ChainedBackup } from './chain.ts';
import { type BackupPiece, pieceFile } from './manifest.ts';

interface Part {
  readonly piece: BackupPiece;
  readonly path: string;
  handle: FileHandle | null;
}

type Content =
  | { readonly kind: 'segment'; readonly parts: readonly Part[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

export class BackupDisk implements Disk {
  /** The data directory that this disk shows. */
  readonly directory = '/backup';
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  readonly #files = new Map<string, Content>();
  readonly #opened = new Map<number, Content>();
  #next = 1;

  /** `chain`: at least one backup. */
  constructor(disk: Disk, chain: readonly ChainedBackup[]) {
    const { manifest } = chain.at(-1) as ChainedBackup;
    this.#disk = disk;
    this.#segmentBytes = manifest.segmentBytes;
    for (const [name, parts] of segmentsOf(chain)) {
      this.#files.set(join(walDirectory(this.directory), name), { kind: 'segment', parts });
    }
    this.#note('log.json', { format: FORMAT_VERSION, logId: manifest.logId });
    if (manifest.gaps.length > 0) this.#note('gaps.json', { gaps: manifest.gaps });
    if (manifest.floor !== null) this.#note('floor.json', manifest.floor);
    this.#note('epoch.json', { epoch: manifest.highestEpoch });
    this.#note('durable.json', { sequence: manifest.end.sequence, epoch: manifest.end.epoch });
  }

  open(path: string, mode: 'read' | 'write' | 'create'): FileHandle {
    const content = this.#files.get(path);
    if (mode !== 'read') throw failure('EROFS', path);
    if (content === undefined) throw failure('ENOENT', path);
    const handle = this.#next++;
    this.#opened.set(handle, content);
    return handle as FileHandle;
  }

  close(handle: FileHandle): void {
    this.#opened.delete(handle);
  }

  pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    const content = this.#content(handle);
    const count = Math.max(0, Math.min(length, this.size(handle) - position));
    if (content.kind === 'bytes') {
      target.set(content.bytes.subarray(position, position + count));
      return count;
    }
    target.fill(0, 0, count);
    for (const part of content.parts) {
      const { offset, bytes } = part.piece;
      const from = Math.max(position, offset);
      const to = Math.min(position + count, offset + bytes);
      if (from >= to) continue;
      part.handle ??= this.#disk.open(part.path, 'read');
      this.#disk.pread(
        part.handle,
        target.subarray(from - position, to - position),
        to - from,
        from - offset,
      );
    }
    return count;
  }

  size(handle: FileHandle): number {
    const content = this.#content(handle);
    return content.kind === 'bytes' ? content.bytes.length : this.#segmentBytes;
  }

  list(path: string): string[] {
    return [...this.#files.keys()].filter((file) => dirname(file) === path).map((file) => basename(file));
  }

  /** Lets the files of the backup go. */
  end(): void {
    for (const content of this.#files.values()) {
      if (content.kind === 'bytes') continue;
      for (const part of content.parts) {
        if (part.handle !== null) this.#disk.close(part.handle);
        part.handle = null;
      }
    }
  }

  lock(): DiskLock {
    return { release: () => {} };
  }

  pwrite(): void {
    throw failure('EROFS', 'pwrite');
  }

  fdatasync(): void {
    throw failure('EROFS', 'fdatasync');
  }

  fsync(): void {
    throw failure('EROFS', 'fsync');
  }

  fsyncDirectory(path: string): void {
    throw failure('EROFS', path);
  }

  allocate(): void {
    throw failure('EROFS', 'allocate');
  }

  truncate(): void {
    throw failure('EROFS', 'truncate');
  }

  rename(from: string): void {
    throw failure('EROFS', from);
  }

  unlink(path: string): void {
    throw failure('EROFS', path);
  }

  mkdir(path: string): void {
    throw failure('EROFS', path);
  }

  #note(name: string, content: object): void {
    const bytes = Buffer.from(JSON.stringify(content));
    this.#files.set(join(this.directory, 'metadata', name), { kind: 'bytes', bytes });
  }

  #content(handle: FileHandle): Content {
    const content = this.#opened.get(handle);
    if (content === undefined) throw failure('EBADF', String(handle));
    return content;
  }
}

/** Pieces of all backups of the chain by the name of the segment they make up. */
function segmentsOf(chain: readonly ChainedBackup[]): Map<string, Part[]> {
  const byIndex = new Map<number, Part[]>();
  for (const { directory, manifest } of chain) {
    for (const piece of manifest.pieces) {
      const parts = byIndex.get(piece.index) ?? [];
      parts.push({ piece, path: join(directory, pieceFile(piece)), handle: null });
      byIndex.set(piece.index, parts);
    }
  }
  const named = new Map<string, Part[]>();
  const newest = Math.max(...byIndex.keys());
  for (const [index, parts] of byIndex) {
    const { firstSequence, sealed } = (parts.at(-1) as Part).piece;
    const state = sealed || index < newest ? 'sealed' : 'open';
    named.set(segmentFileName(index, firstSequence as Parameters<typeof segmentFileName>[1], state), parts);
  }
  return named;
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
