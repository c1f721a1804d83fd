/**
 * Reads what strace wrote about one process into the operations that matter for what a disk holds, in the order in which
 * they took effect at the earliest. Paths below the root are taken from there, everything else is left out.
 *
 * A call of one thread during one of another counts carefully: a change may have reached the disk when its call began, and
 * a sync covers only what had returned before the sync began.
 */
import { relative } from 'node:path';

/** Files are known by a number: names come and go. */
export type Operation = { readonly began: number; readonly ended: number } & (
  | { readonly kind: 'create'; readonly path: string; readonly file: number }
  | { readonly kind: 'mkdir'; readonly path: string }
  | { readonly kind: 'rename'; readonly from: string; readonly path: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'write'; readonly file: number; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly file: number; readonly length: number; readonly cuts: boolean }
  | { readonly kind: 'sync'; readonly file: number; readonly path: string; readonly call: string }
  | { readonly kind: 'sync-directory'; readonly path: string }
  | { readonly kind: 'say'; readonly line: string }
);

/** Calls to be traced; any other that changes files would be missed, so those that could are here too. */
export const TRACED =
  'openat,open,creat,close,dup,dup2,dup3,pwrite64,pwritev,pwritev2,write,writev,ftruncate,truncate,fallocate,fdatasync,fsync,' +
  'sync,syncfs,sync_file_range,msync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,' +
  'mkdirat,copy_file_range,sendfile,io_uring_enter';

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  readonly began: number;
  readonly ended: number;
}

/** `files`: those there at the beginning, path to number. Throws on a call whose effect is not known here. */
export function readStraceLog(text: string, root: string, files: ReadonlyMap<string, number>): Operation[] {
  const reader = new Reader(root, files);
  const operations = callsOf(text).flatMap((call) => reader.operation(call) ?? []);
  return operations.sort((a, b) => at(a) - at(b));
}

/** A sync counts when it has returned, everything else from when it began. */
function at(operation: Operation): number {
  return operation.kind.startsWith('sync') ? operation.ended : operation.began;
}

function callsOf(text: string): Call[] {
  const calls: Call[] = [];
  const unfinished = new Map<string, { readonly began: number; readonly text: string }>();
  for (const [number, line] of text.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (rest.endsWith('<unfinished ...>')) {
      unfinished.set(pid, { began: number, text: rest.slice(0, -'<unfinished ...>'.length).trimEnd() });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const before = resumed === null ? null : unfinished.get(pid);
    const whole = before == null ? rest : before.text + resumed![1];
    const match = /^(\w+)\((.*)\) += (-?\d+)/.exec(whole);
    if (match === null) continue;
    const [, name = '', args = '', result] = match;
    calls.push({ name, args, result: Number(result), began: before?.began ?? number, ended: number });
  }
  // Descriptors are given and taken in the order of the ends, which is the order they are in.
  return calls;
}

type Opened = { readonly file: number; readonly path: string } | { readonly directory: string };

class Reader {
  readonly #root: string;
  readonly #names: Map<string, number>;
  readonly #open = new Map<number, Opened>();
  #nextFile: number;

  constructor(root: string, files: ReadonlyMap<string, number>) {
    this.#root = root;
    this.#names = new Map(files);
    this.#nextFile = Math.max(0, ...files.values()) + 1;
  }

  operation(call: Call): Operation | null {
    const { name, args, result, began, ended } = call;
    if (result < 0) return null;
    const times = { began, ended };
    const fd = Number(/^\d+/.exec(args)?.[0] ?? -1);
    switch (name) {
      case 'close':
        this.#open.delete(fd);
        return null;
      case 'open':
      case 'creat':
      case 'openat':
        return this.#opened(args, result, times);
      case 'mkdir': {
        const [path] = this.#paths(args);
        return path === undefined ? null : { kind: 'mkdir', path, ...times };
      }
      case 'rename':
        return this.#renamed(args, times);
      case 'unlink': {
        const [path] = this.#paths(args);
        if (path === undefined) return null;
        this.#names.delete(path);
        return { kind: 'unlink', path, ...times };
      }
      case 'write':
        if (fd === 1) return { kind: 'say', line: stringsOf(args)[0]?.toString().trimEnd() ?? '', ...times };
        break;
      default:
    }
    const opened = this.#open.get(fd);
    if (opened === undefined) return this.#foreign(call);
    if ('directory' in opened) {
      if (name !== 'fsync') throw new Error(`${name} of a directory is not known here`);
      return { kind: 'sync-directory', path: opened.directory, ...times };
    }
    const { file, path } = opened;
    if (name === 'fdatasync' || name === 'fsync') return { kind: 'sync', file, path, call: name, ...times };
    const numbers = args.split(', ').map(Number);
    if (name === 'pwrite64') {
      // No Buffer: its slice() does not copy.
      const bytes = Uint8Array.from(stringsOf(args)[0]?.subarray(0, result) ?? []);
      return { kind: 'write', file, position: numbers.at(-1) ?? 0, bytes, ...times };
    }
    if (name === 'ftruncate') return { kind: 'size', file, length: numbers[1] ?? 0, cuts: true, ...times };
    if (name === 'fallocate' && numbers[1] === 0) {
      return { kind: 'size', file, length: (numbers[2] ?? 0) + (numbers[3] ?? 0), cuts: false, ...times };
    }
    throw new Error(`${name} is not known here`);
  }

  #opened(args: string, fd: number, times: Pick<Call, 'began' | 'ended'>): Operation | null {
    const [path] = this.#paths(args);
    this.#open.delete(fd);
    if (path === undefined) return null;
    if (args.includes('O_DIRECTORY')) {
      this.#open.set(fd, { directory: path });
      return null;
    }
    if (args.includes('O_TRUNC')) throw new Error(`${path} is opened with O_TRUNC, which is not known here`);
    const there = this.#names.get(path);
    const file = there ?? this.#nextFile++;
    this.#open.set(fd, { file, path });
    if (there !== undefined) return null;
    this.#names.set(path, file);
    return { kind: 'create', path, file, ...times };
  }

  #renamed(args: string, times: Pick<Call, 'began' | 'ended'>): Operation | null {
    const [from, path] = this.#paths(args);
    if (from === undefined || path === undefined) return null;
    const file = this.#names.get(from);
    if (file === undefined) throw new Error(`${from} is renamed and was never made`);
    this.#names.delete(from);
    this.#names.set(path, file);
    return { kind: 'rename', from, path, ...times };
  }

  /** Calls on descriptors that are none of the database's files: pipes, sockets, sources. */
  #foreign({ name, args }: Call): null {
    const byPath = !/^\d/.test(args);
    if (byPath && this.#paths(args).length > 0)
      throw new Error(`${name}(${args.slice(0, 200)}) is not known here`);
    return null;
  }

  /** Those below the root, from it on. */
  #paths(args: string): string[] {
    return stringsOf(args).flatMap((string) => {
      const path = string.toString();
      return path === this.#root || path.startsWith(`${this.#root}/`)
        ? [`/${relative(this.#root, path)}`]
        : [];
    });
  }
}

/** What stands in quotes, which strace wrote as hexadecimal bytes throughout. */
function stringsOf(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, hex = '', cut]) => {
    if (cut !== undefined) throw new Error('strace cut a string short');
    return Buffer.from(hex.replaceAll('\\x', ''), 'hex');
  });
}
