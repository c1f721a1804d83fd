/** What checkpoints say of erasures, and certificates of them: those that were signed, and forged ones. */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { signCertificate, signCheckpoint } from '../../../db/audit/checkpoint.ts';
import {
  erasureMessage,
  type SignedErasure,
  verifyErasureAlone,
} from '../../../db/audit/erasure-verifier.ts';
import { ERASURE_ENTRY } from '../../../db/audit/format.ts';
import { MemoryTree } from '../../../db/audit/merkle.ts';
import { rawPublicKey } from '../../../db/audit/signing-keys.ts';
import { proofHolds } from '../../../db/audit/tree-store.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  EMPTY_ROOT,
  hex,
  keyIdOf,
  sha256,
  unhex,
} from '../../../db/audit/verifier.ts';
import { verifyData } from '../../../db/audit/verify-log.ts';
import { readSmallFile, writeSmallFile } from '../../../db/io/index.ts';
import { KERNEL_ENTRY } from '../../../db/kernel/entry-types.ts';
import type { RecordedAt, Sequence } from '../../../db/types.ts';
import { inspectSegment, isolate, pruneSegments } from '../../../db/wal/index.ts';
import { readLogId } from '../../../db/wal/metadata.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import {
  DIRECTORY,
  draft,
  ManualScheduler,
  newDisk,
  randomFrom,
  StepClock,
  segmentPaths,
} from '../wal/support.ts';
import {
  appendErasure,
  appendFor,
  catchUp,
  certificateOf,
  NOW,
  openProven,
  type Proven,
  rootKeyOf,
  serviceOver,
  signAll,
  signerOver,
} from './support.ts';

const KEYS = ['00112233445566aa', '00112233445566bb', '00112233445566cc'];
const PROGRESS = `${DIRECTORY}/views/proof/progress.json`;

function verify({ disk, service }: Pick<Proven, 'disk' | 'service'>, rootKey = rootKeyOf({ service })) {
  return verifyData({
    ...{ directory: DIRECTORY, disk, rootKey, expected: null, trees: true, threads: 0 },
    progress: () => {},
  });
}

interface Erased {
  readonly proven: Proven;
  readonly positions: readonly Sequence[];
  readonly checkpoints: readonly Checkpoint[];
}

/** A log with erasures between its entries and a checkpoint after each. */
async function erasedLog(count: number, disk: MemoryDisk = newDisk()): Promise<Erased> {
  const proven = await openProven(disk);
  const positions: Sequence[] = [];
  const checkpoints: Checkpoint[] = [];
  appendFor(proven.log, 1, 2);
  for (const key of KEYS.slice(0, count)) {
    positions.push(appendErasure(proven.log, 1, key));
    appendFor(proven.log, 2, 1);
    checkpoints.push(decodeCheckpoint(signAll(proven)));
  }
  return { proven, positions, checkpoints };
}

function leafAt({ service }: Proven, position: number): Uint8Array {
  return service.store.entries.leaf(position - 1).hash;
}

function keep(disk: MemoryDisk, position: number, text: string): void {
  disk.mkdir(`${DIRECTORY}/metadata/erasures`);
  const name = `${String(position).padStart(20, '0')}.json`;
  writeSmallFile(disk, `${DIRECTORY}/metadata/erasures/${name}`, Buffer.from(text));
}

const pretty = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

test('proofs know erasures by the number that the kernel gives them', () => {
  expect(ERASURE_ENTRY).toBe(KERNEL_ENTRY.erasure);
});

describe('a checkpoint', () => {
  test('names the erasures up to it: how many, and the root over their entries', async () => {
    const { proven, positions, checkpoints } = await erasedLog(3);
    for (const [at, { version, erased, erasures }] of checkpoints.entries()) {
      const tree = new MemoryTree(positions.slice(0, at + 1).map((each) => leafAt(proven, each)));
      expect({ version, erased, erasures }).toEqual({
        version: 2,
        erased: at + 1,
        erasures: hex(tree.root()),
      });
    }
    await proven.log.close();
    const report = await verify(proven);
    expect(report.problems).toEqual([]);
    expect(report.erasures).toEqual({ inLog: 3, certificates: 0, signed: 0 });
    expect(report.unproven.join()).toContain(
      `no certificate here of the erasures at ${positions.join(', ')}`,
    );
  });

  test('of a log without any names none', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1);
    expect(decodeCheckpoint(signAll(proven))).toMatchObject({ version: 2, erased: 0, erasures: EMPTY_ROOT });
    await proven.log.close();
    expect(await verify(proven)).toMatchObject({ ok: true, unproven: [] });
  });

  test('is the same after a restart, and when the trees are computed again', async () => {
    const { proven, checkpoints } = await erasedLog(2);
    const { disk, log } = proven;
    proven.service.close();
    const restarted = serviceOver(disk);
    catchUp(restarted, log.stable);
    expect(hex(restarted.store.erasuresAt(checkpoints[0]!.size)!.root)).toBe(checkpoints[0]!.erasures);
    disk.unlink(PROGRESS);
    const reports: string[] = [];
    const recomputed = serviceOver(disk, reports);
    catchUp(recomputed, log.stable);
    expect(reports).toEqual([]);
    expect(hex(recomputed.store.erasuresAt(log.stable)!.root)).toBe(checkpoints[1]!.erasures);
  });

  test('that leaves one out is found, whoever holds the key', async () => {
    const { proven } = await erasedLog(2);
    const { disk, service } = proven;
    await proven.log.close();
    const path = `${DIRECTORY}/metadata/checkpoints/checkpoints`;
    const [first, last] = [service.checkpoints.at(0), decodeCheckpoint(service.checkpoints.at(1))];
    const { key } = service.keys.signerFor(last.size);
    const { erased, erasures } = decodeCheckpoint(first);
    for (const changed of [{ erased, erasures }, { erased: 1 }, { erasures: EMPTY_ROOT, erased: 0 }]) {
      writeSmallFile(disk, path, Buffer.concat([first, signCheckpoint({ ...last, ...changed }, key)]));
      const { ok, problems } = await verify(proven);
      expect(ok).toBe(false);
      expect(problems[0]?.problem).toContain('another root of the erasures');
    }
    // One who says that there were none to name has to say so in the old way, which is told.
    const older = signCheckpoint({ ...last, version: 1, erased: 0, erasures: EMPTY_ROOT }, key);
    writeSmallFile(disk, path, Buffer.concat([first, older]));
    const report = await verify(proven);
    expect(report.problems).toEqual([]);
    expect(report.unproven.join()).toContain(
      `size ${last.size} was signed by a release whose checkpoints name no erasures`,
    );
  });

  test('still holds when the entry of an erasure is lost after its leaf was computed', async () => {
    const { proven, positions, checkpoints } = await erasedLog(3);
    const { disk } = proven;
    await proven.log.close();
    proven.service.save();
    proven.service.close();
    const groups = inspectSegment({ disk, directory: DIRECTORY }, 1).groups;
    const group = groups.find(({ firstSequence }) => firstSequence === positions[1])!;
    disk.bytesOf(segmentPaths(disk)[0]!)[group.offset + 60]! ^= 1;
    await isolate({
      ...{ disk, directory: DIRECTORY, clock: new StepClock(), scheduler: new ManualScheduler() },
      ...{ random: randomFrom(5), segment: 1, sequence: positions[1]!, marks: [], progress: () => {} },
    });
    const again = await openProven(disk);
    appendFor(again.log, 1);
    expect(decodeCheckpoint(signAll(again))).toMatchObject({ erased: 3, erasures: checkpoints[2]!.erasures });
    await again.log.close();
    expect((await verify(again)).problems).toEqual([]);
  });
});

describe('trees that an older release has left', () => {
  /** As that release wrote its progress. */
  function withoutErasures(disk: MemoryDisk): void {
    const { progress } = JSON.parse(Buffer.from(readSmallFile(disk, PROGRESS)!).toString()) as {
      progress: Record<string, unknown>;
    };
    const { erasures, ...older } = { ...progress, format: 1 } as Record<string, unknown>;
    expect(erasures).toBeTypeOf('number');
    const digest = hex(sha256(Buffer.from(JSON.stringify(older))));
    writeSmallFile(disk, PROGRESS, Buffer.from(`${JSON.stringify({ progress: older, sha256: digest })}\n`));
    disk.unlink(`${DIRECTORY}/views/proof/erasures.nodes`);
  }

  test('are computed again, and what is signed then names the erasures of before', async () => {
    const { proven, checkpoints } = await erasedLog(2);
    proven.service.save();
    proven.service.close();
    withoutErasures(proven.disk);
    const reports: string[] = [];
    const service = serviceOver(proven.disk, reports);
    expect(reports.join()).toContain('computed again');
    appendFor(proven.log, 1);
    catchUp(service, proven.log.stable);
    expect(decodeCheckpoint(service.checkpoint())).toMatchObject({
      erased: 2,
      erasures: checkpoints[1]!.erasures,
    });
  });

  test('of a log whose beginning was pruned go on as they are, in the old format, and that is said', async () => {
    const { proven } = await erasedLog(1);
    const { disk, log } = proven;
    while (log.status().segments < 3) {
      log.append([draft(new Uint8Array(300_000))], 0n as RecordedAt);
      log.flush();
    }
    signAll(proven);
    proven.service.close();
    withoutErasures(disk);
    await log.close();
    pruneSegments({
      ...{ disk, directory: DIRECTORY, before: log.stable, withoutArchive: true },
      holds: proofHolds(disk, DIRECTORY),
    });
    const again = await openProven(disk);
    appendErasure(again.log, 1, KEYS[1]!);
    const signed = decodeCheckpoint(signAll(again));
    expect(signed).toMatchObject({ version: 1, erased: 0, erasures: EMPTY_ROOT });
    expect(again.reports).toEqual([]);
    again.service.close();
    await again.log.close();
    const report = await verify(again);
    expect(report.problems).toEqual([]);
    expect(report.unproven.join()).toContain('are not all known');
  });
});

describe('a certificate of erasure', () => {
  async function certified() {
    const erased = await erasedLog(2);
    const { proven, positions } = erased;
    const certificate = await certificateOf(signerOver(proven.disk, false), positions[0]!, KEYS[0]!);
    const other = await certificateOf(signerOver(proven.disk, false), positions[1]!, KEYS[1]!);
    await proven.log.close();
    return { ...erased, certificate, other };
  }

  test('is signed by the key of the log, and holds by itself and beside the log', async () => {
    const { proven, positions, certificate, other } = await certified();
    expect(certificate.leaf).toBe(hex(leafAt(proven, positions[0]!)));
    expect(verifyErasureAlone(rootKeyOf(proven), pretty(certificate))).toEqual(certificate);
    expect(verifyErasureAlone(rootKeyOf(proven), JSON.stringify(certificate))).toEqual(certificate);
    keep(proven.disk, positions[0]!, pretty(certificate));
    keep(proven.disk, positions[1]!, pretty(other));
    const report = await verify(proven);
    expect(report).toMatchObject({ ok: true, unproven: [] });
    expect(report.erasures).toEqual({ inLog: 2, certificates: 2, signed: 2 });
  });

  type Forge = (certificate: SignedErasure) => SignedErasure;
  test.each<[string, Forge]>([
    ['another key destroyed', (c) => ({ ...c, destroyed: { ...c.destroyed, keys: [KEYS[1]!] } })],
    ['another person', (c) => ({ ...c, handle: 'ff'.repeat(16) })],
    ['another tenant', (c) => ({ ...c, tenant: 2 })],
    ['nobody who may still have it', (c) => ({ ...c, unconfirmed: [] })],
    ['another day', (c) => ({ ...c, at: '2025-01-02T03:04:05.678Z' })],
    ['another entry', (c) => ({ ...c, leaf: '00'.repeat(32) })],
    ['another end of the log', (c) => ({ ...c, size: c.size + 1 })],
    ['a signature of other bytes', (c) => ({ ...c, signed: { ...c.signed!, signature: '5a'.repeat(64) } })],
  ])('that says %s is refused', async (_, forge) => {
    const { proven, positions, certificate } = await certified();
    const text = pretty(forge(certificate));
    expect(() => verifyErasureAlone(rootKeyOf(proven), text)).toThrow(/signature|refused/);
    keep(proven.disk, positions[0]!, text);
    const { problems, erasures } = await verify(proven);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ kind: 'signature', sequence: positions[0] });
    expect(erasures.signed).toBe(0);
  });

  test('of somebody who has the disk and keys of his own is refused by whoever has pinned the root key', async () => {
    const { proven, positions, certificate } = await certified();
    const [root, own] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const publicKey = rawPublicKey(own.privateKey);
    const own1 = signCertificate(
      {
        ...{ logId: certificate.logId, serial: 1, fromSize: 0, issuedAt: NOW, publicKey: hex(publicKey) },
        rootKeyId: keyIdOf(rawPublicKey(root.privateKey)),
      },
      root.privateKey,
    );
    const { signed: _, ...content } = { ...certificate, unconfirmed: [] };
    const signature = hex(sign(null, erasureMessage(content), own.privateKey));
    const forged = {
      ...content,
      signed: { keyId: keyIdOf(publicKey), certificates: [hex(own1)], signature },
    };
    expect(verifyErasureAlone(rawPublicKey(root.privateKey), pretty(forged))).toEqual(forged);
    expect(() => verifyErasureAlone(rootKeyOf(proven), pretty(forged))).toThrow(/root key/);
    keep(proven.disk, positions[0]!, pretty(forged));
    const { problems } = await verify(proven);
    expect(problems[0]?.problem).toContain('no certificate knows');
  });

  test('of a thief who has a key that was replaced is refused where the newer certificate is known', async () => {
    const { proven, positions, certificate } = await certified();
    const { keys, checkpoints } = proven.service;
    const { keyId } = keys.signerFor(certificate.size);
    const pem = Buffer.from(
      readSmallFile(proven.disk, `${DIRECTORY}/metadata/signing/${keyId}.key`)!,
    ).toString();
    const fromSize = decodeCheckpoint(checkpoints.last!).size + 1;
    keys.rotate({ rootPem: null, fromSize, nowNanos: NOW });
    const { signed: _, ...content } = { ...certificate, unconfirmed: [], size: fromSize };
    const signature = hex(sign(null, erasureMessage(content), createPrivateKey(pem)));
    const forged = { ...content, signed: { ...certificate.signed!, signature } };
    keep(proven.disk, positions[0]!, pretty(forged));
    expect((await verify(proven)).problems[0]?.problem).toContain('not the one that counts there');
    // What it signed in its time still holds.
    keep(proven.disk, positions[0]!, pretty(certificate));
    expect((await verify(proven)).problems).toEqual([]);
  });

  test('that belongs to another erasure, to none, or to another log is refused', async () => {
    const { proven, positions, certificate, other } = await certified();
    const { disk } = proven;
    keep(disk, positions[0]!, pretty(other));
    expect((await verify(proven)).problems[0]?.problem).toContain(`of the erasure at ${positions[1]}`);
    disk.unlink(`${DIRECTORY}/metadata/erasures/${String(positions[0]).padStart(20, '0')}.json`);
    // An entry that is no erasure at all, signed by the key’s holder.
    const wrong = await certificateOf(signerOver(disk, false), 3 as Sequence, KEYS[0]!);
    keep(disk, 3, pretty(wrong));
    expect((await verify(proven)).problems[0]?.problem).toContain('is not the erasure that it certifies');
    disk.unlink(`${DIRECTORY}/metadata/erasures/${'3'.padStart(20, '0')}.json`);
    keep(disk, positions[0]!, pretty({ ...certificate, logId: 'ab'.repeat(16) }));
    expect((await verify(proven)).problems[0]?.problem).toContain(`of log ${'ab'.repeat(16)}`);
  });

  test('that says something twice, too much or too little is none', async () => {
    const { proven, certificate } = await certified();
    const text = JSON.stringify(certificate);
    for (const wrong of [
      text.replace('"tenant":1', '"tenant":2,"tenant":1'),
      text.replace('"tenant":1', '"tenant": 1'),
      text.replace('"format":2', '"format":3'),
      text.replace('"name":"acme",', ''),
      text.replace('{', '{"more":1,'),
      text.slice(0, -1),
      '',
      'null',
    ]) {
      expect(() => verifyErasureAlone(rootKeyOf(proven), wrong), wrong).toThrow(
        /not a certificate of erasure/,
      );
    }
  });

  test('without keys stays unsigned and says so, and so is one of an older release', async () => {
    const proven = await openProven();
    appendFor(proven.log, 1);
    const [first, second] = [appendErasure(proven.log, 1, KEYS[0]!), appendErasure(proven.log, 1, KEYS[1]!)];
    await proven.log.close();
    const reports: string[] = [];
    const unsigned = await certificateOf(signerOver(proven.disk, false, reports), first, KEYS[0]!);
    expect(unsigned.signed).toBeNull();
    expect(reports.join()).toContain('not signed: this database has no signing keys');
    expect(proven.disk.paths().some((path) => path.includes('/signing/'))).toBe(false);
    const made = await certificateOf(signerOver(proven.disk, true), first, KEYS[0]!);
    keep(proven.disk, first, pretty(unsigned));
    keep(proven.disk, second, pretty({ format: 1, of: 'subject', position: second }));
    const report = await verify(proven);
    expect(report.problems).toEqual([]);
    expect(report.unproven).toEqual([
      `the certificate of the erasure at ${first} is not signed`,
      `the certificate of the erasure at ${second} is not signed`,
    ]);
    expect(() => verifyErasureAlone(rootKeyOf(proven), pretty(unsigned))).toThrow(/not signed/);
    expect(verifyErasureAlone(rootKeyOf(proven), pretty(made)).logId).toBe(readLogId(proven.disk, DIRECTORY));
    expect(unhex(made.signed!.signature)).toHaveLength(64);
  });
});
