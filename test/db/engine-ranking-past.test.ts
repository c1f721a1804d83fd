/** A question about the past that takes too long says how far it came, and the next one goes on from there. */
import { expect, onTestFinished, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { type Clock, realClock } from '../../db/io/index.ts';
import { TENANT_DEFAULT } from '../../db/types.ts';
import { MemoryDisk } from './wal/memory-disk.ts';

const DIRECTORY = '/data';
const COMMITS = 100;

/** A clock that a test lets run as many seconds each time it is read. */
function newClock(): Clock & { secondsPerLook: bigint } {
  let ahead = 0n;
  return {
    secondsPerLook: 0n,
    nowNanos: () => realClock.nowNanos(),
    monotonicNanos() {
      ahead += this.secondsPerLook * 1_000_000_000n;
      return realClock.monotonicNanos() + ahead;
    },
  };
}

async function newEngine(clock: Clock): Promise<Engine> {
  const disk = new MemoryDisk();
  initDatabase({ directory: DIRECTORY, disk, segmentBytes: 1 << 20, entryBytesMax: 1 << 16 });
  const engine = await openEngine({ directory: DIRECTORY, disk, clock, inline: true, ringBytes: 1 << 22 });
  onTestFinished(() => engine.close());
  await engine.ranking.execute(TENANT_DEFAULT, 'DEFINE ENTITY item (title TEXT)', []);
  for (let at = 0; at < COMMITS; at++)
    await engine.ranking.execute(TENANT_DEFAULT, `UPSERT item @i${at} SET title = 't'`, []);
  return engine;
}

test('one about the past ends after ten seconds, and asked again goes on', async () => {
  const clock = newClock();
  const engine = await newEngine(clock);
  const last = engine.status().log.stable;
  const ask = (): Promise<unknown> =>
    engine.ranking.execute(TENANT_DEFAULT, `RETRIEVE items LIMIT 1 AS OF POSITION ${last}`, []);
  clock.secondsPerLook = 4n;
  const first = await refused(ask());
  expect(first).toMatchObject({ code: 'TIMEOUT' });
  expect(first.message).toContain(`on its way to ${last}`);
  expect(first.message).toContain('truthdb snapshot create');
  const second = await refused(ask());
  expect(second.details.position).toBeGreaterThan(first.details.position);
  clock.secondsPerLook = 0n;
  expect(await ask()).toMatchObject({ result: { position: last } });
});

function refused(asked: Promise<unknown>): Promise<Error & { details: { position: number } }> {
  return asked.then(
    () => Promise.reject(new Error('it was answered')),
    (error) => error,
  );
}
