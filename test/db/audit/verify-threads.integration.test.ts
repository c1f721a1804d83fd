/** Verification of real files: with threads as without, and of a log whose beginning was pruned. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProofService } from '../../../db/audit/proof-service.ts';
import { proofHolds } from '../../../db/audit/tree-store.ts';
import { decodeCheckpoint } from '../../../db/audit/verifier.ts';
import { type DataReport, verifyData } from '../../../db/audit/verify-log.ts';
import { RealDisk, realClock } from '../../../db/io/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import { initLog, openLog, pruneSegments } from '../../../db/wal/index.ts';
import { temporaryData } from '../support/temporary.ts';
import { draft } from '../wal/support.ts';

const disk = new RealDisk();

function serviceIn(directory: string, logId: Uint8Array): ProofService {
  return new ProofService({
    disk,
    directory,
    logId: Buffer.from(logId).toString('hex'),
    nowNanos: () => realClock.nowNanos(),
    report: () => {},
  });
}

/** Five segments of seven tenants, signed about once a segment. */
async function signedSegments(): Promise<{
  readonly directory: string;
  readonly logId: Uint8Array;
  readonly stable: Sequence;
}> {
  const directory = temporaryData();
  const { logId } = initLog({ directory, disk, random: randomBytes, segmentBytes: 1 << 20 });
  const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, inline: true });
  const service = serviceIn(directory, logId);
  for (let at = 0; log.status().segments < 5; at++) {
    for (let tenant = 0; tenant < 7; tenant++)
      log.append(
        [{ ...draft(randomBytes(3000)), tenant: tenant as TenantId }],
        realClock.nowNanos() as RecordedAt,
      );
    log.flush();
    while (service.step(log.stable) > 0);
    if (at % 40 === 39) service.checkpoint();
  }
  while (service.step(log.stable) > 0);
  service.checkpoint();
  service.save();
  service.close();
  await log.close();
  return { directory, logId, stable: log.stable };
}

function verify(directory: string, threads: number, lines: string[] = []): Promise<DataReport> {
  return verifyData({
    directory,
    disk,
    rootKey: null,
    expected: null,
    trees: true,
    threads,
    progress: (line) => lines.push(line),
  });
}

test('threads find what one finds, and say how far they are', async () => {
  const { directory } = await signedSegments();
  const lines: string[] = [];
  const report = await verify(directory, 3, lines);
  expect(report).toEqual(await verify(directory, 0));
  expect(report).toMatchObject({ ok: true, problems: [], unproven: [] });
  expect(report.checkpoints).toBeGreaterThan(3);
  expect(lines).toHaveLength(5);
  expect(lines.at(-1)).toContain('segment 5 of 5');
});

test('a log whose beginning was pruned is verified from the leaves that are stored, and without them by its chain', async () => {
  const { directory, logId, stable } = await signedSegments();
  const [hold] = proofHolds(disk, directory);
  expect(hold!.from).toBeGreaterThan(stable - 5);
  const { floor } = pruneSegments({
    disk,
    directory,
    before: stable,
    holds: proofHolds(disk, directory),
    withoutArchive: true,
  });
  expect(floor).toBeGreaterThan(1);
  const kept = await verify(directory, 2);
  expect(kept.problems).toEqual([]);
  expect(kept.unproven.every((line) => line.includes('before'))).toBe(true);
  expect(kept.signed!.size).toBeGreaterThan(floor);

  rmSync(join(directory, 'views', 'proof'), { recursive: true });
  const bare = await verify(directory, 2);
  expect(bare.problems).toEqual([]);
  expect(bare.unproven.join()).toContain('their leaves are not stored');
  const service = serviceIn(directory, logId);
  expect(() => service.step(stable)).toThrowError(expect.objectContaining({ code: 'PRUNED' }));
  expect(() => service.checkpoint()).toThrow('nothing is signed before');
  expect(decodeCheckpoint(service.checkpoints.last!).size).toBeGreaterThan(floor);
});
