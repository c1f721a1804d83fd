/**
 * Merkle trees as RFC 6962 shapes them: a tree of n leaves splits at the largest power of two below n. Complete subtrees
 * never change, so a tree only grows: their hashes are stored once, in the order in which they come into being, and every
 * root and proof of every size is made of them.
 */
import { HASH_BYTES } from './format.ts';
import { hashNode } from './tree-hash.ts';
import { EMPTY_ROOT, unhex } from './verifier.ts';

/** Complete subtrees: `node(level, index)` is the one over the leaves [index × 2^level, (index + 1) × 2^level). */
export interface NodeSource {
  node(level: number, index: number): Uint8Array;
}

/** The right edge of a growing tree: its complete subtrees that have no sibling yet, at most one of a level. */
export class Frontier {
  #peaks: (Uint8Array | null)[] = [];
  #size = 0;

  /** Leaves. */
  get size(): number {
    return this.#size;
  }

  /** The edge of a stored tree. */
  static of(source: NodeSource, size: number): Frontier {
    const frontier = new Frontier();
    frontier.#peaks = new Array(levelBelow(size) + 1).fill(null);
    for (const { level, index } of peaksOf(size)) frontier.#peaks[level] = source.node(level, index);
    frontier.#size = size;
    return frontier;
  }

  copy(): Frontier {
    const copy = new Frontier();
    copy.#peaks = [...this.#peaks];
    copy.#size = this.#size;
    return copy;
  }

  /**
   * Appends a complete subtree of 2^level leaves, a leaf being one of level 0. `made` hears it and every subtree that becomes
   * complete with it, in the order of storage. Throws where the tree's size is no multiple of the subtree's.
   */
  append(hash: Uint8Array, level = 0, made: (hash: Uint8Array, level: number) => void = () => {}): void {
    const leaves = powerOfTwo(level);
    if (this.#size % leaves !== 0)
      throw new Error(`a subtree of ${leaves} leaves does not fit at ${this.#size}`);
    let node = hash;
    let at = level;
    made(node, at);
    for (let left = this.#peaks[at]; left != null; left = this.#peaks[at]) {
      this.#peaks[at] = null;
      node = hashNode(left, node);
      at += 1;
      made(node, at);
    }
    while (this.#peaks.length <= at) this.#peaks.push(null);
    this.#peaks[at] = node;
    this.#size += leaves;
  }

  /** Hash of all leaves; that of nothing when there are none. */
  root(): Uint8Array {
    let root: Uint8Array | null = null;
    for (const peak of this.#peaks) {
      if (peak !== null) root = root === null ? peak : hashNode(peak, root);
    }
    return root ?? unhex(EMPTY_ROOT);
  }
}

/** Complete subtrees that a tree of `size` leaves consists of, from the left. */
function peaksOf(size: number): { readonly level: number; readonly index: number }[] {
  const peaks: { level: number; index: number }[] = [];
  let low = 0;
  for (let level = levelBelow(size); level >= 0; level--) {
    const leaves = powerOfTwo(level);
    if (size - low < leaves) continue;
    peaks.push({ level, index: low / leaves });
    low += leaves;
  }
  return peaks;
}

/** Root of the first `size` leaves. */
export function rootOf(source: NodeSource, size: number): Uint8Array {
  return Frontier.of(source, size).root();
}

/** What verifyRange wants for the leaves [first, first + count) of the first `size`. */
export function rangePath(source: NodeSource, first: number, count: number, size: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  const end = first + count;
  const visit = (low: number, high: number): void => {
    if (high <= first || low >= end) {
      path.push(hashOf(source, low, high));
    } else if (high - low > 1) {
      const middle = low + splitOf(high - low);
      visit(low, middle);
      visit(middle, high);
    }
  };
  visit(0, size);
  return path;
}

/** RFC 6962, section 2.1.2: that the first `size` leaves begin with the first `oldSize`. */
export function consistencyPath(source: NodeSource, oldSize: number, size: number): Uint8Array[] {
  const path: Uint8Array[] = [];
  if (oldSize === 0 || oldSize === size) return path;
  let [low, high] = [0, size];
  // The old tree is a whole subtree of the new one as long as only left turns were taken.
  while (high > oldSize || low > 0) {
    if (high === oldSize) break;
    const middle = low + splitOf(high - low);
    if (oldSize <= middle) {
      path.push(hashOf(source, middle, high));
      high = middle;
    } else {
      path.push(hashOf(source, low, middle));
      low = middle;
    }
  }
  if (low > 0) path.push(hashOf(source, low, high));
  return path.reverse();
}

/** Hash of the leaves [low, high) of a tree, where a path through it can pass. */
function hashOf(source: NodeSource, low: number, high: number): Uint8Array {
  const leaves = high - low;
  const level = levelBelow(leaves);
  if (powerOfTwo(level) === leaves && low % leaves === 0) return source.node(level, low / leaves);
  const middle = low + splitOf(leaves);
  return hashNode(hashOf(source, low, middle), hashOf(source, middle, high));
}

/** Largest power of two below `size`, which is at least 2. */
function splitOf(size: number): number {
  return powerOfTwo(levelBelow(size - 1));
}

/** Largest level whose power of two is not above `size`; -1 for 0. */
function levelBelow(size: number): number {
  let level = -1;
  for (let power = 1; power <= size; power *= 2) level += 1;
  return level;
}

function powerOfTwo(level: number): number {
  return level < 31 ? 1 << level : 2 ** level;
}

/** Hashes stored for a tree of so many leaves: of each complete subtree one. */
export function nodesOf(leaves: number): number {
  let nodes = 2 * leaves;
  for (let rest = leaves; rest > 0; rest = Math.floor(rest / 2)) nodes -= rest % 2;
  return nodes;
}

/** Place of a complete subtree among the stored hashes: it is written right after the last of its leaves. */
export function positionOf(level: number, index: number): number {
  const lastLeaf = (index + 1) * powerOfTwo(level) - 1;
  return nodesOf(lastLeaf) + level;
}

/** Tree in memory, for small ones. */
export class MemoryTree implements NodeSource {
  readonly #nodes: Uint8Array[] = [];
  readonly #frontier = new Frontier();

  constructor(leaves: Iterable<Uint8Array>) {
    for (const leaf of leaves) this.#frontier.append(leaf, 0, (hash) => this.#nodes.push(hash));
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Uint8Array {
    return this.#frontier.root();
  }

  node(level: number, index: number): Uint8Array {
    const hash = this.#nodes[positionOf(level, index)];
    if (hash?.length !== HASH_BYTES) throw new Error(`this tree has no subtree ${index} of level ${level}`);
    return hash;
  }
}
