/** A bundle as bytes: everything before its entries, then whoever writes it adds the entries and the hash of all. */
import { createHash, type Hash } from 'node:crypto';
import { writeCount } from '../wal/layout.ts';
import { BUNDLE_KIND, BUNDLE_MAGIC, BUNDLE_MANIFEST, PROOF_VERSION, TENANT_LEAF } from './format.ts';
import type { RangeProof } from './prover.ts';
import type { TenantTree } from './tree-store.ts';
import { decodeCheckpoint, unhex } from './verifier.ts';

/** Yields the bundle's bytes in pieces; `records` are those of entry-records.ts for the same proof. */
export async function* bundlePieces(
  proof: RangeProof,
  records: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const whole: Hash = createHash('sha256');
  const head = bundleHead(proof);
  whole.update(head);
  yield head;
  for await (const record of records) {
    whole.update(record);
    yield record;
  }
  yield whole.digest();
}

function bundleHead(proof: RangeProof): Uint8Array {
  const bytes = new Uint8Array(BUNDLE_MANIFEST.size);
  const view = new DataView(bytes.buffer);
  const { at } = BUNDLE_MANIFEST;
  const checkpoints = proof.earlier === null ? [proof.checkpoint] : [proof.earlier, proof.checkpoint];
  view.setBigUint64(at.magic, BUNDLE_MAGIC, true);
  view.setUint32(at.version, PROOF_VERSION, true);
  view.setUint32(at.kind, BUNDLE_KIND[proof.kind], true);
  bytes.set(unhex(decodeCheckpoint(proof.checkpoint).logId), at.logId);
  writeCount(view, at.from, proof.from);
  writeCount(view, at.to, proof.to);
  view.setUint32(at.tenant, proof.tenant, true);
  view.setUint32(at.certificates, proof.certificates.length, true);
  view.setUint32(at.checkpoints, checkpoints.length, true);
  view.setUint32(at.tenantLeaves, proof.tenantLeaves.length, true);
  writeCount(view, at.firstTenantLeaf, proof.firstTenantLeaf);
  writeCount(view, at.firstLeaf, proof.firstLeaf);
  writeCount(view, at.leaves, proof.leaves);
  view.setUint32(at.rangePath, proof.rangePath.length, true);
  view.setUint32(at.tenantPath, proof.tenantPath.length, true);
  view.setUint32(at.consistencyPath, proof.consistencyPath.length, true);
  return Buffer.concat([
    bytes,
    ...proof.certificates,
    ...checkpoints,
    ...proof.tenantLeaves.map(tenantLeafBytes),
    ...proof.tenantPath,
    ...proof.rangePath,
    ...proof.consistencyPath,
  ]);
}

function tenantLeafBytes({ tenant, size, root }: TenantTree): Uint8Array {
  const bytes = new Uint8Array(TENANT_LEAF.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(TENANT_LEAF.at.tenant, tenant, true);
  writeCount(view, TENANT_LEAF.at.size, size);
  bytes.set(root, TENANT_LEAF.at.root);
  return bytes;
}
