/** EVALUATE over the files of a database whose server runs on, against figures worked out from the plain list of what happened. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import type { Micros } from '../../../db/ranking/ground.ts';
import { TENANT_DEFAULT } from '../../../db/types.ts';
import { runCommand } from '../support/command.ts';
import { temporaryDirectory } from '../support/serving.ts';

const SCHEMA = [
  'DEFINE ENTITY item (title TEXT, genre KEYWORD FILTER)',
  'DEFINE ENTITY user (country KEYWORD DIMENSION)',
  'DEFINE SIGNAL view ON item POSITIVE DECAY NONE WINDOWS (24h) COHORTS EFFECTS (STATE seen)',
  "DEFINE COHORT polish AS country = 'PL'",
];
const [ITEMS, USERS, EVENTS] = [40, 12, 300];
const HOUR = 3_600_000_000;
const START = Date.parse('2026-03-01T00:00:00Z') * 1000;

interface Viewed {
  readonly user: number;
  readonly item: number;
  readonly at: number;
}

const parent = temporaryDirectory();
const events = viewed();
const engines: Engine[] = [];
const whole = join(parent, 'whole');
const single = join(parent, 'single');

beforeAll(async () => {
  // The same signals in entries of a hundred, and each in one of its own.
  await made(whole, 100);
  await made(single, 1);
}, 60_000);

afterAll(async () => {
  for (const engine of engines) await engine.close();
  rmSync(parent, { recursive: true, force: true });
});

async function made(directory: string, batch: number): Promise<void> {
  initDatabase({ directory, disk: new RealDisk(), random: randomBytes });
  const engine = await openEngine({ directory });
  engines.push(engine);
  const run = (text: string) => engine.ranking.execute(TENANT_DEFAULT, text, []);
  for (const statement of SCHEMA) await run(statement);
  const entities = [
    ...Array.from({ length: ITEMS }, (_, at) => ({
      kind: 'item',
      key: `i${at}`,
      set: { genre: `g${at % 4}` },
    })),
    ...Array.from({ length: USERS }, (_, at) => ({
      ...{ kind: 'user', key: `u${at}`, set: { country: at < 4 ? 'PL' : 'DE' } },
    })),
  ].map((each) => ({ ...each, action: 'put' as const, state: null, at: null }));
  const failure = { failure: 'all' } as const;
  await engine.ranking.write(TENANT_DEFAULT, { command: 'put-entities', entities, ...failure });
  for (let from = 0; from < events.length; from += batch) {
    const signals = events.slice(from, from + batch).map(({ user, item, at }) => ({
      ...{ signal: 'view', target: `i${item}`, user: `u${user}`, weight: null, id: null, at: at as Micros },
    }));
    await engine.ranking.write(TENANT_DEFAULT, { command: 'signals', signals, ...failure });
  }
  for (const [user, arm] of ['old', 'new'].entries()) {
    const shown = {
      experiment: 'rows',
      arm,
      user: `u${user}`,
      kind: 'item',
      items: ['i1', 'i2'],
    };
    await engine.ranking.write(TENANT_DEFAULT, { command: 'expose', ...shown });
  }
}

/** What is seen is not seen again, and what is popular is seen rather. */
function viewed(): readonly Viewed[] {
  let state = 7;
  const random = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
  const seen = new Set<string>();
  const found: Viewed[] = [];
  for (let at = 0; found.length < EVENTS; at++) {
    const user = Math.floor(random() * USERS);
    const item = Math.floor(random() * random() * ITEMS);
    const key = `${user} ${item}`;
    if (seen.has(key)) continue;
    seen.add(key);
    found.push({ user, item, at: START + at * HOUR });
    if (at > 5000) break;
  }
  return found;
}

interface Moment {
  readonly place: number;
  readonly user: number;
}

/**
 * Places in a list by how often each item was seen before; what was written first comes first. A query fills a short list with what
 * nobody has seen, baselines do not.
 */
function momentsByCount(history: number, moments: 'all' | 'last', countMin = 0): readonly Moment[] {
  const found = events.flatMap(({ user, item }, index): Moment[] => {
    const before = events.slice(0, index);
    const own = before.filter((each) => each.user === user);
    if (own.length < history) return [];
    const counts = Array.from({ length: ITEMS }, (_, at) => before.filter((each) => each.item === at).length);
    const list = counts
      .map((count, at) => ({ count, at }))
      .filter(({ count, at }) => count >= countMin && !own.some((each) => each.item === at))
      .sort((one, other) => other.count - one.count || one.at - other.at)
      .slice(0, 20)
      .map(({ at }) => at);
    return [{ place: list.indexOf(item) + 1, user }];
  });
  if (moments === 'all') return found;
  return found.filter(({ user }, at) => !found.slice(at + 1).some((each) => each.user === user));
}

function hitRate(moments: readonly Moment[], k: number): number {
  return moments.filter(({ place }) => place > 0 && place <= k).length / moments.length;
}

const SPAN = "FROM '2026-01-01' TO '2030-01-01'";

interface Shown {
  readonly moments: number;
  readonly offered: number;
  readonly complete: boolean;
  readonly rankers: readonly {
    readonly ranker: string;
    readonly metrics: Readonly<Record<string, number>>;
    readonly diversity: Readonly<Record<string, number>>;
    readonly cohorts: readonly { readonly cohort: string; readonly moments: number }[];
  }[];
  readonly differences: readonly unknown[];
  readonly seconds: number;
}

interface Candidate {
  readonly position: number;
  readonly at: number;
  readonly user: string;
  readonly place: number;
  readonly went: number;
  readonly features: Readonly<Record<string, number>>;
}

async function evaluated(directory: string, text: string, ...options: string[]): Promise<Shown> {
  const ran = await runCommand('evaluate', text, '--data', directory, '--json', ...options);
  expect(ran.err).toBe('');
  return ran.json<Shown>();
}

describe('truthdb evaluate', () => {
  test('asks just before each thing a user went for, as the plain list of events has it', async () => {
    const shown = await evaluated(whole, `PROFILE top_all_time VS for_you ${SPAN}`, '--baselines');
    const moments = momentsByCount(4, 'all');
    expect(shown.moments).toBe(moments.length);
    const byName = new Map(shown.rankers.map((each) => [each.ranker, each]));
    for (const [name, countMin] of [
      ['top_all_time', 0],
      ['count of all time', 1],
    ] as const) {
      const places = momentsByCount(4, 'all', countMin);
      for (const k of [1, 5, 10, 20])
        expect(byName.get(name)!.metrics[`HR@${k}`], `${name} ${k}`).toBeCloseTo(hitRate(places, k), 12);
    }
    expect(byName.get('for_you')!.diversity['genre']).toBeGreaterThan(0.1);
    const polish = moments.filter(({ user }) => user < 4).length;
    expect(byName.get('for_you')!.cohorts).toEqual([
      expect.objectContaining({ cohort: 'polish', moments: polish }),
    ]);
    expect(shown.differences.length).toBe(6 * 3);
  });

  test('does not depend on how signals were packed into entries', async () => {
    const text = `PROFILE for_you VS trending ${SPAN} SAMPLE 60`;
    const [packed, apart] = [await evaluated(whole, text), await evaluated(single, text)];
    expect(packed.moments).toBe(60);
    expect(apart.offered).toBe(packed.offered);
    const all = `PROFILE for_you VS trending ${SPAN}`;
    const without = ({ rankers, differences }: Shown) => ({ rankers, differences });
    expect(without(await evaluated(whole, all))).toEqual(without(await evaluated(single, all)));
  });

  test('writes what was shown with its features, and whether it was gone for', async () => {
    const text = `PROFILE for_you ${SPAN} SAMPLE 40`;
    const [lines, table] = ['features.jsonl', 'features.csv'].map((name) => join(parent, name)) as [
      string,
      string,
    ];
    const shown = await evaluated(whole, text, '--features', lines);
    await evaluated(whole, text, '--features', table);
    const rows = readFileSync(lines, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Candidate);
    const moments = new Set(rows.map(({ position, user, at }) => `${position} ${user} ${at}`));
    expect(moments.size).toBe(shown.moments);
    for (const k of [1, 10, 20]) {
      const hits = rows.filter(({ went, place }) => went === 1 && place <= k).length;
      expect(hits / shown.moments, `HR@${k}`).toBeCloseTo(shown.rankers[0]!.metrics[`HR@${k}`]!, 12);
    }
    const names = Object.keys(rows[0]!.features);
    expect(names.length).toBeGreaterThan(2);
    expect(names.every((name) => /^[a-z]+\/./.test(name))).toBe(true);
    const [head, ...cells] = readFileSync(table, 'utf8').trimEnd().split('\n');
    const quoted = names.map((name) => (name.includes(',') ? `"${name}"` : name));
    expect(head).toBe(['position,at,user,profile,item,place,score,went', ...quoted].join(','));
    expect(cells.length).toBe(rows.length);
    expect(cells[0]!.split(',').at(-1)).toBe(String(rows[0]!.features[names.at(-1)!]));
    const nobody = await runCommand(
      ...['evaluate', text, '--data', whole, '--protocol', 'next-day', '--features', lines],
    );
    expect(nobody.err).toContain('--features');
  });

  test('the protocol of last events has one for each user', async () => {
    const shown = await evaluated(
      whole,
      `PROFILE top_all_time ${SPAN}`,
      '--protocol',
      'last',
      '--history',
      '10',
    );
    const moments = momentsByCount(10, 'last');
    expect(shown.moments).toBe(moments.length);
    expect(shown.rankers[0]!.metrics['HR@10']).toBeCloseTo(hitRate(moments, 10), 12);
  });

  test('only what lies within the times is asked about', async () => {
    const shown = await evaluated(whole, "PROFILE trending FROM '2025-01-01' TO '2025-02-01'");
    expect([shown.moments, shown.complete]).toEqual([0, true]);
  });

  test('lists of each day are compared with what happened on it', async () => {
    const ran = await runCommand(
      ...['evaluate', `PROFILE trending ${SPAN}`, '--protocol', 'next-day', '--baselines', '--data', whole],
    );
    expect(ran.out).toMatch(/count of 24 hours +0\.\d{4}/);
    expect(ran.out).toContain('NDCG@20');
  });

  test('a profile that the log does not have is tried beside it', async () => {
    const file = join(parent, 'tried.tidal');
    writeFileSync(
      file,
      'DEFINE PROFILE mine ON item CANDIDATES (top view.count(all) LIMIT 100) SCORE (base 1 * view.count(all))',
    );
    const ran = await runCommand(
      'evaluate',
      `PROFILE mine ${SPAN}`,
      '--data',
      whole,
      '--define',
      file,
      '--json',
    );
    expect(ran.err).toBe('');
    expect(ran.json<Shown>().rankers[0]!.metrics['HR@10']).toBeCloseTo(
      hitRate(momentsByCount(4, 'all'), 10),
      12,
    );
    writeFileSync(file, 'DEFINE SIGNAL like ON item POSITIVE');
    const refused = await runCommand(
      'evaluate',
      `PROFILE for_you ${SPAN}`,
      '--data',
      whole,
      '--define',
      file,
    );
    expect(refused).toMatchObject({ code: 64, err: expect.stringContaining('SIGNAL cannot be tried') });
  });

  test('beside a running server it sees what has been written meanwhile', async () => {
    const before = await evaluated(single, `PROFILE new ${SPAN} SAMPLE 1`);
    const signal = { signal: 'view', target: 'i39', user: 'late', weight: null, id: null };
    const signals = Array.from({ length: 6 }, (_, at) => ({ ...signal, at: (START + at) as Micros }));
    const rest = { failure: 'all' } as const;
    await engines[1]!.ranking.write(TENANT_DEFAULT, { command: 'signals', signals, ...rest });
    // What a reader of the files is shown is behind the last durable mark, which comes when the log has been idle.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await evaluated(single, `PROFILE new ${SPAN} SAMPLE 1`);
    expect(after.offered).toBe(before.offered + 2);
  });

  test('draws the figures, and shows them as a table', async () => {
    const svg = join(parent, 'figures.svg');
    const ran = await runCommand(
      'evaluate',
      `PROFILE for_you VS new ${SPAN} SAMPLE 20`,
      '--data',
      whole,
      '--svg',
      svg,
    );
    expect(ran.out).toMatch(
      /^item, 2026-01-01T00:00:00Z to 2030-01-01T00:00:00Z, all: 20 moments of \d+ users/,
    );
    expect(ran.out).toMatch(/for_you against new +NDCG@10 +[-+]0\.\d{4} +[-+]0\.\d{4} to [-+]0\.\d{4}/);
    expect(readFileSync(svg, 'utf8')).toMatch(/^<svg [\s\S]*for_you[\s\S]*<\/svg>\n$/);
  });

  test.each([
    [`PROFILE for_you ${SPAN}`, ['--data', '/nowhere'], 'NOT_FOUND'],
    [`PROFILE for_yu ${SPAN}`, [], 'for_you'],
    [`PROFILE for_you ${SPAN}`, ['--memory', '1'], 'more than the 1 MiB'],
    [`PROFILE for_you ${SPAN}`, ['--protocol', 'weekly'], 'next-day'],
    ["PROFILE for_you FROM '2026-02-01' TO '2026-01-01'", [], 'earlier'],
    ['RETRIEVE items', [], 'PROFILE'],
  ])('%s %s is refused with a word on why', async (text, options, why) => {
    const at = options.includes('--data') ? [] : ['--data', whole];
    const ran = await runCommand('evaluate', text, ...at, ...options);
    expect(ran.code).not.toBe(0);
    expect(ran.err).toContain(why);
  });

  test('reports on an experiment, and names those there are', async () => {
    const ran = await runCommand('evaluate', '--experiment', 'rows', '--data', whole);
    expect(ran.out).toMatch(/old +1 +1 +2 +\d/);
    const unknown = await runCommand('evaluate', '--experiment', 'columns', '--data', whole);
    expect(unknown).toMatchObject({ code: 4, err: expect.stringContaining('there are rows') });
  });

  test('a server refuses it and says which command does it', async () => {
    const ask = (text: string) => engines[0]!.ranking.execute(TENANT_DEFAULT, text, []);
    await expect(ask(`EVALUATE PROFILE for_you ${SPAN}`)).rejects.toThrow('truthdb evaluate');
    await expect(ask('SHOW EXPERIMENTS')).rejects.toThrow('truthdb evaluate --experiment');
  });
});
