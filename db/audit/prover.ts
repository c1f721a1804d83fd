/** Proofs from the stored trees, against checkpoints that were signed. Nothing is promised here: whoever gets one checks it. */
import { TruthError } from '../errors.ts';
import type { BundleKind } from './format.ts';
import { consistencyPath, rangePath } from './merkle.ts';
import type { NodeFile } from './node-file.ts';
import type { SignedCheckpoints } from './signed-checkpoints.ts';
import { type TenantTree, type TreeStore, tenantsTree } from './tree-store.ts';
import { type Checkpoint, decodeCheckpoint } from './verifier.ts';

/** What is to be shown. */
export interface RangeRequest {
  readonly kind: BundleKind;
  /** 0 in kind `entries`. */
  readonly tenant: number;
  readonly from: number;
  readonly to: number;
  /** Size of an earlier checkpoint that the one used is to be shown to extend; null for none. */
  readonly since: number | null;
}

/** A bundle but for its entries. */
export interface RangeProof extends RangeRequest {
  readonly checkpoint: Uint8Array;
  readonly earlier: Uint8Array | null;
  readonly certificates: readonly Uint8Array[];
  readonly tenantLeaves: readonly TenantTree[];
  readonly firstTenantLeaf: number;
  readonly firstLeaf: number;
  readonly leaves: number;
  readonly rangePath: readonly Uint8Array[];
  readonly tenantPath: readonly Uint8Array[];
  readonly consistencyPath: readonly Uint8Array[];
}

export class Prover {
  readonly #store: TreeStore;
  readonly #checkpoints: SignedCheckpoints;
  readonly #certificates: () => readonly Uint8Array[];

  constructor(store: TreeStore, checkpoints: SignedCheckpoints, certificates: () => readonly Uint8Array[]) {
    this.#store = store;
    this.#checkpoints = checkpoints;
    this.#certificates = certificates;
  }

  /** The newest checkpoint with its certificates. Errors: NOT_FOUND. */
  latest() {
    const checkpoint = this.#checkpoints.last;
    if (checkpoint === null) {
      throw new TruthError(
        'NOT_FOUND',
        'nothing was signed yet: truthdb checkpoint create signs what there is',
      );
    }
    return { checkpoint, certificates: this.#certificates() };
  }

  /** That the tree of `size` leaves extends the one of `oldSize`. Errors: INVALID_ARGUMENT. */
  consistency(oldSize: number, size: number): Uint8Array[] {
    this.#checkSize(size);
    if (oldSize > size) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `a history of ${size} entries does not extend one of ${oldSize}`,
      );
    }
    return consistencyPath(this.#store.entries, oldSize, size);
  }

  /** All but the entries themselves. Errors: NOT_FOUND (no checkpoint covers the range), INVALID_ARGUMENT. */
  range(request: RangeRequest): RangeProof {
    const { kind, tenant, from, to, since } = request;
    const { checkpoint, certificates } = this.latest();
    const signed = decodeCheckpoint(checkpoint);
    this.#checkSize(signed.size);
    if (!(from >= 1 && from <= to)) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `from ${from} to ${to} is no range: positions begin with 1 and ascend`,
      );
    }
    if (to > signed.size) {
      throw new TruthError(
        'NOT_FOUND',
        `the newest checkpoint covers entries up to ${signed.size}, not ${to}; \`truthdb checkpoint create\` signs the rest`,
        { size: signed.size },
      );
    }
    const earlier = since === null ? null : this.#checkpointAt(since);
    const common = {
      ...request,
      checkpoint,
      earlier,
      certificates,
      consistencyPath: earlier === null ? [] : this.consistency(since ?? 0, signed.size),
    };
    if (kind === 'entries') {
      const count = to - from + 1;
      const path = rangePath(this.#store.entries, from - 1, count, signed.size);
      const none = { tenantLeaves: [], firstTenantLeaf: 0, tenantPath: [] };
      return { ...common, ...none, firstLeaf: from - 1, leaves: count, rangePath: path };
    }
    return { ...common, ...this.#tenantRange(tenant, from, to, signed) };
  }

  #tenantRange(tenant: number, from: number, to: number, { size }: Checkpoint) {
    const tenants = this.#store.tenantsAt(size);
    const at = tenants.findIndex((each) => each.tenant >= tenant);
    const behind = at < 0 ? tenants.length : at;
    const there = tenants[behind]?.tenant === tenant;
    // One that has no entries is shown by its neighbours in the order of tenants.
    const first = there ? behind : Math.max(behind - 1, 0);
    const last = there ? behind : Math.min(behind, tenants.length - 1);
    const tenantLeaves = tenants.slice(first, last + 1);
    const path =
      tenants.length === 0 ? [] : rangePath(tenantsTree(tenants), first, tenantLeaves.length, tenants.length);
    const shown = { tenantLeaves, firstTenantLeaf: first, tenantPath: path };
    const file = this.#store.tenant(tenant);
    if (!there || file === null) return { ...shown, firstLeaf: 0, leaves: 0, rangePath: [] };
    return { ...shown, ...boundedLeaves(file, tenantLeaves[0]!.size, from, to) };
  }

  #checkpointAt(size: number): Uint8Array {
    const index = this.#checkpoints.indexOf(size);
    const found = index < this.#checkpoints.count ? this.#checkpoints.at(index) : null;
    if (found !== null && decodeCheckpoint(found).size === size) return found;
    throw new TruthError(
      'NOT_FOUND',
      `there is no checkpoint of size ${size}; truthdb checkpoint list shows them`,
    );
  }

  #checkSize(size: number): void {
    if (size <= this.#store.sequence) return;
    throw new TruthError(
      'VIEW_UNAVAILABLE',
      `the trees are being computed and have ${this.#store.sequence} of ${size} entries: ask again later`,
      { sequence: this.#store.sequence },
    );
  }
}

/** The tenant's leaves in the range, with the one before and the one behind it, which show that none is missing. */
function boundedLeaves(file: NodeFile, size: number, from: number, to: number) {
  const first = file.leavesUpTo(from - 1, size);
  const end = file.leavesUpTo(to, size);
  const firstLeaf = Math.max(first - 1, 0);
  const leaves = Math.min(end + 1, size) - firstLeaf;
  return { firstLeaf, leaves, rangePath: rangePath(file, firstLeaf, leaves, size) };
}
