import type { Catalog } from '../catalog/index.ts';
import type { SqlDescription } from '../contract.ts';
import { Planner } from '../plan/planner.ts';
import type { ReadPlan } from '../plan/read-plan.ts';
import { type SqlType, sqlError } from '../types/index.ts';
import { QUERY_PLAN } from './explain.ts';
import type { ReadStatement } from './query.ts';

/** Of the thread that talks to clients. */
const planner = new Planner();
const TEXT: SqlType = Object.freeze({ kind: 'text', lengthMax: null });

/**
 * What a query wants and gives, with the tables as they are in `catalog`: what AS OF gives may differ where the tables did.
 * `given`: a type for each parameter, null where the query decides. Errors: INVALID_ARGUMENT with PostgreSQL's sqlstate.
 */
export function describeQuery(
  statement: ReadStatement,
  text: string,
  catalog: Catalog,
  given: readonly (SqlType | null)[],
): SqlDescription {
  if (statement.statement !== 'explain') {
    const { parameterTypes, columns } = plan(statement, text, catalog, given);
    return { parameters: parameterTypes, columns };
  }
  const { of } = statement;
  const isQuery = of.statement === 'select' || of.statement === 'diff';
  const parameters = isQuery
    ? plan(of, text, catalog, given).parameterTypes
    : given.map((type) => type ?? TEXT);
  return { parameters, columns: QUERY_PLAN };
}

function plan(
  statement: Exclude<ReadStatement, { statement: 'explain' }>,
  text: string,
  catalog: Catalog,
  given: readonly (SqlType | null)[],
): ReadPlan {
  const missing = (table: string, at: number | null): Error =>
    sqlError('42P01', `relation "${table}" does not exist`, at);
  return planner.plan({ statement, text, parameters: given.length, parameterTypes: given, catalog, missing });
}
