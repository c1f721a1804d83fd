/** A database whose oldest events lie in an archive alone, and whose views have to be made again. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initDatabase, openEngine } from '../../db/engine.ts';
import { RealDisk } from '../../db/io/index.ts';
import type { StreamName } from '../../db/kernel/event.ts';
import type { Sequence } from '../../db/types.ts';
import { archiveSegments } from '../../db/wal/index.ts';
import { append, eventDraft } from './support/event-drafts.ts';
import { temporaryData } from './support/temporary.ts';

const disk = new RealDisk();

/** Sixty large events in four segments, all but the last archived and pruned; nothing is left of the views. */
async function withArchive(): Promise<{ directory: string; archive: string }> {
  const directory = temporaryData();
  const archive = join(temporaryData(), 'archive');
  initDatabase({ directory, segmentBytes: 1 << 20 });
  const first = await openEngine({ directory });
  for (let at = 0; at < 60; at++) {
    await first.append(
      append(at % 2 === 0 ? 'a' : 'b', [eventDraft(`${at}`, { data: new Uint8Array(60_000).fill(at) })]),
    );
  }
  await first.close();
  const names = readdirSync(join(directory, 'wal'))
    .filter((name) => !name.startsWith('spare'))
    .sort();
  const before = Number(/-(\d+)\./.exec(names.at(-1) as string)![1]) as Sequence;
  archiveSegments({ disk, directory, to: archive, before, progress: () => {} });
  const second = await openEngine({ directory });
  expect(second.retention.prune({ before, withoutArchive: false })).toMatchObject({ floor: before });
  await second.close();
  for (const part of ['views', 'metadata/views.json', 'snapshots']) {
    rmSync(join(directory, part), { recursive: true, force: true });
  }
  mkdirSync(join(directory, 'snapshots'));
  return { directory, archive };
}

test('computes its views from the archive and reads every event at its revision', async () => {
  const { directory } = await withArchive();
  const engine = await openEngine({ directory });
  const { events, streams, beginning } = engine.status();
  expect({ events, streams }).toEqual({ events: 60, streams: 2 });
  expect(beginning).toMatchObject({ first: 1, archives: [{ from: 1, to: beginning.floor - 1 }] });
  const page = await engine.readStream({
    stream: 'a' as StreamName,
    direction: 'forwards',
    from: 'start',
    limit: 100,
  });
  expect(page.events.map(({ revision, data }) => [revision, data[0]])).toEqual(
    Array.from({ length: 30 }, (_, at) => [at, at * 2]),
  );
  const all = await engine.readAll({ direction: 'forwards', from: 'start', limit: 100 });
  expect(all.events.map(({ data }) => data[0])).toEqual(Array.from({ length: 60 }, (_, at) => at));
  // The id of an archived event is known: the same event again is the same event.
  const { id, type, data, metadata, contentType } = page.events[0]!;
  const again = append('a', [{ id, type, data, metadata, contentType }]);
  expect(await engine.append(again)).toMatchObject({ duplicate: true });
  await engine.close();
});

test('reads from an archive that was moved once it is told where, and says PRUNED before', async () => {
  const { directory, archive } = await withArchive();
  renameSync(archive, `${archive}-moved`);
  await expect(openEngine({ directory })).rejects.toMatchObject({ code: 'PRUNED' });
  const engine = await openEngine({ directory, archives: [`${archive}-moved`] });
  expect(engine.status().events).toBe(60);
  await engine.close();
});
