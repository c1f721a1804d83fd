import { describe, expect, test } from 'vitest';
import { MICROS_PER_MINUTE } from '../../../../../db/ranking/ground.ts';
import { asOfMoment, bindSuggest } from '../../../../../db/ranking/retrieve/bind/index.ts';
import { encodeCursor } from '../../../../../db/ranking/retrieve/execute/cursor.ts';
import {
  parse,
  type QueryStatement,
  type SuggestStatement,
} from '../../../../../db/ranking/retrieve/language/index.ts';
import { bound, history, inputOf, kind, NOW, schema } from './example.ts';

const item = kind('item');
const format = item.attributes.find(({ name }) => name === 'format')!.id;
const year = item.attributes.find(({ name }) => name === 'year')!.id;
const tags = item.attributes.find(({ name }) => name === 'tags')!.id;
const published = item.attributes.find(({ name }) => name === 'published')!.id;
const view = schema.signals.find(({ name }) => name === 'view')!.id;

describe('a question', () => {
  test('has names and keys looked up', () => {
    const query = bound(
      'RETRIEVE items FOR USER @u1 CONTEXT feed USING PROFILE for_you FILTER unseen, format:video EXCLUDE [@i2, @nobody, @i2] DIVERSITY max_per_creator:2, format_mix:true, max_per_year:3 LIMIT 50 SELECT title, year',
    );
    expect(query).toMatchObject({
      verb: 'retrieve',
      kind: item,
      user: 1,
      context: 'feed',
      profile: { name: 'for_you', version: 1 },
      sort: null,
      text: null,
      vector: null,
      filter: {
        test: 'and',
        of: [
          { test: 'state', state: 'seen', set: false },
          { test: 'compare', attribute: format, operator: '=', value: 'video' },
        ],
      },
      within: [],
      exclude: [2],
      diversity: { perCreator: 2, mix: format, perAttribute: [{ attribute: year, max: 3 }] },
      window: null,
      limit: 50,
      cursor: null,
      now: NOW,
      seed: NOW,
      explain: false,
      select: [{ name: 'title' }, { name: 'year' }],
      warnings: [],
    });
  });

  test('that says little has defaults', () => {
    expect(bound('RETRIEVE item')).toMatchObject({
      user: 0,
      limit: 20,
      profile: { name: 'trending' },
      warnings: [],
    });
    expect(bound('EXPLAIN RETRIEVE items')).toMatchObject({ explain: true });
  });

  test('takes values from parameters', () => {
    const text =
      'SEARCH items QUERY $q FOR USER $u FILTER year IN ($years, 7), format = $f, year < $max, view.count(24h) > $n LIMIT $limit SEED $seed';
    const parameters = { q: 'jazz', u: 'u3', years: [1, 2], f: 'video', max: 9, n: 5, limit: 3, seed: 4 };
    expect(bound(text, parameters)).toMatchObject({
      text: 'jazz',
      user: 3,
      limit: 3,
      seed: 4,
      filter: {
        of: [{ values: [1, 2, 7] }, { value: 'video' }, { value: 9 }, { test: 'feature', value: 5 }],
      },
    });
    expect(bound('RETRIEVE items FOR USER $1 LIMIT $2', ['u4', 5])).toMatchObject({ user: 4, limit: 5 });
  });

  test('compares keywords, times and signals as what they are', () => {
    expect(
      bound("RETRIEVE items FILTER tags:jazz, published > '2026-01-31', view > 3, age_hours < 24").filter,
    ).toEqual({
      test: 'and',
      of: [
        { test: 'has', attribute: tags, value: 'jazz' },
        { test: 'compare', attribute: published, operator: '>', value: 1_769_817_600_000_000 },
        {
          test: 'feature',
          feature: { scalar: 'signal', signal: view, measure: { measure: 'score' } },
          operator: '>',
          value: 3,
        },
        { test: 'feature', feature: { scalar: 'feature', feature: 'age_hours' }, operator: '<', value: 24 },
      ],
    });
  });

  test('gives its window to measures that name none', () => {
    const windowOf = (text: string) => JSON.stringify(bound(text).filter).match(/"window":"(\w+)"/)?.[1];
    expect(windowOf('RETRIEVE items FILTER view.count > 3 WINDOW 7d')).toBe('7d');
    expect(windowOf('RETRIEVE items FILTER NOT (view.count + 1 > 3) WINDOW 7d')).toBe('7d');
    expect(windowOf('RETRIEVE items FILTER view.count(1h) > 3 WINDOW 7d')).toBe('1h');
    expect(windowOf('RETRIEVE items FILTER view.count > 3')).toBe('30d');
  });
});

describe('people and things nobody knows', () => {
  test('an unknown user is somebody new', () => {
    const query = bound('RETRIEVE items FOR USER @stranger');
    expect(query).toMatchObject({ user: 0, profile: { name: 'for_you' } });
    expect(query.warnings).toEqual([
      'FOR USER: nobody is known as "stranger"; the answer is that for somebody new',
    ]);
  });

  test('a filter on what a user has done wants one', () => {
    expect(bound('RETRIEVE items FILTER NOT seen OR year > 3').warnings).toEqual([
      'FILTER: it asks what a user has done, and the query is for nobody; say FOR USER @key',
    ]);
  });

  test.each([
    ['RETRIEVE itms', 'query: there is no kind "itms": did you mean "items"?'],
    [
      'RETRIEVE items FILTER fromat:video',
      'FILTER: there is no attribute of item, signal or feature "fromat": did you mean "format"?',
    ],
    ['RETRIEVE items FILTER veiw.count(1h) > 3', 'FILTER: there is no signal "veiw": did you mean "view"?'],
    ['RETRIEVE items SELECT titel', 'SELECT: there is no attribute of item "titel": did you mean "title"?'],
    [
      'RETRIEVE items DIVERSITY max_per_yaer:2',
      'DIVERSITY: there is no attribute of item "yaer": did you mean "year"?',
    ],
    [
      'RETRIEVE items USING fro_you',
      'USING PROFILE: there is no profile of item "fro_you": did you mean "for_you"?',
    ],
    ['RETRIEVE items RELATED TO @i0', 'RELATED TO: there is no item "i0"; write it first, or check the key'],
  ])('%s', (text, message) => {
    expect(() => bound(text)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', message }));
  });
});

describe('what makes no sense is refused', () => {
  test.each([
    [
      'RETRIEVE items LIMIT 0',
      'LIMIT: 0 is no number of results: give a whole one from 1 to 1000, and turn pages with CURSOR',
    ],
    [
      'RETRIEVE items LIMIT 1001',
      'LIMIT: 1001 is no number of results: give a whole one from 1 to 1000, and turn pages with CURSOR',
    ],
    [
      'RETRIEVE items LIMIT 2.5',
      'LIMIT: 2.5 is no number of results: give a whole one from 1 to 1000, and turn pages with CURSOR',
    ],
    ['RETRIEVE items SEED 0.5', 'SEED: 0.5 is no whole number: give one, any'],
    ["SEARCH items QUERY '  '", 'QUERY: it is blank: say what to look for'],
    [
      'RETRIEVE items DIVERSITY max_per_tags:2',
      'DIVERSITY: tags is keywords: use a keyword, an integer or a boolean',
    ],
    [
      'RETRIEVE items USING trending:2',
      'USING PROFILE: trending is built in and has no versions: leave :2 out, or define a profile trending',
    ],
    ['RETRIEVE items USING for_you:7', 'USING PROFILE: for_you has no version 7: its newest is 1'],
    [
      'RETRIEVE creators USING for_you',
      'USING PROFILE: for_you ranks item, not creator: use a profile of creator',
    ],
    ['RETRIEVE items LIMIT $n', 'there is no value for the parameter $n, none came with the statement'],
  ])('%s', (text, message) => {
    expect(() => bound(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message }));
  });

  test.each([
    [{ n: '5' }, 'the parameter $n is "5", and a number belongs there'],
    [{ n: Number.NaN }, 'the parameter $n is NaN, and a number belongs there'],
    [{ n: null }, 'the parameter $n is null, and a number belongs there'],
    [{ n: [1] }, 'the parameter $n is a list of 1, and a number belongs there'],
    [{ m: 1 }, 'there is no value for the parameter $n, there are $m; did you mean $m?'],
  ])('%j', (parameters, message) => {
    expect(() => bound('RETRIEVE items LIMIT $n', parameters as never)).toThrow(message);
  });

  test('a text that is too long to look for', () => {
    expect(() => bound('SEARCH items QUERY $q', { q: 'x'.repeat(10_001) })).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    );
  });
});

describe('time', () => {
  const at = (micros: number) => bound('RETRIEVE items AT $t', { t: micros });

  test('is that of the statement', () => {
    expect(at(NOW - 5)).toMatchObject({ now: NOW - 5, seed: NOW - 5 });
    expect(bound("RETRIEVE items AT '2026-01-31' SEED 3")).toMatchObject({
      now: 1_769_817_600_000_000,
      seed: 3,
    });
    expect(bound('RETRIEVE items AT $t', { t: '2026-01-31' })).toMatchObject({ now: 1_769_817_600_000_000 });
  });

  test('may be two minutes ahead, not more', () => {
    expect(at(NOW + 2 * MICROS_PER_MINUTE).now).toBe(NOW + 2 * MICROS_PER_MINUTE);
    expect(() => at(NOW + 2 * MICROS_PER_MINUTE + 1)).toThrow("ahead of the server's clock");
    expect(() => bound("RETRIEVE items AT '2099-01-01'")).toThrow('nothing is known of the future');
    expect(() => at(-1)).toThrow('before 1970');
    expect(() => at(0.5)).toThrow('a time (whole microseconds since 1970');
    expect(() => bound('RETRIEVE items AT $t', { t: 'yesterday' })).toThrow('is no time');
  });

  test('of the past is that of the views', () => {
    expect(bound('RETRIEVE items AS OF POSITION 7').now).toBe(NOW);
    const momentOf = (text: string) => asOfMoment((parse(text) as QueryStatement).moment, { p: 9 });
    expect(momentOf('RETRIEVE items AS OF POSITION $p')).toEqual({ asOf: 'position', position: 9 });
    expect(momentOf('RETRIEVE items AS OF TIMESTAMP 5s')).toEqual({ asOf: 'timestamp', time: 5_000_000 });
    expect(momentOf('RETRIEVE items AT 5s')).toBeNull();
    expect(momentOf('RETRIEVE items')).toBeNull();
    expect(() => momentOf('RETRIEVE items AS OF POSITION -1')).toThrow('is no position');
  });
});

describe('a cursor', () => {
  const cursor = { position: 81, now: NOW, seed: 12, offset: 40 };
  const page = (text: string) => bound('RETRIEVE items SEED 5 AT 5s CURSOR $c', { c: text });

  test('brings time, seed and place of the first page', () => {
    expect(page(encodeCursor(cursor))).toMatchObject({ cursor, now: NOW, seed: 12 });
  });

  test('that is not what an answer called it is refused', () => {
    const text = encodeCursor(cursor);
    for (const wrong of ['', 'x', text.slice(1), `${text}A`, 'AAAA', '§', text.toLowerCase()]) {
      expect(() => page(wrong)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
    for (let place = 0; place < text.length; place++) {
      const other = text[place] === 'A' ? 'B' : 'A';
      const tampered = text.slice(0, place) + other + text.slice(place + 1);
      expect(() => page(tampered)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  test('far away is refused', () => {
    expect(() => page(encodeCursor({ ...cursor, offset: 100_001 }))).toThrow('ask for less');
    expect(() => page(encodeCursor({ ...cursor, now: (NOW * 2) as never }))).toThrow(
      "ahead of the server's clock",
    );
  });
});

test('suggestions want a kind, a beginning and a number', () => {
  const suggest = (text: string) => bindSuggest(parse(text) as SuggestStatement, inputOf(['ja', 3], history));
  expect(suggest('SUGGEST items PREFIX $1 LIMIT $2')).toEqual({ kind: item, prefix: 'ja', limit: 3 });
  expect(suggest("SUGGEST item PREFIX ''")).toEqual({ kind: item, prefix: '', limit: 10 });
  expect(() => suggest("SUGGEST things PREFIX 'x'")).toThrow('there is no kind "things"');
  expect(() => suggest("SUGGEST items PREFIX 'x' LIMIT 0")).toThrow('is no number of results');
});
