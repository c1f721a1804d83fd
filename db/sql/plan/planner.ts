/** Plans for statements that read, kept as long as the tables stay as they were. */
import type { DiffStatement, SelectStatement } from '../ast.ts';
import type { Catalog } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import { ParameterTypes } from '../expression/index.ts';
import { type SqlType, sqlError } from '../types/index.ts';
import { bindMoment } from './moment.ts';
import { planSelect } from './plan-select.ts';
import type { DiffPlan, ReadPlan } from './read-plan.ts';
import { VERSION_COLUMNS } from './row-scope.ts';

export interface PlanRequest {
  readonly statement: SelectStatement | DiffStatement;
  /** The whole text it was written in: with the types of its parameters, what a plan is found by. */
  readonly text: string;
  readonly parameters: number;
  /** Null: the query decides. */
  readonly parameterTypes: readonly (SqlType | null)[];
  /** As of the position that is asked about. */
  readonly catalog: Catalog;
  readonly missing: (table: string, at: number | null) => Error;
}

const PLANS_MAX = 256;

export class Planner {
  readonly #forced: string | null;
  #plans = new WeakMap<Catalog, Map<string, ReadPlan>>();

  /** `forced`: the way into each table by name, for tests that compare them. */
  constructor(forced: string | null = null) {
    this.#forced = forced;
  }

  /** Errors: INVALID_ARGUMENT with PostgreSQL's sqlstate. */
  plan(request: PlanRequest): ReadPlan {
    const { catalog, text, parameterTypes } = request;
    let plans = this.#plans.get(catalog);
    if (plans === undefined) {
      plans = new Map();
      this.#plans.set(catalog, plans);
    }
    const key = parameterTypes.every(isOpen) ? text : `${JSON.stringify(parameterTypes)} ${text}`;
    const kept = plans.get(key);
    if (kept !== undefined) return kept;
    const plan = this.#make(request);
    if (plans.size >= PLANS_MAX) plans.clear();
    plans.set(key, plan);
    return plan;
  }

  #make({ statement, text, parameters, parameterTypes, catalog, missing }: PlanRequest): ReadPlan {
    const types = new ParameterTypes(parameters, parameterTypes);
    return statement.statement === 'select'
      ? planSelect(statement, { catalog, text, types, missing, forced: this.#forced })
      : planDiff(statement, catalog, types, missing);
  }
}

function isOpen(type: SqlType | null): boolean {
  return type === null;
}

/** In the table as it is at the later position: what it is now called and made of. */
function planDiff(
  { table: name, from, to }: DiffStatement,
  catalog: Catalog,
  types: ParameterTypes,
  missing: PlanRequest['missing'],
): DiffPlan {
  for (const moment of [from, to]) bindMoment(moment, types);
  const table = catalog.table(name);
  if (table === null) {
    if (catalog.projection(name) === null) throw missing(name, null);
    throw sqlError(
      '0A000',
      `DIFF compares tables; "${name}" is a projection: compare its answers AS OF each position`,
    );
  }
  const after = table.columns.map(({ name: column, type }): SqlColumn => ({ name: column, type }));
  const before = after.map(({ name: column, type }): SqlColumn => ({ name: `_old_${column}`, type }));
  const versions = VERSION_COLUMNS.filter(({ name: column }) => column !== '_until');
  return { plan: 'diff', table, columns: [...versions, ...after, ...before], parameterTypes: types.all() };
}
