/** Rows that a condition is true of, decoded: what queries show and what UPDATE and DELETE change. */
import type { EvaluationContext } from '../expression/index.ts';
import type { RowsPlan } from '../plan/read-plan.ts';
import type { Row } from '../types/index.ts';
import { type Source, storedRows } from './row-source.ts';

export interface MatchingRow {
  /** In the table's space. */
  readonly key: Uint8Array;
  /** What the plan wanted, in its order. */
  readonly row: Row;
  /** As it is stored. */
  readonly bytes: Uint8Array;
}

/** Rows read, none of which matched, after which null says that this is a good moment to do something else. */
export const ROWS_BETWEEN_PAUSES = 256;

/** `limit`: more rows need not be read; null: all. */
export function* matchingRows(
  plan: RowsPlan,
  source: Source,
  context: EvaluationContext,
  limit: number | null,
): Generator<MatchingRow | null> {
  if (!plan.once.every((condition) => condition.evaluate([], context) === true)) return;
  const { filter, decoder } = plan;
  const enough = filter.length === 0 ? limit : null;
  let passed = 0;
  for (const { key, value } of storedRows(plan, source, context, enough)) {
    const row = decoder.decode(value);
    if (isTrue(filter, row, context)) {
      passed = 0;
      yield { key, row, bytes: value };
    } else if (++passed % ROWS_BETWEEN_PAUSES === 0) {
      yield null;
    }
  }
}

export function isTrue(filter: RowsPlan['filter'], row: Row, context: EvaluationContext): boolean {
  for (let index = 0; index < filter.length; index++) {
    if (filter[index]!.evaluate(row, context) !== true) return false;
  }
  return true;
}
