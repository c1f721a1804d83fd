/** Ranges that were lost and isolated: what is still proven across them, with the trees of before and without. */
import { describe, expect, test } from 'vitest';
import { verifyBundle } from '../../../db/audit/bundle-verifier.ts';
import { decodeCheckpoint, hex, verifyConsistency } from '../../../db/audit/verifier.ts';
import { verifyData } from '../../../db/audit/verify-log.ts';
import { CheckpointGuard } from '../../../db/client/checkpoint-guard.ts';
import type { Sequence } from '../../../db/types.ts';
import { inspectSegment, isolate } from '../../../db/wal/index.ts';
import { DIRECTORY, ManualScheduler, randomFrom, StepClock, segmentPaths } from '../wal/support.ts';
import {
  appendFor,
  bundleOf,
  catchUp,
  openProven,
  type Proven,
  rootKeyOf,
  serviceOver,
  signAll,
} from './support.ts';

interface Lost {
  readonly proven: Proven;
  /** Signed before anything was lost. */
  readonly before: Uint8Array;
  readonly from: Sequence;
  readonly to: Sequence;
}

/** A signed log of two tenants of which one group is lost. */
async function lostGroup(trees: 'kept' | 'deleted'): Promise<Lost> {
  const proven = await openProven();
  for (let at = 0; at < 30; at++) appendFor(proven.log, 1, 2);
  const before = signAll(proven);
  await proven.log.close();
  proven.service.save();
  proven.service.close();
  const { disk } = proven;
  const group = inspectSegment({ disk, directory: DIRECTORY }, 1).groups[10]!;
  disk.bytesOf(segmentPaths(disk)[0]!)[group.offset + 60]! ^= 1;
  await isolate({
    disk,
    directory: DIRECTORY,
    clock: new StepClock(),
    scheduler: new ManualScheduler(),
    random: randomFrom(5),
    segment: 1,
    sequence: group.firstSequence as Sequence,
    marks: [],
    progress: () => {},
  });
  if (trees === 'deleted') disk.unlink(`${DIRECTORY}/views/proof/progress.json`);
  const reopened = await openProven(disk);
  const { firstSequence: from, lastSequence: to } = group;
  return { proven: reopened, before, from: from as Sequence, to: to as Sequence };
}

function verify({ disk, service }: Proven) {
  const rootKey = rootKeyOf({ service });
  return verifyData({
    directory: DIRECTORY,
    disk,
    rootKey,
    expected: null,
    trees: true,
    threads: 0,
    progress: () => {},
  });
}

describe('a range lost after its leaves were computed', () => {
  test('changes nothing in the trees: checkpoints extend those of before', async () => {
    const { proven, before, from, to } = await lostGroup('kept');
    appendFor(proven.log, 1);
    const after = decodeCheckpoint(signAll(proven));
    const old = decodeCheckpoint(before);
    const path = proven.service.prover.consistency(old.size, after.size);
    verifyConsistency([old.size, old.root], [after.size, after.root], path);
    expect(proven.reports).toEqual([]);
    await proven.log.close();
    const report = await verify(proven);
    expect(report.problems).toEqual([]);
    expect(report.unproven).toEqual([
      `sequences ${from} to ${to} are lost: their leaves are known from before, unproven across the gap`,
    ]);
  });

  test('is shown by its leaves alone, and of a tenant not at all', async () => {
    const { proven, from, to } = await lostGroup('kept');
    const { size } = decodeCheckpoint(signAll(proven));
    const { entries } = verifyBundle(
      rootKeyOf(proven),
      await bundleOf(proven, { from: from - 2, to: to + 2 }),
    );
    expect(entries.map(({ form }) => form)).toEqual([
      'payload',
      'payload',
      'leaf',
      'leaf',
      'leaf',
      'payload',
      'payload',
    ]);
    await expect(bundleOf(proven, { kind: 'tenant', tenant: 1, from: 1, to: size })).rejects.toMatchObject({
      code: 'GAP',
    });
    const behind = await bundleOf(proven, { kind: 'tenant', tenant: 1, from: to + 5, to: size });
    expect(verifyBundle(rootKeyOf(proven), behind).entries.length).toBeGreaterThan(5);
  });
});

describe('a range lost together with its leaves', () => {
  test('ends the proofs of before: it is said, signing goes on, and what is signed then verifies', async () => {
    const { proven, from, to } = await lostGroup('deleted');
    catchUp(proven.service, proven.log.stable);
    expect(proven.reports.join()).toContain(`sequences ${from} to ${to} are lost and so are their leaves`);
    appendFor(proven.log, 2);
    const { size } = decodeCheckpoint(signAll(proven));
    const { entries } = verifyBundle(rootKeyOf(proven), await bundleOf(proven, { from, to: size }));
    expect(entries.slice(0, 3).map(({ form }) => form)).toEqual(['gap', 'gap', 'gap']);
    await proven.log.close();
    const report = await verify(proven);
    expect(report.problems).toEqual([]);
    expect(report.unproven.join()).toContain('what they were is unknown, unproven across the gap');
    expect(report.unproven.join()).toContain('covers lost entries whose leaves are not known');
    expect(report.signed).toMatchObject({ size });
  });

  test('is a branch that clients have to accept', async () => {
    const { proven, before } = await lostGroup('deleted');
    const { keys } = proven.service;
    const guard = new CheckpointGuard({ rootKey: hex(rootKeyOf(proven)) });
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    await guard.check({
      administer: async () => ({ checkpoint: base64(before), certificates: keys.certificates.map(base64) }),
    });
    appendFor(proven.log, 2);
    signAll(proven);
    const server = {
      administer: async (command: object) => ({ ...(await proven.service.answer(command as never)) }),
    };
    const refusal = await guard.check(server).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'FORKED', details: { branch: true, reason: 'isolate' } });
    guard.acceptBranch((refusal as { details: { epoch: number } }).details.epoch);
    await guard.check(server);
  });
});

test('damage that nobody isolated stops the proofs where it is, and says where', async () => {
  const proven = await openProven();
  for (let at = 0; at < 30; at++) appendFor(proven.log, 1, 2);
  const { disk, log } = proven;
  await log.close();
  const group = inspectSegment({ disk, directory: DIRECTORY }, 1).groups[10]!;
  disk.bytesOf(segmentPaths(disk)[0]!)[group.offset + 60]! ^= 1;
  const service = serviceOver(disk);
  expect(() => catchUp(service, log.stable as Sequence)).toThrow(`sequence ${group.firstSequence}`);
  expect(service.store.sequence).toBe(group.firstSequence - 1);
});
