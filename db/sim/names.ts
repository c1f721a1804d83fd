/**
 * Directories: which name leads to which file, now and on the disk. A change of a name is durable when its directory was
 * synced, not before.
 */
import { dirname } from 'node:path';
import type { SimFile } from './file.ts';
import type { Random } from './random.ts';

export type SimNode = SimFile | 'directory';

/**
 * In which order changes of names that no sync covered reach the disk. `journal`: as they were made, up to some moment, and
 * a sync of one directory takes along everything before (ext4, XFS). `any`: each for itself, and a sync takes its own
 * directory's, as POSIX has it; only changes of one name or one file keep their order.
 */
export type NameOrder = 'journal' | 'any';

interface Change {
  readonly directories: readonly string[];
  readonly names: readonly string[];
  readonly node: SimNode;
  apply(names: Map<string, SimNode>): void;
}

export class Names {
  readonly #order: NameOrder;
  readonly #now: Map<string, SimNode>;
  readonly #durable: Map<string, SimNode>;
  #changes: Change[] = [];

  constructor(order: NameOrder, names: Iterable<readonly [string, SimNode]>) {
    this.#order = order;
    this.#now = new Map(names);
    this.#durable = new Map(this.#now);
  }

  get(path: string): SimNode | undefined {
    return this.#now.get(path);
  }

  entries(): [string, SimNode][] {
    return [...this.#now];
  }

  in(directory: string): string[] {
    return [...this.#now.keys()].filter((path) => dirname(path) === directory && path !== directory);
  }

  set(path: string, node: SimNode): void {
    this.#change([path], node, (names) => void names.set(path, node));
  }

  remove(path: string, node: SimNode): void {
    this.#change([path], node, (names) => void names.delete(path));
  }

  rename(from: string, to: string, node: SimNode): void {
    this.#change([from, to], node, (names) => {
      names.delete(from);
      names.set(to, node);
    });
  }

  sync(directory: string): void {
    const wanted = this.#changes.map((change) => change.directories.includes(directory));
    if (this.#order === 'journal') wanted.fill(true, 0, wanted.lastIndexOf(true) + 1);
    this.#settle(wanted);
  }

  /** Names as they are when power comes back; those whose directory did not make it are gone. */
  afterPowerCut(random: Random): [string, SimNode][] {
    const until = random.between(0, this.#changes.length);
    const wanted = this.#changes.map((_, at) =>
      this.#order === 'journal' ? at < until : random.chance(0.5),
    );
    this.#settle(wanted);
    return [...this.#durable].filter(([path]) => this.#reachable(path));
  }

  #reachable(path: string): boolean {
    for (let up = dirname(path); up !== '/'; up = dirname(up)) {
      if (this.#durable.get(up) !== 'directory') return false;
    }
    return true;
  }

  #change(names: readonly string[], node: SimNode, apply: Change['apply']): void {
    apply(this.#now);
    const directories = [...new Set(names.map((name) => dirname(name)))];
    this.#changes.push({ directories, names, node, apply });
  }

  /** Makes the wanted changes durable, and those before them that they rest on. */
  #settle(wanted: boolean[]): void {
    for (let at = wanted.length - 1; at >= 0; at--) {
      const change = this.#changes[at];
      if (change === undefined || !wanted[at]) continue;
      for (let before = 0; before < at; before++) {
        const other = this.#changes[before];
        if (other !== undefined && related(other, change)) wanted[before] = true;
      }
    }
    for (const [at, change] of this.#changes.entries()) if (wanted[at]) change.apply(this.#durable);
    this.#changes = this.#changes.filter((_, at) => !wanted[at]);
  }
}

function related(a: Change, b: Change): boolean {
  if (a.node === b.node && a.node !== 'directory') return true;
  return a.names.some((name) => b.names.includes(name));
}
