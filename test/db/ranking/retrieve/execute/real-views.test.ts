import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILT_IN_PROFILES, builtInProfile, Retriever } from '../../../../../db/ranking/retrieve/index.ts';
import { questions } from '../../support/arbitrary.ts';
import { LIMITS, numbersOf, queryOf } from '../../support/asking.ts';
import { items } from '../../support/example-schema.ts';
import { expected } from '../../support/reference.ts';
import { viewReadersOf } from '../../support/views.ts';

const retriever = new Retriever();

describe('over the views of a log', () => {
  test('a query finds what going through everything finds', () => {
    fc.assert(
      fc.property(questions, ({ world, query }) => {
        const readers = viewReadersOf(world);
        const result = retriever.answer(query, readers, 1, LIMITS);
        const wanted = expected(query, readers);
        expect(numbersOf(result)).toEqual(wanted.numbers);
        result.hits.forEach(({ score }, at) => {
          expect(score).toBeCloseTo(wanted.scores[at]!, 9);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('every built-in profile answers, whatever there is', () => {
    fc.assert(
      fc.property(questions, ({ world, query: { user, now } }) => {
        const readers = viewReadersOf(world);
        for (const name of BUILT_IN_PROFILES) {
          const profile = builtInProfile(name, readers.entities.schema, items);
          const { hits } = retriever.answer(
            queryOf({ profile, user, now, text: 'jazz' }),
            readers,
            1,
            LIMITS,
          );
          expect(hits.every(({ score }) => Number.isFinite(score))).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });
});
