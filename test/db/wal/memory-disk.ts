/**
 * A disk in memory that is honest about what is durable: writes go to a page cache; only fdatasync, fsync and
 * fsyncDirectory move them to the durable image. `crash` gives the disk a machine would find after power came back:
 * directory changes up to some point in their order, and of every sector written since its last sync any of the contents
 * it has had.
 */
import { basename, dirname } from 'node:path';
import type { Disk, DiskLock, FileHandle } from '../../../db/io/index.ts';

const SECTOR = 512;

interface Inode {
  content: Uint8Array;
  /** Other inodes use the same array: copy before writing. */
  shared: boolean;
  /** Writes since the last sync, oldest first, with what was there before. */
  writes: {
    readonly position: number;
    readonly before: Uint8Array;
    readonly after: Uint8Array;
  }[];
  durableLength: number;
  /** Sectors that look written but whose write-back failed: what the disk really holds. Linux calls such pages clean. */
  readonly lost: Map<number, Uint8Array>;
  /** Space is taken up to here. */
  allocated: number;
}

type Change = {
  readonly directory: string;
  readonly apply: (names: Map<string, Inode>) => void;
};

export class SimulatedCrash extends Error {}

/** Picks a number below `bound`. */
export type Pick = (bound: number) => number;

export class MemoryDisk implements Disk {
  /** Calls made so far, and the one before which the machine stops. */
  operations = 0;
  crashBefore = Number.POSITIVE_INFINITY;
  /** Called before each operation; may throw what a real disk would. */
  beforeOperation: (name: string, path: string) => void = () => {};
  /** How many of the next syncs fail, as a disk with a bad sector makes them: the data is lost and the next sync succeeds. */
  failingSyncs = 0;
  /** Space left for files; allocation takes from it. */
  freeBytes = Number.POSITIVE_INFINITY;
  readonly trace: string[] = [];
  readonly #names: Map<string, Inode>;
  readonly #durableNames: Map<string, Inode>;
  readonly #changes: Change[] = [];
  readonly #directories: Set<string>;
  readonly #handles = new Map<number, { readonly path: string; readonly inode: Inode }>();
  readonly #locks = new Set<string>();
  #nextHandle = 3;

  constructor(names: ReadonlyMap<string, Inode> = new Map(), directories: Iterable<string> = ['/']) {
    this.#names = new Map(names);
    this.#durableNames = new Map(names);
    this.#directories = new Set(directories);
  }

  open(path: string, mode: 'read' | 'write' | 'create'): FileHandle {
    this.#count('open', path);
    const there = this.#names.get(path);
    if (mode === 'create' && there !== undefined) throw failure('EEXIST', path);
    if (mode !== 'create' && there === undefined) throw failure('ENOENT', path);
    const inode = there ?? newInode(new Uint8Array(0), 0);
    if (there === undefined) this.#change(dirname(path), (names) => names.set(path, inode));
    const handle = this.#nextHandle++;
    this.#handles.set(handle, { path, inode });
    return handle as FileHandle;
  }

  close(handle: FileHandle): void {
    if (!this.#handles.delete(handle)) throw failure('EBADF', String(handle));
  }

  pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    const { content } = this.#file(handle, 'pread');
    const part = content.subarray(position, position + length);
    target.set(part);
    return part.length;
  }

  pwrite(handle: FileHandle, source: Uint8Array, position: number): void {
    const inode = this.#file(handle, 'pwrite');
    const end = position + source.length;
    if (end > inode.content.length) grow(inode, end);
    // The same bytes again change nothing, unless the disk holds others than the page cache shows.
    if (inode.lost.size === 0 && Buffer.compare(inode.content.subarray(position, end), source) === 0) return;
    own(inode);
    inode.writes.push({
      position,
      before: inode.content.slice(position, end),
      after: source.slice(),
    });
    inode.content.set(source, position);
  }

  fdatasync(handle: FileHandle): void {
    this.#sync(this.#file(handle, 'fdatasync'));
  }

  fsync(handle: FileHandle): void {
    this.#sync(this.#file(handle, 'fsync'));
  }

  fsyncDirectory(path: string): void {
    this.#count('fsyncDirectory', path);
    const lastOfPath = this.#changes.findLastIndex((change) => change.directory === path);
    for (const change of this.#changes.splice(0, lastOfPath + 1)) change.apply(this.#durableNames);
  }

  allocate(handle: FileHandle, length: number): void {
    const inode = this.#file(handle, 'allocate');
    const more = Math.max(length - inode.allocated, 0);
    if (more > this.freeBytes) throw failure('ENOSPC', 'allocate');
    this.freeBytes -= more;
    inode.allocated += more;
    if (length > inode.content.length) grow(inode, length);
  }

  size(handle: FileHandle): number {
    return this.#file(handle, 'size').content.length;
  }

  truncate(handle: FileHandle, length: number): void {
    const inode = this.#file(handle, 'truncate');
    cutTo(inode, length);
  }

  rename(from: string, to: string): void {
    this.#count('rename', from);
    const inode = this.#names.get(from);
    if (inode === undefined) throw failure('ENOENT', from);
    this.#change(dirname(to), (names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  unlink(path: string): void {
    this.#count('unlink', path);
    const inode = this.#names.get(path);
    if (inode === undefined) throw failure('ENOENT', path);
    this.freeBytes += inode.allocated;
    this.#change(dirname(path), (names) => names.delete(path));
  }

  list(path: string): string[] {
    this.#count('list', path);
    if (!this.#directories.has(path)) throw failure('ENOENT', path);
    return [...this.#names.keys()].filter((name) => dirname(name) === path).map((name) => basename(name));
  }

  mkdir(path: string): void {
    this.#count('mkdir', path);
    this.#directories.add(path);
  }

  lock(path: string): DiskLock | null {
    if (!this.#directories.has(path)) throw failure('ENOENT', path);
    if (this.#locks.has(path)) return null;
    this.#locks.add(path);
    return { release: () => this.#locks.delete(path) };
  }

  /** What the file holds now, to look at or to damage. */
  bytesOf(path: string): Uint8Array {
    const inode = this.#names.get(path);
    if (inode === undefined) throw failure('ENOENT', path);
    own(inode);
    return inode.content;
  }

  paths(): string[] {
    return [...this.#names.keys()];
  }

  /** Cuts a file as an operator's mistake or a broken file system might. */
  cut(path: string, length: number): void {
    cutTo(this.#names.get(path)!, length);
  }

  /** An independent copy in which everything is durable: the state after an orderly power-off. */
  copy(): MemoryDisk {
    const copied = new Map<Inode, Inode>();
    const names = [...this.#names].map(([path, inode]) => [path, copyOnce(copied, inode)] as const);
    return new MemoryDisk(new Map(names), this.#directories);
  }

  /** The disk as found after the power failed now. */
  crash(pick: Pick): MemoryDisk {
    const names = new Map(this.#durableNames);
    const reached = pick(this.#changes.length + 1);
    for (const change of this.#changes.slice(0, reached)) change.apply(names);
    const survivors = new Map<Inode, Inode>();
    const survived = [...names].map(([path, inode]) => {
      const survivor = survivors.get(inode) ?? survivorOf(inode, pick);
      survivors.set(inode, survivor);
      return [path, survivor] as const;
    });
    return new MemoryDisk(new Map(survived), this.#directories);
  }

  /** The process dies, the machine lives on: locks and handles go, the page cache stays. */
  killProcess(): void {
    this.#locks.clear();
    this.#handles.clear();
  }

  #sync(inode: Inode): void {
    if (this.failingSyncs > 0) {
      this.failingSyncs -= 1;
      loseWrites(inode);
      throw failure('EIO', 'sync');
    }
    persist(inode);
  }

  #change(directory: string, apply: (names: Map<string, Inode>) => void): void {
    apply(this.#names);
    this.#changes.push({ directory, apply });
  }

  #file(handle: FileHandle, operation: string): Inode {
    const file = this.#handles.get(handle);
    if (file === undefined) throw failure('EBADF', operation);
    this.#count(operation, file.path);
    return file.inode;
  }

  #count(operation: string, path: string): void {
    if (this.operations >= this.crashBefore)
      throw new SimulatedCrash(`power failed before ${operation} ${path}`);
    this.beforeOperation(operation, path);
    this.operations += 1;
    this.trace.push(`${operation} ${basename(path)}`);
  }
}

/** A file whose content is all durable. */
function newInode(content: Uint8Array, allocated: number): Inode {
  return {
    content,
    shared: false,
    writes: [],
    durableLength: content.length,
    lost: new Map(),
    allocated,
  };
}

function own(inode: Inode): void {
  if (inode.shared) inode.content = inode.content.slice();
  inode.shared = false;
}

function grow(inode: Inode, length: number): void {
  const content = new Uint8Array(length);
  content.set(inode.content);
  inode.content = content;
  inode.shared = false;
}

function cutTo(inode: Inode, length: number): void {
  inode.content = inode.content.slice(0, length);
  inode.shared = false;
  persist(inode);
}

function loseWrites(inode: Inode): void {
  const durable = inode.content.slice();
  for (const { position, before } of inode.writes.toReversed()) durable.set(before, position);
  for (const { position, after } of inode.writes) {
    for (const sector of sectorsOf(position, after.length)) {
      if (!inode.lost.has(sector))
        inode.lost.set(sector, durable.slice(sector * SECTOR, (sector + 1) * SECTOR));
    }
  }
  inode.writes = [];
}

function sectorsOf(position: number, length: number): number[] {
  const first = Math.floor(position / SECTOR);
  const last = Math.floor((position + length - 1) / SECTOR);
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function persist(inode: Inode): void {
  if (inode.lost.size > 0) {
    for (const { position, after } of inode.writes) {
      for (const sector of sectorsOf(position, after.length)) inode.lost.delete(sector);
    }
  }
  inode.writes = [];
  inode.durableLength = inode.content.length;
}

function copyOnce(copied: Map<Inode, Inode>, inode: Inode): Inode {
  const copy = copied.get(inode) ?? {
    ...newInode(inode.content, inode.allocated),
    shared: true,
  };
  inode.shared = true;
  copied.set(inode, copy);
  return copy;
}

function survivorOf(inode: Inode, pick: Pick): Inode {
  const content = inode.content.slice();
  for (const { position, before } of inode.writes.toReversed()) content.set(before, position);
  for (const [sector, versions] of sectorVersions(inode, content)) {
    const version = pick(versions.length + 1);
    if (version > 0) content.set(versions[version - 1]!, sector * SECTOR);
  }
  for (const [sector, durable] of inode.lost) content.set(durable, sector * SECTOR);
  // A size change that was not synced is either there or not.
  const length = pick(2) === 0 ? inode.durableLength : content.length;
  return newInode(content.slice(0, length), inode.allocated);
}

/** Per sector written since the last sync, every content it has had since. */
function sectorVersions(inode: Inode, durable: Uint8Array): Map<number, Uint8Array[]> {
  const state = durable.slice();
  const sectors = new Map<number, Uint8Array[]>();
  for (const { position, after } of inode.writes) {
    state.set(after, position);
    for (const sector of sectorsOf(position, after.length)) {
      const versions = sectors.get(sector) ?? [];
      versions.push(state.slice(sector * SECTOR, (sector + 1) * SECTOR));
      sectors.set(sector, versions);
    }
  }
  return sectors;
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
