/** Proofs are checked before they leave: what the stored trees say is only a file. */

import type { NodeFile } from './node-file.ts';
import type { RangeProof } from './prover.ts';
import type { TreeStore } from './tree-store.ts';
import { decodeCheckpoint, hex, tenantLeafHash, verifyConsistency, verifyRange } from './verifier.ts';

/** Throws ProofError unless the proof, with the leaves as they are stored, leads to what was signed. */
export function checkRangeProof(proof: RangeProof, store: TreeStore): void {
  const { kind, tenant, firstLeaf, leaves, tenantLeaves, earlier } = proof;
  const signed = decodeCheckpoint(proof.checkpoint);
  if (earlier !== null) {
    const { size, root } = decodeCheckpoint(earlier);
    verifyConsistency([size, root], [signed.size, signed.root], proof.consistencyPath);
  }
  if (kind === 'entries') {
    verifyRange(
      firstLeaf,
      leavesOf(store.entries, firstLeaf, leaves),
      signed.size,
      proof.rangePath,
      signed.root,
    );
    return;
  }
  if (signed.tenants === 0) return;
  const shown = tenantLeaves.map((each) => tenantLeafHash(each.tenant, each.size, each.root));
  verifyRange(proof.firstTenantLeaf, shown, signed.tenants, proof.tenantPath, signed.tenantsRoot);
  const file = store.tenant(tenant);
  if (leaves === 0 || file === null) return;
  const { size, root } = tenantLeaves[0]!;
  verifyRange(firstLeaf, leavesOf(file, firstLeaf, leaves), size, proof.rangePath, hex(root));
}

function leavesOf(file: NodeFile, first: number, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => file.leaf(first + at).hash);
}
