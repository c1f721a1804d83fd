/**
 * The hashes of one tree in a file, appended in the order in which its complete subtrees come into being (merkle.ts). Beside
 * each hash stand eight bytes of whoever keeps the tree. What lies behind the size that was noted elsewhere after an fsync
 * does not count and is written again.
 *
 *     node n at 40 × n:   hash 32 · mark u64, 0 for a subtree of more than one leaf
 */
import type { Disk, FileHandle } from '../io/index.ts';
import { isNotFound } from '../io/index.ts';
import { readCount, writeCount } from '../wal/layout.ts';
import { HASH_BYTES } from './format.ts';
import { Frontier, type NodeSource, nodesOf, positionOf } from './merkle.ts';
import { ProofError } from './verifier.ts';

const NODE_BYTES = HASH_BYTES + 8;
const BUFFER_NODES = 4096;
const NONE = new Uint8Array(0);

export class NodeFile implements NodeSource {
  readonly path: string;
  readonly #disk: Disk;
  #handle: FileHandle | null = null;
  #mode: 'read' | 'write' = 'read';
  /** Nodes not written yet, and where in the file they belong. */
  #waiting = NONE;
  #waitingNodes = 0;
  #writtenNodes: number;
  #frontier: Frontier | null = null;
  #leaves: number;
  #dirty = false;

  /** `leaves` that were noted as durable. The file is opened when it is needed. */
  constructor(disk: Disk, path: string, leaves: number) {
    this.#disk = disk;
    this.path = path;
    this.#leaves = leaves;
    this.#writtenNodes = nodesOf(leaves);
  }

  get leaves(): number {
    return this.#leaves;
  }

  append(hash: Uint8Array, mark: number): void {
    this.#edge.append(hash, 0, (node, level) => this.#put(node, level === 0 ? mark : 0));
    this.#leaves += 1;
  }

  root(): Uint8Array {
    return this.#edge.root();
  }

  node(level: number, index: number): Uint8Array {
    return this.#read(positionOf(level, index)).subarray(0, HASH_BYTES);
  }

  leaf(index: number): { readonly hash: Uint8Array; readonly mark: number } {
    const bytes = this.#read(positionOf(0, index));
    const mark = readCount(new DataView(bytes.buffer, bytes.byteOffset), HASH_BYTES);
    return { hash: bytes.subarray(0, HASH_BYTES), mark };
  }

  /** Leaves with a mark not above `limit`, of the first `leaves`: marks ascend. */
  leavesUpTo(limit: number, leaves: number): number {
    let [low, high] = [0, leaves];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.leaf(middle).mark <= limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Hands what was appended to the operating system. */
  write(): void {
    if (this.#waitingNodes === 0) return;
    const bytes = this.#waiting.subarray(0, this.#waitingNodes * NODE_BYTES);
    this.#disk.pwrite(this.#open('write'), bytes, this.#writtenNodes * NODE_BYTES);
    this.#writtenNodes += this.#waitingNodes;
    this.#waitingNodes = 0;
    this.#dirty = true;
  }

  /** Makes what was appended durable. True when there was something. */
  sync(): boolean {
    this.write();
    if (!this.#dirty) return false;
    this.#disk.fdatasync(this.#open('write'));
    this.#dirty = false;
    return true;
  }

  /** Closes the file until it is needed again, and lets go of memory. */
  release(): void {
    this.sync();
    if (this.#handle !== null) this.#disk.close(this.#handle);
    this.#handle = null;
    this.#waiting = NONE;
  }

  get #edge(): Frontier {
    this.#frontier ??= Frontier.of(this, this.#leaves);
    return this.#frontier;
  }

  #put(hash: Uint8Array, mark: number): void {
    if (this.#waiting.length === this.#waitingNodes * NODE_BYTES) this.#grow();
    const at = this.#waitingNodes * NODE_BYTES;
    this.#waiting.set(hash, at);
    writeCount(new DataView(this.#waiting.buffer), at + HASH_BYTES, mark);
    this.#waitingNodes += 1;
  }

  #grow(): void {
    if (this.#waitingNodes >= BUFFER_NODES) {
      this.write();
      return;
    }
    const larger = new Uint8Array(Math.max(64, this.#waitingNodes * 2) * NODE_BYTES);
    larger.set(this.#waiting);
    this.#waiting = larger;
  }

  #read(position: number): Uint8Array {
    const waiting = position - this.#writtenNodes;
    if (waiting >= 0 && waiting < this.#waitingNodes)
      return this.#waiting.slice(waiting * NODE_BYTES, (waiting + 1) * NODE_BYTES);
    const bytes = new Uint8Array(NODE_BYTES);
    const count = this.#disk.pread(this.#open('read'), bytes, NODE_BYTES, position * NODE_BYTES);
    if (count < NODE_BYTES) throw new ProofError(`${this.path} ends before node ${position}`);
    return bytes;
  }

  #open(mode: 'read' | 'write'): FileHandle {
    if (this.#handle !== null && (mode === 'read' || this.#mode === 'write')) return this.#handle;
    if (this.#handle !== null) this.#disk.close(this.#handle);
    this.#handle = null;
    this.#mode = mode;
    try {
      this.#handle = this.#disk.open(this.path, mode);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      if (mode === 'read') throw new ProofError(`${this.path} is gone`);
      this.#handle = this.#disk.open(this.path, 'create');
    }
    return this.#handle;
  }
}
