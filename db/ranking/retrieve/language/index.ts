/**
 * `language/` is what people write to the ranking layer: text to statements and back, and statements from calls. It may import
 * the words of the layer (ground, schema, the query's types) and the database's errors, nothing that holds data, so that clients
 * have it too. Text and values come in; statements with unresolved names go out, to be bound (`bind/`) or decided (`kernel/`).
 *
 *     parse, parseScript     one statement, several
 *     print                  the canonical text of a statement
 *     builder                statements from calls; definition-builder: definitions from objects
 *     substitute             values in the place of parameters
 */
export type * from './ast.ts';
export { allOf, anyOf, isParameter, SHOWN } from './ast.ts';
export {
  among,
  attribute,
  cohort,
  following,
  having,
  is,
  isNot,
  madeBy,
  matching,
  measure,
  not,
  parameter,
  QueryBuilder,
  relatedTo,
  retrieve,
  scalar,
  search,
  trending,
} from './builder.ts';
export {
  defineCohort,
  defineEntity,
  defineProfile,
  defineRelationship,
  defineSignal,
  normalisedTerm,
  term,
} from './definition-builder.ts';
export { located } from './locate.ts';
export { parse, parseCondition, parseScript } from './parse.ts';
export { print } from './print.ts';
export { printConditions } from './print-condition.ts';
export {
  numberValue,
  type Parameters,
  type ParameterValue,
  parameterValue,
  textValue,
  timeValue,
  withValues,
} from './substitute.ts';
