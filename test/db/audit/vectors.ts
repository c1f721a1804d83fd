/**
 * Vectors for whoever writes a verifier of his own: a small log with fixed keys, time and random bytes, and everything that is
 * signed and proved about it. `node test/db/audit/vectors.ts` writes them again; a test fails while they differ.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointText, signCertificate } from '../../../db/audit/checkpoint.ts';
import { consistencyPath, MemoryTree, rangePath, rootOf } from '../../../db/audit/merkle.ts';
import { rawPublicKey } from '../../../db/audit/signing-keys.ts';
import { decodeCheckpoint, hex, keyIdOf, leafHash, sha256 } from '../../../db/audit/verifier.ts';
import { readLogId } from '../../../db/wal/metadata.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, newDisk } from '../wal/support.ts';
import {
  appendErasure,
  appendFor,
  bundleOf,
  certificateOf,
  NOW,
  openProven,
  signAll,
  signerOver,
} from './support.ts';

/** Of checkpoints; those of version 1 were written once and are only read. */
const VERSION = 2;
const ERASED_KEY = '0123456789abcdef';
const TREE_SIZE = 11;

export type Vectors = Readonly<Record<string, string | Uint8Array>>;

/** Each file by its name: JSON as text, bundles as bytes. */
export async function buildVectors(): Promise<Vectors> {
  const disk = newDisk();
  const { rootKey, rootSeed, signingSeed } = placeKeys(disk);
  const proven = await openProven(disk);
  appendFor(proven.log, 1, 2, 1);
  const first = signAll(proven);
  for (const tenants of [[2, 5], [1], [5, 1, 1]]) appendFor(proven.log, ...tenants);
  const erased = appendErasure(proven.log, 1, ERASED_KEY);
  const erasure = await certificateOf(signerOver(disk, false), erased, ERASED_KEY);
  appendFor(proven.log, 2);
  const second = signAll(proven);
  const { certificates } = proven.service.keys;
  const { size } = decodeCheckpoint(first);
  const to = decodeCheckpoint(second).size;
  return {
    'vectors.json': `${JSON.stringify(
      {
        rootKey: hex(rootKey),
        privateSeeds: { root: rootSeed, signing: signingSeed },
        leaf: leafVector(),
        trees: treeVectors(),
        certificates: certificates.map(hex),
        checkpoints: [first, second].map((each) => ({ bytes: hex(each), fields: fieldsOf(each) })),
        consistency: {
          from: size,
          to,
          path: proven.service.prover.consistency(size, to).map(hex),
        },
      },
      null,
      2,
    )}\n`,
    'erasure.json': `${JSON.stringify(erasure, null, 2)}\n`,
    'checkpoint.txt': checkpointText({ checkpoint: second, certificates }),
    'entries.bundle': await bundleOf(proven, { from: 3, to: 9, since: size }),
    'tenant.bundle': await bundleOf(proven, { kind: 'tenant', tenant: 1, from: 4, to: 12 }),
    'hashes.bundle': await bundleOf(proven, { kind: 'tenant', tenant: 2, from: 1, to }, false),
    'absent.bundle': await bundleOf(proven, { kind: 'tenant', tenant: 3, from: 1, to }),
  };
}

export function storedVectors(version: number, names: readonly string[]): Vectors {
  return Object.fromEntries(
    names.map((name) => {
      const bytes = readFileSync(join(folderOf(version), name));
      return [name, name.endsWith('.bundle') ? Uint8Array.from(bytes) : bytes.toString()];
    }),
  );
}

function folderOf(version: number): string {
  return join(import.meta.dirname, 'fixtures', `v${version}`);
}

/** The keys as they lie in metadata/signing, but from seeds that everybody knows. */
function placeKeys(disk: MemoryDisk) {
  const [rootSeed, signingSeed] = ['11'.repeat(32), '22'.repeat(32)];
  const [root, signing] = [keyFrom(rootSeed), keyFrom(signingSeed)];
  const rootKey = rawPublicKey(root);
  const publicKey = rawPublicKey(signing);
  const certificate = signCertificate(
    {
      logId: readLogId(disk, DIRECTORY)!,
      serial: 1,
      fromSize: 0,
      issuedAt: NOW,
      publicKey: hex(publicKey),
      rootKeyId: keyIdOf(rootKey),
    },
    root,
  );
  disk.mkdir(`${DIRECTORY}/metadata/signing`);
  const files: readonly (readonly [string, string | Uint8Array])[] = [
    ['root.public', `${hex(rootKey)}\n`],
    [`${keyIdOf(publicKey)}.key`, signing.export({ type: 'pkcs8', format: 'pem' }) as string],
    ['certificates', certificate],
  ];
  for (const [name, content] of files) {
    const handle = disk.open(`${DIRECTORY}/metadata/signing/${name}`, 'create');
    disk.pwrite(handle, Buffer.from(content), 0);
    disk.close(handle);
  }
  return { rootKey, rootSeed, signingSeed };
}

/** PKCS#8 of Ed25519 up to the seed (RFC 8410). */
function keyFrom(seed: string): KeyObject {
  const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function leafVector() {
  const header = Uint8Array.from({ length: 40 }, (_, at) => at);
  const payload = Buffer.from('a payload');
  return { header: hex(header), payload: hex(payload), leaf: hex(leafHash(header, sha256(payload))) };
}

/** Trees over the leaves SHA-256("leaf 0"), SHA-256("leaf 1") … */
function treeVectors() {
  const leaves = Array.from({ length: TREE_SIZE }, (_, at) => sha256(Buffer.from(`leaf ${at}`)));
  const tree = new MemoryTree(leaves);
  const sizes = Array.from({ length: TREE_SIZE + 1 }, (_, size) => size);
  return {
    leaves: leaves.map(hex),
    roots: sizes.map((size) => hex(rootOf(tree, size))),
    consistency: [3, 4, 6, 8, 10].map((from) => ({
      from,
      path: consistencyPath(tree, from, TREE_SIZE).map(hex),
    })),
    ranges: (
      [
        [0, 1],
        [4, 1],
        [10, 1],
        [3, 4],
        [7, 4],
      ] as const
    ).map(([first, count]) => ({
      first,
      count,
      path: rangePath(tree, first, count, TREE_SIZE).map(hex),
    })),
  };
}

function fieldsOf(bytes: Uint8Array) {
  const { recordedAt, ...fields } = decodeCheckpoint(bytes);
  return { ...fields, recordedAt: String(recordedAt) };
}

if (import.meta.main) {
  mkdirSync(folderOf(VERSION), { recursive: true });
  for (const [name, content] of Object.entries(await buildVectors()))
    writeFileSync(join(folderOf(VERSION), name), content);
}
