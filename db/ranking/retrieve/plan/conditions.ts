import type { EntityKind, Predicate, UserItemState } from '../../schema/model.ts';
import { type Reach, reachOf } from '../score/mask.ts';

/** What candidates have to fulfil, sorted by what has to be known to decide it: the cheapest decides first. */
export interface Conditions {
  /** Over attributes alone: a set of entities can be made of it. Null: there is none. */
  readonly attributes: Predicate | null;
  /** States that the user must have of it: sets too. */
  readonly owned: readonly UserItemState[];
  /** Put to candidates before any feature is worked out. */
  readonly states: readonly Predicate[];
  /** Put to candidates by values of features. */
  readonly features: readonly Predicate[];
}

/** Whatever the profile says, nobody is shown what they have hidden or blocked, unless they ask for it. */
const SHUNNED: readonly UserItemState[] = Object.freeze(['hidden', 'blocked']);

/** `predicates`: all of them have to hold. `asked`: states that the query itself is about. */
export function conditionsOf(
  predicates: readonly Predicate[],
  asked: readonly UserItemState[],
  kind: EntityKind,
): Conditions {
  const parts = predicates.flatMap(conjuncts);
  const owned = parts.flatMap((part) => (part.test === 'state' && part.set ? [part.state] : []));
  const shunned = SHUNNED.filter((state) => !owned.includes(state) && !asked.includes(state));
  const attributes = reaching('attributes', parts, kind);
  const states = reaching('states', parts, kind).filter((part) => !(part.test === 'state' && part.set));
  const all: Predicate = { test: 'and', of: attributes };
  return Object.freeze({
    attributes: attributes.length > 1 ? all : (attributes[0] ?? null),
    owned,
    states: [...states, ...shunned.map((state): Predicate => ({ test: 'state', state, set: false }))],
    features: reaching('features', parts, kind),
  });
}

function reaching(reach: Reach, parts: readonly Predicate[], kind: EntityKind): readonly Predicate[] {
  return parts.filter((part) => reachOf(part, kind) === reach);
}

function conjuncts(predicate: Predicate): readonly Predicate[] {
  return predicate.test === 'and' ? predicate.of.flatMap(conjuncts) : [predicate];
}
