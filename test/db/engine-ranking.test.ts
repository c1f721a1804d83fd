/** Ranking through the engine: written to the log once, seen by the next question, the same after a restart. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../db/engine.ts';
import { TruthError } from '../../db/errors.ts';
import { RealDisk } from '../../db/io/index.ts';
import type { QueryResult } from '../../db/ranking/retrieve/query.ts';
import { TENANT_DEFAULT } from '../../db/types.ts';
import { temporaryDirectory } from './support/serving.ts';

const SCHEMA = [
  'DEFINE ENTITY creator (name TEXT)',
  `DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, format KEYWORD FILTER, creator REFERENCES creator, embedding VECTOR(4) METRIC cosine)`,
  `DEFINE ENTITY user (country KEYWORD DIMENSION, age_group KEYWORD DIMENSION, taste VECTOR(4) PREFERENCE OF item.embedding)`,
  `DEFINE RELATIONSHIP follows FROM user TO creator`,
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d, 30d) COHORTS
     EFFECTS (STATE seen, PREFERENCE taste +0.1)`,
  `DEFINE SIGNAL hide ON item NEGATIVE DECAY NONE EFFECTS (STATE hidden)`,
  `DEFINE COHORT us_young AS country = 'US' AND age_group IN ('18-24', '25-34')`,
];

let parent: string;
let engine: Engine;

beforeEach(async () => {
  parent = temporaryDirectory();
  initDatabase({ directory: data(), disk: new RealDisk(), random: randomBytes });
  engine = await openEngine({ directory: data(), disk: new RealDisk() });
  for (const statement of SCHEMA) await run(statement);
});

afterEach(async () => {
  await engine.close();
  rmSync(parent, { recursive: true, force: true });
});

function data(): string {
  return join(parent, 'data');
}

function run(text: string): ReturnType<Engine['ranking']['execute']> {
  return engine.ranking.execute(TENANT_DEFAULT, text, []);
}

async function hits(text: string): Promise<QueryResult> {
  const answer = await run(text);
  if (answer.answer !== 'hits') throw new Error(`answered with ${answer.answer}`);
  return answer.result;
}

async function keys(text: string): Promise<string[]> {
  return (await hits(text)).hits.map(({ key }) => key);
}

async function fill(): Promise<void> {
  for (const [key, title] of [
    ['jazz', 'A history of jazz'],
    ['rock', 'A history of rock'],
    ['piano', 'Jazz piano for beginners'],
    ['rust', 'Rust tutorial for beginners'],
  ])
    await run(`UPSERT item @${key} SET title = '${title}', format = 'video'`);
  for (const [user, country, age] of [
    ['ann', 'US', '18-24'],
    ['bob', 'US', '25-34'],
    ['eve', 'DE', '18-24'],
  ])
    await run(`UPSERT user @${user} SET country = '${country}', age_group = '${age}'`);
  const seen = ['jazz ann', 'jazz bob', 'piano ann', 'rock eve', 'rock eve2', 'rock eve3', 'rust eve'];
  for (const [at, each] of seen.entries()) {
    const [item, user] = each.split(' ');
    await run(`SIGNAL view ON @${item} BY @${user} ID 'n${at}'`);
  }
}

describe('three layers of trending', () => {
  beforeEach(fill);

  test('are over everybody, over a cohort, and what is searched within a cohort', async () => {
    expect(await keys('RETRIEVE items WITHIN TRENDING view 24h LIMIT 1')).toEqual(['rock']);
    expect(await keys('RETRIEVE items SORT BY trending LIMIT 1')).toEqual(['rock']);
    expect((await keys('RETRIEVE items WITHIN COHORT us_young TRENDING view 24h')).sort()).toEqual([
      'jazz',
      'piano',
    ]);
    const found = await keys('SEARCH items QUERY "piano" WITHIN COHORT us_young TRENDING view 24h');
    expect(found).toEqual(['piano']);
  });

  test('are the same after a restart, and as of a position', async () => {
    const question = 'RETRIEVE items SORT BY trending SEED 1';
    const { hits: before, now, position } = await hits(question);
    await engine.close();
    engine = await openEngine({ directory: data(), disk: new RealDisk() });
    expect((await hits(`${question} AT ${now}us`)).hits).toEqual(before);
    await run("SIGNAL view ON @rust BY @ann ID 'later'");
    const past = await hits(`RETRIEVE items SORT BY most_viewed AS OF POSITION ${position}`);
    expect(past.hits.map(({ key, score }) => [key, score])).toContainEqual(['rust', 1]);
    expect(past.position).toBeLessThanOrEqual(position);
  });
});

test('what is written is seen by the next question, also without waiting for its answer', async () => {
  await fill();
  const writing = run("SIGNAL hide ON @rock BY @bob ID 'x'");
  expect(await keys('RETRIEVE items FOR USER @bob FILTER NOT hidden')).not.toContain('rock');
  expect((await writing).answer).toBe('written');
});

test('a signal that is sent again counts once', async () => {
  await fill();
  for (let time = 0; time < 2; time++) {
    const answer = await run("SIGNAL view ON @jazz BY @ann AT '2026-01-01T00:00:00Z' ID 'same'");
    expect(answer).toMatchObject({ reply: { accepted: 1 - time, duplicates: time } });
  }
});

test('explanations add up to the score', async () => {
  await fill();
  const { hits: found, plan } = await hits('EXPLAIN RETRIEVE items FOR USER @ann USING PROFILE for_you');
  expect(found.length).toBeGreaterThan(0);
  for (const { score, contributions } of found)
    expect(contributions.reduce((sum, each) => sum + each.contribution, 0)).toBeCloseTo(score, 9);
  expect(plan.length).toBeGreaterThan(2);
});

test('a tenant that has defined nothing is told where to begin', async () => {
  const nobody = engine.ranking.execute(7 as typeof TENANT_DEFAULT, 'RETRIEVE items', []);
  await expect(nobody).rejects.toThrow(TruthError);
  await expect(nobody).rejects.toThrow('DEFINE ENTITY');
});

test('vectors that were written together are put in order by and by, and are found before and after', async () => {
  const near = 'SEARCH items VECTOR [1, 0, 0, 0] ON embedding LIMIT 1';
  await engine.ranking.write(TENANT_DEFAULT, {
    command: 'put-entities',
    entities: Array.from({ length: 600 }, (_, at) => ({
      ...({ action: 'put', kind: 'item', key: `v${at}`, state: null, at: null } as const),
      set: { embedding: [at === 77 ? 1 : 0.1, ((at * 7) % 100) / 100 + 0.1, ((at * 13) % 50) / 50, 0.5] },
    })),
    failure: 'all',
  });
  expect(await keys(near)).toEqual(['v77']);
  const { position } = await hits(near);
  await expect.poll(async () => (await hits(near)).position, { timeout: 20_000 }).toBeGreaterThan(position);
  // It comes to an end: a log that nobody writes to does not grow.
  let last = -1;
  await expect
    .poll(
      () => {
        const before = last;
        last = engine.status().log.stable;
        return last === before;
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe(true);
  expect(await keys(near)).toEqual(['v77']);
});
