/** The ranking layer through its doors: SDK, HTTP and command line over one server. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Client, retrieve, TruthError } from '../../../db/client/index.ts';
import { runCommand } from '../support/command.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;
let db: Client;

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({}, real.engine);
  db = await serving.connect();
  for (const statement of [
    'DEFINE ENTITY item (title TEXT SEARCH WEIGHT 2, year INTEGER FILTER, tags KEYWORDS FILTER)',
    'DEFINE ENTITY user (country KEYWORD DIMENSION)',
    'DEFINE SIGNAL view ON item POSITIVE DECAY EXPONENTIAL HALF LIFE 7d WINDOWS (24h) WEIGHT 0..10 COHORTS EFFECTS (STATE seen)',
    'DEFINE RELATIONSHIP friend FROM user TO user',
  ])
    await db.ranking.execute(statement);
});

afterAll(async () => {
  await serving.close();
  await real.stop();
});

describe('the SDK', () => {
  test('writes batches and says what became of each', async () => {
    const entities = ['jazz', 'rock', 'folk'].map((key, at) => ({
      ...{ kind: 'item', key },
      set: { title: `All about ${key}`, year: 2000 + at, tags: ['music', key] },
    }));
    const bad = { kind: 'item', key: 'x', set: { year: 'soon' } };
    const written = await db.ranking.entities([...entities, bad]);
    expect(written).toMatchObject({ accepted: 3, refused: 1, refusals: [{ index: 3 }] });
    const signals = await db.ranking.signals([
      { signal: 'view', target: 'jazz', user: 'ann', id: '1' },
      { signal: 'view', target: 'jazz', user: 'bob', at: new Date() },
      { signal: 'view', target: 'nothing', user: 'bob' },
      { signal: 'view', target: 'rock', user: 'ann', weight: 11 },
    ]);
    expect(signals).toMatchObject({ accepted: 2, refused: 2 });
    expect(signals.refusals.map(({ index, code }) => [index, code])).toEqual([
      [2, 'NOT_FOUND'],
      [3, 'INVALID_ARGUMENT'],
    ]);
    const again = await db.ranking.signals([{ signal: 'view', target: 'jazz', user: 'ann', id: '1' }]);
    expect(again).toMatchObject({ accepted: 0, duplicates: 1 });
  });

  test('asks with builders and with text, and sees what it wrote', async () => {
    const built = await db.ranking.retrieve(retrieve('items').sortBy('most_viewed').select('title').limit(1));
    expect(built.hits).toMatchObject([{ key: 'jazz', values: { title: 'All about jazz' } }]);
    const { hits } = await db.ranking.retrieve('SEARCH items QUERY $1 FILTER year >= $2', ['about', 2001]);
    expect(hits.map(({ key }) => key).sort()).toEqual(['folk', 'rock']);
    expect(await db.ranking.suggest('items', 'jaz')).toContainEqual(
      expect.objectContaining({ text: 'jazz' }),
    );
  });

  test('turns pages that fit together', async () => {
    const keys: string[] = [];
    for (let cursor: string | null = null, page = 0; page < 5; page++) {
      const more: string = cursor === null ? '' : ` CURSOR '${cursor}'`;
      const found = await db.ranking.retrieve(`RETRIEVE items SORT BY new LIMIT 1${more}`);
      keys.push(...found.hits.map(({ key }) => key));
      cursor = found.cursor;
      if (cursor === null) break;
    }
    expect(keys.sort()).toEqual(['folk', 'jazz', 'rock']);
  });

  test.each([
    ['RETRIEVE itms', 'NOT_FOUND', 'item'],
    ['RETRIEVE items SORT BY hottest', 'INVALID_ARGUMENT', 'hot'],
    ['RETRIEVE items LIMIT 100000', 'INVALID_ARGUMENT', '1000'],
    ['RETRIEVE items FILTER colour = 1', 'NOT_FOUND', 'colour'],
    [`RETRIEVE items FILTER ${'NOT '.repeat(100)}unseen`, 'TOO_LARGE', 'deep'],
    ['SIGNAL view ON @jazz AT 4102444800s', 'INVALID_ARGUMENT', 'two minutes'],
    ['SEARCH items QUERY "x" VECTOR [1, 2]', 'INVALID_ARGUMENT', 'VECTOR'],
  ])('is told what is wrong with %j', async (statement, code, word) => {
    const error = await db.ranking.execute(statement).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).code).toBe(code);
    expect((error as TruthError).message).toContain(word);
  });

  test('a reader may ask and not write', async () => {
    const { token } = serving.tokens.create(newToken('looker', 'reader'), new Date());
    const { connect } = await import('../../../db/client/index.ts');
    const reader = await connect({ ...serving.tls, token: token as string });
    await expect(reader.ranking.retrieve('RETRIEVE items')).resolves.toMatchObject({ answer: 'hits' });
    await expect(reader.ranking.execute('SIGNAL view ON @jazz')).rejects.toThrow('may not write');
    await expect(reader.ranking.execute('DROP SIGNAL view')).rejects.toThrow('may not define');
    await reader.close();
  });
});

describe('the command line', () => {
  const run = (...words: string[]) => runCommand(...words, '--url', serving.url);

  test('prints tables, explanations and what was written', async () => {
    const shown = await run('retrieve', 'items SORT BY most_viewed SELECT title LIMIT 1');
    expect(shown.err).toBe('');
    expect(shown.out).toMatch(/key +score +creator +placed +title\n.*\n1 +jazz +2 .*All about jazz/);
    const explained = await run('rank', 'EXPLAIN RETRIEVE items SORT BY most_viewed LIMIT 1');
    expect(explained.out).toMatch(/stage +label +value +weight +contribution/);
    expect((await run('signal', 'view ON @rock BY @ann')).out).toContain('1 written');
    expect((await run('suggest', 'items PREFIX "fo"', '--json')).out).toContain('"folk"');
  });

  test('refuses a script that cannot be read before carrying out any of it', async () => {
    const ran = await run('rank', "UPSERT item @new SET title = 'New'; RETRIVE items");
    expect(ran.code).toBe(64);
    expect(ran.err).toContain('RETRIEVE');
    expect((await run('retrieve', 'items SORT BY new LIMIT 1')).out).not.toContain('new');
  });

  test('says which file cannot be read, and what is wrong with a line', async () => {
    const missing = await run('rank', 'import', '/nowhere.jsonl');
    expect(missing.err).toContain('/nowhere.jsonl cannot be read');
    expect(missing.code).toBe(64);
    for (const [line, words] of [
      ['{"signal":"view"}', 'at target'],
      ['{"entity":"item","key":1}', 'at key'],
      ['{"key":"a"}', 'entity, signal, relate'],
      ['nonsense', 'no JSON'],
      ['[]', 'entity, signal, relate'],
    ] as const) {
      const path = join(serving.directory, 'wrong.jsonl');
      writeFileSync(path, `${line}\n`);
      const { err, code } = await run('rank', 'import', path);
      expect(err, line).toContain('line 1 of wrong.jsonl');
      expect(err, line).toContain(words);
      expect(code).toBe(64);
    }
  });

  test('imports a table by a mapping, line for line, and the same again changes nothing', async () => {
    const file = (name: string, text: string): string => {
      const path = join(serving.directory, name);
      writeFileSync(path, text);
      return path;
    };
    const lines = Array.from({ length: 5000 }, (_, at) => `m${at}::Title ${at}::${1990 + (at % 30)}::a|b`);
    const movies = file('movies.dat', `${lines.join('\n')}\n`);
    const map = file(
      'movies.json',
      JSON.stringify({
        ...{ delimiter: '::', columns: ['id', 'title', 'year', 'tags'] },
        entity: {
          ...{ kind: 'item', key: 'id' },
          set: {
            title: 'title',
            year: { column: 'year', as: 'number' },
            tags: { column: 'tags', as: 'list' },
          },
        },
      }),
    );
    expect((await run('rank', 'import', movies, '--map', map, '--dry-run')).out).toContain(
      'would import 5000',
    );
    expect((await run('rank', 'import', movies, '--map', map, '--json')).out).toContain('"entities":5000');
    expect((await run('rank', 'import', movies, '--map', map, '--json')).out).toContain('"unchanged":5000');
    const views = file(
      'views.jsonl',
      '{"signal":"view","target":"m1","user":"u"}\n{"signal":"view","target":"m9999"}\n',
    );
    const imported = await run('rank', 'import', views);
    expect(imported.out).toContain('line 2: NOT_FOUND');
    expect(imported.code).toBe(1);
    expect((await run('rank', 'import', views)).out).toContain('1 known');
  });

  test('a dry run asks the server what it would refuse, by reason, and writes nothing', async () => {
    const file = join(serving.directory, 'mixed.jsonl');
    const lines = [
      '{"entity":"item","key":"dry","set":{"title":"Dry","year":2001}}',
      '{"entity":"item","key":"dry2","set":{"title":"Dry","year":"soon"}}',
      '{"entity":"item","key":"dry3","set":{"colour":"red"}}',
      'nonsense',
      '{"signal":"view","target":"dry","user":"u","at":"2026-01-31T12:00:00Z"}',
      '{"signal":"view","target":"absent","user":"u"}',
      '{"signal":"view","target":"missing","user":"u"}',
      '{"signal":"view","target":"dry","user":"u","weight":99}',
      '{"relate":"friend","from":"u","to":"dry"}',
      '{"relate":"friend","from":"u","to":"v"}',
    ];
    writeFileSync(file, lines.join('\n'));
    const ran = await run('rank', 'import', file, '--dry-run', '--json');
    expect(ran.code).toBe(1);
    const report = ran.json<{
      readonly refused: number;
      readonly next: number;
      readonly reasons: readonly {
        readonly count: number;
        readonly examples: readonly { readonly line: number }[];
      }[];
    }>();
    expect(report).toMatchObject({ dryRun: true, checked: 'all', refused: 6, next: 11 });
    expect(report.reasons[0]).toMatchObject({ count: 2, examples: [{ line: 6 }, { line: 7 }] });
    expect(report.reasons.flatMap(({ examples }) => examples.map(({ line }) => line)).sort()).toEqual([
      2, 3, 4, 6, 7, 8,
    ]);
    const { hits } = await db.ranking.retrieve("SEARCH items QUERY 'dry'");
    expect(hits).toEqual([]);
  });

  test('an import ends at a line that cannot be read and says where to go on, or counts it', async () => {
    const file = join(serving.directory, 'broken.jsonl');
    writeFileSync(
      file,
      `${'{"entity":"item","key":"whole","set":{"title":"Whole"}}\n'}nonsense\n{"signal":"view","target":"whole","user":"u","id":"w"}\n`,
    );
    const ended = await run('rank', 'import', file);
    expect(ended.code).toBe(64);
    expect(ended.err).toMatch(/line 2 of broken.jsonl is no JSON.*; go on with --from 2/);
    const went = await run('rank', 'import', file, '--keep-going');
    expect(went.code).toBe(1);
    expect(went.out).toContain(
      'imported 1 entities, 1 signals, 0 relationships, 0 known, 1 unchanged, 1 refused',
    );
    const on = await run('rank', 'import', file, '--from', '3', '--json');
    expect(on.json()).toMatchObject({ entities: 0, signals: 1, known: 1, refused: 0, next: 4 });
  });
});
