/**
 * A log of two epochs as the first release with this format wrote it, and what views of it must be: on any machine, in any
 * time zone, today as then. The segment is stored without the zeros behind its last group.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openEngine } from '../../../db/engine.ts';

import { decodeEvent } from '../../../db/kernel/index.ts';
import { viewCommit } from '../../../db/materializer/index.ts';
import { StreamIndex } from '../../../db/streams/stream-index.ts';
import type { Sequence } from '../../../db/types.ts';
import { openReader, verifyLog } from '../../../db/wal/index.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, randomFrom, SEGMENT_BYTES, StepClock } from '../wal/support.ts';

const golden = join(import.meta.dirname, 'fixtures', 'log-v1');
/** Of the stream index at the log's end. */
const DIGEST = '9ddbbf47870cc70b6892ecce7d1e03080a11b10598d9e2a04fb8e3101d88c926';
const ZONES = ['UTC', 'Asia/Kathmandu', 'America/St_Johns'];
const zone = process.env['TZ'];

afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

function goldenDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const folder of ['', 'wal', 'metadata', 'snapshots', 'views']) disk.mkdir(join(DIRECTORY, folder));
  const files = readdirSync(golden, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const { parentPath, name } of files) {
    const bytes = readFileSync(join(parentPath, name));
    const path = join(DIRECTORY, relative(golden, parentPath), name);
    const handle = disk.open(path, 'create');
    if (path.includes('/wal/')) disk.allocate(handle, SEGMENT_BYTES);
    disk.pwrite(handle, bytes, 0);
    disk.fsync(handle);
    disk.close(handle);
  }
  return disk;
}

async function replayed(
  disk: MemoryDisk,
): Promise<{ digest: string; events: ReturnType<typeof decodeEvent>[] }> {
  const reader = openReader({ disk, directory: DIRECTORY });
  const index = new StreamIndex(reader.identity.logId);
  const events: ReturnType<typeof decodeEvent>[] = [];
  for await (const commit of reader.read({ from: 1 as Sequence, follow: false })) {
    const { entries, ...rest } = viewCommit(commit);
    index.onCommit({ ...rest, entries });
    for (const { payload, sequence } of entries) events.push(decodeEvent(payload, sequence));
  }
  reader.close();
  return { digest: index.digest(), events };
}

describe('the golden log', () => {
  test('verifies, and has what was written', async () => {
    const disk = goldenDisk();
    expect(verifyLog({ disk, directory: DIRECTORY })).toMatchObject({
      ok: true,
      problems: [],
      tornTail: null,
    });
    const { events } = await replayed(disk);
    expect(events).toHaveLength(48);
    const counts = Map.groupBy(events, ({ stream }) => stream as string);
    expect([...counts].map(([stream, { length }]) => [stream, length])).toEqual([
      ['orders', 8],
      ['café-☕', 16],
      ['x'.repeat(40), 24],
    ]);
    expect(events[0]).toMatchObject({ type: 'übermittelt', contentType: 'json', revision: 0 });
  });

  test.each(ZONES)('gives the same digest in the time zone %s', async (name) => {
    process.env['TZ'] = name;
    expect((await replayed(goldenDisk())).digest).toBe(DIGEST);
  });

  test('can be written on by this release', async () => {
    const disk = goldenDisk();
    const options = {
      directory: DIRECTORY,
      disk,
      inline: true,
      random: randomFrom(77),
      clock: new StepClock(),
    };
    const engine = await openEngine(options);
    expect(engine.status()).toMatchObject({ events: 48, streams: 3, readOnly: null });
    expect(engine.status().log.epoch).toBe(3);
    await engine.close();
    expect(verifyLog({ disk, directory: DIRECTORY }).ok).toBe(true);
  });
});
