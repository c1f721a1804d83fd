/** Questions about now that a reader answers: what the ordering thread would have said, and whoever wrote sees it. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../../db/engine.ts';
import type { QueryResult } from '../../db/ranking/retrieve/query.ts';
import { TENANT_DEFAULT, type TenantId } from '../../db/types.ts';
import { temporaryDirectory } from './support/serving.ts';
import { newDatabase } from './tenancy/support.ts';

const SCHEMA = [
  'DEFINE ENTITY item (title TEXT SEARCH, embedding VECTOR(4) METRIC cosine)',
  'DEFINE ENTITY user (country KEYWORD DIMENSION, taste VECTOR(4) PREFERENCE OF item.embedding)',
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h) COHORTS
     EFFECTS (STATE seen, PREFERENCE taste +0.1)`,
  `DEFINE COHORT americans AS country = 'US'`,
];
const QUESTIONS = [
  'RETRIEVE items SORT BY most_viewed SELECT title',
  'RETRIEVE items SORT BY trending SEED 1',
  'RETRIEVE items WITHIN COHORT americans TRENDING view 24h',
  'RETRIEVE items FOR USER @u1 USING PROFILE for_you SEED 1',
  'SEARCH items QUERY "jazz"',
  'SEARCH items VECTOR [1, 0.2, 0, 0.1] ON embedding',
];

let directory: string;

beforeEach(() => {
  const parent = temporaryDirectory();
  directory = join(parent, 'data');
  initDatabase({ directory, segmentBytes: 1 << 20, entryBytesMax: 1 << 16 });
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
});

async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await openEngine({ directory, ringBytes: 1 << 22, rankingReaders: 1, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

async function run(engine: Engine, text: string, tenant: TenantId = TENANT_DEFAULT): Promise<void> {
  await engine.ranking.execute(tenant, text, []);
}

async function hits(engine: Engine, text: string, tenant: TenantId = TENANT_DEFAULT): Promise<QueryResult> {
  const answer = await engine.ranking.execute(tenant, text, []);
  if (answer.answer !== 'hits') throw new Error(`answered with ${answer.answer}`);
  return answer.result;
}

async function fill(engine: Engine): Promise<void> {
  for (const statement of SCHEMA) await run(engine, statement);
  for (let at = 0; at < 12; at++) {
    const title = `${at % 3 === 0 ? 'jazz' : 'rock'} ${at}`;
    const vector = [at / 12, 0.3, (at % 5) / 5, 0.1].join(', ');
    await run(engine, `UPSERT item @i${at} SET title = '${title}', embedding = [${vector}]`);
  }
  await run(engine, "UPSERT user @u1 SET country = 'US'");
  for (let at = 0; at < 30; at++)
    await run(engine, `SIGNAL view ON @i${(at * at) % 12} BY @u${1 + (at % 2)} ID 's${at}'`);
}

/** Asks until a reader has answered once: until then the ordering thread does. */
async function followed(engine: Engine, tenant: TenantId = TENANT_DEFAULT): Promise<void> {
  const before = engine.status().readers?.answered ?? 0;
  await expect
    .poll(
      async () => {
        await hits(engine, 'RETRIEVE items', tenant);
        return engine.status().readers?.answered;
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThan(before);
}

/** Without how long it took, and where the log ended: a restart writes entries of its own. */
async function askAll(engine: Engine, moment: string): Promise<unknown> {
  const answers: unknown[] = [];
  for (const question of QUESTIONS) {
    const { plan, position, cursor, ...rest } = await hits(engine, `${question} ${moment}`);
    answers.push(rest);
  }
  const suggested = await engine.ranking.execute(TENANT_DEFAULT, "SUGGEST items PREFIX 'ja'", []);
  if (suggested.answer !== 'suggestions') throw new Error(suggested.answer);
  return [...answers, suggested.suggestions];
}

test('a reader says what the ordering thread says, from nothing, from a checkpoint and as the log goes on', async () => {
  let engine = await open();
  await fill(engine);
  await followed(engine);
  for (let round = 0; round < 2; round++) {
    const { now } = await hits(engine, 'RETRIEVE items');
    const { left, answered } = engine.status().readers!;
    const answers = await askAll(engine, `AT ${now}us`);
    expect(engine.status().readers).toMatchObject({ left, answered: answered + QUESTIONS.length + 1 });
    await engine.close();
    const alone = await open({ rankingReaders: 0 });
    expect(alone.status().readers).toBeNull();
    expect(await askAll(alone, `AT ${now}us`)).toEqual(answers);
    await alone.close();
    engine = await open();
    await followed(engine);
    await run(engine, `SIGNAL view ON @i${round} BY @u1 ID 'more-${round}'`);
  }
});

test('whoever wrote sees it, also without waiting for the answer to the write', async () => {
  const engine = await open({ rankingReaders: 2 });
  await fill(engine);
  await followed(engine);
  const count = async (): Promise<number | undefined> =>
    (await hits(engine, 'RETRIEVE items SORT BY most_viewed')).hits.find(({ key }) => key === 'i5')?.score;
  const before = (await count())!;
  for (let written = 1; written <= 50; written++) {
    const writing = run(engine, `SIGNAL view ON @i5 BY @u1 ID 'w${written}'`);
    expect(await count()).toBe(before + written);
    await writing;
  }
  expect(engine.status().readers?.answered).toBeGreaterThan(0);
});

test('a reader follows the log over the ends of its segments', async () => {
  const engine = await open();
  await fill(engine);
  await followed(engine);
  const title = 'long '.repeat(5_000);
  for (let at = 0; engine.status().log.segments < 3; at++)
    await run(engine, `UPSERT item @big${at} SET title = '${title}'`);
  await followed(engine);
  const { positions } = engine.status().readers!;
  expect(positions[0]).toBeGreaterThan(0);
});

test('what a tenant encrypts and a person has erased is no longer in any answer', async () => {
  const database = newDatabase();
  const engine = await database.open({ rankingReaders: 1 });
  const { id } = await engine.tenants.create('a', { encrypted: true });
  for (const statement of [
    'DEFINE ENTITY item (title TEXT SEARCH)',
    'DEFINE ENTITY user () PERSON',
    'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h)',
    "UPSERT item @one SET title = 'one'",
    'SIGNAL view ON @one BY @ann',
  ])
    await run(engine, statement, id);
  const views = async (): Promise<number | undefined> =>
    (await hits(engine, 'RETRIEVE items SORT BY most_viewed', id)).hits[0]?.score;
  await followed(engine, id);
  await run(engine, 'SIGNAL view ON @one BY @bob', id);
  expect(await views()).toBe(2);
  await engine.tenants.eraseSubject('a', 'ann');
  expect(await views()).toBe(1);
  await followed(engine, id);
  expect(await views()).toBe(1);
});

test('errors of a question are the same from a reader', async () => {
  const engine = await open();
  await fill(engine);
  await followed(engine);
  const { answered } = engine.status().readers!;
  await expect(hits(engine, 'RETRIEVE itms')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('item'),
  });
  await hits(engine, 'RETRIEVE items');
  expect(engine.status().readers?.answered).toBe(answered + 1);
});
