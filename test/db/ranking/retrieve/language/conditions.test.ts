import { describe, expect, test } from 'vitest';
import type { Condition } from '../../../../../db/ranking/retrieve/language/index.ts';
import { parseCondition, printConditions } from '../../../../../db/ranking/retrieve/language/index.ts';

const A = { test: 'compare', attribute: 'a', operator: '=', value: true } as const;
const B = { test: 'compare', attribute: 'b', operator: '=', value: true } as const;
const C = { test: 'compare', attribute: 'c', operator: '=', value: true } as const;
const VIEWS = { scalar: 'signal', signal: 'view', measure: { measure: 'count', window: '24h' } } as const;

describe('conditions', () => {
  test.each<readonly [string, Condition]>([
    ['unseen', { test: 'state', state: 'seen', set: false }],
    ['liked', { test: 'state', state: 'liked', set: true }],
    ['`liked`', { test: 'compare', attribute: 'liked', operator: '=', value: true }],
    ['liked = FALSE', { test: 'compare', attribute: 'liked', operator: '=', value: false }],
    ['format:video', { test: 'compare', attribute: 'format', operator: '=', value: 'video' }],
    ["format:'a b'", { test: 'compare', attribute: 'format', operator: '=', value: 'a b' }],
    ['live:true', { test: 'compare', attribute: 'live', operator: '=', value: true }],
    [
      'format:[video, "a", $x]',
      { test: 'in', attribute: 'format', values: ['video', 'a', { parameter: 'x' }] },
    ],
    ['year:2000..2010', { test: 'between', attribute: 'year', low: 2000, high: 2010 }],
    ['year >= 2000', { test: 'compare', attribute: 'year', operator: '>=', value: 2000 }],
    ['year != $y', { test: 'compare', attribute: 'year', operator: '<>', value: { parameter: 'y' } }],
    ['year BETWEEN -5 AND $b', { test: 'between', attribute: 'year', low: -5, high: { parameter: 'b' } }],
    ["tags HAS 'jazz'", { test: 'has', attribute: 'tags', value: 'jazz' }],
    ['tags has any', { test: 'has', attribute: 'tags', value: null }],
    ["country IN ('US', 'CA')", { test: 'in', attribute: 'country', values: ['US', 'CA'] }],
    ['year NOT IN (1, 2)', { test: 'not', of: { test: 'in', attribute: 'year', values: [1, 2] } }],
    ['a AND b OR c', { test: 'or', of: [{ test: 'and', of: [A, B] }, C] }],
    ['a, b OR c', { test: 'and', of: [A, { test: 'or', of: [B, C] }] }],
    ['a, (b, c)', { test: 'and', of: [A, B, C] }],
    ['NOT (a OR b) AND c', { test: 'and', of: [{ test: 'not', of: { test: 'or', of: [A, B] } }, C] }],
    ['NOT NOT a', { test: 'not', of: { test: 'not', of: A } }],
    ['view.count(24h) > 10', { test: 'feature', feature: VIEWS, operator: '>', value: 10 }],
    ['view.count(1d) > $n', { test: 'feature', feature: VIEWS, operator: '>', value: { parameter: 'n' } }],
    [
      'view.count(24h) = 0',
      {
        test: 'and',
        of: [
          { test: 'feature', feature: VIEWS, operator: '>=', value: 0 },
          { test: 'feature', feature: VIEWS, operator: '<=', value: 0 },
        ],
      },
    ],
    [
      '(view.count(24h) + 1) * 2 >= 3',
      {
        test: 'feature',
        feature: {
          scalar: 'apply',
          function: '*',
          of: [
            { scalar: 'apply', function: '+', of: [VIEWS, { scalar: 'number', value: 1 }] },
            { scalar: 'number', value: 2 },
          ],
        },
        operator: '>=',
        value: 3,
      },
    ],
    [
      '((a)) AND ((year) > 3)',
      {
        test: 'and',
        of: [A, { test: 'feature', feature: { scalar: 'name', name: 'year' }, operator: '>', value: 3 }],
      },
    ],
    [
      'year - 1990 > 3',
      {
        test: 'feature',
        feature: {
          scalar: 'apply',
          function: '-',
          of: [
            { scalar: 'name', name: 'year' },
            { scalar: 'number', value: 1990 },
          ],
        },
        operator: '>',
        value: 3,
      },
    ],
    [
      'decay(age_hours, 3d) < 0.5',
      {
        test: 'feature',
        feature: {
          scalar: 'apply',
          function: 'decay',
          of: [
            { scalar: 'name', name: 'age_hours' },
            { scalar: 'number', value: 72 },
          ],
        },
        operator: '<',
        value: 0.5,
      },
    ],
  ])('%s', (text, expected) => {
    const condition = parseCondition(text);
    expect(condition).toEqual(expected);
    expect(parseCondition(printConditions(condition))).toEqual(expected);
  });

  test('arithmetic binds as in school, from the left', () => {
    const scalars = [
      'a - b - c > 0',
      'a / b / c > 0',
      'a + b * c > 0',
      '(a + b) * c > 0',
      'a - (b - c) > 0',
      '-a * b > 0',
    ];
    expect(scalars.map((text) => printConditions(parseCondition(text)))).toEqual([
      'a - b - c > 0',
      'a / b / c > 0',
      'a + b * c > 0',
      '(a + b) * c > 0',
      'a - (b - c) > 0',
      '-1 * a * b > 0',
    ]);
  });

  test('functions on more than numbers', () => {
    const text =
      'edge(follows TO creator) + similarity(embedding TO user) + state(liked) + feature(text) + like.ratio(view, 24h) + `b c` > 0';
    expect(printConditions(parseCondition(text))).toBe(text);
  });

  test('many brackets beside each other cost no more than one after the other', () => {
    const groups = Array.from({ length: 8_000 }, () => '(a)').join(' OR ');
    expect(parseCondition(groups)).toMatchObject({ test: 'or', of: { length: 8_000 } });
  });
});
