/** Joins the segments' parts of the trees and compares them with what was signed, wherever something was. */
import type { VerifyPlan, VerifyReport } from '../wal/verify.ts';
import { Frontier, MemoryTree } from './merkle.ts';
import { appendPieces, type CommitFacts, type KeptLeaves, leavesOfGap } from './segment-leaves.ts';
import type { TreeStore } from './tree-store.ts';
import { type Checkpoint, hex, tenantLeafHash } from './verifier.ts';
import type { DataProblem } from './verify-log.ts';
import type { CheckedSegment } from './verify-segments.ts';

export class TreeComparison {
  readonly problems: DataProblem[] = [];
  readonly unproven: string[] = [];
  /** The first checkpoint that the log does not lead to, and the last entry before it that is as it was signed. */
  rewritten: { readonly checkpoint: Checkpoint; readonly behind: number } | null = null;
  /** Sizes at which trees are wanted. */
  readonly cuts: readonly number[];
  /** Entries of each tenant before the log's beginning, as far as the stored trees know. */
  readonly tenantsBefore: ReadonlyMap<number, number>;
  readonly #wanted = new Map<
    number,
    { readonly checkpoint: Checkpoint; readonly kind: 'signature' | 'expected' }[]
  >();
  readonly #plan: VerifyPlan;
  readonly #all: Frontier;
  readonly #tenants = new Map<number, Frontier>();
  /** Whether the trees can be computed: they cannot behind damage, nor without the leaves of a pruned beginning. */
  #known = true;
  /** The tree over the erasures; null where those before the log's beginning are not known. */
  readonly #erasures: Frontier | null = new Frontier();
  /** Leaf of each erasure by its sequence, hex: those that the files have, and those before. */
  readonly erased = new Map<number, string>();
  /** Size of the last checkpoint that names no erasures although there were some; 0: there is none. */
  #unnamed = 0;
  /** Up to here everything is as it was signed. */
  #checked = 0;
  #kept: readonly KeptLeaves[] = [];
  readonly #compared = new Set<number>();

  constructor(options: {
    readonly plan: VerifyPlan;
    readonly store: TreeStore;
    readonly checkpoints: readonly Checkpoint[];
    readonly expected: Checkpoint | null;
    /** False: they were not computed. */
    readonly trees: boolean;
  }) {
    const { plan, store, checkpoints, expected, trees } = options;
    this.#plan = plan;
    for (const checkpoint of checkpoints) this.#want(checkpoint, 'signature');
    if (expected !== null) this.#want(expected, 'expected');
    this.cuts = [...this.#wanted.keys()].sort((a, b) => a - b);
    const before = (plan.floor?.sequence ?? 1) - 1;
    this.#all = before <= store.sequence ? Frontier.of(store.entries, before) : new Frontier();
    if (!trees) {
      this.#known = false;
      this.unproven.push(
        'the trees were not computed: checkpoints were compared by chain and position alone',
      );
    } else if (before > store.sequence) {
      this.#known = false;
      this.unproven.push(
        `entries before ${before + 1} were pruned and their leaves are not stored: the trees cannot be computed, only chain and signatures are checked`,
      );
    }
    const counts = new Map<number, number>();
    for (const { tenant, size } of before > 0 && this.#known ? store.tenantsAt(before) : []) {
      counts.set(tenant, size);
      this.#tenants.set(tenant, Frontier.of(store.tenant(tenant)!, size));
    }
    this.tenantsBefore = counts;
    if (before === 0) return;
    const kept = before <= store.sequence ? store.erasures : null;
    const count = kept === null ? 0 : kept.leavesUpTo(before, kept.leaves);
    this.#erasures = kept === null ? null : Frontier.of(kept, count);
    for (let at = 0; at < count; at++) {
      const { hash, mark } = kept!.leaf(at);
      this.erased.set(mark, hex(hash));
    }
  }

  run(checked: readonly CheckedSegment[], kept: readonly KeptLeaves[], log: VerifyReport): void {
    this.#kept = kept;
    for (const gap of this.#plan.gaps) {
      const how = kept.some(({ from }) => from === gap.from)
        ? 'their leaves are known from before'
        : 'what they were is unknown';
      this.unproven.push(`sequences ${gap.from} to ${gap.to} are lost: ${how}, unproven across the gap`);
    }
    let last = this.#all.size;
    for (const { findings, stretches } of checked) {
      const { header, problems } = findings;
      if (header !== null && this.#known) this.#lost(last + 1, header.firstSequence - 1, kept);
      if (header === null || problems.length > 0) this.#known = false;
      for (const stretch of stretches) {
        if (this.#known) {
          appendPieces(this.#all, stretch.all);
          for (const [tenant, , pieces] of stretch.tenants) appendPieces(this.#tenant(tenant), pieces);
        }
        for (const { sequence, leaf } of stretch.erasures) this.#erase(sequence, leaf);
        for (const { checkpoint, kind } of (stretch.cut ? this.#wanted.get(stretch.end) : null) ?? [])
          this.#compare(checkpoint, kind, stretch.commit);
        last = Math.max(last, stretch.end);
      }
      last = Math.max(last, findings.report.lastSequence);
    }
    this.#missing(log);
    if (this.#unnamed > 0) {
      this.unproven.push(
        `the checkpoint of size ${this.#unnamed} was signed by a release whose checkpoints name no erasures: which there were then only the log says`,
      );
    }
  }

  /** Whether all leaves could be computed, so that an erasure that was not found is not there. */
  get complete(): boolean {
    return this.#known && this.#erasures !== null;
  }

  #want(checkpoint: Checkpoint, kind: 'signature' | 'expected'): void {
    const wanted = this.#wanted.get(checkpoint.size) ?? [];
    wanted.push({ checkpoint, kind });
    this.#wanted.set(checkpoint.size, wanted);
  }

  /** A range between two files that was declared lost. */
  #lost(from: number, to: number, kept: readonly KeptLeaves[]): void {
    for (const gap of this.#plan.gaps) {
      if (gap.from < from || gap.to > to) continue;
      for (const { leaf, tenant, isErasure } of leavesOfGap(gap.from, gap.to, kept)) {
        this.#all.append(leaf);
        if (tenant !== null) this.#tenant(tenant).append(leaf);
        if (isErasure) this.#erase(this.#all.size, leaf);
      }
    }
    if (this.#all.size !== to) this.#known = false;
  }

  #erase(sequence: number, leaf: Uint8Array): void {
    this.erased.set(sequence, hex(leaf));
    if (this.#known) this.#erasures?.append(leaf);
  }

  #tenant(tenant: number): Frontier {
    let frontier = this.#tenants.get(tenant);
    if (frontier === undefined) {
      frontier = new Frontier();
      this.#tenants.set(tenant, frontier);
    }
    return frontier;
  }

  #compare(checkpoint: Checkpoint, kind: 'signature' | 'expected', commit: CommitFacts | null): void {
    const { size } = checkpoint;
    const lost = this.#plan.gaps.some(({ from, to }) => size >= from && size <= to);
    // Its commit is gone with the rest; `#missing` says so.
    if (commit === null && (lost || !this.#known)) return;
    this.#compared.add(size);
    const different = commit === null ? ['there is no commit'] : this.#differences(checkpoint, commit);
    if (different.length === 0) {
      this.#checked = size;
      return;
    }
    if (this.#leavesAreMissing(size) && different.every((name) => name.includes('root'))) {
      this.unproven.push(
        `the checkpoint of size ${size} covers lost entries whose leaves are not known: its chain is the log’s, its roots cannot be computed`,
      );
      return;
    }
    this.rewritten ??= { checkpoint, behind: this.#checked };
    const whose = kind === 'expected' ? 'the checkpoint that was kept' : 'the checkpoint that was signed';
    const since =
      this.#checked === 0 ? '' : ` behind ${this.#checked}, up to where everything is as it was signed`;
    this.#report(
      kind,
      size,
      `at sequence ${size} the log is not what ${whose} says: ${different.join(', ')}. Entries were rewritten${since}`,
    );
  }

  /** Whether something before that size was lost without anybody knowing its leaves. */
  #leavesAreMissing(size: number): boolean {
    return this.#plan.gaps.some(
      (gap) => gap.from <= size && !this.#kept.some(({ from }) => from === gap.from),
    );
  }

  #differences(checkpoint: Checkpoint, commit: CommitFacts): string[] {
    const differences: string[] = [];
    const compare = (name: string, same: boolean): void => {
      if (!same) differences.push(`another ${name}`);
    };
    compare('chain', hex(commit.chain) === checkpoint.chain);
    compare('ordinal', commit.ordinal === checkpoint.ordinal);
    compare('epoch', commit.epoch === checkpoint.epoch);
    compare('recorded-at', commit.recordedAt === checkpoint.recordedAt);
    if (!this.#known) return differences;
    compare('root', hex(this.#all.root()) === checkpoint.root);
    const tenants = [...this.#tenants].sort(([a], [b]) => a - b);
    const tree = new MemoryTree(
      tenants.map(([tenant, each]) => tenantLeafHash(tenant, each.size, each.root())),
    );
    compare(
      'root of the tenants',
      tree.size === checkpoint.tenants && hex(tree.root()) === checkpoint.tenantsRoot,
    );
    this.#compareErasures(checkpoint, compare);
    return differences;
  }

  #compareErasures(
    { version, size, erased, erasures }: Checkpoint,
    compare: (name: string, same: boolean) => void,
  ): void {
    const own = this.#erasures;
    if (version === 1) {
      if (own !== null && own.size > 0) this.#unnamed = size;
    } else if (own === null) {
      this.unproven.push(
        `the erasures that the checkpoint of size ${size} names are not all known: the log was pruned before they were kept`,
      );
    } else compare('root of the erasures', own.size === erased && hex(own.root()) === erasures);
  }

  /** Checkpoints beyond the log's end: it was cut off, or replaced by an older copy. */
  #missing({ lastSequence, firstSequence }: VerifyReport): void {
    for (const [size, wanted] of this.#wanted) {
      for (const { kind } of wanted) {
        const whose = kind === 'expected' ? 'that was kept' : 'that was signed';
        if (size > lastSequence) {
          this.#report(
            kind,
            lastSequence,
            `the log ends with sequence ${lastSequence}, but the checkpoint ${whose} covers ${size}: it was rolled back or cut off`,
          );
        } else if (size < firstSequence) {
          this.unproven.push(
            `the checkpoint of size ${size} stands before ${firstSequence}, where the log begins`,
          );
        } else if (!this.#compared.has(size)) {
          this.unproven.push(`the checkpoint of size ${size} stands where entries are lost or damaged`);
        }
      }
    }
  }

  #report(kind: 'signature' | 'expected', sequence: number, problem: string): void {
    this.problems.push({ kind, segment: null, offset: null, sequence, problem });
  }
}
