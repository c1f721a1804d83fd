/** A data directory verified from its files: clean, damaged, unsigned, pruned of its end. */
import { describe, expect, test } from 'vitest';
import { decodeCheckpoint } from '../../../db/audit/verifier.ts';
import { type VerifyDataOptions, verifyData } from '../../../db/audit/verify-log.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, segmentPaths } from '../wal/support.ts';
import { appendFor, openProven, rootKeyOf, signAll } from './support.ts';

function verify(disk: MemoryDisk, options: Partial<VerifyDataOptions> = {}) {
  return verifyData({
    directory: DIRECTORY,
    disk,
    rootKey: null,
    expected: null,
    trees: true,
    threads: 0,
    progress: () => {},
    ...options,
  });
}

describe('a log whose proofs were kept', () => {
  test('is as it was signed, over segments and many checkpoints', async () => {
    const proven = await openProven();
    while (proven.log.status().segments < 3) {
      for (let at = 0; at < 60; at++) appendFor(proven.log, at % 5, 1, 2, 3, 1, 1, 2, 3, 1, 1, 2, 3);
      signAll(proven);
    }
    await proven.log.close();
    proven.service.close();
    const report = await verify(proven.disk, { rootKey: rootKeyOf(proven) });
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, pinned: true, unproven: [] });
    expect(report.checkpoints).toBeGreaterThan(5);
    const { size } = decodeCheckpoint(proven.service.checkpoints.last!);
    expect(report.signed).toMatchObject({ size });
    expect(report.unsigned).toEqual({ from: size + 1, to: report.log.lastSequence });
  });

  test('is said to be unsigned where nobody has signed it', async () => {
    const { log, disk } = await openProven();
    appendFor(log, 1);
    await log.close();
    const report = await verify(disk);
    expect(report).toMatchObject({ ok: true, signed: null, rootKey: null, pinned: false });
    expect(report.unsigned).toEqual({ from: 1, to: report.log.lastSequence });
    expect(report.unproven.join()).toContain('no signing keys');
  });

  test('names segment, offset and sequence of damage, and checks what lies before and behind it', async () => {
    const proven = await openProven();
    for (let at = 0; at < 50; at++) appendFor(proven.log, 1, 2);
    signAll(proven);
    for (let at = 0; at < 50; at++) appendFor(proven.log, 1, 2);
    signAll(proven);
    await proven.log.close();
    const [path] = segmentPaths(proven.disk);
    const handle = proven.disk.open(path!, 'write');
    proven.disk.pwrite(handle, Buffer.from('damage'), 9000);
    const report = await verify(proven.disk, { rootKey: rootKeyOf(proven) });
    expect(report.ok).toBe(false);
    expect(report.problems).toHaveLength(1);
    const [{ kind, segment, offset, sequence }] = report.problems as never as [(typeof report.problems)[0]];
    expect({ kind, segment }).toEqual({ kind: 'log', segment: path!.split('/').at(-1) });
    expect(offset).toBeLessThanOrEqual(9000);
    expect(offset).toBeGreaterThan(8700);
    expect(sequence).toBeGreaterThan(20);
  });
});
