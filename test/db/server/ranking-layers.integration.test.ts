/**
 * The three layers of trending on a file of ratings as people publish them, imported by mappings and asked through every door; and
 * what each door says to questions and writes that make no sense.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, TruthError } from '../../../db/client/index.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import { runCommand } from '../support/command.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

const SCHEMA = `
  DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, genres KEYWORDS FILTER, year INTEGER FILTER, embedding VECTOR(4) METRIC cosine);
  DEFINE ENTITY user (country KEYWORD DIMENSION, age_group KEYWORD DIMENSION);
  DEFINE SIGNAL rate ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (1h, 24h, 7d) WEIGHT 0..10 COHORTS EFFECTS (STATE seen);
  DEFINE COHORT us_young AS country = 'US' AND age_group IN ('18-24', '25-34')`;
const [FILMS, PEOPLE, RATINGS] = [120, 90, 2400];
const END = Date.parse('2013-06-05T12:00:00Z') / 1000;
const AT = "AT '2013-06-05T12:00:00Z' SEED 1";
/** What everybody rates on the last day, and what the cohort does. */
const [EVERYBODYS, COHORTS] = [17, 43];
/** Is most about robots of what the cohort rates; and of all there is, which the cohort does not rate. */
const [ROBOTS, UNRATED_ROBOTS] = [63, 84];

const LAYERS: readonly (readonly [string, string])[] = [
  [`RETRIEVE items WITHIN TRENDING rate 24h LIMIT 10 ${AT}`, filmKey(EVERYBODYS)],
  [`RETRIEVE items WITHIN COHORT us_young TRENDING rate 24h LIMIT 10 ${AT}`, filmKey(COHORTS)],
  [`SEARCH items QUERY "robot" WITHIN COHORT us_young TRENDING rate 24h LIMIT 10 ${AT}`, filmKey(ROBOTS)],
];

let real: RealEngine;
let serving: Serving;
let http: HttpServer;
let db: Client;

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({}, real.engine);
  db = await serving.connect();
  http = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, certificate: null, metricsOpen: true },
    ...{ bodyBytesMax: 1_000_000, connectionsMax: 100 },
  });
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
});

afterAll(async () => {
  await http.close(200);
  await serving.close();
  await real.stop();
});

const run = (...words: string[]) => runCommand(...words, '--url', serving.url);

async function posted(
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`http://127.0.0.1:${http.port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serving.tcp.token}` },
    body,
  });
  return { status: response.status, body: await response.json() };
}

describe('ratings as they are published', () => {
  test('are imported by the command line: films and people first, then who rated what', async () => {
    expect((await run('rank', SCHEMA)).err).toBe('');
    const imported = [
      [
        'movies',
        films(),
        { entity: { kind: 'item', key: 'movie', set: FILM_SET } },
        ['movie', 'title', 'genres'],
      ],
      ['users', people(), { entity: { kind: 'user', key: 'user', set: USER_SET } }, USER_COLUMNS],
      ['ratings', ratings(), { signal: RATING }, ['user', 'movie', 'rating', 'time']],
    ] as const;
    for (const [name, lines, mapping, columns] of imported) {
      const data = written(`${name}.dat`, `${lines.join('\n')}\n`);
      const map = written(`${name}.json`, JSON.stringify({ delimiter: '::', columns, ...mapping }));
      const ran = await run('rank', 'import', data, '--map', map, '--json');
      expect(ran.err).toBe('');
      expect(ran.json()).toMatchObject({ refused: 0 });
    }
  });

  test.each(LAYERS)('%s: command line, SDK and HTTP give one answer', async (statement, first) => {
    const byClient = await db.ranking.retrieve(statement);
    expect(byClient.hits[0]?.key).toBe(first);
    // Not the position: that somebody read is an entry of the log itself.
    const ranked = ({ hits, total, now }: typeof byClient) => ({ hits, total, now });
    const byCommand = (await run('rank', statement, '--json')).json<typeof byClient>();
    expect(ranked(byCommand)).toEqual(ranked(byClient));
    const byHttp = await posted('/v1/rank', JSON.stringify({ statement }));
    expect(ranked(byHttp.body as typeof byClient)).toEqual(ranked(byClient));
  });

  test('the third layer is more than a search', async () => {
    const { hits } = await db.ranking.retrieve(`SEARCH items QUERY "robot" LIMIT 1 ${AT}`);
    expect(hits[0]?.key).toBe(filmKey(UNRATED_ROBOTS));
  });

  test('the second layer holds what the cohort alone went for, counted from the file', async () => {
    const { hits } = await db.ranking.retrieve(
      `RETRIEVE items WITHIN COHORT us_young TRENDING rate 24h LIMIT 1000 ${AT}`,
    );
    expect(hits.map(({ key }) => key).sort()).toEqual(ratedByCohort());
  });
});

const DEEP = `RETRIEVE items FILTER ${'NOT '.repeat(100)}unseen`;
const LATER = `SIGNAL rate ON @${filmKey(1)} BY @1 WEIGHT 5 AT '2099-01-01T00:00:00Z'`;

describe('through every door, what makes no sense is refused with what was given and what would do', () => {
  test.each([
    ['no language', 'RETRIEVE items USNG PROFILE for_you', 'INVALID_ARGUMENT', ['USNG', 'USING']],
    ['an unknown kind', 'RETRIEVE itmes', 'NOT_FOUND', ['itmes', 'item']],
    ['an unknown field', 'RETRIEVE items FILTER yaer > 2000', 'NOT_FOUND', ['yaer', 'year']],
    ['an unknown signal', 'RETRIEVE items WITHIN TRENDING ratee 24h', 'NOT_FOUND', ['ratee', 'rate']],
    ['an unknown cohort', 'RETRIEVE items WITHIN COHORT us_yung', 'NOT_FOUND', ['us_yung', 'us_young']],
    ['an unknown profile', 'RETRIEVE items USING for_yuo', 'NOT_FOUND', ['for_yuo', 'for_you']],
    [
      'text for a number',
      "RETRIEVE items FILTER year > 'soon'",
      'INVALID_ARGUMENT',
      ['year', 'text', 'integer'],
    ],
    [
      'a vector of 2 for 4',
      'SEARCH items VECTOR [1, 2] ON embedding',
      'INVALID_ARGUMENT',
      ['2 numbers', 'has 4'],
    ],
    [
      'a vector without a direction',
      'SEARCH items VECTOR [0, 0, 0, 0] ON embedding',
      'INVALID_ARGUMENT',
      ['0'],
    ],
    [
      'a vector of no numbers',
      'SEARCH items VECTOR [NaN, 0, 0, 1] ON embedding',
      'INVALID_ARGUMENT',
      ['NaN'],
    ],
    ['a limit beyond all', 'RETRIEVE items LIMIT 999999999', 'INVALID_ARGUMENT', ['999999999', '1000']],
    ['no limit at all', 'RETRIEVE items LIMIT 0', 'INVALID_ARGUMENT', ['0', '1000']],
    ['a hundred levels', DEEP, 'TOO_LARGE', ['deep']],
    [
      'a text of a hundred thousand letters',
      `SEARCH items QUERY "${'x'.repeat(100_000)}"`,
      'TOO_LARGE',
      ['65536'],
    ],
    ['a clock in 2099', LATER, 'INVALID_ARGUMENT', ['2099', 'two minutes']],
    ['a question of 2099', "RETRIEVE items AT '2099-01-01'", 'INVALID_ARGUMENT', ['2099', 'future']],
    ['a position to come', 'RETRIEVE items AS OF POSITION 999999999', 'INVALID_ARGUMENT', ['999999999']],
    [
      'a weight out of bounds',
      `SIGNAL rate ON @${filmKey(1)} BY @1 WEIGHT 11`,
      'INVALID_ARGUMENT',
      ['11', '10'],
    ],
    ['a cursor of nobody', "RETRIEVE items CURSOR 'nonsense'", 'INVALID_ARGUMENT', ['cursor']],
  ] as const)('%s', async (_, statement, code, words) => {
    const error = await db.ranking.execute(statement).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TruthError);
    const { code: byClient, message } = error as TruthError;
    expect(byClient).toBe(code);
    for (const word of words) expect(message).toContain(word);
    const byHttp = await posted('/v1/rank', JSON.stringify({ statement }));
    const { error: refused } = byHttp.body as {
      readonly error: { readonly code: string; readonly message: string };
    };
    expect(refused.code).toBe(code);
    expect(timeless(refused.message)).toBe(timeless(message));
    expect(byHttp.status).toBeGreaterThanOrEqual(400);
    expect(byHttp.status).toBeLessThan(500);
    expect(timeless((await run('rank', statement)).err)).toContain(timeless(`${message} [${code}]`));
  });

  test('a parameter that is no number reaches no vector', async () => {
    const statement = 'SEARCH items VECTOR $1 ON embedding';
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(db.ranking.execute(statement, [[wrong, 0, 0, 1]])).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
    // JSON has no such numbers; what is written instead of them is refused as what it is.
    for (const text of ['NaN', '1e999', 'null', '"1"']) {
      const { status, body } = await posted(
        '/v1/rank',
        `{"statement":"${statement}","parameters":[[${text},0,0,1]]}`,
      );
      expect(status, text).toBe(400);
      expect(body, text).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } });
    }
  });

  test('a batch names the one that is wrong, and why', async () => {
    const later = Date.parse('2099-01-01T00:00:00Z') * 1000;
    const signals = [
      { signal: 'rate', target: filmKey(1), user: '1', weight: 5, at: later },
      { signal: 'rate', target: 'nothing', user: '1', weight: 5 },
      { signal: 'rat', target: filmKey(1), user: '1', weight: 5 },
    ];
    const expected = {
      ...{ accepted: 0, refused: 3 },
      refusals: [
        { index: 0, code: 'INVALID_ARGUMENT', message: expect.stringContaining('2099') },
        { index: 1, code: 'NOT_FOUND', message: expect.stringContaining('nothing') },
        { index: 2, code: 'NOT_FOUND', message: expect.stringContaining('rate') },
      ],
    };
    expect(await db.ranking.signals(signals)).toMatchObject(expected);
    expect((await posted('/v1/signals', JSON.stringify({ signals }))).body).toMatchObject(expected);
    const file = written('wrong.jsonl', signals.map((each) => JSON.stringify(each)).join('\n'));
    const ran = await run('rank', 'import', file, '--json');
    expect(ran.code).toBe(1);
    expect(ran.json()).toMatchObject({ refused: 3 });
  });
});

/** Without the position and the time of the server, which go on from one door to the next. */
function timeless(message: string): string {
  return message.replace(/last commit, \d+|server's \S+/g, '');
}

const FILM_SET = {
  title: 'title',
  genres: { column: 'genres', as: 'list', split: '|' },
};
const USER_SET = { country: 'country', age_group: 'age' };
const USER_COLUMNS = ['user', 'twitter', 'country', 'age'];
const RATING = { signal: 'rate', target: 'movie', user: 'user', weight: 'rating', at: 'time' };

function written(name: string, text: string): string {
  const path = join(serving.directory, name);
  writeFileSync(path, text);
  return path;
}

function filmKey(film: number): string {
  return String(60_000 + film * 37).padStart(7, '0');
}

function films(): string[] {
  const genres = ['Drama', 'Comedy', 'Thriller|Crime', 'Sci-Fi', 'Documentary|Short'];
  return Array.from({ length: FILMS }, (_, film) => {
    if (film === ROBOTS) return `${filmKey(film)}::Robot Harbour (1994)::Sci-Fi`;
    if (film === UNRATED_ROBOTS) return `${filmKey(film)}::Robot, Robot (1994)::Sci-Fi`;
    const about = film % 21 === 0 ? 'Robot' : ['Summer', 'Letters', 'Nowhere', 'Harbour'][film % 4];
    return `${filmKey(film)}::The ${about} of Part ${film} (${1950 + (film % 60)})::${genres[film % 5]}`;
  });
}

/** A third of them young and from the US. */
function people(): string[] {
  return Array.from({ length: PEOPLE }, (_, at) => {
    const [country, age] = at % 3 === 0 ? ['US', at % 2 === 0 ? '18-24' : '25-34'] : ['DE', '18-24'];
    return `${at + 1}::${139_564_917 + at * 7919}::${country}::${age}`;
  });
}

/** In the order of their times, over twenty days; on the last of them each third is of what the layers are about. */
function ratings(): string[] {
  let state = 11;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
  return Array.from({ length: RATINGS }, (_, index) => {
    const time = END - 20 * 86_400 + Math.floor((index / RATINGS) * 20 * 86_400);
    const person = random(PEOPLE);
    const last = time > END - 86_400;
    const young = person % 3 === 0;
    const favourite = young ? (random(4) === 0 ? ROBOTS : COHORTS) : EVERYBODYS;
    const drawn = last && random(3) === 0 ? favourite : random(FILMS);
    const film = young && drawn === UNRATED_ROBOTS ? COHORTS : drawn;
    return `${person + 1}::${filmKey(film)}::${1 + random(10)}::${time}`;
  });
}

/** Within 24 whole hours and the one that has begun. */
function ratedByCohort(): string[] {
  const since = END - 24 * 3600;
  const rated = ratings().flatMap((line) => {
    const [person, film, , time] = line.split('::');
    const young = (Number(person) - 1) % 3 === 0;
    return young && Number(time) > since && film !== undefined ? [film] : [];
  });
  return [...new Set(rated)].sort();
}
