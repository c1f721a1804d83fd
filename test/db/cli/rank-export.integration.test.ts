/** What `rank export` writes, `rank import` reads into an empty database, and the two then say the same. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, connect, type RankedHits } from '../../../db/client/index.ts';
import { ReplayedRankingViews } from '../../../db/engine/ranking-views.ts';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { openReader } from '../../../db/wal/index.ts';
import { runCommand } from '../support/command.ts';
import { type Serving, startServing, temporaryDirectory } from '../support/serving.ts';

const SCHEMA = `
  DEFINE ENTITY creator (name TEXT);
  DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, tags KEYWORDS FILTER, year INTEGER FILTER, free BOOLEAN, price DOUBLE,
    released TIMESTAMP, creator REFERENCES creator, embedding VECTOR(3) METRIC cosine) STATES (active, draft, archived);
  DEFINE ENTITY user (country KEYWORD DIMENSION, taste VECTOR(3) PREFERENCE OF item.embedding);
  DEFINE RELATIONSHIP follows FROM user TO creator DECAY EXPONENTIAL HALF LIFE 30d;
  DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d) WEIGHT 0..10 COHORTS
    EFFECTS (STATE seen, PREFERENCE taste +0.1, RELATIONSHIP follows TO creator +0.1 CLAMP 0..1);
  DEFINE SIGNAL hide ON item NEGATIVE EFFECTS (STATE hidden);
  DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, tags KEYWORDS FILTER, year INTEGER FILTER, free BOOLEAN, price DOUBLE,
    released TIMESTAMP, heat DOUBLE COMPUTED AS view.count(24h) / (1 + hide.count(all)), creator REFERENCES creator,
    embedding VECTOR(3) METRIC cosine) STATES (active, draft, archived);
  DEFINE COHORT polish AS country = 'PL';
  DEFINE COHORT gone AS country = 'DE';
  DEFINE PROFILE mine ON item CANDIDATES (top view.velocity(24h) LIMIT 50) SCORE (base 'heat' 2 * view.score) COMPOSE SUM;
  DROP COHORT gone`;
const AT = Date.parse('2026-03-01T00:00:00Z') * 1000;
const HOUR = 3_600_000_000;
const THEN = "AT '2026-03-03T00:00:00Z' SEED 1";
const QUESTIONS = [
  `RETRIEVE items WITHIN TRENDING view 24h SELECT title, tags, year, free, price, released, heat ${THEN}`,
  `RETRIEVE items WITHIN COHORT polish TRENDING view 7d ${THEN}`,
  `RETRIEVE items FOR USER @u1 FILTER unhidden ${THEN}`,
  `RETRIEVE items FOR USER @u2 WITHIN FOLLOWING ${THEN}`,
  `RETRIEVE items USING mine ${THEN}`,
  `SEARCH items QUERY "jazz" VECTOR [1, 0.5, 0] ON embedding ${THEN}`,
];

interface Served {
  readonly directory: string;
  readonly serving: Serving;
  readonly db: Client;
}

const parent = temporaryDirectory();
const all: Served[] = [];
let first: Served;

async function served(name: string): Promise<Served> {
  const directory = join(parent, name);
  initDatabase({ directory, disk: new RealDisk(), random: randomBytes });
  const serving = await startServing({}, await openEngine({ directory }));
  const made = { directory, serving, db: await connect(serving.tcp) };
  all.push(made);
  return made;
}

beforeAll(async () => {
  first = await served('first');
  await fill(first);
});

afterAll(async () => {
  for (const { db, serving } of all) {
    await db.close();
    await serving.close();
  }
  rmSync(parent, { recursive: true, force: true });
});

async function fill({ serving, db }: Served): Promise<void> {
  await runCommand('rank', SCHEMA, '--url', serving.url);
  const { ranking } = db;
  await ranking.entities(
    Array.from({ length: 30 }, (_, at) => ({
      ...{ kind: 'item', key: `i${at}`, at: AT - at * HOUR, state: at % 7 === 0 ? 'draft' : 'active' },
      set: {
        ...{
          title: `${at % 3 === 0 ? 'Jazz, "live"' : 'Rock'} number ${at}`,
          tags: [`t${at % 4}`, 'a|b'],
          year: 1990 + at,
        },
        ...{ free: at % 2 === 0, price: at / 3, released: '2026-01-31T12:00:00Z', creator: `c${at % 5}` },
        embedding: [1, at / 10, 0.1],
      },
    })),
  );
  await ranking.entities([
    { kind: 'item', key: 'i1', set: { title: 'Jazz, retitled\nin two lines', price: null, creator: 'c0' } },
    { kind: 'item', key: 'i2', delete: true },
    { kind: 'item', key: 'i3', set: {}, state: 'archived' },
    { kind: 'user', key: 'u1', set: { country: 'PL' } },
    { kind: 'user', key: 'u2', set: { country: 'DE' } },
  ]);
  await ranking.relate({ relationship: 'follows', from: 'u2', to: 'c1', weight: 3, at: AT });
  await ranking.relate({ relationship: 'follows', from: 'u2', to: 'c2', at: AT });
  await ranking.relate({ relationship: 'follows', from: 'u2', to: 'c2', weight: null, at: AT + HOUR });
  await ranking.signals(
    Array.from({ length: 400 }, (_, at) => ({
      ...{
        signal: 'view',
        target: `i${3 + ((at * 7) % 27)}`,
        user: `u${at % 9}`,
        weight: (at % 20) / 2,
        at: AT + at * 300_000_000,
      },
      ...(at % 5 === 0 ? { id: `n${at}` } : {}),
    })),
  );
  // Twice the same with ids of their own, which count twice.
  await ranking.signals(
    ['a', 'b'].map((id) => ({ signal: 'view', target: 'i4', user: 'u1', weight: 1, at: AT + HOUR, id })),
  );
  await ranking.signals([
    { signal: 'hide', target: 'i5', user: 'u1', at: AT + HOUR },
    { signal: 'hide', target: 'i6' },
    { signal: 'hide', target: 'i6' },
  ]);
}

async function answers({ db }: Served): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const question of QUESTIONS) {
    const { hits, total } = (await db.ranking.execute(question)) as RankedHits;
    expect(hits.length, question).toBeGreaterThan(0);
    found.push({ hits, total });
  }
  return found;
}

/** Whoever reads files sees what durable marks cover, which is everything a moment after the last write. */
async function marked({ directory, db }: Served): Promise<void> {
  const shown = { experiment: 'e', arm: 'a', user: 'u1', kind: 'item', items: ['i1'] };
  const { position } = await db.ranking.expose(shown);
  const stable = (): number => {
    const reader = openReader({ disk: new RealDisk(), directory });
    reader.close();
    return reader.stable;
  };
  await expect.poll(stable).toBeGreaterThanOrEqual(position);
}

async function exported(of: Served, ...more: string[]): Promise<{ text: string; err: string }> {
  const out = join(parent, 'exported');
  await marked(of);
  const { err, code } = await runCommand('rank', 'export', '--data', of.directory, '--out', out, ...more);
  expect(code, err).toBe(0);
  return { text: readFileSync(out, 'utf8'), err };
}

async function imported(into: Served, text: string, ...more: string[]): Promise<void> {
  const file = join(parent, 'imported');
  writeFileSync(file, text);
  const ran = await runCommand('rank', 'import', file, '--url', into.serving.url, ...more);
  expect(ran.out).toContain(' 0 refused');
  expect(ran.code).toBe(0);
}

async function digests(of: Served): Promise<Record<string, string>> {
  await marked(of);
  const { directory } = of;
  const reader = openReader({ disk: new RealDisk(), directory });
  const views = new ReplayedRankingViews(reader.identity.logId);
  const signal = new AbortController().signal;
  for await (const commit of reader.read({ from: 1 as Sequence, follow: false, signal })) views.apply(commit);
  reader.close();
  // Not of those whose inner order depends on how entries were grouped into commits.
  const { entities, signals, cohorts, audience } = views;
  return Object.fromEntries(
    Object.entries({ entities, signals, cohorts, audience }).map(([name, view]) => [name, view.digest()]),
  );
}

/** Signals that were told apart by an id or by the lack of a time have their place in the log for one. */
function withoutIds(text: string): string {
  return text.replace(/,"id":"[^"]*"/g, '');
}

describe('JSON lines', () => {
  test('make the same views of an empty database, and are exported from it again', async () => {
    const { text, err } = await exported(first);
    expect(err).toMatch(/lines, up to position \d+; what comes later: --from \d+/);
    const second = await served('second');
    await imported(second, text);
    expect(await answers(second)).toEqual(await answers(first));
    expect(await digests(second)).toEqual(await digests(first));
    expect(withoutIds((await exported(second)).text)).toBe(withoutIds(text));
  });

  test('go on where an export ended', async () => {
    const { text } = await exported(first);
    const before = await exported(first, '--to', '40');
    const next = /--from (\d+)$/.exec(before.err)?.[1] ?? '';
    const after = await exported(first, '--from', next);
    expect(before.text + after.text).toBe(text);
    expect(before.text.length).toBeGreaterThan(0);
    const one = await exported(first, '--kind', 'signals', '--of', 'hide');
    const [hidden, ...others] = one.text.trimEnd().split('\n');
    expect(hidden).toBe(`{"signal":"hide","target":"i5","user":"u1","weight":1,"at":${AT + HOUR}}`);
    expect(others.map((line) => JSON.parse(line))).toMatchObject([{ target: 'i6' }, { target: 'i6' }]);
  });
});

describe('tables', () => {
  test('of each sort are read with the mapping that was written beside them', async () => {
    const third = await served('third');
    const schema = await exported(first, '--kind', 'schema');
    await imported(third, schema.text);
    const map = join(parent, 'map.json');
    for (const [kind, of] of [
      ['entities', 'creator'],
      ['entities', 'item'],
      ['entities', 'user'],
      ['relationships', 'follows'],
      ['signals', 'view'],
      ['signals', 'hide'],
    ] as const) {
      const table = await exported(first, '--kind', kind, '--of', of, '--format', 'csv', '--map', map);
      await imported(third, table.text, '--map', map);
    }
    expect(await answers(third)).toEqual(await answers(first));
    const items = await exported(first, '--kind', 'entities', '--of', 'item', '--format', 'csv');
    expect(items.text).toContain('\ni3,archived,');
    expect(items.text).toContain('"Jazz, ""live"" number 0","[""t0"",""a|b""]",1990,true,0,');
    expect(items.text).toContain('\ni2,,');
  });

  test('are of one sort and have a name that there is', async () => {
    const run = (...words: string[]) => runCommand('rank', 'export', '--data', first.directory, ...words);
    expect((await run('--format', 'csv')).err).toContain('a table is of one sort');
    expect((await run('--format', 'csv', '--kind', 'signals', '--of', 'vew')).err).toContain('view');
    expect((await run('--format', 'xml')).err).toContain('there are jsonl and csv');
    expect((await run('--kind', 'things')).err).toContain('schema, entities, signals, relationships');
  });
});
