import { expect, test } from 'vitest';
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
