/** Attributes that are searched later than they were written: what there was is found too, in every copy, and nothing is written twice. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReplayedRankingViews } from '../../db/engine/ranking-views.ts';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { RealDisk } from '../../db/io/index.ts';
import { type Sequence, TENANT_DEFAULT } from '../../db/types.ts';
import { openReader } from '../../db/wal/index.ts';
import { temporaryDirectory } from './support/serving.ts';

const BEFORE = 'DEFINE ENTITY item (title TEXT SEARCH, body TEXT, tags KEYWORDS)';
const LATER =
  'DEFINE ENTITY item (title TEXT SEARCH, body TEXT SEARCH WEIGHT 3, tags KEYWORDS SEARCH) REBUILD';
const ITEMS = 700;

let parent: string;
let engine: Engine;

beforeEach(async () => {
  parent = temporaryDirectory();
  initDatabase({ directory: join(parent, 'data'), disk: new RealDisk(), random: randomBytes });
  engine = await opened();
  await run(BEFORE);
  const entities = Array.from({ length: ITEMS }, (_, at) => ({
    ...({ action: 'put', kind: 'item', key: `i${at}`, state: null, at: null } as const),
    set: { title: `Item ${at}`, body: at === 5 ? '…' : `Walrus number${at}`, tags: ['blue', `tag${at % 7}`] },
  }));
  const failure = { failure: 'all' } as const;
  await engine.ranking.write(TENANT_DEFAULT, { command: 'put-entities', entities, ...failure });
  await run('DELETE item @i9');
});

afterEach(async () => {
  await engine.close();
  rmSync(parent, { recursive: true, force: true });
});

function opened(): Promise<Engine> {
  return openEngine({ directory: join(parent, 'data'), disk: new RealDisk() });
}

function run(text: string): ReturnType<Engine['ranking']['execute']> {
  return engine.ranking.execute(TENANT_DEFAULT, text, []);
}

async function found(words: string): Promise<{ readonly keys: readonly string[]; readonly total: number }> {
  const answer = await run(`SEARCH items QUERY '${words}' LIMIT 5`);
  if (answer.answer !== 'hits') throw new Error(answer.answer);
  return { keys: answer.result.hits.map(({ key }) => key), total: answer.result.total };
}

async function position(): Promise<number> {
  const shown = await run('SHOW SCHEMA');
  if (!('position' in shown)) throw new Error(shown.answer);
  return shown.position;
}

test('finds what was written before, also after a restart and in a replay', async () => {
  expect((await found('walrus')).total).toBe(0);
  await run(LATER);
  // All but the one without words and the deleted one.
  expect((await found('walrus')).total).toBe(ITEMS - 2);
  expect((await found('number123')).keys).toEqual(['i123']);
  expect((await found('tag3')).total).toBe(ITEMS / 7);
  await engine.close();
  engine = await opened();
  expect((await found('number123')).keys).toEqual(['i123']);
  await engine.close();
  const reader = openReader({ disk: new RealDisk(), directory: join(parent, 'data') });
  const [views, again] = [0, 0].map(() => new ReplayedRankingViews(reader.identity.logId)) as [
    ReplayedRankingViews,
    ReplayedRankingViews,
  ];
  const signal = new AbortController().signal;
  for await (const commit of reader.read({ from: 1 as Sequence, follow: false, signal })) {
    views.apply(commit);
    again.apply(commit);
  }
  reader.close();
  engine = await opened();
  expect(views.text.digest()).toBe(again.text.digest());
  expect(
    views.text
      .reader(TENANT_DEFAULT)
      ?.search(views.entities.tenant(TENANT_DEFAULT)!.schema.kinds[0]!.id, 'walrus', 1, null).total,
  ).toBe(ITEMS - 2);
});

test('writes nothing that is searched already, and goes on where it was ended', async () => {
  await run(LATER);
  const before = await position();
  await run(LATER);
  expect(await position()).toBe(before);
});

test('a dry run says that it works through them, and does not', async () => {
  const dry = await run(`${LATER.replace(' REBUILD', '')} DRY RUN`);
  expect(dry).toMatchObject({ reply: { impact: { rebuilds: [{ view: 'text', reads: ITEMS }] } } });
  await expect(run(LATER.replace(' REBUILD', ''))).rejects.toThrow('REBUILD');
  expect((await found('walrus')).total).toBe(0);
});

test('what is written meanwhile stays as it was written', async () => {
  const defining = run(LATER);
  const writing = ['i3', 'i300', 'i699'].map((key) => run(`UPSERT item @${key} SET body = 'Seal'`));
  await Promise.all([defining, ...writing]);
  expect((await found('seal')).total).toBe(3);
  expect((await found('walrus')).total).toBe(ITEMS - 5);
});
