/**
 * Somebody who has the disk and every program, but not the signing key. Checksums, chain, seals and trees carry no key: they
 * are simply computed again, here by writing a second log with the same random bytes, clock and inputs but for what is changed.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { verifyBundle } from '../../../db/audit/bundle-verifier.ts';
import { signCheckpoint } from '../../../db/audit/checkpoint.ts';
import { BUNDLE_MANIFEST, CHECKPOINT } from '../../../db/audit/format.ts';
import { checkpointClaims } from '../../../db/audit/signed-checkpoints.ts';
import { rawPublicKey } from '../../../db/audit/signing-keys.ts';
import { TreeBuilder } from '../../../db/audit/tree-builder.ts';
import { TreeStore } from '../../../db/audit/tree-store.ts';
import {
  CHECKPOINT_SIZE,
  decodeCheckpoint,
  hex,
  keyIdOf,
  sha256,
  verifyCertificates,
  verifyCheckpoint,
} from '../../../db/audit/verifier.ts';
import { checkBundle } from '../../../db/audit/verify-bundle.ts';
import { type VerifyDataOptions, verifyData } from '../../../db/audit/verify-log.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { readLogId } from '../../../db/wal/metadata.ts';
import { verifyLog } from '../../../db/wal/verify.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, draft, newDisk, open, segmentPaths } from '../wal/support.ts';
import {
  appendFor,
  bundleOf,
  catchUp,
  openProven,
  type Proven,
  proofOf,
  rootKeyOf,
  serviceOver,
  signAll,
} from './support.ts';

const REWRITTEN = 37;
const COMMITS = 40;

/** The same history each time, but for one entry's payload where one is named. */
async function history(rewritten: number | null, disk = newDisk()): Promise<Proven> {
  const proven = await openProven(disk);
  for (let at = 0; at < COMMITS; at++) {
    const { log } = proven;
    for (const tenant of [1, 2]) {
      const honest = `paid ${log.next}`;
      const payload = log.next === rewritten ? honest.replace('paid', 'owed') : honest;
      log.append([{ ...draft(payload), tenant: tenant as TenantId }], 0n as RecordedAt);
    }
    log.flush();
  }
  return proven;
}

interface Signed {
  readonly disk: MemoryDisk;
  readonly rootKey: Uint8Array;
  /** Two of them: in the middle and near the end. */
  readonly checkpoints: readonly Uint8Array[];
}

/** An honest log with two checkpoints, stopped. */
async function signedLog(): Promise<Signed> {
  const proven = await openProven();
  const checkpoints: Uint8Array[] = [];
  for (let at = 0; at < COMMITS; at++) {
    for (const tenant of [1, 2]) {
      proven.log.append(
        [{ ...draft(`paid ${proven.log.next}`), tenant: tenant as TenantId }],
        0n as RecordedAt,
      );
    }
    proven.log.flush();
    if (at === 8 || at === COMMITS - 1) checkpoints.push(signAll(proven));
  }
  await proven.log.close();
  proven.service.close();
  return { disk: proven.disk, rootKey: rootKeyOf(proven), checkpoints };
}

/** Puts the segments of another log in place of a log's own. */
function replaceSegments(disk: MemoryDisk, other: MemoryDisk): void {
  for (const path of segmentPaths(other)) write(disk, path, read(other, path));
}

function read(disk: MemoryDisk, path: string): Uint8Array {
  const handle = disk.open(path, 'read');
  const bytes = new Uint8Array(disk.size(handle));
  disk.pread(handle, bytes, bytes.length, 0);
  disk.close(handle);
  return bytes;
}

function write(disk: MemoryDisk, path: string, bytes: Uint8Array): void {
  const handle = disk.open(path, 'write');
  disk.truncate(handle, 0);
  disk.pwrite(handle, bytes, 0);
  disk.close(handle);
}

/** The trees as they follow from whatever log lies there. */
function recomputeTrees(disk: MemoryDisk, stable: Sequence): void {
  const store = new TreeStore(disk, DIRECTORY, readLogId(disk, DIRECTORY)!);
  store.clear();
  const builder = new TreeBuilder(disk, DIRECTORY, store);
  while (builder.advance(stable, 1 << 20) > 0);
  store.save();
  store.close();
}

function verify(disk: MemoryDisk, options: Partial<VerifyDataOptions> = {}) {
  const base = {
    directory: DIRECTORY,
    disk,
    rootKey: null,
    expected: null,
    trees: true,
    threads: 0,
    progress: () => {},
  };
  return verifyData({ ...base, ...options });
}

describe('one who rewrites an entry and computes every keyless hash again', () => {
  async function rewrittenLog(): Promise<Signed & { readonly last: Sequence }> {
    const signed = await signedLog();
    const forged = await history(REWRITTEN);
    await forged.log.close();
    replaceSegments(signed.disk, forged.disk);
    return { ...signed, last: forged.log.stable };
  }

  test('leaves a log that finds nothing wrong with itself', async () => {
    const { disk } = await rewrittenLog();
    expect(verifyLog({ directory: DIRECTORY, disk }).ok).toBe(true);
  });

  test('is found by the signatures, and to the byte where the stored trees were left alone', async () => {
    const { disk, rootKey } = await rewrittenLog();
    const report = await verify(disk, { rootKey });
    expect(report.ok).toBe(false);
    expect(report.log.ok).toBe(true);
    expect(report.problems[0]).toMatchObject({ kind: 'signature', sequence: REWRITTEN });
    const { segment, offset } = report.problems[0]!;
    expect(segmentPaths(disk)[0]).toContain(segment);
    const at = read(disk, segmentPaths(disk)[0]!).subarray(offset!, offset! + 80);
    expect(Buffer.from(at).toString('latin1')).toContain('owed');
  });

  test('is found when the trees were computed again too, between two checkpoints', async () => {
    const { disk, rootKey, last } = await rewrittenLog();
    recomputeTrees(disk, last);
    const report = await verify(disk, { rootKey });
    const [first, ...rest] = report.problems;
    const [good, bad] = new CheckpointFile(disk).sizes();
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ kind: 'signature', sequence: bad });
    expect(first!.problem).toContain('another chain, another root, another root of the tenants');
    expect(first!.problem).toContain(`behind ${good}`);
  });

  test('is found by the server, which signs nothing more', async () => {
    const { disk, last } = await rewrittenLog();
    recomputeTrees(disk, last);
    const reports: string[] = [];
    const service = serviceOver(disk, reports);
    catchUp(service, last);
    expect(reports.join('\n')).toContain('does not lead to the checkpoint');
    expect(() => service.checkpoint()).toThrow('entries were changed afterwards');
    expect(service.status().problem).not.toBeNull();
  });

  test('cannot sign it with a key of his own, unless nobody knows the root key', async () => {
    const { disk, rootKey, checkpoints, last } = await rewrittenLog();
    for (const path of disk.paths()) {
      if (path.includes('/signing/') || path.includes('/checkpoints/')) disk.unlink(path);
    }
    const service = serviceOver(disk);
    recomputeTrees(disk, last);
    const own = serviceOver(disk);
    catchUp(own, last);
    own.checkpoint();
    expect((await verify(disk)).problems).toEqual([]);
    expect(await verify(disk)).toMatchObject({ ok: true, pinned: false });
    const pinned = await verify(disk, { rootKey });
    expect(pinned.problems[0]).toMatchObject({ kind: 'signature' });
    expect(pinned.problems[0]!.problem).toContain('the pinned one is');
    const expected = { checkpoint: checkpoints[1]!, certificates: [] };
    const kept = await verify(disk, { expected });
    expect(kept.problems.map(({ kind }) => kind)).toEqual(['expected']);
    expect(kept.problems[0]!.problem).toContain('rewritten');
    service.close();
  });
});

class CheckpointFile {
  readonly #disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  sizes(): number[] {
    const bytes = read(this.#disk, `${DIRECTORY}/metadata/checkpoints/checkpoints`);
    return Array.from({ length: bytes.length / CHECKPOINT_SIZE }, (_, at) => {
      return decodeCheckpoint(bytes.subarray(at * CHECKPOINT_SIZE, (at + 1) * CHECKPOINT_SIZE)).size;
    });
  }
}

describe('one who goes back to an older checkpoint', () => {
  async function rolledBack(): Promise<Signed> {
    const signed = await signedLog();
    const older = await openProven();
    for (let at = 0; at < 9; at++) {
      for (const tenant of [1, 2])
        older.log.append(
          [{ ...draft(`paid ${older.log.next}`), tenant: tenant as TenantId }],
          0n as RecordedAt,
        );
      older.log.flush();
    }
    await older.log.close();
    replaceSegments(signed.disk, older.disk);
    const closed = `${DIRECTORY}/metadata/durable.json`;
    write(signed.disk, closed, read(older.disk, closed));
    return signed;
  }

  test('is found by the checkpoints he leaves, and the log is not written any more', async () => {
    const { disk, rootKey } = await rolledBack();
    const report = await verify(disk, { rootKey });
    expect(report.problems.map(({ kind }) => kind)).toEqual(['signature']);
    expect(report.problems[0]!.problem).toContain('rolled back or cut off');
    const { log } = await open(disk, { marks: checkpointClaims(disk, DIRECTORY) });
    expect(log.status().readOnly).toContain('the signed checkpoint of size');
    expect(() => log.append([draft('more')], 0n as RecordedAt)).toThrow();
  });

  test('who removes them as well is found by whoever has kept one, and by nobody else', async () => {
    const { disk, rootKey, checkpoints } = await rolledBack();
    write(disk, `${DIRECTORY}/metadata/checkpoints/checkpoints`, checkpoints[0]!);
    disk.unlink(`${DIRECTORY}/views/proof/progress.json`);
    expect(await verify(disk, { rootKey })).toMatchObject({ ok: true });
    const expected = { checkpoint: checkpoints[1]!, certificates: [] };
    const report = await verify(disk, { rootKey, expected });
    expect(report.problems.map(({ kind }) => kind)).toEqual(['expected']);
    expect(report.problems[0]!.problem).toContain('rolled back');
  });

  test('cannot take a checkpoint out of the middle', async () => {
    const { disk, rootKey, checkpoints } = await signedLog();
    write(disk, `${DIRECTORY}/metadata/checkpoints/checkpoints`, checkpoints[1]!);
    const report = await verify(disk, { rootKey });
    expect(report.problems[0]!.problem).toContain('one was removed or put in');
  });
});

describe('one who forges a checkpoint', () => {
  test('with a key of his own is refused', async () => {
    const proven = await history(null);
    const honest = decodeCheckpoint(signAll(proven));
    const certificates = verifyCertificates(rootKeyOf(proven), proven.service.keys.certificates);
    const { privateKey } = generateKeyPairSync('ed25519');
    const own = keyIdOf(rawPublicKey(privateKey));
    const forged = { ...honest, root: hex(sha256(Buffer.from('forged'))) };
    expect(() =>
      verifyCheckpoint(certificates, signCheckpoint({ ...forged, keyId: own }, privateKey)),
    ).toThrow('no certificate knows');
    expect(() => verifyCheckpoint(certificates, signCheckpoint(forged, privateKey))).toThrow('is wrong');
  });

  test('with a stolen key that has been replaced is refused beyond its time, and what it signed before still holds', async () => {
    const proven = await history(null);
    const { keys } = proven.service;
    const record = signAll(proven);
    const before = decodeCheckpoint(record);
    const stolen = createPrivateKey(
      Buffer.from(read(proven.disk, `${DIRECTORY}/metadata/signing/${before.keyId}.key`)).toString(),
    );
    keys.rotate({ rootPem: null, fromSize: before.size + 1, nowNanos: 2n });
    appendFor(proven.log, 1);
    const next = signAll(proven);
    const certificates = verifyCertificates(rootKeyOf(proven), keys.certificates);
    expect(verifyCheckpoint(certificates, record).keyId).toBe(before.keyId);
    expect(verifyCheckpoint(certificates, next).keyId).not.toBe(before.keyId);
    const forged = { ...decodeCheckpoint(next), keyId: before.keyId };
    expect(() => verifyCheckpoint(certificates, signCheckpoint(forged, stolen))).toThrow(
      'is not the one that counts',
    );
    expect(proven.disk.paths().some((path) => path.endsWith(`${before.keyId}.key`))).toBe(false);
  });
});

/** A bundle after somebody has changed it and computed its hash again. */
function changed(bytes: Uint8Array, change: (body: Buffer) => Buffer): Uint8Array {
  const body = change(Buffer.from(bytes.subarray(0, bytes.length - 32)));
  return Buffer.concat([body, sha256(body)]);
}

describe('one who changes a bundle', () => {
  const RECORD = 8 + 40 + 32;

  test('and leaves out one entry of a tenant’s range is refused, whichever it is and however he counts', async () => {
    const proven = await history(null);
    const { size } = decodeCheckpoint(signAll(proven));
    const request = { kind: 'tenant', tenant: 2, from: 20, to: size - 20 } as const;
    const bytes = await bundleOf(proven, request, false);
    const { leaves, firstLeaf } = proofOf(proven, request);
    const records = bytes.length - 32 - leaves * RECORD;
    const { at } = BUNDLE_MANIFEST;
    for (let left = 0; left < leaves; left++) {
      const without = (body: Buffer) =>
        Buffer.concat([
          body.subarray(0, records + left * RECORD),
          body.subarray(records + (left + 1) * RECORD),
        ]);
      for (const [first, count] of [
        [firstLeaf, leaves],
        [firstLeaf, leaves - 1],
        [firstLeaf + 1, leaves - 1],
      ] as const) {
        const forged = changed(bytes, (body) => {
          body.writeBigUInt64LE(BigInt(first), at.firstLeaf);
          body.writeBigUInt64LE(BigInt(count), at.leaves);
          return without(body);
        });
        expect(() => verifyBundle(rootKeyOf(proven), forged), `${left} ${first} ${count}`).toThrow();
      }
    }
  });

  test('to pass off a shorter range of leaves as the whole range is refused', async () => {
    const proven = await history(null);
    const { size } = decodeCheckpoint(signAll(proven));
    const short = await bundleOf(proven, { kind: 'tenant', tenant: 2, from: 30, to: 60 }, false);
    for (const [from, to] of [
      [10, 60],
      [30, 90],
      [1, size],
    ] as const) {
      const forged = changed(short, (body) => {
        body.writeBigUInt64LE(BigInt(from), BUNDLE_MANIFEST.at.from);
        body.writeBigUInt64LE(BigInt(to), BUNDLE_MANIFEST.at.to);
        return body;
      });
      expect(() => verifyBundle(rootKeyOf(proven), forged)).toThrow('left out');
    }
  });

  test('to show another tenant’s entries, or none, is refused', async () => {
    const proven = await history(null);
    const { size } = decodeCheckpoint(signAll(proven));
    const of = (tenant: number) => bundleOf(proven, { kind: 'tenant', tenant, from: 1, to: size }, false);
    const [theirs, ours, nobodys] = [await of(1), await of(2), await of(3)];
    const named = (bytes: Uint8Array, tenant: number) =>
      changed(bytes, (body) => {
        body.writeUInt32LE(tenant, BUNDLE_MANIFEST.at.tenant);
        return body;
      });
    expect(() => verifyBundle(rootKeyOf(proven), named(theirs, 2))).toThrow();
    expect(() => verifyBundle(rootKeyOf(proven), named(nobodys, 2))).toThrow();
    const proof = proofOf(proven, { kind: 'tenant', tenant: 2, from: 1, to: size });
    const records = (bytes: Uint8Array) => bytes.length - 32 - proof.leaves * RECORD;
    const spliced = changed(ours, (body) => {
      const one = Buffer.from(theirs.subarray(records(theirs) + 5 * RECORD, records(theirs) + 6 * RECORD));
      return Buffer.concat([
        body.subarray(0, records(ours) + 5 * RECORD),
        one,
        body.subarray(records(ours) + 6 * RECORD),
      ]);
    });
    expect(() => verifyBundle(rootKeyOf(proven), spliced)).toThrow('is not one of tenant 2');
    expect(verifyBundle(rootKeyOf(proven), nobodys).entries).toEqual([]);
  });

  test('to show an old one for a new one is refused by whoever has kept a later checkpoint', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1, 2);
    signAll(proven);
    const old = await bundleOf(proven, { kind: 'tenant', tenant: 1, from: 1, to: 4 });
    appendFor(proven.log, 1, 1);
    const later = decodeCheckpoint(signAll(proven));
    const rootKey = rootKeyOf(proven);
    expect(checkBundle(old, rootKey, null)).toMatchObject({ ok: true });
    const report = checkBundle(old, rootKey, later);
    expect(report).toMatchObject({ ok: false, problems: [{ kind: 'expected' }] });
    expect(report.problems[0]!.problem).toContain('an old bundle');
  });

  test('signed under another root key is refused', async () => {
    const [proven, other] = [await history(null), await history(null)];
    signAll(proven);
    signAll(other);
    const bytes = await bundleOf(other, { from: 1, to: 10 });
    expect(() => verifyBundle(rootKeyOf(proven), bytes)).toThrow('the pinned one is');
  });
});

test('one who holds the signing key and shows two histories is found by whoever has seen both', async () => {
  const [honest, other] = [await history(null), await history(REWRITTEN)];
  const record = signAll(honest);
  for (const path of honest.disk.paths().filter((each) => each.includes('/signing/'))) {
    other.disk.mkdir(`${DIRECTORY}/metadata/signing`);
    const handle = other.disk.open(path, 'create');
    other.disk.pwrite(handle, read(honest.disk, path), 0);
    other.disk.close(handle);
  }
  signAll(other);
  const bundle = await bundleOf(other, { from: 1, to: 50 });
  expect(verifyBundle(rootKeyOf(honest), bundle).entries).toHaveLength(50);
  const report = checkBundle(bundle, rootKeyOf(honest), decodeCheckpoint(record));
  expect(report.problems[0]!.problem).toContain('shows different histories');
  expect(record.length).toBe(CHECKPOINT.size + 64);
});
