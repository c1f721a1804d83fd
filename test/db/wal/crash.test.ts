/**
 * Power failures at every operation of runs that roll over, close, open and recover: whatever was reported stable is there
 * afterwards, what is there is a prefix of what was appended, and the log goes on.
 */
import { describe, expect, test } from 'vitest';
import type { RecordedAt } from '../../../db/types.ts';
import { type Durability, initLog, openReader, verifyLog } from '../../../db/wal/index.ts';
import { MemoryDisk, SimulatedCrash } from './memory-disk.ts';
import {
  appendGroup,
  DIRECTORY,
  draft,
  newDisk,
  open,
  pickFrom,
  randomFrom,
  SEGMENT_BYTES,
  texts,
} from './support.ts';

/** What a run issued and what it was told, up to the crash. */
interface Ledger {
  readonly issued: string[];
  stable: number;
}

/** Runs `work` on a disk that stops before operation `crashBefore`; true if it got to its end. */
async function runUntilCrash(disk: MemoryDisk, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof SimulatedCrash || disk.operations >= disk.crashBefore) return false;
    throw error;
  }
}

/** Appends commands of sizes that fill segments of 1 MiB quickly, in groups of one to three. */
async function work(disk: MemoryDisk, ledger: Ledger, durability: Durability): Promise<void> {
  const { log } = await open(disk, { durability });
  const before = ledger.issued.length;
  const lasts: number[] = [];
  log.onFailure((error) => {
    throw new SimulatedCrash(error.message);
  });
  log.onStable((stable) => {
    ledger.stable = before + lasts.filter((last) => last <= stable).length;
  });
  for (let command = 0; command < 18; command++) {
    const text = `${before + command} `.padEnd(1000 + ((command * 70_001) % 200_000), 'x');
    ledger.issued.push(text);
    lasts.push(log.append([draft(text)], 0n as RecordedAt).last);
    if (command % 3 !== 1) log.flush();
  }
  log.flush();
  await log.close();
}

async function checkRecovery(crashed: MemoryDisk, ledger: Ledger, where: string): Promise<void> {
  const { log } = await open(crashed);
  const found = await texts(log);
  expect(found.length, where).toBeGreaterThanOrEqual(ledger.stable);
  expect(
    Buffer.from(found.join()).equals(Buffer.from(ledger.issued.slice(0, found.length).join())),
    where,
  ).toBe(true);
  appendGroup(log, 'and on');
  await log.close();
  const report = verifyLog({ disk: crashed, directory: DIRECTORY });
  expect(report.problems, where).toEqual([]);
  expect(report.tornTail, where).toBeNull();
  const reader = openReader({ disk: crashed, directory: DIRECTORY });
  expect((await texts(reader)).at(-1), where).toBe('and on');
}

describe.each(['group_sync', 'async'] as const)('a log with durability %s', (durability) => {
  test('survives a power failure before every single operation, across rollovers', async () => {
    let failures = 0;
    for (let crashBefore = 1; ; crashBefore++) {
      const disk = newDisk();
      disk.operations = 0;
      disk.crashBefore = crashBefore;
      const ledger: Ledger = { issued: [], stable: 0 };
      if (await runUntilCrash(disk, () => work(disk, ledger, durability))) break;
      for (let seed = 0; seed < 2; seed++) {
        await checkRecovery(
          disk.crash(pickFrom(crashBefore * 31 + seed)),
          ledger,
          `before operation ${crashBefore}, seed ${seed}`,
        );
        failures += 1;
      }
    }
    expect(failures).toBeGreaterThan(120);
  }, 120_000);
});

test('a power failure during recovery is recovered from, again and again', async () => {
  const pick = pickFrom(5);
  let disk = newDisk();
  const ledger: Ledger = { issued: [], stable: 0 };
  for (let round = 0; round < 100; round++) {
    disk.operations = 0;
    disk.crashBefore = 5 + pick(90);
    const running = disk;
    await runUntilCrash(running, () => work(running, ledger, 'group_sync'));
    disk = running.crash(pick);
    const checked = disk.copy();
    const { log } = await open(checked);
    const found = await texts(log);
    expect(found.length).toBeGreaterThanOrEqual(ledger.stable);
    expect(found).toEqual(ledger.issued.slice(0, found.length));
    // What was in flight is decided now.
    ledger.issued.length = found.length;
    ledger.stable = found.length;
  }
  expect(verifyLog({ disk, directory: DIRECTORY }).problems).toEqual([]);
}, 120_000);

test('a power failure during init leaves nothing or a log, and init can be repeated', async () => {
  for (let crashBefore = 0; ; crashBefore++) {
    const disk = new MemoryDisk();
    disk.crashBefore = crashBefore;
    const init = (target: MemoryDisk): unknown =>
      initLog({
        directory: DIRECTORY,
        disk: target,
        random: randomFrom(1),
        segmentBytes: SEGMENT_BYTES,
      });
    const complete = await runUntilCrash(disk, async () => void init(disk));
    const crashed = disk.crash(pickFrom(crashBefore));
    try {
      init(crashed);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ALREADY_EXISTS' });
    }
    const { log } = await open(crashed);
    expect(log.epoch).toBe(1);
    if (complete) break;
  }
});
