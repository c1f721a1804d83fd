/**
 * The disk of a simulated machine: a page cache and a durable image of every file, names and their directories, and what
 * becomes of all that when power fails or the process is killed. A disk that has stopped stays stopped: whatever of the old
 * process still runs gets nothing done any more, and the next process gets a disk of its own.
 */
import { basename, dirname } from 'node:path';
import type { Disk, DiskLock, FileHandle } from '../io/index.ts';
import type { FaultKind, Faults, Operation } from './faults.ts';
import { type Overwrite, PAGE_BYTES, type Reach, SimFile } from './file.ts';
import { type NameOrder, Names, type SimNode } from './names.ts';
import type { Random } from './random.ts';
import type { SimTime } from './time.ts';
import type { Trace } from './trace.ts';

const OVERWRITES_KEPT = 256;
const DELAY_NANOS = 2_000_000_000;

/** Thrown by every call of a disk that has stopped. */
class Stopped extends Error {}

/** What a disk promises and does not do: for trying out whether the suite would notice. */
export interface Lies {
  readonly fdatasync: boolean;
  readonly fsync: boolean;
  readonly fsyncDirectory: boolean;
  /** The sync itself comes only with the next call. */
  readonly lateSync: boolean;
}

export const HONEST: Lies = { fdatasync: false, fsync: false, fsyncDirectory: false, lateSync: false };

/** What lasts as long as the machine. */
export interface Machine {
  readonly time: SimTime;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly random: Random;
  readonly nameOrder: NameOrder;
  readonly lies: Lies;
}

interface State {
  readonly names: Names;
  readonly freeBytes: number;
  readonly overwrites: readonly Overwrite[];
  readonly writes: number;
}

export class SimDisk implements Disk {
  /** Calls made. */
  operations = 0;
  freeBytes: number;
  readonly #machine: Machine;
  readonly #names: Names;
  readonly #handles = new Map<number, { readonly path: string; readonly file: SimFile }>();
  readonly #locks = new Set<string>();
  #overwrites: readonly Overwrite[];
  #nextHandle = 3;
  #writes = 0;
  #stopped = false;
  #lateSync: SimFile | null = null;

  constructor(machine: Machine, state: State | null = null) {
    this.#machine = machine;
    this.#names = state?.names ?? new Names(machine.nameOrder, []);
    this.freeBytes = state?.freeBytes ?? Number.POSITIVE_INFINITY;
    this.#overwrites = state?.overwrites ?? [];
    this.#writes = state?.writes ?? 0;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  open(path: string, mode: 'read' | 'write' | 'create'): FileHandle {
    const fault = this.#begin('open', path);
    const there = this.#names.get(path);
    if (there === 'directory') throw failure('EISDIR', path);
    if (mode === 'create' && there !== undefined) throw failure('EEXIST', path);
    if (mode !== 'create' && there === undefined) throw failure('ENOENT', path);
    const file = there ?? new SimFile();
    if (there === undefined) {
      this.#directory(dirname(path));
      this.#names.set(path, file);
    }
    this.#end(fault, path);
    const handle = this.#nextHandle++;
    this.#handles.set(handle, { path, file });
    return handle as FileHandle;
  }

  close(handle: FileHandle): void {
    if (!this.#handles.delete(handle)) throw failure('EBADF', String(handle));
  }

  pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    const { file, path } = this.#file(handle);
    const fault = this.#begin('pread', path, `${position}+${length}`);
    const count = file.read(target, length, position);
    if (count < 0) throw failure('EIO', `a sector of ${path} cannot be read`);
    this.#end(fault, path);
    return count;
  }

  pwrite(handle: FileHandle, source: Uint8Array, position: number): void {
    const { file, path } = this.#file(handle);
    const fault = this.#begin('pwrite', path, `${position}+${source.length}`, source);
    this.#writes += 1;
    if (fault === 'short') {
      file.write(source.subarray(0, this.#shortened(source.length, position)), position, this.#writes);
      throw failure('EIO', `short write to ${path}`);
    }
    file.write(source, position, this.#writes);
    this.#end(fault, path);
  }

  fdatasync(handle: FileHandle): void {
    this.#sync('fdatasync', handle);
  }

  fsync(handle: FileHandle): void {
    this.#sync('fsync', handle);
  }

  fsyncDirectory(path: string): void {
    const fault = this.#begin('fsyncDirectory', path);
    this.#directory(path);
    if (!this.#machine.lies.fsyncDirectory) this.#names.sync(path);
    this.#end(fault, path);
  }

  allocate(handle: FileHandle, length: number): void {
    const { file, path } = this.#file(handle);
    const fault = this.#begin('allocate', path, String(length));
    const more = Math.max(length - file.allocated, 0);
    if (more > this.freeBytes) throw failure('ENOSPC', path);
    this.freeBytes -= more;
    file.allocated += more;
    file.size = Math.max(file.size, length);
    this.#end(fault, path);
  }

  size(handle: FileHandle): number {
    return this.#file(handle).file.size;
  }

  truncate(handle: FileHandle, length: number): void {
    const { file, path } = this.#file(handle);
    const fault = this.#begin('truncate', path, String(length));
    file.truncate(length);
    this.#end(fault, path);
  }

  rename(from: string, to: string): void {
    const fault = this.#begin('rename', from, basename(to));
    const node = this.#names.get(from);
    if (node === undefined) throw failure('ENOENT', from);
    this.#directory(dirname(to));
    this.#names.rename(from, to, node);
    this.#end(fault, from);
  }

  unlink(path: string): void {
    const fault = this.#begin('unlink', path);
    const file = this.#names.get(path);
    if (file === undefined) throw failure('ENOENT', path);
    if (file === 'directory') throw failure('EISDIR', path);
    this.freeBytes += file.allocated;
    this.#names.remove(path, file);
    this.#end(fault, path);
  }

  list(path: string): string[] {
    const fault = this.#begin('list', path);
    this.#directory(path);
    this.#end(fault, path);
    return this.#names.in(path).map((name) => basename(name));
  }

  mkdir(path: string): void {
    const fault = this.#begin('mkdir', path);
    if (this.#names.get(path) === undefined) {
      this.#directory(dirname(path));
      this.#names.set(path, 'directory');
    }
    this.#end(fault, path);
  }

  lock(path: string): DiskLock | null {
    this.#checkRunning();
    this.#directory(path);
    if (this.#locks.has(path)) return null;
    this.#locks.add(path);
    return { release: () => this.#locks.delete(path) };
  }

  /** The process is killed: the page cache lives on. */
  kill(): SimDisk {
    this.#stop('kill');
    const { freeBytes, overwrites, writes } = this;
    return new SimDisk(this.#machine, { names: this.#names, freeBytes, overwrites, writes });
  }

  /** Power fails. Returns the disk that is found afterwards and how many sectors hold garbage. */
  powerCut(
    random: Random,
    reach: Reach,
    garbage = 0,
  ): { readonly disk: SimDisk; readonly garbageSectors: number } {
    this.#stop('power cut');
    let garbageSectors = 0;
    const files = new Map<SimNode, SimNode>();
    const survived = (file: SimFile): SimFile => {
      const found = file.afterPowerCut(random, reach, garbage);
      garbageSectors += found.garbageSectors;
      return found.file;
    };
    const entries = this.#names
      .afterPowerCut(random)
      .map(([path, node]) => [path, once(files, node, survived)] as const);
    return { disk: this.#with(this.#machine, entries), garbageSectors };
  }

  /** A disk of the same content, all of it durable: the state after an orderly power-off. */
  copy(machine: Machine = this.#machine): SimDisk {
    const files = new Map<SimNode, SimNode>();
    const copied = (file: SimFile): SimFile =>
      new SimFile(new Map(file.pages().map((page) => [page, file.page(page)])), file.size);
    const entries = this.#names.entries().map(([path, node]) => [path, once(files, node, copied)] as const);
    return this.#with(machine, entries);
  }

  /** Order of the last write, to pick a moment before it. */
  get writes(): number {
    return this.#writes;
  }

  /** Files with their content, to look at or to damage; no call of the database. */
  files(): [string, SimFile][] {
    return this.#names
      .entries()
      .flatMap(([path, node]) => (node === 'directory' ? [] : [[path, node] as [string, SimFile]]));
  }

  file(path: string): SimFile | null {
    const node = this.#names.get(path);
    return node === undefined || node === 'directory' ? null : node;
  }

  /** Puts a file there as an operator or a broken file system might, or removes it. Durable at once. */
  place(path: string, file: SimFile | null): void {
    const there = this.#names.get(path);
    if (file !== null) this.#names.set(path, file);
    else if (there !== undefined) this.#names.remove(path, there);
    this.#names.sync(dirname(path));
  }

  /** The last syncs' effects, oldest first. */
  get overwrites(): readonly Overwrite[] {
    return this.#overwrites;
  }

  /** Overwrites stay with the files they happened to. */
  #with(machine: Machine, entries: Iterable<readonly [string, SimNode]>): SimDisk {
    const names = new Names(machine.nameOrder, entries);
    return new SimDisk(machine, { names, freeBytes: this.freeBytes, overwrites: [], writes: 0 });
  }

  #sync(operation: 'fdatasync' | 'fsync', handle: FileHandle): void {
    const { file, path } = this.#file(handle);
    const { lies } = this.#machine;
    const fault = this.#begin(operation, path, '', undefined, file);
    if (lies[operation]) return;
    if (lies.lateSync) this.#lateSync = file;
    else this.#overwrites = [...this.#overwrites, ...file.sync()].slice(-OVERWRITES_KEPT);
    this.#end(fault, path);
  }

  /** Bytes of a write that ends early: Linux copies page by page, so it ends where one of the file's pages does. */
  #shortened(length: number, position: number): number {
    const first = PAGE_BYTES - (position % PAGE_BYTES);
    const pages = Math.ceil((length - first) / PAGE_BYTES);
    return pages < 1 ? 0 : first + this.#machine.random.below(pages) * PAGE_BYTES;
  }

  #directory(path: string): void {
    const node = this.#names.get(path);
    if (path !== '/' && node !== 'directory') throw failure(node === undefined ? 'ENOENT' : 'ENOTDIR', path);
  }

  #file(handle: FileHandle): { readonly path: string; readonly file: SimFile } {
    this.#checkRunning();
    const open = this.#handles.get(handle);
    if (open === undefined) throw failure('EBADF', String(handle));
    return open;
  }

  #checkRunning(): void {
    if (this.#stopped) throw new Stopped('the machine has stopped');
  }

  #stop(how: string): void {
    this.#stopped = true;
    this.#machine.trace.note(how);
    this.#machine.time.forget();
  }

  /** Counts and traces the call, and lets happen what happens before it. Returns a fault that concerns the call's effect. */
  #begin(
    operation: Operation,
    path: string,
    detail = '',
    content?: Uint8Array,
    syncs?: SimFile,
  ): FaultKind | null {
    this.#checkRunning();
    const { time, trace, faults, random } = this.#machine;
    const fault = faults.next(operation, path);
    if (fault === 'stop') {
      this.#stopped = true;
      throw new Stopped(`stopped before ${operation} ${path}`);
    }
    this.#lateSync?.sync();
    this.#lateSync = null;
    this.operations += 1;
    time.pass(syncs === undefined ? 1000 : 100_000);
    trace.note(`${operation} ${path} ${detail}${fault === null ? '' : ` (${fault})`}`, content);
    if (fault === 'delay') time.pass(DELAY_NANOS);
    if (fault !== 'EIO' && fault !== 'ENOSPC' && !(fault === 'short' && operation !== 'pwrite')) return fault;
    syncs?.loseDirty(random, fault === 'short');
    throw failure(fault === 'ENOSPC' ? 'ENOSPC' : 'EIO', `${operation} ${path}`);
  }

  #end(fault: FaultKind | null, path: string): void {
    if (fault === 'late-EIO') throw failure('EIO', path);
  }
}

function once(copies: Map<SimNode, SimNode>, node: SimNode, copy: (file: SimFile) => SimFile): SimNode {
  if (node === 'directory') return node;
  const made = copies.get(node) ?? copy(node);
  copies.set(node, made);
  return made;
}

function failure(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
