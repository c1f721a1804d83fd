import { describe, expect, test } from 'vitest';
import { bindQuery } from '../../../../../db/ranking/retrieve/bind/index.ts';
import { parse, type QueryStatement } from '../../../../../db/ranking/retrieve/language/index.ts';
import { EXAMPLE_DEFINITIONS } from '../language/example-definitions.ts';
import { boundIn, extend, historyOf, inputOf } from './example.ts';

const ITEMS =
  'DEFINE ENTITY creator (); DEFINE ENTITY item (title TEXT, creator REFERENCES creator); DEFINE ENTITY user ();';

describe('the profile of a query', () => {
  test('is the usual one when none is named', () => {
    const history = historyOf(ITEMS);
    const nameOf = (text: string) => boundIn(history, text).profile;
    expect(nameOf('RETRIEVE items')).toMatchObject({ name: 'trending', version: 0 });
    expect(nameOf('RETRIEVE items FOR USER @u1')).toMatchObject({ name: 'for_you', version: 0 });
    expect(nameOf("SEARCH items QUERY 'x' FOR USER @u1")).toMatchObject({ name: 'search', version: 0 });
    expect(nameOf('RETRIEVE items USING hot')).toMatchObject({ name: 'hot', version: 0 });
  });

  test('is the one that was defined, in the version that is asked for', () => {
    const history = historyOf(ITEMS, "DEFINE PROFILE trending ON item SCORE (base 'one' 1 * age_hours)");
    extend(history, "DEFINE PROFILE trending ON item SCORE (base 'two' 1 * age_hours)");
    expect(boundIn(history, 'RETRIEVE items').profile).toMatchObject({
      version: 2,
      terms: [{ label: 'two' }],
    });
    expect(boundIn(history, 'RETRIEVE items USING trending:1').profile).toMatchObject({
      terms: [{ label: 'one' }],
    });
    expect(boundIn(history, 'RETRIEVE items USING trending:2').profile).toMatchObject({
      terms: [{ label: 'two' }],
    });
  });

  test('of another kind is not the usual one', () => {
    const history = historyOf(ITEMS, 'DEFINE PROFILE trending ON creator');
    expect(boundIn(history, 'RETRIEVE items').profile).toMatchObject({ version: 0 });
  });

  test('is the same object for the same schema, because what is made of it is kept by it', () => {
    const history = historyOf(...Object.values(EXAMPLE_DEFINITIONS));
    const profile = () => boundIn(history, 'RETRIEVE items USING for_you').profile;
    expect(profile()).toBe(profile());
  });
});

describe('a profile that uses what the schema has no more', () => {
  test('counts 0 for it, with a warning', () => {
    const history = historyOf(
      ITEMS,
      `DEFINE SIGNAL view ON item; DEFINE SIGNAL gone ON item;
       DEFINE PROFILE p ON item
         CANDIDATES (top gone.score, top view.score, all)
         SCORE (base 'both' 2 * (view.score + gone.count(all)), signals 'share' 1 * view.ratio(gone, 24h), recency 'age' 1 * age_hours)
         GATES (gone.score < 3, view.score < 3)
         BOOST (gone.score > 1 OR view.score > 1) BY 2
         BOOST (view.score > 1) BY 3;
       DEFINE PROFILE p ON item SCORE (base 1 * view.score);
       DROP SIGNAL gone CASCADE`,
    );
    const statement = parse('RETRIEVE items USING p:1') as QueryStatement;
    const input = inputOf([], history);
    const query = bindQuery(statement, input);
    expect(query.warnings).toEqual(['profile p uses signal 2, which the schema no longer has; it counts 0']);
    expect(query.profile).toMatchObject({
      candidates: [{ source: 'top', signal: 1 }, { source: 'all' }],
      terms: [
        {
          label: 'both',
          of: {
            scalar: 'apply',
            of: [
              { scalar: 'signal', signal: 1 },
              { scalar: 'number', value: 0 },
            ],
          },
        },
        { label: 'share', of: { scalar: 'number', value: 0 } },
        { label: 'age' },
      ],
      gates: [{ feature: { signal: 1 } }],
      boosts: [{ factor: 3 }],
    });
    expect(bindQuery(statement, input).profile).toBe(query.profile);
  });
});
