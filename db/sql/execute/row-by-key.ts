/** A row of the present by its key: what most queries ask for, by the shortest way. */
import type { SqlParameter } from '../contract.ts';
import type { EvaluationContext } from '../expression/index.ts';
import type { ReadPlan, RowsPlan, SelectPlan } from '../plan/read-plan.ts';
import type { Row } from '../types/index.ts';
import { isTrue } from './matching-rows.ts';
import { positionOf } from './open-query.ts';
import { parameterValue } from './parameter-value.ts';
import type { Query, QueryAnswer } from './query.ts';
import { presentPosition } from './read-point.ts';
import { rowBytes } from './row-bytes.ts';
import { pointRow, type Source } from './row-source.ts';

type KeyPlan = SelectPlan & { readonly rows: RowsPlan };

/** Whether there is at most one row, with which nothing is done but to show it. */
export function isRowByKey(plan: ReadPlan): plan is KeyPlan {
  if (plan.plan === 'diff' || plan.rows === null || !plan.rows.path.point) return false;
  const { history, counts, sort, limit, offset } = plan;
  return !history && !counts && sort.length === 0 && limit === null && offset === null;
}

/** Errors: as going through the rows of an open query. */
export function answerByKey(
  plan: KeyPlan,
  source: Source,
  { parameters, now, user, database, end }: Query,
  randomUuid: () => string,
): QueryAnswer {
  const context = { parameters: valuesOf(plan, parameters), now, user, database, randomUuid };
  const row = shownRow(plan, source, context);
  if (row !== null) {
    source.budget.hold(rowBytes(row));
    source.budget.answer(1);
  }
  const at = presentPosition(source.reader, end);
  return {
    tag: row === null ? 'SELECT 0' : 'SELECT 1',
    columns: plan.columns,
    rows: row === null ? [] : [row],
    count: row === null ? 0 : 1,
    position: positionOf(plan, at),
    reads: [],
  };
}

function valuesOf(
  { parameterTypes }: SelectPlan,
  parameters: readonly SqlParameter[],
): EvaluationContext['parameters'] {
  return parameterTypes.map((type, index) => parameterValue(type, parameters[index], index));
}

function shownRow({ rows, output }: KeyPlan, source: Source, context: EvaluationContext): Row | null {
  const { once, filter, decoder, table, path } = rows;
  if (!isTrue(once, [], context)) return null;
  const stored = pointRow(table, path, source, context);
  if (stored === null) return null;
  const row = decoder.decode(stored.value);
  return isTrue(filter, row, context) ? output.map(({ evaluate }) => evaluate(row, context)) : null;
}
