/**
 * `audit/` proves what a log holds. It computes Merkle trees over the entries from the log's durable bytes, in a thread beside
 * the engine, signs their roots as checkpoints, makes proofs and bundles from them, and verifies all of that without a server.
 * It imports types, errors, io and wal; nothing of what entries mean. Bytes come in from the segment files and go out as
 * `views/proof/` (computed, can be deleted), `metadata/checkpoints/` and `metadata/signing/` (signed, cannot), and bundles.
 *
 *     format, verifier, bundle-verifier       the bytes, and reading them with code that shares nothing (docs/proofs.md)
 *     merkle, node-file, tree-store, -builder the trees
 *     checkpoint, signed-checkpoints, signing-keys   what is signed
 *     prover, entry-records, bundle           proofs
 *     proof-service → proof-thread ← proof-keeper    who keeps them
 *     verify-log, verify-bundle, verify-erasures     offline
 *     erasure-signer, erasure-verifier        certificates of erasure
 */
export { bundlePieces } from './bundle.ts';
export { verifyBundle } from './bundle-verifier.ts';
export { checkpointText, momentText } from './checkpoint.ts';
export { sequencesIn } from './entry-records.ts';
export { ErasureSigner } from './erasure-signer.ts';
export { PROOF_COMMANDS, type ProofCommand } from './proof-commands.ts';
export { proofFromJson, unbase64 } from './proof-json.ts';
export { type EngineProofs, ProofKeeper } from './proof-keeper.ts';
export type { ProofPolicy, ProofStatus } from './proof-service.ts';
export { checkpointClaims, SignedCheckpoints } from './signed-checkpoints.ts';
export { SigningKeys } from './signing-keys.ts';
export { proofHolds } from './tree-store.ts';
export { CHECKPOINT_SIZE, decodeCheckpoint } from './verifier.ts';
