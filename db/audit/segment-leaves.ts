/**
 * The part of the trees that one segment has, so that segments can be computed side by side: complete subtrees, at the places
 * they have in the whole. The tree over all entries needs nothing for that but the segment's first sequence; a tenant's needs to
 * know how many entries it has in the segments before, which is told when they have been counted.
 */
import { ENTRY_TYPE_FIRST_FOREIGN } from '../wal/format.ts';
import type { Gap } from '../wal/gaps.ts';
import { forEachEntry } from '../wal/raw-groups.ts';
import type { ScannedCommit, ScannedSeal } from '../wal/scanner.ts';
import type { SegmentWatch } from '../wal/verify-segment.ts';
import { ERASURE_ENTRY, HASH_BYTES } from './format.ts';
import type { Frontier } from './merkle.ts';
import { hashEntry, hashNode } from './tree-hash.ts';
import type { LeafOwner } from './tree-store.ts';
import { gapLeafHash } from './verifier.ts';

/** Leaves of a lost range as they were computed before it was lost; tenants as in the tree's marks. */
export interface KeptLeaves {
  readonly from: number;
  readonly to: number;
  readonly hashes: Uint8Array;
  readonly marks: readonly number[];
  /** Sequences of those that are erasures. */
  readonly erasures: readonly number[];
}

/** An entry that says what was erased. */
export interface ErasureLeaf {
  readonly sequence: number;
  readonly leaf: Uint8Array;
}

/** Complete subtrees, one after the other: the level of each, and their hashes in one piece. */
export interface Pieces {
  readonly levels: readonly number[];
  readonly hashes: Uint8Array;
}

/** What a commit says that a checkpoint says too. */
export interface CommitFacts {
  readonly sequence: number;
  readonly ordinal: number;
  readonly epoch: number;
  readonly recordedAt: bigint;
  readonly chain: Uint8Array;
}

/** From one place where trees are compared to the next. */
export interface Stretch {
  /** Last sequence of it. */
  readonly end: number;
  /** Whether trees are compared there, and not only the segment ends. */
  readonly cut: boolean;
  /** The commit it ends with; null at the segment's end, or where no commit stands. */
  readonly commit: CommitFacts | null;
  readonly all: Pieces;
  /** Of each tenant that has entries in it: number, count, subtrees. */
  readonly tenants: readonly (readonly [tenant: number, count: number, pieces: Pieces])[];
  readonly erasures: readonly ErasureLeaf[];
}

interface OpenStretch {
  readonly all: Subtrees;
  readonly tenants: Map<number, number>;
  readonly erasures: ErasureLeaf[];
}

export class SegmentLeaves implements SegmentWatch {
  readonly #cuts: readonly number[];
  readonly #kept: readonly KeptLeaves[];
  readonly #trees: boolean;
  readonly #leaves = new Map<number, LeafList>();
  readonly #done: (Omit<Stretch, 'all' | 'tenants' | 'erasures'> & OpenStretch)[] = [];
  #open: OpenStretch;
  #sequence: number;
  #cut = 0;

  /** `cuts`: sequences at which the trees, and the commits there, are wanted, ascending. Without `trees` only the commits. */
  constructor(firstSequence: number, cuts: readonly number[], kept: readonly KeptLeaves[], trees: boolean) {
    this.#trees = trees;
    this.#cuts = cuts;
    this.#kept = kept;
    this.#sequence = firstSequence - 1;
    this.#open = openStretch(this.#sequence);
  }

  group(group: ScannedCommit | ScannedSeal): void {
    const { bytes } = group;
    if (this.#trees)
      forEachEntry(bytes, ({ offset, type, tenant, sequence, payloadAt, payloadBytes }) => {
        const leaf = hashEntry(bytes, offset, payloadAt, payloadBytes);
        this.#append(leaf, type < ENTRY_TYPE_FIRST_FOREIGN ? null : tenant);
        if (type === ERASURE_ENTRY) this.#open.erasures.push({ sequence, leaf: Uint8Array.from(leaf) });
      });
    this.#sequence = group.sequence;
    this.#closeAtCuts(group.kind === 'commit' ? factsOf(group) : null);
  }

  gap({ from, to }: Gap): void {
    this.#sequence = from - 1;
    for (const { leaf, tenant, isErasure } of leavesOfGap(from, to, this.#kept)) {
      this.#append(leaf, tenant);
      this.#sequence += 1;
      if (isErasure) this.#open.erasures.push({ sequence: this.#sequence, leaf });
      this.#closeAtCuts(null);
    }
  }

  /** Entries of each tenant in the segment. */
  counts(): [tenant: number, count: number][] {
    return [...this.#leaves].map(([tenant, { count }]) => [tenant, count]);
  }

  /** `before`: entries of a tenant in all segments before this one. Called once, at the end. */
  stretches(before: ReadonlyMap<number, number>): Stretch[] {
    this.#close(null, this.#sequence, false);
    const used = new Map<number, number>();
    return this.#done.map(({ end, cut, commit, all, tenants, erasures }) => ({
      end,
      cut,
      commit,
      all: all.pieces(),
      erasures,
      tenants: [...tenants].map(([tenant, count]) => {
        const from = used.get(tenant) ?? 0;
        used.set(tenant, from + count);
        const subtrees = new Subtrees((before.get(tenant) ?? 0) + from);
        const list = this.#leaves.get(tenant)!;
        for (let at = from; at < from + count; at++) subtrees.append(list.at(at));
        return [tenant, count, subtrees.pieces()] as const;
      }),
    }));
  }

  #append(leaf: Uint8Array, tenant: number | null): void {
    const { all, tenants } = this.#open;
    all.append(leaf);
    if (tenant === null) return;
    let list = this.#leaves.get(tenant);
    if (list === undefined) {
      list = new LeafList();
      this.#leaves.set(tenant, list);
    }
    list.push(leaf);
    tenants.set(tenant, (tenants.get(tenant) ?? 0) + 1);
  }

  /** `commit`: the one that has just been taken in. A cut that was passed stands at no commit. */
  #closeAtCuts(commit: CommitFacts | null): void {
    for (
      let cut = this.#cuts[this.#cut];
      cut !== undefined && cut <= this.#sequence;
      cut = this.#cuts[this.#cut]
    ) {
      this.#close(cut === this.#sequence ? commit : null, cut, true);
      this.#cut += 1;
    }
  }

  #close(commit: CommitFacts | null, end: number, cut: boolean): void {
    this.#done.push({ ...this.#open, commit, end, cut });
    this.#open = openStretch(this.#sequence);
  }
}

/** Leaves of a lost range: those that were kept, or the range's own. */
export function* leavesOfGap(
  from: number,
  to: number,
  kept: readonly KeptLeaves[],
): Generator<LeafOwner & { readonly leaf: Uint8Array }> {
  const known = kept.find((each) => each.from === from && each.to === to);
  const lost = gapLeafHash(from, to);
  for (let at = 0; at <= to - from; at++) {
    const mark = known?.marks[at] ?? 0;
    const leaf = known?.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES) ?? lost;
    const isErasure = known?.erasures.includes(from + at) ?? false;
    yield { leaf, tenant: mark === 0 ? null : mark - 1, isErasure };
  }
}

/** Puts pieces onto the edge of a tree. */
export function appendPieces(frontier: Frontier, { levels, hashes }: Pieces): void {
  for (const [at, level] of levels.entries())
    frontier.append(hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES), level);
}

function openStretch(sequence: number): OpenStretch {
  return { all: new Subtrees(sequence), tenants: new Map(), erasures: [] };
}

/** Complete subtrees of consecutive leaves from some index on, as large as they get. */
class Subtrees {
  readonly #stack: { level: number; hash: Uint8Array }[] = [];
  #index: number;
  readonly #first: number;

  constructor(first: number) {
    this.#index = first;
    this.#first = first;
  }

  append(leaf: Uint8Array): void {
    let hash = leaf;
    let level = 0;
    let span = 1;
    // A left sibling lies on the stack only when it began behind the first leaf.
    for (let index = this.#index; index % 2 === 1; index = (index - 1) / 2) {
      if ((index - 1) * span < this.#first) break;
      hash = hashNode(this.#stack.pop()!.hash, hash);
      level += 1;
      span *= 2;
    }
    this.#stack.push({ level, hash });
    this.#index += 1;
  }

  pieces(): Pieces {
    const hashes = new Uint8Array(this.#stack.length * HASH_BYTES);
    for (const [at, { hash }] of this.#stack.entries()) hashes.set(hash, at * HASH_BYTES);
    return { levels: this.#stack.map(({ level }) => level), hashes };
  }
}

/** Hashes one after the other in memory that grows. */
class LeafList {
  #bytes = new Uint8Array(64 * HASH_BYTES);
  count = 0;

  push(hash: Uint8Array): void {
    if (this.count * HASH_BYTES === this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(hash, this.count * HASH_BYTES);
    this.count += 1;
  }

  at(index: number): Uint8Array {
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }
}

function factsOf({ sequence, ordinal, epoch, recordedAt, chain }: ScannedCommit): CommitFacts {
  return { sequence, ordinal, epoch, recordedAt, chain };
}
