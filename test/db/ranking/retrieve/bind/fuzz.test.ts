import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../../../db/errors.ts';
import { commandOf, type WriteStatement } from '../../../../../db/ranking/retrieve/bind/index.ts';
import { type ParameterValue, parse } from '../../../../../db/ranking/retrieve/language/index.ts';
import { bound, NOW } from './example.ts';

const CLAUSES = [
  'FOR USER @u1',
  'FOR USER $p',
  'USING for_you',
  'USING trending',
  'USING for_you:1',
  'SORT BY hot',
  'FILTER unseen, format:video',
  'FILTER year IN ($p, 3), view.count(1h) > 3',
  'FILTER year = $p',
  'FILTER format = $p',
  'FILTER tags HAS $p OR published < $p',
  'FILTER year BETWEEN $p AND $q',
  'FILTER view.velocity > $p, quality > 0.5',
  'FILTER age_hours / (view.score - 1) < $q',
  'FILTER similarity(embedding TO user) > 0.1',
  'FILTER title:x',
  'WITHIN TRENDING view',
  'WITHIN COHORT us_young 7d',
  'WITHIN COHORT (country = $p)',
  'WITHIN FOLLOWING',
  'WITHIN SAVED',
  'WITHIN SEARCH $p',
  'WITHIN CREATOR @c1',
  'WITHIN ITEMS [@i1, $p]',
  'RELATED TO $q',
  'EXCLUDE [@i1, $p]',
  'DIVERSITY max_per_creator:2, format_mix:true',
  'WINDOW 7d',
  'LIMIT $p',
  'LIMIT 5',
  'CURSOR $p',
  'AT $p',
  'AS OF POSITION $p',
  'SEED $p',
  'SELECT title, quality',
  'VECTOR $p',
  'VECTOR $q ON embedding',
] as const;
const BEGINNINGS = [
  'RETRIEVE items',
  'RETRIEVE users',
  'RETRIEVE creators',
  'SEARCH items QUERY $q',
  'EXPLAIN SEARCH items QUERY "x"',
];

const value = fc.oneof(
  fc.constantFrom<ParameterValue>(
    'u1',
    'i1',
    '',
    '2026-01-31',
    null,
    true,
    0,
    7,
    -1,
    1e300,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    NOW,
    2 * NOW,
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
  fc.double(),
  fc.array(fc.oneof(fc.string(), fc.double()), { maxLength: 3 }),
  fc.constantFrom(128, 3).map((dimensions) => new Float32Array(dimensions).fill(0.5)),
);

/** Of statements; a typed error is as good an answer. */
function typed<Answer>(work: () => Answer): Answer | null {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    expect(['INVALID_ARGUMENT', 'NOT_FOUND', 'TOO_LARGE']).toContain(error.code);
    expect(error.message.length).toBeLessThan(1_000);
    return null;
  }
}

test('any question with any values is bound or refused', () => {
  let answered = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...BEGINNINGS),
      fc.uniqueArray(fc.constantFrom(...CLAUSES), { maxLength: 5 }),
      value,
      value,
      (beginning, clauses, p, q) => {
        const query = typed(() => bound([beginning, ...clauses].join(' '), { p, q }));
        if (query === null) return;
        answered += 1;
        expect(query.limit).toBeGreaterThanOrEqual(1);
        expect(query.limit).toBeLessThanOrEqual(1_000);
        expect(Number.isSafeInteger(query.now) && Number.isSafeInteger(query.seed)).toBe(true);
        expect(query.now - NOW).toBeLessThanOrEqual(120_000_000);
        expect(query.vector === null || query.vector.values.every(Number.isFinite)).toBe(true);
        // Nothing that is not a number may have come in by a parameter.
        expect(JSON.stringify(query.filter ?? [])).not.toMatch(/null|NaN|Infinity/);
      },
    ),
    { numRuns: 1_500 },
  );
  expect(answered).toBeGreaterThan(100);
});

const WRITES = [
  'SIGNAL view ON $p BY $q WEIGHT $p AT $q ID $p',
  'SIGNAL view ON @i WEIGHT $p',
  'SIGNAL view ON @i AT $p',
  'UPSERT item $p SET a = $q, b = [$p, $q]',
  'UPSERT item @i SET a = $p AT $q',
  'DELETE item $p',
  'RELATE follows $p $q WEIGHT $p',
  'UNRELATE follows $p $q',
];

test('any write with any values is a command or refused', () => {
  fc.assert(
    fc.property(fc.constantFrom(...WRITES), value, value, (text, p, q) => {
      typed(() => commandOf(parse(text) as WriteStatement, { p, q }));
    }),
    { numRuns: 1_000 },
  );
});
