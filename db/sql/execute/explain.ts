/** EXPLAIN: what a statement would do, as lines of text in one column, in the shape that PostgreSQL's users know. */
import type { ExplainStatement, SelectStatement, Statement } from '../ast.ts';
import type { SqlColumn } from '../contract.ts';
import { ParameterTypes } from '../expression/index.ts';
import { printExpression, printName } from '../parse/print.ts';
import { bindWhere, planRows } from '../plan/plan-rows.ts';
import { isCountOfAll, isPoint, type ReadPlan, type RowsPlan, type SelectPlan } from '../plan/read-plan.ts';
import { relationNamed } from '../plan/relation.ts';
import { RowScope } from '../plan/row-scope.ts';
import { type Row, sqlError } from '../types/index.ts';
import { conditionTexts } from './condition-texts.ts';
import type { Asking, PlannedQuery, ReadPoint } from './open-query.ts';

export const QUERY_PLAN: readonly SqlColumn[] = Object.freeze([
  { name: 'QUERY PLAN', type: { kind: 'text', lengthMax: null } },
]);

/** Null among the rows: a good moment to do something else. Errors: those of planning, with ANALYZE those of running. */
export function* explainQuery({ of, analyze }: ExplainStatement, asking: Asking): Generator<Row | null> {
  if (of.statement === 'select' || of.statement === 'diff') {
    const planned = asking.plan(of);
    const ran = analyze ? yield* run(planned, asking) : [];
    const lines = of.statement === 'select' ? selectLines(planned, of) : diffLines(planned);
    for (const line of [...lines, ...ran]) yield [line];
    return;
  }
  if (analyze) {
    throw sqlError(
      '0A000',
      `EXPLAIN ANALYZE carries out what it explains, and ${of.statement.toUpperCase()} would change the tables: use EXPLAIN without ANALYZE`,
    );
  }
  for (const line of writeLines(of, asking)) yield [line];
}

function* run(planned: PlannedQuery, { budget }: Asking): Generator<null, string[]> {
  let returned = 0;
  for (const row of planned.rows()) {
    if (row === null) yield null;
    else returned += 1;
  }
  return [
    `Rows Examined: ${budget.examinedRows}`,
    `Rows Returned: ${returned}`,
    `Execution Time: ${budget.millis.toFixed(3)} ms`,
  ];
}

function selectLines({ plan, point }: PlannedQuery, statement: SelectStatement): string[] {
  if (plan.plan !== 'select') throw new Error('a SELECT has the plan of one');
  const tree = [
    ...(plan.limit === null && plan.offset === null ? [] : [[`Limit${boundText(statement)}`]]),
    ...(plan.sort.length === 0 ? [] : [['Sort', `Sort Key: ${plan.orderText}`]]),
    ...(plan.distinct ? [['Unique']] : []),
    ...(plan.counts ? [['Aggregate: count(*)']] : []),
    rowsNode(plan, point),
  ];
  return [...nested(tree), ...pointLines(plan, point)];
}

function boundText({ limit, offset }: SelectStatement): string {
  const parts = [
    ...(limit === null ? [] : [printExpression(limit)]),
    ...(offset === null ? [] : [`offset ${printExpression(offset)}`]),
  ];
  return ` (${parts.join(', ')})`;
}

function diffLines({ plan, point }: PlannedQuery): string[] {
  if (plan.plan !== 'diff') throw new Error('a DIFF has the plan of one');
  const node = [
    `Diff on ${printName(plan.table.name)}`,
    'Cost: every version that existed between the two positions',
  ];
  return [...nested([node]), ...pointLines(plan, point)];
}

/** Each node is a line and the lines that belong to it; the next one feeds it. */
function nested(tree: readonly (readonly string[])[]): string[] {
  return tree.flatMap(([head, ...rest], depth) => {
    const indent = depth === 0 ? '' : ' '.repeat(6 * depth - 4);
    const inner = ' '.repeat(depth === 0 ? 2 : 6 * depth + 2);
    return [`${indent}${depth === 0 ? '' : '->  '}${head}`, ...rest.map((line) => inner + line)];
  });
}

function rowsNode(plan: SelectPlan, point: ReadPoint): string[] {
  const { rows, relation } = plan;
  if (rows === null || relation === null) return ['Result'];
  if (isCountOfAll(plan) && !plan.history && point.at === null)
    return [`Row Count of ${printName(rows.table.name)}`];
  const node = accessNode(rows, plan.history ? 'History' : 'Scan');
  if (plan.history) node.push('Cost: every version of the rows in the range');
  else if (point.at !== null && rows.path.order.index !== null)
    node.push('Cost: by a secondary index, the versions that matched as of the position');
  const { projection, staleSince } = relation;
  const since = staleSince === null ? '' : `, current up to position ${staleSince}`;
  if (projection !== null) node.push(`Projection: ${projection.state}${since}`);
  return node;
}

function accessNode(rows: RowsPlan, verb: string): string[] {
  const { path, table } = rows;
  const text = conditionTexts(rows);
  const { index } = path.order;
  const name = printName(table.name);
  const way = index === null ? 'Primary Key' : 'Index';
  const using = index === null ? '' : ` using ${printName(index.name)}`;
  const isFull = path.restrictions.length === 0 && index === null && !path.reverse;
  const what = path.point ? 'Lookup' : `${path.reverse ? `${verb} Backward` : verb}`;
  const head =
    isFull && !(path.ordered && path.reverse)
      ? `Seq ${verb} on ${name}`
      : `${way} ${what}${using} on ${name}`;
  return [
    head,
    ...(text.key === null ? [] : [`${way} Cond: ${text.key}`]),
    ...(text.filter === null ? [] : [`Filter: ${text.filter}`]),
    ...(text.once === null ? [] : [`One-Time Filter: ${text.once}`]),
  ];
}

function pointLines(plan: ReadPlan, { at, position }: ReadPoint): string[] {
  return [
    `Position: ${position}${at === null ? ' (present)' : ' (as of)'}`,
    `Runs: ${isPoint(plan, at !== null) ? 'inline' : 'in the pool of readers'}`,
  ];
}

function writeLines(statement: Statement, asking: Asking): string[] {
  const point = asking.pointOf(null);
  switch (statement.statement) {
    case 'insert':
      return nested([[`Insert on ${printName(statement.table)}`], ['Result']]);
    case 'update':
    case 'delete': {
      const relation = relationNamed(point.catalog, statement.table);
      if (relation === null) throw asking.missing(statement.table, point, null);
      const { query } = asking;
      const types = new ParameterTypes(query.parameters.length, query.parameterTypes);
      const scope = new RowScope(relation, statement.alias ?? statement.table, false);
      const where = bindWhere(statement.where, scope, types);
      const rows = planRows({
        table: relation.table,
        where,
        written: statement.where,
        wanted: scope.wanted,
        ...{ placesBefore: 0, order: null, limited: false, forced: null },
      });
      const verb = statement.statement === 'update' ? 'Update' : 'Delete';
      return nested([[`${verb} on ${printName(statement.table)}`], accessNode(rows, 'Scan')]);
    }
    default:
      throw sqlError(
        '0A000',
        `EXPLAIN explains queries and changes of rows, not ${statement.statement.toUpperCase()}`,
      );
  }
}
