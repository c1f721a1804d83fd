import { expect, test } from 'vitest';
import type { RecordedAt } from '../../../db/types.ts';
import { SimulatedCrash } from './memory-disk.ts';
import { DIRECTORY, draft, newDisk, open, pickFrom } from './support.ts';

const ENTRIES = 20;

/** A log of more than one segment whose machine stops between the first seal and the renames behind it. */
async function stoppedAfterSeal() {
  const disk = newDisk();
  const { log } = await open(disk);
  disk.beforeOperation = (name, path) => {
    if (name === 'rename' && path.endsWith('.open')) throw new SimulatedCrash('stopped before the renames');
  };
  let failed = false;
  log.onFailure(() => {
    failed = true;
  });
  for (let entry = 0; !failed && entry < ENTRIES; entry++) {
    log.append([draft(`${entry} `.padEnd(80_000, 'x'))], 0n as RecordedAt);
    log.flush();
  }
  expect(failed).toBe(true);
  disk.beforeOperation = () => {};
  return disk.crash(pickFrom(1));
}

test('a seal behind a hole is a mark: what it closed was durable, so the hole is damage and no torn tail', async () => {
  const disk = await stoppedAfterSeal();
  const path = disk.paths().find((each) => each.startsWith(`${DIRECTORY}/wal/0`));
  const bytes = disk.bytesOf(path!);
  const sound = disk.copy();
  await (await open(sound)).log.close();
  // The last entries before the seal: no commit stands behind them whose mark could tell.
  const end = bytes.findLastIndex((byte) => byte !== 0);
  bytes.fill(0, end - 40_000 - (end % 512), end - 20_000 - (end % 512));
  await expect(open(disk)).rejects.toMatchObject({ code: 'CORRUPT' });
});
