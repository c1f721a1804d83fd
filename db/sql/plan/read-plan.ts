/** What is decided about a query before it runs. A plan holds for one state of the catalog and any values of its parameters. */
import type { Expression } from '../ast.ts';
import type { Table } from '../catalog/index.ts';
import type { SqlColumn } from '../contract.ts';
import type { BoundExpression } from '../expression/index.ts';
import type { RowDecoder, SqlType, WantedColumn } from '../types/index.ts';
import type { AccessPath } from './access-path.ts';
import type { Relation } from './relation.ts';

interface PlanBasics {
  readonly columns: readonly SqlColumn[];
  readonly parameterTypes: readonly SqlType[];
}

/** Rows of a table that a condition is true of. */
export interface RowsPlan {
  readonly table: Table;
  readonly path: AccessPath;
  /** Columns read from stored rows: the first places of a row, behind those of a version in a HISTORY. */
  readonly wanted: readonly WantedColumn[];
  readonly decoder: RowDecoder;
  /** Conditions without columns: where one is not true there are no rows. */
  readonly once: readonly BoundExpression[];
  /** What has to be true of each row: ranges of keys may have others. */
  readonly filter: readonly BoundExpression[];
  /** All of the condition, as it was bound and as it was written: for EXPLAIN. */
  readonly where: BoundExpression | null;
  readonly written: Expression | null;
}

export interface SortItem {
  readonly expression: BoundExpression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface SelectPlan extends PlanBasics {
  readonly plan: 'select';
  /** Null: no FROM; there is one row without columns. */
  readonly relation: Relation | null;
  readonly rows: RowsPlan | null;
  readonly once: readonly BoundExpression[];
  readonly history: boolean;
  /** SELECT count(*): the rows are counted instead of shown. */
  readonly counts: boolean;
  readonly output: readonly BoundExpression[];
  readonly distinct: boolean;
  /** Empty where the path gives the order, or none was asked for. */
  readonly sort: readonly SortItem[];
  readonly orderText: string | null;
  readonly limit: BoundExpression | null;
  readonly offset: BoundExpression | null;
}

/** The same table at two positions. */
export interface DiffPlan extends PlanBasics {
  readonly plan: 'diff';
  readonly table: Table;
}

export type ReadPlan = SelectPlan | DiffPlan;

/**
 * Whether a query is over so soon that the ordering thread may carry it out itself. `past`: as of a position; how many rows
 * there were then nobody has counted.
 */
export function isPoint(plan: ReadPlan, past: boolean): boolean {
  if (plan.plan === 'diff' || plan.history) return false;
  if (plan.rows === null) return true;
  return plan.rows.path.point || (isCountOfAll(plan) && !past);
}

/** The store keeps count of the rows there are now. */
export function isCountOfAll({ counts, rows }: SelectPlan): boolean {
  return (
    counts &&
    rows !== null &&
    rows.once.length === 0 &&
    rows.filter.length === 0 &&
    rows.path.restrictions.length === 0
  );
}
