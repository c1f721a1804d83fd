/** Erasing persons whom signals, edges and entities of the ranking layer are about. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import type { SignalDraft } from '../../../db/ranking/kernel/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { filesWith, newDatabase, type TestDatabase, write } from './support.ts';

const SCHEMA = [
  'DEFINE ENTITY creator (name TEXT)',
  'DEFINE ENTITY item (title TEXT SEARCH, creator REFERENCES creator, embedding VECTOR(2) METRIC cosine)',
  `DEFINE ENTITY user (
     country KEYWORD DIMENSION, motto TEXT, taste VECTOR(2) PREFERENCE OF item.embedding
   ) PERSON`,
  'DEFINE RELATIONSHIP follows FROM user TO creator',
  'DEFINE RELATIONSHIP knows FROM user TO user',
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (24h) COHORTS
     EFFECTS (STATE seen, PREFERENCE taste +0.5, RELATIONSHIP follows TO creator +0.1 CLAMP 0..1)`,
  "DEFINE COHORT french AS country = 'FR'",
  "UPSERT creator @miles SET name = 'Miles'",
  "UPSERT item @one SET title = 'one', creator = @miles, embedding = [1, 0]",
  "UPSERT item @two SET title = 'two', creator = @miles, embedding = [0, 1]",
  "UPSERT item @three SET title = 'three', embedding = [0.9, 0.1]",
];

async function run(engine: Engine, tenant: TenantId, ...statements: string[]): Promise<unknown> {
  let last: unknown;
  for (const statement of statements) last = await engine.ranking.execute(tenant, statement, []);
  return last;
}

async function keys(engine: Engine, tenant: TenantId, query: string): Promise<string[]> {
  const found = await engine.ranking.execute(tenant, query, []);
  if (found.answer !== 'hits') throw new Error(found.answer);
  return found.result.hits.map(({ key }) => key);
}

/** Views of each item, by everybody. */
async function views(engine: Engine, tenant: TenantId, asOf = ''): Promise<Record<string, number>> {
  const found = await engine.ranking.execute(tenant, `RETRIEVE items SORT BY most_viewed ${asOf}`, []);
  if (found.answer !== 'hits') throw new Error(found.answer);
  return Object.fromEntries(
    found.result.hits.filter(({ score }) => score > 0).map(({ key, score }) => [key, score]),
  );
}

function view(target: string, user: string | null): SignalDraft {
  return { signal: 'view', target, user, weight: null, at: null, id: null };
}

async function signals(engine: Engine, tenant: TenantId, ...drafts: SignalDraft[]): Promise<void> {
  await engine.ranking.write(tenant, { command: 'signals', signals: drafts, failure: 'all' });
}

async function digests(engine: Engine): Promise<Record<string, string>> {
  const snapshot = await engine.snapshots.create();
  return Object.fromEntries(snapshot.views.map(({ name, digest }) => [name, digest]));
}

/** Views as they are, restored from a snapshot, and replayed from the log alone, with what is asked of each. */
async function threeTimes<T>(
  database: TestDatabase,
  live: Engine,
  ask: (engine: Engine) => Promise<T>,
): Promise<{ readonly engine: Engine; readonly answers: readonly T[] }> {
  const answers = [await ask(live)];
  const expected = await digests(live);
  let engine = live;
  for (const folders of [['views'], ['views', 'snapshots']]) {
    await engine.close();
    for (const folder of folders) rmSync(join(database.directory, folder), { recursive: true });
    rmSync(join(database.directory, 'metadata', 'views.json'), { force: true });
    engine = await database.open();
    const again = engine;
    await expect.poll(() => again.status().views.map(({ state }) => state)).not.toContain('rebuilding');
    answers.push(await ask(engine));
    expect(await digests(engine)).toEqual(expected);
  }
  return { engine, answers };
}

test('takes everything about one person out of every view, live, restored, replayed and as of before', async () => {
  const database = newDatabase();
  let engine = await database.open();
  const { id } = await engine.tenants.create('a', { encrypted: true });
  await run(engine, id, ...SCHEMA);
  await run(
    engine,
    id,
    "UPSERT user @bob SET country = 'FR'",
    'UPSERT user @eve SET motto = NULL',
    // The last one: a number that was hers would be the next.
    "UPSERT user @ann-secret SET country = 'FR', motto = 'zanzibarquartz'",
    'RELATE follows @ann-secret @miles',
    'RELATE knows @bob @ann-secret',
  );
  await signals(
    engine,
    id,
    view('one', 'ann-secret'),
    view('one', 'bob'),
    view('two', 'ann-secret'),
    view('two', null),
    view('two', 'ann-secret'),
    view('three', 'eve'),
  );
  expect(await views(engine, id)).toEqual({ one: 2, two: 3, three: 1 });
  const before = engine.status().log.stable;
  expect(await views(engine, id, `AS OF POSITION ${before}`)).toEqual({ one: 2, two: 3, three: 1 });
  const unseen = (user: string): string => `RETRIEVE items FOR USER @${user} FILTER unseen SEED 1`;
  expect(await keys(engine, id, unseen('ann-secret'))).toEqual(['three']);
  const french = 'RETRIEVE items WITHIN COHORT french TRENDING view 24h';
  expect(await keys(engine, id, french)).toEqual(['one', 'two']);
  const known = 'RETRIEVE users FOR USER @bob WITHIN FOLLOWING knows SEED 1';
  expect(await keys(engine, id, known)).toEqual(['ann-secret']);
  expect(await keys(engine, id, "RETRIEVE users FILTER country = 'FR' SEED 1")).toHaveLength(2);

  await engine.tenants.eraseSubject('a', 'ann-secret');
  const ask = async (of: Engine): Promise<unknown> => ({
    views: await views(of, id),
    viewsThen: await views(of, id, `AS OF POSITION ${before}`),
    cohort: await keys(of, id, french),
    known: await keys(of, id, known),
    users: (await keys(of, id, 'RETRIEVE users SEED 1')).sort(),
    usersThen: (await keys(of, id, `RETRIEVE users AS OF POSITION ${before} SEED 1`)).sort(),
    bobs: (await keys(of, id, unseen('bob'))).sort(),
    evesTaste: await keys(of, id, 'RETRIEVE items FOR USER @eve USING PROFILE for_you FILTER unseen SEED 1'),
  });
  const expected = {
    ...{ views: { one: 1, two: 1, three: 1 }, viewsThen: { one: 1, two: 1, three: 1 } },
    ...{
      cohort: ['one'],
      known: [],
      users: ['bob', 'eve'],
      usersThen: ['bob', 'eve'],
      bobs: ['three', 'two'],
    },
    evesTaste: ['one', 'two'],
  };
  const behind = await threeTimes(database, engine, ask);
  expect(behind.answers).toEqual([expected, expected, expected]);
  engine = behind.engine;

  // She is asked about like somebody who never was.
  expect(await keys(engine, id, unseen('ann-secret'))).toHaveLength(3);
  // Who comes next is not taken for her by what others have.
  await signals(engine, id, view('three', 'new'), view('three', 'ann-secret'));
  expect(await keys(engine, id, known)).toEqual([]);
  expect((await keys(engine, id, unseen('ann-secret'))).sort()).toEqual(['one', 'two']);
  expect(await views(engine, id)).toEqual({ one: 1, two: 1, three: 3 });
  await engine.close();
  expect(filesWith(database.directory, 'zanzibarquartz')).toEqual([]);
});

const USERS = ['ann', 'bob', 'carol', 'dora', null];
const ITEMS = ['one', 'two', 'three'];
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('signals' as const),
      of: fc.array(fc.tuple(fc.constantFrom(...USERS), fc.constantFrom(...ITEMS)), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('upsert' as const),
      who: fc.constantFrom('ann', 'bob', 'carol', 'dora'),
      country: fc.constantFrom('FR', 'DE', 'PT'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('erase' as const), who: fc.constantFrom('ann', 'bob', 'carol') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('delete' as const), who: fc.constantFrom('ann', 'bob') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('knows' as const), to: fc.constantFrom('ann', 'bob') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'snapshot' as const) }) },
);

test('with erasures at random, views live, restored and replayed are the same, and count what is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), async (steps) => {
      const database = newDatabase();
      let engine = await database.open();
      const { id } = await engine.tenants.create('a', { encrypted: true });
      await run(engine, id, ...SCHEMA);
      let left: (readonly [string | null, string])[] = [];
      const countries = new Map<string, string>();
      for (const each of steps) {
        if (each.do === 'signals') {
          await signals(engine, id, ...each.of.map(([user, item]) => view(item, user)));
          left.push(...each.of);
        } else if (each.do === 'upsert') {
          await run(engine, id, `UPSERT user @${each.who} SET country = '${each.country}'`);
          countries.set(each.who, each.country);
        } else if (each.do === 'delete') {
          await run(engine, id, `DELETE user @${each.who}`);
          countries.delete(each.who);
        } else if (each.do === 'knows') await run(engine, id, `RELATE knows @dora @${each.to}`);
        else if (each.do === 'erase') {
          await engine.tenants.eraseSubject('a', each.who).catch(() => {});
          left = left.filter(([user]) => user !== each.who);
          countries.delete(each.who);
        } else if (each.do === 'snapshot') await engine.snapshots.create();
        else {
          await engine.close();
          engine = await database.open();
        }
      }
      const counts: Record<string, number> = {};
      for (const [, item] of left) counts[item] = (counts[item] ?? 0) + 1;
      const french = [...countries].filter(([, country]) => country === 'FR').map(([who]) => who);
      const behind = await threeTimes(database, engine, async (of) => [
        await views(of, id),
        (await keys(of, id, "RETRIEVE users FILTER country = 'FR' SEED 1")).sort(),
      ]);
      expect(behind.answers).toEqual(Array(3).fill([counts, french.sort()]));
      await behind.engine.close();
    }),
    { numRuns: 3 },
  );
});

test('is only for tenants whose entries are sealed, and does not reach what was written before it was said', async () => {
  const database = newDatabase();
  const engine = await database.open();
  const users = 'DEFINE ENTITY user (country KEYWORD DIMENSION)';
  await expect(run(engine, TENANT_DEFAULT, `${users} PERSON`)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('not encrypted'),
  });
  const { id } = await engine.tenants.create('a', { encrypted: true });
  await run(engine, id, 'DEFINE ENTITY item (title TEXT)', users);
  await run(engine, id, 'DEFINE SIGNAL view ON item', "UPSERT item @one SET title = 'one'");
  await signals(engine, id, view('one', 'ann'));
  expect(await run(engine, id, `${users} PERSON DRY RUN`)).toMatchObject({
    reply: { impact: { stays: [expect.stringContaining('1 entities of user')] } },
  });
  await run(engine, id, `${users} PERSON`);
  await expect(run(engine, id, `${users} REBUILD`)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('say PERSON here too'),
  });
  await signals(engine, id, view('one', 'ann'), view('one', 'bob'));
  expect(await views(engine, id)).toEqual({ one: 3 });
  await engine.tenants.eraseSubject('a', 'ann');
  expect(await views(engine, id)).toEqual({ one: 2 });
  await engine.tenants.eraseSubject('a', 'bob');
  expect(await views(engine, id)).toEqual({ one: 1 });
  // Who was deleted is not back when what is sealed for them goes.
  await signals(engine, id, view('one', 'ann'));
  await run(engine, id, 'DELETE user @ann');
  await engine.tenants.eraseSubject('a', 'ann');
  expect(await keys(engine, id, 'RETRIEVE users SEED 1')).toEqual([]);
  // The same person as in streams and tables of the tenant.
  await write(engine, id, 'visits', 'about carol', 'carol');
  await signals(engine, id, view('one', 'carol'));
  await engine.tenants.eraseSubject('a', 'carol');
  expect(await views(engine, id)).toEqual({ one: 1 });
});
