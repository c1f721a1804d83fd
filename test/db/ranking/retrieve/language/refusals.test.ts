import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import { located, parse } from '../../../../../db/ranking/retrieve/language/index.ts';

function refusal(text: string): TruthError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof TruthError) return error;
    throw error;
  }
  throw new Error(`taken: ${text}`);
}

describe('what is not taken is refused with its place, what was found, what could stand there, and the nearest word', () => {
  test.each([
    [
      '',
      'at 1:1: the text ends, expected RETRIEVE, SEARCH, SUGGEST, EXPLAIN, SIGNAL, UPSERT, DELETE, RELATE, UNRELATE, DEFINE, DROP, SHOW, …',
    ],
    [
      'RETREIVE items',
      'at 1:1: found "RETREIVE", expected RETRIEVE, SEARCH, SUGGEST, EXPLAIN, SIGNAL, UPSERT, DELETE, RELATE, UNRELATE, DEFINE, DROP, SHOW, …; did you mean RETRIEVE?',
    ],
    ['RETRIEVE', 'at 1:9: the text ends, expected the name of a kind, such as items'],
    ['RETRIEVE items FOR @u', 'at 1:20: found "@u", expected USER or COHORT'],
    [
      'RETRIEVE items\nFOR USER u',
      'at 2:10: found "u", expected the key of a user, such as @u1 or $parameter',
    ],
    [
      'RETRIEVE items UNSING PROFILE p',
      'at 1:16: found "UNSING", expected QUERY, VECTOR, FOR, CONTEXT, USING, SORT, FILTER, WITHIN, RELATED, EXCLUDE, DIVERSITY, WINDOW, …; did you mean USING?',
    ],
    [
      'RETRIEVE items SORT BY shuffel',
      'at 1:24: there is no sort mode "shuffel", there is relevance, personalized, top_hour, top_today, top_week, top_month, top_year, top_all_time, hidden_gems, new, old, hot, shuffle, …; did you mean shuffle?',
    ],
    ['RETRIEVE items LIMIT 5 LIMIT 6', 'at 1:24: LIMIT is there twice; a query has one, join what they say'],
    ['RETRIEVE items LIMIT ten', 'at 1:22: found "ten", expected a number from 1 to 1000'],
    [
      'RETRIEVE items QUERY "x"',
      'at 1:16: RETRIEVE has no QUERY; write SEARCH … QUERY "…", or WITHIN SEARCH "…"',
    ],
    ['SEARCH items LIMIT 3', 'at 1:14: SEARCH looks for something: give it QUERY "…", VECTOR $v, or both'],
    [
      'RETRIEVE items FILTER',
      'at 1:22: the text ends, expected a condition such as unseen, format:video, year >= 2000, NOT or "("',
    ],
    [
      'RETRIEVE items FILTER format = video',
      'at 1:32: found "video", expected a text in \'…\', a number, TRUE, FALSE or $parameter',
    ],
    ['RETRIEVE items FILTER (a OR b', 'at 1:30: the text ends, expected "," or ")"'],
    [
      'RETRIEVE items FILTER view.cuont(24h) > 1',
      'at 1:28: there is no measure "cuont", there is score, count, weight, velocity, acceleration or ratio; did you mean count?',
    ],
    [
      'RETRIEVE items FILTER view.count(2h) > 1',
      'at 1:34: there is no window "2h", there is 1h, 24h, 7d, 30d or all; did you mean 1h?',
    ],
    [
      'RETRIEVE items FILTER lgo1p(view) > 1',
      'at 1:23: there is no function "lgo1p", there is min, max, clamp, log1p, exp, sqrt, abs, pow, saturate, sigmoid, decay, share, …; did you mean log1p?',
    ],
    [
      'RETRIEVE items WITHIN TRENDIGN view',
      'at 1:23: found "TRENDIGN", expected TRENDING, COHORT, FOLLOWING, RELATED, SEARCH, CREATOR, ITEMS, SEEN, LIKED, DISLIKED, SAVED, SHARED, …; did you mean TRENDING?',
    ],
    [
      'RETRIEVE items WITHIN TRENDING TOP 0',
      'at 1:36: 0 is not a number of candidates: a whole number from 1 to 10000',
    ],
    [
      'RETRIEVE items DIVERSITY per_creator:2',
      'at 1:26: there is no rule "per_creator"; there are max_per_creator:2, max_per_ATTRIBUTE:2 and ATTRIBUTE_mix:true',
    ],
    [
      "RETRIEVE items AT '2026-02-30'",
      "at 1:19: '2026-02-30' is not a time; write '2026-01-31', '2026-01-31T12:30:00Z' or 1700000000s",
    ],
    [
      'RETRIEVE items AT 1700000000',
      'at 1:19: found "1700000000", expected a time such as \'2026-01-31T12:30:00Z\' or 1700000000s or $parameter',
    ],
    ['RETRIEVE items AS OF YESTERDAY', 'at 1:22: found "YESTERDAY", expected POSITION or TIMESTAMP'],
    [
      'RETRIEVE items LIMIT 12abc',
      'at 1:22: "12abc" is neither a number nor a duration; units are us, ms, s, m, h, d and w, and text stands in quotes',
    ],
    ['RETRIEVE items LIMIT 1e999', 'at 1:22: "1e999" is too large for a number; they end at 1.79e308'],
    ["RETRIEVE items FILTER a = 'open", "at 1:27: a text begins here and does not end; close it with '"],
    [
      'RETRIEVE items FILTER größe = 3',
      'at 1:25: found "ö"; names are letters a to z, digits and "_", any other name or text stands in quotes',
    ],
    ['RETRIEVE items /* open', 'at 1:16: a comment begins here and does not end; close it with */'],
    [
      'RETRIEVE items FOR USER @ u',
      'at 1:25: "@" begins a key and none follows; write @u1, or @\'any key\' in quotes',
    ],
    ['RETRIEVE items LIMIT $', 'at 1:22: "$" begins a parameter and no name follows; write $1 or $name'],
    [
      'RETRIEVE items # 3',
      'at 1:16: found "#", expected a word, a number, a text in \'…\', @key or $parameter',
    ],
    ['RETRIEVE items; SHOW SCHEMA', 'at 1:17: found "SHOW", expected the end of the statement or ";"'],
    ['SIGNAL view BY @u', 'at 1:13: found "BY", expected ON'],
    [
      'SIGNAL view ON @i BY @u WIEGHT 3',
      'at 1:25: found "WIEGHT", expected BY, WEIGHT, AT or ID; did you mean WEIGHT?',
    ],
    [
      'UPSERT item @i SET a = ',
      "at 1:24: the text ends, expected a text in '…', a number, TRUE, FALSE, NULL, @key, a list in […] or $parameter",
    ],
    [
      'DEFINE SIGNL view',
      'at 1:8: found "SIGNL", expected ENTITY, SIGNAL, RELATIONSHIP, COHORT or PROFILE; did you mean SIGNAL?',
    ],
    [
      'DEFINE ENTITY user (taste VECTOR(2) PREFERENCE OF song.embedding)',
      'at 1:51: it can only be made of embeddings of item, not of "song"; say OF item.name',
    ],
    [
      'DEFINE ENTITY item (title TXT)',
      'at 1:27: there is no type "TXT", there is KEYWORD, KEYWORDS, INTEGER, DOUBLE, BOOLEAN, TIMESTAMP, TEXT, VECTOR, REFERENCES or COMPUTED; did you mean TEXT?',
    ],
    [
      'DEFINE SIGNAL v ON item DECAY EXPONENTIAL HALF LIFE 0s',
      'at 1:53: "0s" is not a duration: at least 1us, whole microseconds, at most 285 years',
    ],
    [
      'DEFINE COHORT c AS age = $1',
      'at 1:8: $1 is a parameter, and a definition has none: it means the same to everybody; write the value',
    ],
    [
      'DEFINE PROFILE p ON item SCORE (bsae 1 * x)',
      'at 1:33: there is no stage "bsae", there is base, personalisation, relationship, signals, recency or penalties; did you mean base?',
    ],
    ['DEFINE PROFILE p ON item SCORE (base 2 * x + 1)', 'at 1:44: found "+", expected "," or ")"'],
    [
      "EVALUATE PROFILE a FROM '2026-02-01' TO '2026-01-01'",
      'at 1:25: nothing lies between these times; FROM is the earlier one',
    ],
    [
      'SHOW TABLES',
      'at 1:6: found "TABLES", expected ENTITIES, SIGNALS, PROFILES, COHORTS, RELATIONSHIPS, SCHEMA or EXPERIMENTS',
    ],
  ])('%s', (text, message) => {
    const error = refusal(text);
    expect(error.message).toBe(message);
    expect(error.code).toBe('INVALID_ARGUMENT');
  });

  test('the details are for programs', () => {
    expect(refusal('RETRIEVE items\n  UNSING p').details).toMatchObject({
      line: 2,
      column: 3,
      position: 18,
      found: 'UNSING',
      suggestion: 'USING',
    });
  });

  test('texts past the limits are too large, however deep they go', () => {
    const deep = [
      `RETRIEVE items FILTER ${'('.repeat(20_000)}`,
      `RETRIEVE items FILTER ${'NOT '.repeat(10_000)}a`,
      `RETRIEVE items FILTER ${'('.repeat(200)}a${')'.repeat(200)}`,
      `RETRIEVE items FILTER ${'-'.repeat(1)}${'(-'.repeat(10_000)}`,
      `RETRIEVE items FILTER x ${'+ 1 '.repeat(10_000)} > 0`,
      `RETRIEVE items FILTER ${'abs('.repeat(10_000)}`,
    ];
    for (const text of deep) expect(refusal(text)).toMatchObject({ code: 'TOO_LARGE' });
    expect(refusal(`RETRIEVE items FILTER a = '${'x'.repeat(70_000)}'`)).toMatchObject({ code: 'TOO_LARGE' });
  });

  test('half of a character is not text', () => {
    expect(refusal("SEARCH items QUERY '\ud800'").message).toMatch(/^at 1:21: half of a character/);
  });

  test('what nests 64 deep is taken', () => {
    const nested = (levels: number) => `RETRIEVE items FILTER ${'('.repeat(levels)}a${')'.repeat(levels)}`;
    expect(() => parse(nested(63))).not.toThrow();
    expect(refusal(nested(65))).toMatchObject({ code: 'TOO_LARGE' });
  });
});

describe('errors about a name that was written', () => {
  const text = "RETRIEVE items\n  FILTER formt = 'formt', year > $low";

  test('get the place of the name', () => {
    const error = new TruthError('NOT_FOUND', 'FILTER: there is no attribute "formt"', {
      name: 'formt',
      suggestion: 'format',
    });
    expect(located(error, text)).toMatchObject({
      code: 'NOT_FOUND',
      message: 'at 2:10: FILTER: there is no attribute "formt"',
      details: { name: 'formt', suggestion: 'format', line: 2, column: 10, position: 25 },
    });
  });

  test('get the place of the parameter', () => {
    const error = new TruthError('INVALID_ARGUMENT', 'no value', { parameter: 'low' });
    expect(located(error, text)).toMatchObject({ details: { line: 2, column: 34 } });
  });

  test('stay as they are where nothing is to be found', () => {
    for (const error of [
      new TruthError('NOT_FOUND', 'x', { name: 'other' }),
      new TruthError('BUSY', 'y'),
      new Error('z'),
      7,
    ]) {
      expect(located(error, text)).toBe(error);
    }
  });
});
