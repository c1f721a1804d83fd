import { describe, expect, test } from 'vitest';
import type { EntityNumber } from '../../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR } from '../../../../../db/ranking/ground.ts';
import { NOW } from '../../support/arbitrary.ts';
import { answer, itemOf, numbersOf, profileOf, queryOf, termOf, worldOf } from '../../support/asking.ts';
import { LENGTH, VIEW } from '../../support/example-schema.ts';
import { readersOf } from '../../support/world.ts';

const old = { createdAt: NOW - 90 * MICROS_PER_DAY };
const fresh = { createdAt: NOW - 5 * MICROS_PER_HOUR };
/** 1 to 20 are old and better the smaller; 21 to 26 are new. */
const world = worldOf({
  items: [
    ...Array.from({ length: 20 }, (_, at) => itemOf({ ...old, length: 100 - at, creator: 1 + (at % 2) })),
    ...Array.from({ length: 6 }, (_, at) => itemOf({ ...fresh, length: 1, creator: at === 0 ? 1 : 9 })),
  ],
  users: Array.from({ length: 9 }, () => ({ tuple: 0, taste: null })),
  events: Array.from({ length: 40 }, () => ({ signal: VIEW, target: 26, user: 1, at: NOW - 1, weight: 1 })),
});
const readers = readersOf(world);
const profile = profileOf({ exploration: { share: 0.2, withinMicros: MICROS_PER_DAY } });

function explored(user: number, seed: number): readonly number[] {
  const { hits } = answer(queryOf({ profile, user: user as EntityNumber, seed }), readers);
  return hits.flatMap(({ number, placed }) => (placed === 'explored' ? [number] : []));
}

describe('exploration', () => {
  test('has a share of the places for what is new and few have seen', () => {
    const { hits } = answer(queryOf({ profile }), readers);
    expect(hits.map(({ placed }) => placed === 'explored')).toEqual([
      ...[false, false, false, false, true],
      ...[false, false, false, false, true],
    ]);
    for (const number of explored(1, 7)) expect([21, 22, 23, 24, 25]).toContain(number);
  });

  test('shows the same person the same for the same seed, and others something else', () => {
    expect(explored(1, 7)).toEqual(explored(1, 7));
    const shown = [1, 2, 3, 4, 5, 6, 7, 8].map((user) => explored(user, 7).join());
    expect(new Set(shown).size).toBeGreaterThan(2);
  });

  test('goes on from page to page', () => {
    const pages = [0, 10, 20].flatMap((offset) =>
      numbersOf(answer(queryOf({ profile, cursor: { position: 100, now: NOW, seed: 7, offset } }), readers)),
    );
    expect([...pages].sort((one, other) => one - other)).toEqual(
      Array.from({ length: 26 }, (_, at) => at + 1),
    );
  });

  test('has the mean of what its creator made stand in for what nobody has judged yet', () => {
    const { hits } = answer(queryOf({ profile, limit: 26 }), readers);
    const proxy = (number: number) =>
      hits.find((hit) => hit.number === number)?.contributions.find(({ stage }) => stage === 'exploration');
    // Of the ten of the first creator: 100, 98 … 82; of an unknown one: half of everybody's, with the one of which many know.
    expect(proxy(21)?.contribution).toBeCloseTo(91 - 1, 9);
    expect(proxy(22)?.contribution).toBeCloseTo(((100 + 81) * 10 + 1) / 21 / 2 - 1, 9);
    expect(proxy(26)).toBeUndefined();
    expect(proxy(1)).toBeUndefined();
  });

  test('stays out where a score is a product', () => {
    const terms = [termOf({ scalar: 'attribute', attribute: LENGTH }, { normalised: true })];
    const { hits } = answer(queryOf({ profile: { ...profile, terms, composition: 'product' } }), readers);
    expect(hits[0]?.contributions.map(({ stage }) => stage)).toEqual(['base']);
  });
});
