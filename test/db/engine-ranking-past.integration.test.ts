/** Questions about the past: the same answer wherever the views begin, and nothing else waits for it. */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Engine, type EngineOptions, initDatabase, openEngine } from '../../db/engine.ts';
import type { QueryResult } from '../../db/ranking/retrieve/query.ts';
import { TENANT_DEFAULT, type TenantId } from '../../db/types.ts';
import { temporaryDirectory } from './support/serving.ts';
import { newDatabase, type TestDatabase } from './tenancy/support.ts';

const SCHEMA = [
  'DEFINE ENTITY creator (name TEXT)',
  'DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, creator REFERENCES creator, embedding VECTOR(4) METRIC cosine)',
  'DEFINE ENTITY user (country KEYWORD DIMENSION, taste VECTOR(4) PREFERENCE OF item.embedding)',
  'DEFINE RELATIONSHIP follows FROM user TO creator',
  `DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d) COHORTS
     EFFECTS (STATE seen, PREFERENCE taste +0.1)`,
  `DEFINE COHORT americans AS country = 'US'`,
];

/** Counters, text, vectors, preferences, cohorts, what a user has seen. */
const QUESTIONS = [
  'RETRIEVE items SORT BY most_viewed SELECT title',
  'RETRIEVE items SORT BY trending SEED 1',
  'RETRIEVE items WITHIN COHORT americans TRENDING view 24h',
  'RETRIEVE items FOR USER @u1 USING PROFILE for_you SEED 1',
  'RETRIEVE items FOR USER @u2 FILTER unseen SORT BY new',
  'SEARCH items QUERY "jazz history"',
  'SEARCH items VECTOR [1, 0.2, 0, 0.1] ON embedding',
];

async function run(engine: Engine, text: string, tenant: TenantId = TENANT_DEFAULT): Promise<unknown> {
  return engine.ranking.execute(tenant, text, []);
}

async function hits(engine: Engine, text: string, tenant: TenantId = TENANT_DEFAULT): Promise<QueryResult> {
  const answer = await engine.ranking.execute(tenant, text, []);
  if (answer.answer !== 'hits') throw new Error(`answered with ${answer.answer}`);
  return answer.result;
}

/** Everything but how long it took. */
async function askAll(engine: Engine, moment: string): Promise<unknown> {
  const answers: unknown[] = [];
  for (const question of QUESTIONS) {
    const { plan, ...rest } = await hits(engine, `${question} ${moment}`);
    answers.push(rest);
  }
  return answers;
}

async function define(engine: Engine): Promise<void> {
  for (const statement of SCHEMA) await run(engine, statement);
}

/** Three items, two users and eight signals, none of them like those of another round. */
async function round(engine: Engine, number: number): Promise<void> {
  for (let at = 0; at < 3; at++) {
    const key = `i${number}-${at}`;
    const vector = [at / 3, number / 9, 0.3, ((number * 7 + at) % 5) / 5].join(', ');
    const title = `${['A history of', 'Playing', 'More'][at]} ${number % 2 === 0 ? 'jazz' : 'rock'} ${number}`;
    await run(engine, `UPSERT item @${key} SET title = '${title}', embedding = [${vector}]`);
  }
  for (const user of [1, 2])
    await run(engine, `UPSERT user @u${user} SET country = '${(user + number) % 2 === 0 ? 'US' : 'DE'}'`);
  for (let at = 0; at < 8; at++)
    await run(
      engine,
      `SIGNAL view ON @i${1 + (at % number)}-${at % 3} BY @u${1 + (at % 2)} ID '${number}-${at}'`,
    );
}

async function fillSegments(engine: Engine, segments: number): Promise<void> {
  const title = 'long '.repeat(5_000);
  while (engine.status().log.segments < segments)
    await run(engine, `UPSERT item @big${engine.status().log.stable} SET title = '${title}'`);
}

let parent: string;
let directory: string;

beforeEach(() => {
  parent = temporaryDirectory();
  directory = join(parent, 'data');
  initDatabase({ directory, segmentBytes: 1 << 20, entryBytesMax: 1 << 16 });
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
});

async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const engine = await openEngine({ directory, ringBytes: 1 << 22, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

describe('a question about the past', () => {
  test('has the same answer from a snapshot, a checkpoint, a kept view and the whole log', async () => {
    let engine = await open();
    await define(engine);
    const positions: number[] = [];
    for (let number = 1; number <= 6; number++) {
      await round(engine, number);
      positions.push(engine.status().log.stable);
      if (number === 2 || number === 4) await engine.snapshots.create();
    }
    const live = await hits(engine, `${QUESTIONS[0]}`);
    await engine.close();
    engine = await open();
    const copy = join(parent, 'copy');
    cpSync(directory, copy, { recursive: true });
    for (const made of ['snapshots', 'views', 'metadata/views.json'])
      rmSync(join(copy, made), { recursive: true, force: true });
    const bare = await open({ directory: copy });
    // Backwards, forwards, between snapshots, and before the first.
    for (const at of [5, 2, 3, 4, 1, 0, 5]) {
      const moment = `AS OF POSITION ${positions[at]}`;
      expect(await askAll(engine, moment)).toEqual(await askAll(bare, moment));
    }
    const { hits: then } = await hits(engine, `${QUESTIONS[0]} AS OF POSITION ${positions[5]}`);
    expect(then).toEqual(live.hits);
    const time = live.now - 1;
    const [now, whole] = [
      await askAll(engine, `AS OF TIMESTAMP ${time}us`),
      await askAll(bare, `AS OF TIMESTAMP ${time}us`),
    ];
    expect(now).toEqual(whole);
  });

  test('is refused about what has not happened yet', async () => {
    const engine = await open();
    await define(engine);
    await expect(hits(engine, `${QUESTIONS[0]} AS OF POSITION 100000`)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  test('lets appends go on, and sees nothing of them', async () => {
    const engine = await open();
    await define(engine);
    for (let number = 1; number <= 4; number++) await round(engine, number);
    const position = engine.status().log.stable;
    let isAnswered = false;
    const asked = hits(engine, `${QUESTIONS[0]} AS OF POSITION ${position}`).finally(() => {
      isAnswered = true;
    });
    let written = 0;
    while (!isAnswered) {
      await run(engine, `SIGNAL view ON @i1-0 BY @u1 ID 'meanwhile-${written}'`);
      written += 1;
    }
    expect(written).toBeGreaterThan(1);
    const before = await asked;
    expect(before.position).toBeLessThanOrEqual(position);
    expect((await hits(engine, `${QUESTIONS[0]} AS OF POSITION ${position}`)).hits).toEqual(before.hits);
  });

  test('about what was pruned begins from a snapshot, or says from where on it can be asked', async () => {
    let engine = await open();
    await define(engine);
    for (let number = 1; number <= 3; number++) await round(engine, number);
    const before = engine.status().log.stable;
    await fillSegments(engine, 2);
    await round(engine, 4);
    await engine.snapshots.create();
    const taken = engine.status().snapshots.position;
    await fillSegments(engine, 3);
    const expected = await hits(engine, `${QUESTIONS[0]} AS OF POSITION ${taken}`);
    await engine.close();
    engine = await open();
    engine.retention.prune({ before: taken, withoutArchive: true });
    await engine.close();
    engine = await open();
    const { first } = engine.status().beginning;
    expect(first).toBeGreaterThan(before);
    const refused = hits(engine, `${QUESTIONS[0]} AS OF POSITION ${before}`);
    await expect(refused).rejects.toMatchObject({ code: 'PRUNED', details: { first, from: taken } });
    const then = await hits(engine, `${QUESTIONS[0]} AS OF POSITION ${taken}`);
    expect({ ...then, plan: null }).toEqual({ ...expected, plan: null });
  });

  test('is cut short when the database is closed', async () => {
    const engine = await open();
    await define(engine);
    const asked = hits(engine, `${QUESTIONS[0]} AS OF POSITION ${engine.status().log.stable}`);
    const told = expect(asked).rejects.toMatchObject({ code: 'CLOSED' });
    await engine.close();
    await told;
  });

  test('leaves nothing behind that keeps the process', async () => {
    const program = `
      import { openEngine } from ${JSON.stringify(new URL('../../db/engine.ts', import.meta.url).href)};
      const engine = await openEngine({ directory: ${JSON.stringify(directory)} });
      await engine.ranking.execute(0, 'DEFINE ENTITY item (title TEXT SEARCH)', []);
      await engine.ranking.execute(0, "UPSERT item @one SET title = 'one'", []);
      const position = engine.status().log.stable;
      const { result } = await engine.ranking.execute(0, 'RETRIEVE items AS OF POSITION ' + position, []);
      console.log(result.hits[0].key);
      await engine.close();
    `;
    const file = join(parent, 'program.mjs');
    writeFileSync(file, program);
    const { stdout, status, stderr } = spawnSync(process.execPath, [file], {
      timeout: 60_000,
      encoding: 'utf8',
    });
    expect({ stdout, status, stderr }).toEqual({ stdout: 'one\n', status: 0, stderr: '' });
  });
});

describe('in a tenant that is encrypted', () => {
  /** A database with one item, and somebody to look at it. */
  async function prepared(): Promise<{ database: TestDatabase; engine: Engine; id: TenantId }> {
    const database = newDatabase();
    const engine = await database.open();
    const { id } = await engine.tenants.create('a', { encrypted: true });
    for (const statement of [
      'DEFINE ENTITY item (title TEXT SEARCH)',
      'DEFINE ENTITY user () PERSON',
      'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h)',
      "UPSERT item @one SET title = 'one'",
    ])
      await run(engine, statement, id);
    return { database, engine, id };
  }

  /** In one command. */
  async function view(engine: Engine, tenant: TenantId, ...users: string[]): Promise<void> {
    const signals = users.map((user) => ({
      ...{ signal: 'view', target: 'one', user, weight: null, at: null, id: null },
    }));
    await engine.ranking.write(tenant, { command: 'signals', signals, failure: 'all' });
  }

  async function views(engine: Engine, tenant: TenantId, position: number): Promise<number | undefined> {
    const question = `RETRIEVE items SORT BY most_viewed AS OF POSITION ${position}`;
    return (await hits(engine, question, tenant)).hits[0]?.score;
  }

  test('the past is read too, with keys that came later and under another key-encryption key', async () => {
    const { database, engine, id } = await prepared();
    await view(engine, id, 'ann');
    const first = engine.status().log.stable;
    expect(await views(engine, id, first)).toBe(1);
    await view(engine, id, 'bob');
    expect(await views(engine, id, engine.status().log.stable)).toBe(2);
    const many = Array.from({ length: 20 }, (_, at) => `u${at}`);
    await view(engine, id, ...many);
    expect(await views(engine, id, engine.status().log.stable)).toBe(22);
    await engine.tenants.replaceKek();
    await view(engine, id, 'eve');
    const last = engine.status().log.stable;
    expect(await views(engine, id, last)).toBe(23);
    await engine.close();
    const again = await database.open();
    expect(await views(again, id, last)).toBe(23);
    expect(await views(again, id, first)).toBe(1);
  });

  test('what was erased is gone at every position, also where it had been read before', async () => {
    const { engine, id } = await prepared();
    await view(engine, id, 'ann', 'bob');
    await engine.snapshots.create();
    const position = engine.status().log.stable;
    expect(await views(engine, id, position)).toBe(2);
    await engine.tenants.eraseSubject('a', 'ann');
    expect(await views(engine, id, position)).toBe(1);
    await engine.tenants.shred('a');
    await expect(views(engine, id, position)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
