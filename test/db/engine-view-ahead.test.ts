/** A database whose log has lost commits that its views hold: real files, as an operator would meet it. */
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import type { StreamName } from '../../db/kernel/event.ts';
import { sessionOf, told } from './sql/session/open-sql.ts';
import { append, eventDraft } from './support/event-drafts.ts';
import { temporaryData } from './support/temporary.ts';

async function dataOf(engine: Engine): Promise<string[]> {
  const page = await engine.readStream({
    stream: 's' as StreamName,
    direction: 'forwards',
    from: 'start',
    limit: 100,
  });
  return page.events.map(({ data }) => Buffer.from(data).toString());
}

/** A closed database whose views know of an event that is not in its log. */
async function shortened(): Promise<string> {
  const directory = temporaryData();
  const earlier = temporaryData();
  initDatabase({ directory, segmentBytes: 1 << 20 });
  const engine = await openEngine({ directory });
  await engine.append(append('s', [eventDraft('kept')]));
  await told(sessionOf(engine), 'CREATE TABLE t (id integer PRIMARY KEY)');
  await engine.close();
  for (const part of ['wal', 'metadata/durable.json'])
    cpSync(join(directory, part), join(earlier, part), { recursive: true });
  const again = await openEngine({ directory });
  await again.append(append('s', [eventDraft('lost')]));
  await told(sessionOf(again), 'INSERT INTO t VALUES (1)');
  await again.close();
  rmSync(join(directory, 'wal'), { recursive: true });
  for (const part of ['wal', 'metadata/durable.json'])
    cpSync(join(earlier, part), join(directory, part), { recursive: true });
  return directory;
}

test('a database whose log lost commits is read, says why it is not written, and stays so however often it is opened', async () => {
  const directory = await shortened();
  for (let time = 0; time < 3; time++) {
    const engine = await openEngine({ directory });
    expect(await dataOf(engine)).toEqual(['kept']);
    expect(engine.status().readOnly).toMatch(/view "[a-z-]+" holds commits up to/);
    await expect(engine.append(append('s', [eventDraft('new')]))).rejects.toMatchObject({
      code: 'VIEW_AHEAD',
    });
    expect(await told(sessionOf(engine), 'SELECT * FROM t')).toEqual([]);
    expect(await told(sessionOf(engine), 'INSERT INTO t VALUES (2)')).toBe('VIEW_AHEAD');
    await engine.close();
  }
});

test('the view ahead is set aside whole, and moving it away accepts the loss', async () => {
  const directory = await shortened();
  const before = readdirSync(join(directory, 'views', 'stream-index'));
  await (await openEngine({ directory })).close();
  const aside = join(directory, 'views', 'set-aside');
  const kept = readdirSync(aside);
  for (const part of before) expect(kept.some((name) => name.endsWith(part))).toBe(true);
  renameSync(aside, join(directory, 'moved'));
  const engine = await openEngine({ directory });
  expect(engine.status().readOnly).toBeNull();
  await engine.append(append('s', [eventDraft('new')]));
  expect(await dataOf(engine)).toEqual(['kept', 'new']);
  await engine.close();
});
