/** The power fails at any moment of computing and signing: what is found afterwards leads to the same trees, and nothing signed is lost. */
import { expect, test } from 'vitest';
import type { ProofCommand } from '../../../db/audit/proof-commands.ts';
import { decodeCheckpoint } from '../../../db/audit/verifier.ts';
import { verifyData } from '../../../db/audit/verify-log.ts';
import type { TruthError } from '../../../db/errors.ts';
import type { Sequence } from '../../../db/types.ts';
import { type MemoryDisk, SimulatedCrash } from '../wal/memory-disk.ts';
import { DIRECTORY, pickFrom } from '../wal/support.ts';
import { appendFor, catchUp, openProven, rootKeyOf, serviceOver } from './support.ts';

/** Tenants enough that files of some are closed between saves. */
const TENANTS = 90;

/** A durable log nobody has computed anything of. */
async function durableLog(): Promise<{ readonly disk: MemoryDisk; readonly stable: Sequence }> {
  const { disk, log } = await openProven();
  for (let at = 0; at < 40; at++)
    appendFor(log, at % 3, 7, at % TENANTS, (at * 7) % TENANTS, (at * 11) % TENANTS);
  await log.close();
  return { disk, stable: log.stable };
}

/** Takes in and signs in two halves, as a server over a longer time. */
function keepProofs(disk: MemoryDisk, stable: Sequence): Uint8Array {
  const service = serviceOver(disk);
  catchUp(service, Math.floor(stable / 2) as Sequence);
  service.checkpoint();
  service.save();
  catchUp(service, stable);
  const record = service.checkpoint();
  service.close();
  return record;
}

test('a crash at any moment costs nothing but time', async () => {
  const { disk, stable } = await durableLog();
  const whole = disk.copy();
  const expected = decodeCheckpoint(keepProofs(whole, stable));
  const operations = whole.operations - disk.copy().operations;
  expect(operations).toBeGreaterThan(100);
  let crashes = 0;
  for (let step = 0; step < operations; step += 17) {
    const crashing = disk.copy();
    crashing.crashBefore = crashing.operations + step;
    let signed: Uint8Array | null = null;
    try {
      signed = keepProofs(crashing, stable);
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
      crashes += 1;
    }
    const found = crashing.crash(pickFrom(step));
    const service = serviceOver(found);
    catchUp(service, stable);
    const record = decodeCheckpoint(service.checkpoint());
    expect(record).toMatchObject({
      size: expected.size,
      root: expected.root,
      tenantsRoot: expected.tenantsRoot,
    });
    if (signed !== null) expect(service.checkpoints.count).toBe(2);
    service.close();
    if (step % 3 !== 0) continue;
    const rootKey = rootKeyOf({ service });
    const report = await verifyData({
      directory: DIRECTORY,
      disk: found,
      rootKey,
      expected: null,
      trees: true,
      threads: 0,
      progress: () => {},
    });
    expect(report.problems).toEqual([]);
  }
  expect(crashes).toBeGreaterThan(10);
});

test('trees that were damaged are computed again: found at the start, or by the first proof that would be wrong', async () => {
  const { disk, stable } = await durableLog();
  const { root, size } = decodeCheckpoint(keepProofs(disk, stable));
  const range = {
    command: 'proof-range',
    kind: 'tenant',
    tenant: 7,
    from: 1,
    to: size,
    since: null,
  } as const;
  const asked: ProofCommand[] = [
    range,
    { ...range, kind: 'entries', tenant: 0 },
    { command: 'proof-consistency', size: 50 },
  ];
  const folder = `${DIRECTORY}/views/proof`;
  const damages: ((damaged: MemoryDisk) => void)[] = [
    (damaged) => damaged.bytesOf(`${folder}/entries.nodes`).fill(7, 0, 40 * 90),
    (damaged) => damaged.bytesOf(`${folder}/tenant-0000000007.nodes`).fill(7, 40, 80),
    (damaged) => damaged.unlink(`${folder}/tenant-0000000007.nodes`),
    (damaged) => damaged.bytesOf(`${folder}/entries.nodes`).fill(0),
  ];
  for (const damage of damages) {
    const damaged = disk.copy();
    damage(damaged);
    const reports: string[] = [];
    const service = serviceOver(damaged, reports);
    for (const command of asked)
      await service.answer(command).catch((error: TruthError) => expect(error.code).toBe('VIEW_UNAVAILABLE'));
    expect(reports.join()).toContain('computed again');
    catchUp(service, stable);
    for (const command of asked) await service.answer(command);
    expect(decodeCheckpoint(service.checkpoint())).toMatchObject({ root, size });
    expect(service.status().problem).toBeNull();
  }
});
