/**
 * `sql/expression/` gives expressions of the parser (ast.ts) their types and makes functions of them that compute them over
 * rows, as PostgreSQL 15 does. It imports `sql/types` and `numeric/`. Expressions and what names mean (Scope) come in; bound
 * expressions, what a planner can use of them (restriction.ts) and accumulators of aggregates go out. Time and randomness
 * come from the EvaluationContext alone.
 *
 *     const parameters = new ParameterTypes(statement.parameters);
 *     const where = bindCondition(expression, tableScope([{ name: 't', columns }]), parameters, 'WHERE');
 *     parameters.all()                            types of $1 …, or 42P18
 *     where.evaluate(row, context) === true       NULL is not true
 */
export { compareExtremes } from './accumulators.ts';
export {
  type Accumulator,
  type BoundAggregate,
  bindAggregate,
  decodeState,
  encodeState,
} from './aggregate.ts';
export { isAggregate } from './aggregate-names.ts';
export { bind, bindAs, bindAssignment, bindCondition } from './bind.ts';
export type {
  BoundExpression,
  Evaluate,
  EvaluationContext,
  Scope,
  ScopeColumn,
  Shape,
  Volatility,
} from './bound.ts';
export { assignmentCast } from './casts.ts';
export { ParameterTypes } from './parameter-types.ts';
export { conjuncts, type Restriction, restrictionsOf, type ValueRange } from './restriction.ts';
export { EMPTY_SCOPE, type ScopeTable, tableScope } from './scope.ts';
