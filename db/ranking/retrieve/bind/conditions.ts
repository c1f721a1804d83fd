/** Conditions of a query to predicates of the model. */

import { checkPredicate, type TermsUse } from '../../schema/check-terms.ts';
import type { PredicateDefinition, ScalarDefinition } from '../../schema/definition.ts';
import type { EntityKind, Predicate, RankingSchema, WindowName } from '../../schema/model.ts';
import { resolvePredicate } from '../../schema/resolve.ts';
import { type Condition, type Parameters, withValues } from '../language/index.ts';

/**
 * `window`: of measures that name none; null leaves them to the signal. Errors: NOT_FOUND for names, INVALID_ARGUMENT for what
 * makes no sense, each with `place`.
 */
export function predicateOf(
  condition: Condition,
  parameters: Parameters,
  where: {
    readonly schema: RankingSchema;
    readonly kind: EntityKind;
    readonly use: TermsUse;
    readonly window: WindowName | null;
    readonly place: string;
  },
): Predicate {
  const { schema, kind, use, window, place } = where;
  const given = withValues(condition, parameters);
  const predicate = resolvePredicate(
    { schema, kind },
    window === null ? given : withWindow(given, window),
    place,
  );
  checkPredicate({ schema, before: schema, kind, use }, predicate, place);
  return predicate;
}

function withWindow(given: PredicateDefinition, window: WindowName): PredicateDefinition {
  switch (given.test) {
    case 'and':
    case 'or':
      return { test: given.test, of: given.of.map((part) => withWindow(part, window)) };
    case 'not':
      return { test: 'not', of: withWindow(given.of, window) };
    case 'feature':
      return { ...given, feature: scalarWithWindow(given.feature, window) };
    default:
      return given;
  }
}

function scalarWithWindow(given: ScalarDefinition, window: WindowName): ScalarDefinition {
  if (given.scalar === 'apply')
    return { ...given, of: given.of.map((part) => scalarWithWindow(part, window)) };
  if (given.scalar !== 'signal' || given.measure.measure === 'score') return given;
  return { ...given, measure: { ...given.measure, window: given.measure.window ?? window } };
}

/** Whether it asks for what a user has done. */
export function asksForStates(predicate: Predicate): boolean {
  switch (predicate.test) {
    case 'and':
    case 'or':
      return predicate.of.some(asksForStates);
    case 'not':
      return asksForStates(predicate.of);
    default:
      return predicate.test === 'state';
  }
}
