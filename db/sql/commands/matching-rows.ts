/** The rows of a table that a WHERE names, found the way a query finds them: by a key where it says one. */
import type { Table } from '../catalog/index.ts';
import { Budget } from '../execute/budget.ts';
import { matchingRows } from '../execute/matching-rows.ts';
import { NO_READ_LOG } from '../execute/read-log.ts';
import type { BoundExpression } from '../expression/index.ts';
import { planMatching } from '../plan/plan-rows.ts';
import type { RowsPlan } from '../plan/read-plan.ts';
import type { StoreReader } from '../store/contract.ts';
import type { Evaluation } from './stored-expressions.ts';
import type { StoredRow } from './workspace.ts';

/** A decision has no clock, and everybody who writes waits for it: how long it takes is bounded by what it looks at and writes. */
const LIMITS = Object.freeze({
  rowsMax: Number.MAX_SAFE_INTEGER,
  examinedMax: 2_000_000,
  bytesMax: Number.MAX_SAFE_INTEGER,
  millisMax: Number.MAX_SAFE_INTEGER,
});
const NO_CLOCK = Object.freeze({ monotonicNanos: () => 0n });

export class RowFinder {
  readonly #plan: RowsPlan;

  constructor(table: Table, where: BoundExpression | null) {
    this.#plan = planMatching(table, where);
  }

  /** In the order of the keys gone along, as they are before any of them changes. */
  find(reader: StoreReader, { context }: Evaluation): StoredRow[] {
    const budget = new Budget({ limits: LIMITS, clock: NO_CLOCK, cancelled: () => false });
    const source = { reader, at: null, budget, reads: NO_READ_LOG };
    const found: StoredRow[] = [];
    for (const row of matchingRows(this.#plan, source, context, null)) if (row !== null) found.push(row);
    return found;
  }
}
