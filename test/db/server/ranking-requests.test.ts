import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { rankingRequest } from '../../../db/server/ranking-requests.ts';

test.each([
  [{}, 'has one of statement, entities, signals, relate, expose, this one has nothing'],
  [{ statment: 'x' }, 'this one has statment'],
  [{ statement: '' }, 'at statement'],
  [{ signals: [{ signal: 'view' }] }, 'at signals[0].target'],
  [{ entities: [] }, 'at entities'],
  [{ relate: { relationship: 'follows', from: 'a' } }, 'at relate.to'],
  [{ statement: 'RETRIEVE items', failure: 'all' }, 'failure'],
])('%j is refused with the place that is wrong', (input, words) => {
  expect(() => rankingRequest(input)).toThrow(words);
});

test('what may be left out has its default', () => {
  expect(rankingRequest({ signals: [{ signal: 'view', target: 'a' }] })).toEqual({
    signals: [{ signal: 'view', target: 'a', user: null, weight: null, at: null, id: null }],
    failure: 'each',
    dryRun: false,
  });
});

const MESSAGE_CHARACTERS_MAX = 4_000;

/** Read, or refused with a typed error of a length that can be shown. */
function taken(input: unknown): void {
  try {
    rankingRequest(input as object);
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    expect((error as TruthError).code).toBe('INVALID_ARGUMENT');
    expect((error as TruthError).message.length).toBeLessThan(MESSAGE_CHARACTERS_MAX);
  }
}

test('any JSON under the names of requests is read or refused', () => {
  const name = fc.constantFrom(
    'statement',
    'parameters',
    'entities',
    'signals',
    'relate',
    'expose',
    'failure',
  );
  const inner = fc.constantFrom(
    'kind',
    'key',
    'set',
    'signal',
    'target',
    'at',
    'weight',
    'items',
    '__proto__',
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.array(fc.dictionary(inner, fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 }),
  );
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 3 }), (input) => taken(input)),
    { numRuns: 1_000 },
  );
});

test.each([
  ['signals', { signals: Array.from({ length: 10_000 }, () => ({})) }],
  ['entities', { entities: Array.from({ length: 10_000 }, () => ({ kind: 1, key: 2 })) }],
  ['parameters', { statement: 'x', parameters: Array.from({ length: 10_000 }, () => ({})) }],
  ['names', { expose: Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`name${at}`, at])) }],
  ['a name', { ['x'.repeat(100_000)]: 1 }],
])('thousands of wrong %s are refused in a few lines', (_, input) => {
  expect(() => rankingRequest(input)).toThrow(TruthError);
  taken(input);
});
