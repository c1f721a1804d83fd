/** The rows of a table that a WHERE names, found the way a query finds them: by a key where it says one. */
import type { Table } from '../catalog/index.ts';
import { Budget } from '../execute/budget.ts';
import { NO_READ_LOG } from '../execute/read-log.ts';
import { storedRows } from '../execute/row-source.ts';
import type { BoundExpression } from '../expression/index.ts';
import { accessPath } from '../plan/access-path.ts';
import { columnFacts, conjunctsOf, valuesOf } from '../plan/column-facts.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { StoreReader } from '../store/contract.ts';
import type { Evaluation } from './stored-expressions.ts';
import type { StoredRow } from './workspace.ts';

/** A decision has no clock: how long it takes is bounded by what it may write, and by what there is to look at. */
const LIMITS = Object.freeze({
  rowsMax: Number.MAX_SAFE_INTEGER,
  examinedMax: 100_000_000,
  bytesMax: Number.MAX_SAFE_INTEGER,
  millisMax: Number.MAX_SAFE_INTEGER,
});
const NO_CLOCK = Object.freeze({ monotonicNanos: () => 0n });

export class RowFinder {
  readonly #table: Table;
  readonly #where: BoundExpression | null;
  readonly #path;

  constructor(table: Table, where: BoundExpression | null) {
    this.#table = table;
    this.#where = where;
    const conjuncts = where === null ? [] : conjunctsOf(where);
    const facts = columnFacts(conjuncts, (place) => table.columns[place]?.id ?? null);
    this.#path = accessPath(table, { facts, order: null, limited: false }, null);
  }

  /** In the order of the keys gone along, as they are before any of them changes. */
  find(reader: StoreReader, { context }: Evaluation): StoredRow[] {
    const layout = TableLayout.of(this.#table);
    const path = { ...this.#path, conditions: valuesOf(this.#path.conditions, context) };
    const budget = new Budget({ limits: LIMITS, clock: NO_CLOCK, cancelled: () => false });
    const found: StoredRow[] = [];
    const source = { reader, at: null, budget, reads: NO_READ_LOG };
    for (const { key, value } of storedRows(this.#table, path, source, null)) {
      const row = layout.rowOf(value);
      if (this.#where === null || this.#where.evaluate(row, context) === true) found.push({ key, row });
    }
    return found;
  }
}
