/**
 * Conditions over the attributes of one kind, as sets of entities. The smallest part comes first; what follows looks at its
 * members one by one where they are few, and is worked out as a set only where that is less work.
 */

import { intersect, NO_NUMBERS, SortedNumbers, unite, without } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import type { Predicate } from '../schema/model.ts';
import type { AttributeTest, PreparedTest } from './attribute-store.ts';

export interface Universe {
  /** Entities that are there. */
  all(): NumberSet;
  readonly size: number;
  has(entity: number): boolean;
  prepare(test: AttributeTest): PreparedTest;
}

/** A set of more members than this share of what they are tested for is intersected as a set. */
const TEST_SHARE = 1 / 8;

/** Tests of states and features hold for nobody here: they are not the entity's own. */
export function prepared(universe: Universe, predicate: Predicate): PreparedTest {
  switch (predicate.test) {
    case 'and':
      return conjunction(predicate.of.map((each) => prepared(universe, each)));
    case 'or':
      return disjunction(
        universe,
        predicate.of.map((each) => prepared(universe, each)),
      );
    case 'not':
      return negation(universe, prepared(universe, predicate.of));
    case 'state':
    case 'feature':
      return { estimate: 0, set: () => NO_NUMBERS, has: () => false };
    default:
      return universe.prepare(predicate);
  }
}

function conjunction(parts: readonly PreparedTest[]): PreparedTest {
  const ordered = [...parts].sort((a, b) => a.estimate - b.estimate);
  const [first, ...rest] = ordered;
  if (first === undefined) return { estimate: 0, set: () => NO_NUMBERS, has: () => false };
  return {
    estimate: first.estimate,
    set: () => rest.reduce(narrowed, first.set()),
    has: (entity) => ordered.every((part) => part.has(entity)),
  };
}

function narrowed(set: NumberSet, part: PreparedTest): NumberSet {
  if (set.size === 0) return set;
  if (set.size > part.estimate * TEST_SHARE) return intersect(set, part.set());
  return new SortedNumbers(set.toArray().filter((entity) => part.has(entity)));
}

function disjunction(universe: Universe, parts: readonly PreparedTest[]): PreparedTest {
  const sum = parts.reduce((total, { estimate }) => total + estimate, 0);
  return {
    estimate: Math.min(universe.size, sum),
    set: () => parts.reduce<NumberSet>((all, part) => unite(all, part.set()), NO_NUMBERS),
    has: (entity) => parts.some((part) => part.has(entity)),
  };
}

function negation(universe: Universe, part: PreparedTest): PreparedTest {
  return {
    estimate: Math.max(0, universe.size - part.estimate),
    set: () => without(universe.all(), part.set()),
    has: (entity) => universe.has(entity) && !part.has(entity),
  };
}
