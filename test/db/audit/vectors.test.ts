/** The committed vectors: that the code still makes them, and that the verifier takes each of them. */
import { describe, expect, test } from 'vitest';
import { verifyBundle } from '../../../db/audit/bundle-verifier.ts';
import { checkpointText, parseCheckpointText } from '../../../db/audit/checkpoint.ts';
import { verifyErasureAlone } from '../../../db/audit/erasure-verifier.ts';
import {
  EMPTY_ROOT,
  hex,
  leafHash,
  sha256,
  unhex,
  verifyCertificates,
  verifyCheckpoint,
  verifyConsistency,
  verifyRange,
} from '../../../db/audit/verifier.ts';
import { buildVectors, storedVectors } from './vectors.ts';

const names = [
  'vectors.json',
  'erasure.json',
  'checkpoint.txt',
  'entries.bundle',
  'tenant.bundle',
  'hashes.bundle',
  'absent.bundle',
];
const older = names.filter((name) => name !== 'erasure.json');
const VERSIONS = [
  { version: 2, stored: storedVectors(2, names) },
  { version: 1, stored: storedVectors(1, older) },
] as const;

interface Path {
  readonly path: readonly string[];
}

interface Content {
  readonly rootKey: string;
  readonly leaf: { readonly header: string; readonly payload: string; readonly leaf: string };
  readonly trees: {
    readonly leaves: readonly string[];
    readonly roots: readonly string[];
    readonly consistency: readonly (Path & { readonly from: number })[];
    readonly ranges: readonly (Path & { readonly first: number; readonly count: number })[];
  };
  readonly certificates: readonly string[];
  readonly checkpoints: readonly {
    readonly bytes: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
  readonly consistency: Path & { readonly from: number; readonly to: number };
}

test('are what the code makes', async () => {
  const [{ stored }] = VERSIONS;
  const built = await buildVectors();
  expect(Object.keys(built)).toEqual(names);
  for (const name of names) {
    const content = built[name]!;
    expect(typeof content === 'string' ? content : hex(content), name).toEqual(
      typeof stored[name] === 'string' ? stored[name] : hex(stored[name]!),
    );
  }
});

describe.each(VERSIONS)('those of version $version', ({ version, stored }) => {
  const vectors = JSON.parse(stored['vectors.json'] as string) as Content;
  const rootKey = unhex(vectors.rootKey);

  test('hold for trees and leaves', () => {
    const { leaf, trees } = vectors;
    expect(hex(leafHash(unhex(leaf.header), sha256(unhex(leaf.payload))))).toBe(leaf.leaf);
    const size = trees.leaves.length;
    const root = trees.roots[size]!;
    for (const { from, path } of trees.consistency)
      verifyConsistency([from, trees.roots[from]!], [size, root], path.map(unhex));
    for (const { first, count, path } of trees.ranges)
      verifyRange(first, trees.leaves.slice(first, first + count).map(unhex), size, path.map(unhex), root);
  });

  test('hold for certificates, checkpoints and their text', () => {
    const certificates = verifyCertificates(rootKey, vectors.certificates.map(unhex));
    for (const { bytes, fields } of vectors.checkpoints) {
      const { recordedAt, ...found } = verifyCheckpoint(certificates, unhex(bytes));
      expect({ ...found, recordedAt: String(recordedAt) }).toMatchObject(fields);
      expect(found.version).toBe(version);
    }
    const [first, second] = vectors.checkpoints.map(({ fields }) => fields as { size: number; root: string });
    const { path } = vectors.consistency;
    verifyConsistency([first!.size, first!.root], [second!.size, second!.root], path.map(unhex));
    const kept = parseCheckpointText(stored['checkpoint.txt'] as string);
    expect(hex(kept.checkpoint)).toBe(vectors.checkpoints[1]!.bytes);
    expect(checkpointText(kept)).toBe(stored['checkpoint.txt']);
  });

  test('hold for bundles', () => {
    const bundle = (name: string) => verifyBundle(rootKey, stored[name] as Uint8Array);
    const sequences = (name: string) => bundle(name).entries.map(({ sequence }) => sequence);
    expect(sequences('entries.bundle')).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(bundle('entries.bundle').earlier).toMatchObject({ size: vectors.consistency.from });
    expect(sequences('tenant.bundle').length).toBeGreaterThan(1);
    expect(bundle('tenant.bundle').entries.every(({ payload }) => payload !== null)).toBe(true);
    expect(bundle('hashes.bundle').entries.every(({ payload }) => payload === null)).toBe(true);
    expect(sequences('absent.bundle')).toEqual([]);
  });
});

test('hold for a certificate of erasure, and the checkpoint that names the erasure', () => {
  const [{ stored }] = VERSIONS;
  const { rootKey, checkpoints } = JSON.parse(stored['vectors.json'] as string) as Content;
  const erasure = verifyErasureAlone(unhex(rootKey), stored['erasure.json'] as string);
  const { fields } = checkpoints[1]!;
  // The tree over one leaf is that leaf.
  expect(fields).toMatchObject({ erased: 1, erasures: erasure.leaf });
  expect(checkpoints[0]!.fields).toMatchObject({ erased: 0, erasures: EMPTY_ROOT });
});
