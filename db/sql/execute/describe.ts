import type { Catalog } from '../catalog/index.ts';
import type { SqlDescription } from '../contract.ts';
import { type EvaluationContext, ParameterTypes } from '../expression/index.ts';
import { bindMoment, type Moment, momentOf } from '../plan/moment.ts';
import { Planner } from '../plan/planner.ts';
import type { ReadPlan } from '../plan/read-plan.ts';
import { type SqlType, sqlError } from '../types/index.ts';
import { QUERY_PLAN } from './explain.ts';
import type { LogEnd, QueryStore, ReadStatement } from './query.ts';
import { resolveMoment } from './read-point.ts';

/** Of the thread that talks to clients. */
const planner = new Planner();
const TEXT: SqlType = Object.freeze({ kind: 'text', lengthMax: null });

/** The tables there are, and those there were. */
export interface DescribedTables {
  readonly present: Catalog;
  /** Errors: INVALID_ARGUMENT (22023) for a moment that has not come yet. */
  readonly asOf: (moment: Moment) => Catalog;
}

/** For `DescribedTables`: reads the tables of a moment from a store. */
export function tablesAsOf(store: QueryStore, end: LogEnd | null, moment: Moment): Catalog {
  const snapshot = store.snapshot();
  try {
    return store.catalogs.at(snapshot, resolveMoment(snapshot, end, moment));
  } finally {
    snapshot.close();
  }
}

/**
 * What a query wants and gives. Where AS OF waits for a parameter, the tables are taken as they are now: the columns of the
 * answer are what counts. `given`: a type for each parameter, null where the query decides. Errors: INVALID_ARGUMENT with
 * PostgreSQL's sqlstate.
 */
export function describeQuery(
  statement: ReadStatement,
  text: string,
  tables: DescribedTables,
  given: readonly (SqlType | null)[],
): SqlDescription {
  if (statement.statement !== 'explain') {
    const { parameterTypes, columns } = plan(statement, text, tables, given);
    return { parameters: parameterTypes, columns };
  }
  const { of } = statement;
  const isQuery = of.statement === 'select' || of.statement === 'diff';
  const parameters = isQuery
    ? plan(of, text, tables, given).parameterTypes
    : given.map((type) => type ?? TEXT);
  return { parameters, columns: QUERY_PLAN };
}

function plan(
  statement: Exclude<ReadStatement, { statement: 'explain' }>,
  text: string,
  tables: DescribedTables,
  given: readonly (SqlType | null)[],
): ReadPlan {
  const catalog = catalogOf(statement, tables, given);
  const missing = (table: string, at: number | null): Error =>
    sqlError('42P01', `relation "${table}" does not exist`, at);
  return planner.plan({ statement, text, parameters: given.length, parameterTypes: given, catalog, missing });
}

function catalogOf(
  statement: Exclude<ReadStatement, { statement: 'explain' }>,
  { present, asOf }: DescribedTables,
  given: readonly (SqlType | null)[],
): Catalog {
  const when = statement.statement === 'diff' ? statement.to : statement.asOf;
  if (when === null) return present;
  const bound = bindMoment(when, new ParameterTypes(given.length, given));
  if (bound.usesParameters || bound.volatility !== 'immutable') return present;
  return asOf(momentOf(when, bound, NO_CONTEXT));
}

/** What is immutable and has no parameters looks at nothing. */
const NO_CONTEXT: EvaluationContext = Object.freeze({
  parameters: [],
  now: 0n,
  randomUuid: () => '',
  user: '',
  database: '',
});
