/** A planned SELECT carried out: rows found, counted or put in order, cut to what was asked for. */
import { TruthError } from '../../errors.ts';
import { SEQUENCE_NONE } from '../../types.ts';
import type { BoundExpression, EvaluationContext } from '../expression/index.ts';
import { isCountOfAll, type SelectPlan } from '../plan/read-plan.ts';
import { encodeKey, type Row, type SqlValue } from '../types/index.ts';
import { historyRows } from './history-rows.ts';
import { matchingRows } from './matching-rows.ts';
import { rowBytes } from './row-bytes.ts';
import type { Source } from './row-source.ts';
import { SortedRows } from './sorted-rows.ts';

const WHOLE = { from: null, to: null };
const NO_COLUMNS: Row = [];

/** Rows of the answer; null: a good moment to do something else. Errors: what expressions and budgets say, 2201W, 2201X. */
export function* selectRows(
  plan: SelectPlan,
  source: Source,
  context: EvaluationContext,
): Generator<Row | null> {
  const limit = boundOf(plan.limit, 'LIMIT', '2201W', context);
  const offset = boundOf(plan.offset, 'OFFSET', '2201X', context) ?? 0;
  const wanted = limit === null ? null : limit + offset;
  if (limit === 0) return;
  const rows = plan.counts ? countedRows(plan, source, context) : shownRows(plan, source, context, wanted);
  let passed = 0;
  for (const row of rows) {
    if (row === null) {
      yield null;
      continue;
    }
    if (passed++ < offset) continue;
    yield row;
    if (passed === wanted) return;
  }
}

function boundOf(
  bound: BoundExpression | null,
  what: string,
  sqlstate: string,
  context: EvaluationContext,
): number | null {
  const value = (bound?.evaluate(NO_COLUMNS, context) ?? null) as bigint | null;
  if (value === null) return null;
  if (value >= 0n) return Number(value);
  throw new TruthError('INVALID_ARGUMENT', `${what} must not be negative`, { sqlstate });
}

function* countedRows(plan: SelectPlan, source: Source, context: EvaluationContext): Generator<Row | null> {
  const { rows, history } = plan;
  if (isCountOfAll(plan) && !history && source.at === null && rows !== null) {
    source.reads.range(rows.table.space, WHOLE);
    yield [BigInt(source.reader.count(rows.table.space))];
    return;
  }
  let count = 0n;
  for (const row of baseRows(plan, source, context, null)) {
    if (row !== null) count += 1n;
    // Rows that match come without a pause between them.
    if (row === null || count % 256n === 0n) yield null;
  }
  yield [count];
}

function* shownRows(
  plan: SelectPlan,
  source: Source,
  context: EvaluationContext,
  wanted: number | null,
): Generator<Row | null> {
  const { output, sort, distinct } = plan;
  const isFirst = distinct ? new Distinct(plan, source) : null;
  const sorted =
    sort.length === 0
      ? null
      : new SortedRows(
          sort.map(({ expression, descending, nullsFirst }) => ({
            type: expression.type,
            descending,
            nullsFirst,
          })),
          wanted,
          source.budget,
        );
  const enough = distinct || sorted !== null ? null : wanted;
  let kept = 0;
  for (const base of baseRows(plan, source, context, enough)) {
    if (base === null) {
      yield null;
      continue;
    }
    const row = output.map(({ evaluate }) => evaluate(base, context));
    if (isFirst?.sees(row) === false) continue;
    if (sorted === null) {
      yield row;
      continue;
    }
    sorted.add({ row, by: sort.map(({ expression }) => expression.evaluate(base, context)) });
    if (++kept % 256 === 0) yield null;
  }
  for (const { row } of sorted?.sorted() ?? []) yield row;
}

/** What expressions of the query are about: stored rows, versions, or the one row of a query without a table. */
function* baseRows(
  { rows, once, history }: SelectPlan,
  source: Source,
  context: EvaluationContext,
  limit: number | null,
): Generator<Row | null> {
  if (rows === null) {
    if (once.every((condition) => condition.evaluate(NO_COLUMNS, context) === true)) yield NO_COLUMNS;
    return;
  }
  if (history) {
    const to = source.at ?? source.reader.position?.sequence ?? SEQUENCE_NONE;
    yield* historyRows(rows, source, context, to);
    return;
  }
  for (const match of matchingRows(rows, source, context, limit)) yield match === null ? null : match.row;
}

/** Rows that were there before, by the bytes of their values: equal values have equal keys. */
class Distinct {
  readonly #seen = new Set<string>();
  readonly #types;
  readonly #source: Source;

  constructor(plan: SelectPlan, source: Source) {
    this.#types = plan.columns.map(({ type }) => type);
    this.#source = source;
  }

  sees(row: readonly SqlValue[]): boolean {
    const key = Buffer.from(encodeKey(this.#types, row)).toString('latin1');
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    this.#source.budget.hold(rowBytes(row));
    return true;
  }
}
