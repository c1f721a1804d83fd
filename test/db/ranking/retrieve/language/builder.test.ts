import { describe, expect, test } from 'vitest';
import {
  among,
  anyOf,
  attribute,
  cohort,
  following,
  having,
  is,
  isNot,
  madeBy,
  matching,
  measure,
  not,
  parameter,
  parse,
  type QueryBuilder,
  relatedTo,
  retrieve,
  scalar,
  search,
  trending,
} from '../../../../../db/ranking/retrieve/language/index.ts';

describe('a query that was built is the one that was written', () => {
  test.each<readonly [string, QueryBuilder]>([
    [
      'RETRIEVE items FOR USER @u CONTEXT feed USING PROFILE for_you FILTER unseen, unblocked, format:video DIVERSITY max_per_creator:2, format_mix:true LIMIT 50',
      retrieve('items')
        .forUser('u')
        .context('feed')
        .using('for_you')
        .filter(isNot('seen'), isNot('blocked'), attribute('format').equals('video'))
        .maxPerCreator(2)
        .mix('format')
        .limit(50),
    ],
    [
      'SEARCH items QUERY "rust tutorial beginner" VECTOR query_vector FOR USER @u USING PROFILE search:2 LIMIT $n',
      search('items')
        .query('rust tutorial beginner')
        .vector(parameter('query_vector'))
        .forUser('u')
        .usingVersion('search', 2)
        .limit(parameter('n')),
    ],
    [
      "SEARCH items QUERY 'jazz' WITHIN TRENDING view 24h TOP 100 WITHIN COHORT us_young WITHIN COHORT (age < 30) 1h",
      search('items')
        .query('jazz')
        .within(trending({ signal: 'view', window: '24h', top: 100 }), cohort('us_young', {}))
        .within(cohort(attribute('age').below(30), { window: '1h' })),
    ],
    [
      'RETRIEVE items WITHIN FOLLOWING follows WITHIN RELATED TO @x WITHIN SAVED WITHIN SEARCH "y" WITHIN CREATOR @c WITHIN ITEMS [@a, @b]',
      retrieve('items').within(
        following('follows'),
        relatedTo('x'),
        having('saved'),
        matching('y'),
        madeBy('c'),
        among('a', 'b'),
      ),
    ],
    [
      "RETRIEVE items FILTER liked, year >= 2000 OR tags HAS 'jazz', NOT year BETWEEN 1 AND 2, view.count(24h) > 10, age_hours + 1 <= 5, unseen",
      retrieve('items')
        .filter(
          is('liked'),
          anyOf([attribute('year').atLeast(2000), attribute('tags').has('jazz')]),
          not(attribute('year').between(1, 2)),
        )
        .filter(
          measure('view', { measure: 'count', window: '24h' }).above(10),
          scalar('age_hours + 1').atMost(5),
          'unseen',
        ),
    ],
    [
      'RETRIEVE items VECTOR [1, 0.5] ON embedding SORT BY new EXCLUDE [@a, @b] DIVERSITY max_per_genre:2 WINDOW 7d SEED 3 SELECT title, year AS OF POSITION 9',
      retrieve('items')
        .vectorOn('embedding', Float32Array.of(1, 0.5))
        .sortBy('new')
        .exclude('a')
        .exclude('b')
        .maxPer('genre', 2)
        .window('7d')
        .seed(3)
        .select('title', 'year')
        .asOfPosition(9),
    ],
    [
      "EXPLAIN RETRIEVE items CURSOR 'c' AS OF TIMESTAMP 5us DIVERSITY max_per_creator:any",
      retrieve('items')
        .cursor('c')
        .asOfTimestamp(5 as never)
        .maxPerCreator('any')
        .explain(),
    ],
    ['RETRIEVE users AT 5us', retrieve('users').at(5 as never)],
    [
      "RETRIEVE items FILTER a <> 1, b <= 2, c > 3, d IN (1, 'x'), e HAS ANY, view.score < 1, view.score >= 2",
      retrieve('items').filter(
        attribute('a').differsFrom(1),
        attribute('b').atMost(2),
        attribute('c').above(3),
        attribute('d').oneOf(1, 'x'),
        attribute('e').hasAny(),
        measure('view', { measure: 'score' }).below(1),
        measure('view', { measure: 'score' }).atLeast(2),
      ),
    ],
  ])('%s', (text, built) => {
    expect(built.statement).toEqual(parse(text));
    expect(parse(String(built))).toEqual(built.statement);
  });

  test('a builder does not change', () => {
    const base = retrieve('items').limit(3);
    base.limit(4).filter('unseen').exclude('a');
    expect(base.statement).toEqual(parse('RETRIEVE items LIMIT 3'));
    expect(base.filter()).toBe(base);
  });

  test('numbers that the language has no words for are refused when it is printed', () => {
    expect(() => String(retrieve('items').limit(Number.NaN))).toThrow('NaN cannot be written in a statement');
  });
});
