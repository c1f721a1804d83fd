/** Proofs as JSON, for answers to commands: numbers as they are, bytes as base64. */
import type { RangeProof } from './prover.ts';

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

export function proofToJson(proof: RangeProof) {
  const {
    checkpoint,
    earlier,
    certificates,
    tenantLeaves,
    rangePath,
    tenantPath,
    consistencyPath,
    ...numbers
  } = proof;
  return {
    ...numbers,
    checkpoint: base64(checkpoint),
    earlier: earlier === null ? null : base64(earlier),
    certificates: certificates.map(base64),
    tenantLeaves: tenantLeaves.map(({ tenant, size, root }) => ({ tenant, size, root: base64(root) })),
    rangePath: rangePath.map(base64),
    tenantPath: tenantPath.map(base64),
    consistencyPath: consistencyPath.map(base64),
  };
}

/** Bytes of a field of an answer. */
export function unbase64(text: unknown): Uint8Array {
  return Buffer.from(String(text), 'base64');
}

/** A proof as a server has sent it. Nothing in it is believed: it becomes a bundle, and that is verified. */
export function proofFromJson(answer: Record<string, unknown>): RangeProof {
  const given = answer as ReturnType<typeof proofToJson>;
  return {
    ...given,
    checkpoint: unbase64(given.checkpoint),
    earlier: given.earlier === null ? null : unbase64(given.earlier),
    certificates: given.certificates.map(unbase64),
    tenantLeaves: given.tenantLeaves.map((each) => ({ ...each, root: unbase64(each.root) })),
    rangePath: given.rangePath.map(unbase64),
    tenantPath: given.tenantPath.map(unbase64),
    consistencyPath: given.consistencyPath.map(unbase64),
  };
}
