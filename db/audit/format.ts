/**
 * The bytes of everything that is signed or proved, all in one table: checkpoints, certificates, bundles, and what a leaf
 * is. Encoder and docs/proofs.md read from here; db/audit/verifier.ts reads the same bytes with code of its own, so that a
 * mistake here does not agree with itself. Little-endian, no optional field, one encoding for each content.
 */
import { layout } from '../wal/layout.ts';

/** Of certificates and bundles. */
export const PROOF_VERSION = 1;
/** Of checkpoints. Those of version 1 name no erasures. */
export const CHECKPOINT_VERSION = 2;
export const HASH_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Before what is hashed, so that a leaf can never be taken for a node. 0 and 1 as in RFC 6962, section 2.1. */
export const HASH_PREFIX = { leaf: 0, node: 1, gap: 2 } as const;

/** Type of the entries that say that keys are destroyed, as the kernel has it: the one type that proofs tell from others. */
export const ERASURE_ENTRY = 50;

/** "TRUTHCKP", "TRUTHCRT", "TRUTHBDL" */
export const CHECKPOINT_MAGIC = 0x504b_4348_5455_5254n;
export const CERTIFICATE_MAGIC = 0x5452_4348_5455_5254n;
export const BUNDLE_MAGIC = 0x4c44_4248_5455_5254n;

export const CHECKPOINT = layout('Checkpoint', {
  magic: ['u64', 'The letters TRUTHCKP'],
  version: ['u32', 'Format version: 2; 1 of older releases, which names no erasures'],
  bodyBytes: ['u32', 'Bytes before the signature: 248'],
  logId: ['bytes 16', 'Identity of the log'],
  epoch: ['u32', 'Epoch of the commit'],
  erased: ['u32', 'Erasures up to there: leaves of the tree over them; zero in version 1'],
  size: ['u64', 'Leaves of the tree over all entries: the sequence of the commit it stands at'],
  ordinal: ['u64', 'Ordinal of that commit'],
  recordedAt: ['u64', 'Its recorded-at, nanoseconds since 1970'],
  chain: ['bytes 32', 'Chain of the log there'],
  root: ['bytes 32', 'Root of the tree over all entries'],
  tenants: ['u64', 'Tenants that have entries: leaves of the tenants’ tree'],
  tenantsRoot: ['bytes 32', 'Root of the tenants’ tree'],
  erasures: [
    'bytes 32',
    'Root of the tree over the leaves of all erasures up to there; in version 1 that of none',
  ],
  previous: ['bytes 32', 'SHA-256 of the body of the checkpoint before it; zeros in the first'],
  keyId: ['bytes 16', 'First 16 bytes of the SHA-256 of the public key that signed'],
});

export const CERTIFICATE = layout('Certificate', {
  magic: ['u64', 'The letters TRUTHCRT'],
  version: ['u32', 'Format version: 1'],
  bodyBytes: ['u32', 'Bytes before the signature: 104'],
  logId: ['bytes 16', 'Log whose checkpoints the key may sign'],
  serial: ['u64', '1 for the first, +1 for each that follows'],
  fromSize: ['u64', 'The key is the one that counts for checkpoints of this size and more'],
  issuedAt: ['u64', 'Nanoseconds since 1970'],
  publicKey: ['bytes 32', 'The signing key, as RFC 8032 writes it'],
  rootKeyId: ['bytes 16', 'First 16 bytes of the SHA-256 of the root key that signed'],
});

/** A leaf of the tenants' tree, behind the prefix of leaves. */
export const TENANT_LEAF = layout('Tenant’s leaf', {
  tenant: ['u32', 'Number of the tenant'],
  reserved: ['u32', 'Zero'],
  size: ['u64', 'Entries of the tenant: leaves of its tree'],
  root: ['bytes 32', 'Root of its tree'],
});

export const BUNDLE_KIND = { entries: 1, tenant: 2 } as const;
export type BundleKind = keyof typeof BUNDLE_KIND;

export const BUNDLE_MANIFEST = layout('Bundle’s manifest', {
  magic: ['u64', 'The letters TRUTHBDL'],
  version: ['u32', 'Format version: 1'],
  kind: ['u32', '1 all entries of a range, 2 one tenant’s entries of a range'],
  logId: ['bytes 16', 'Identity of the log'],
  from: ['u64', 'First sequence of the range'],
  to: ['u64', 'Last sequence of the range'],
  tenant: ['u32', 'Number of the tenant; 0 in kind 1'],
  certificates: ['u32', 'Number of certificates'],
  checkpoints: ['u32', '1, or 2: an earlier one that the last one is shown to extend'],
  tenantLeaves: ['u32', 'Leaves of the tenants’ tree that are shown; 0 in kind 1'],
  firstTenantLeaf: ['u64', 'Index of the first of them'],
  firstLeaf: ['u64', 'Index of the first leaf shown in the tree over the entries'],
  leaves: ['u64', 'Leaves shown, one entry record each'],
  rangePath: ['u32', 'Hashes that lead from the leaves to the root'],
  tenantPath: ['u32', 'Hashes that lead from the tenants’ leaves to the tenants’ root'],
  consistencyPath: ['u32', 'Hashes that lead from the earlier root to the later one'],
  reserved: ['u32', 'Zero'],
});

/** How much of an entry a bundle shows. */
export const ENTRY_FORM = {
  /** Header and hash of the payload. */
  hash: 1,
  /** Header and payload, padded with zeros to 8 bytes. */
  payload: 2,
  /** An entry inside a range that was declared lost before its leaf was computed: the range. */
  gap: 3,
  /** An entry that was lost after its leaf had been computed: the leaf. */
  leaf: 4,
} as const;
export type EntryForm = keyof typeof ENTRY_FORM;

export const ENTRY_RECORD = layout('Entry record', {
  form: ['u32', '1 header and hash, 2 header and payload, 3 a gap, 4 a leaf alone'],
  reserved: ['u32', 'Zero'],
});

/** Parts of a bundle in their order, and how long each is. */
export const BUNDLE_PARTS: readonly (readonly [part: string, bytes: string])[] = [
  ['manifest', `${BUNDLE_MANIFEST.size}`],
  ['certificates', `certificates × ${CERTIFICATE.size + SIGNATURE_BYTES}`],
  ['checkpoints, the earlier one first', `checkpoints × ${CHECKPOINT.size + SIGNATURE_BYTES}`],
  ['leaves of the tenants’ tree', `tenantLeaves × ${TENANT_LEAF.size}`],
  ['tenant path', `tenantPath × ${HASH_BYTES}`],
  ['range path', `rangePath × ${HASH_BYTES}`],
  ['consistency path', `consistencyPath × ${HASH_BYTES}`],
  ['entry records', 'leaves, each as long as it says'],
  ['SHA-256 of everything before', `${HASH_BYTES}`],
];
