/** INSERT: rows made of expressions and defaults, with what to do where a row is there already. */
import { invariant } from '../../kernel/index.ts';
import type { Expression, InsertStatement, OnConflict } from '../ast.ts';
import { type Column, columnNamed, type Table } from '../catalog/index.ts';
import { type BoundExpression, bindCondition, type ParameterTypes } from '../expression/index.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { Row, SqlValue } from '../types/index.ts';
import { type Assigned, bindAssignments, bindValue, excludedScope } from './binding.ts';
import { noColumn, refusal } from './refusals.ts';
import { Returning } from './returning.ts';
import { RowRules } from './row-rules.ts';
import { defaultOf, type Evaluation } from './stored-expressions.ts';
import { type Conflict, type KeyedRow, sameColumns, type Workspace } from './workspace.ts';
import type { WritePlan, WriteResult } from './write-plan.ts';

interface ConflictPlan {
  /** Columns of the unique key that a conflict must be about; null: any. */
  readonly columns: readonly number[] | null;
  /** Null: the row that is there stays. Expressions see the row there and, behind it, the one proposed. */
  readonly update: { readonly set: readonly Assigned[]; readonly where: BoundExpression | null } | null;
}

export class InsertPlan implements WritePlan {
  readonly table: Table;
  readonly columns;
  readonly #rows: readonly (readonly (BoundExpression | null)[])[];
  readonly #conflict: ConflictPlan | null;
  readonly #returning: Returning | null;
  readonly #rules: RowRules;

  /** Errors: 42703, 42701, 42601, 42804, 42P10 and what binding says. */
  constructor(table: Table, statement: InsertStatement, parameters: ParameterTypes) {
    this.table = table;
    const targets = targetColumns(table, statement);
    this.#rows =
      statement.rows.length === 0
        ? [table.columns.map(() => null)]
        : statement.rows.map((row) => boundRow(table, targets, statement, row, parameters));
    this.#conflict =
      statement.onConflict === null ? null : conflictPlan(table, statement.onConflict, parameters);
    this.#returning =
      statement.returning === null ? null : new Returning(table, null, statement.returning, parameters);
    this.#rules = new RowRules(table);
    this.columns = this.#returning?.columns ?? null;
  }

  run(workspace: Workspace, evaluation: Evaluation): WriteResult {
    const { table } = this;
    const returned: Row[] = [];
    // Only what a conflict would change has to know which rows are the statement's own.
    const own = (this.#conflict?.update ?? null) === null ? null : new Set<string>();
    let count = 0;
    for (const expressions of this.#rows) {
      const proposed = this.#rules.checked(this.#proposed(expressions, evaluation), evaluation);
      const key = workspace.keyFor(table, proposed);
      const stored = { key, row: proposed };
      const conflict =
        this.#conflict === null ? null : workspace.conflict(table, stored, this.#conflict.columns);
      const written =
        conflict === null ? stored : this.#onConflict(workspace, evaluation, conflict, proposed, own);
      if (written === null) continue;
      if (conflict === null) workspace.insert(table, stored);
      own?.add(nameOf(written.key));
      count += 1;
      if (this.#returning !== null) returned.push(this.#returning.row(written.row, evaluation));
    }
    invariant(count <= this.#rows.length, 'no row is written twice');
    return { tag: `INSERT 0 ${count}`, count, columns: this.columns, rows: returned };
  }

  #proposed(expressions: readonly (BoundExpression | null)[], evaluation: Evaluation): SqlValue[] {
    return this.table.columns.map((column, place) => {
      const expression = expressions[place] ?? null;
      return expression === null
        ? defaultOf(column, evaluation)
        : expression.evaluate([], evaluation.context);
    });
  }

  /** The row as it is now, or null where nothing is done to it. */
  #onConflict(
    workspace: Workspace,
    evaluation: Evaluation,
    conflict: Conflict,
    proposed: Row,
    own: ReadonlySet<string> | null,
  ): KeyedRow | null {
    const { table } = this;
    const update = this.#conflict?.update ?? null;
    if (update === null) return null;
    if (own?.has(nameOf(conflict.there))) {
      throw refusal(
        '21000',
        'ON CONFLICT DO UPDATE command cannot affect row a second time: two of the rows proposed have the same key',
        { table: table.name },
      );
    }
    const there = workspace.find(table, conflict.there);
    invariant(there !== null, 'a row that is in the way is there');
    const both = [...there.row, ...proposed];
    if (update.where !== null && update.where.evaluate(both, evaluation.context) !== true) return null;
    const next = assigned(table, there.row, update.set, both, evaluation);
    const row = this.#rules.changed(there.row, next, evaluation);
    workspace.remove(table, there);
    const key = TableLayout.of(table).hiddenKey ? conflict.there : TableLayout.of(table).keyOf(row);
    workspace.insert(table, { key, row });
    return { key, row };
  }
}

/** A row with some of its columns set; `seen` is what the expressions see. */
export function assigned(
  table: Table,
  row: Row,
  set: readonly Assigned[],
  seen: Row,
  evaluation: Evaluation,
): SqlValue[] {
  const next = [...row];
  for (const { place, value } of set) {
    next[place] =
      value === null
        ? defaultOf(table.columns[place]!, evaluation)
        : value.evaluate(seen, evaluation.context);
  }
  return next;
}

function targetColumns(table: Table, { columns }: InsertStatement): readonly Column[] {
  if (columns === null) return table.columns;
  const targets: Column[] = [];
  for (const name of columns) {
    const column = columnNamed(table, name);
    if (column === null) throw noColumn(name, table.name);
    if (targets.includes(column))
      throw refusal('42701', `column "${name}" specified more than once`, { column: name });
    targets.push(column);
  }
  return targets;
}

/** By place in the table; null where the default goes. */
function boundRow(
  table: Table,
  targets: readonly Column[],
  { columns }: InsertStatement,
  row: readonly (Expression | 'default')[],
  parameters: ParameterTypes,
): (BoundExpression | null)[] {
  if (row.length > targets.length)
    throw refusal('42601', 'INSERT has more expressions than target columns', { table: table.name });
  if (columns !== null && row.length < targets.length)
    throw refusal('42601', 'INSERT has more target columns than expressions', { table: table.name });
  const bound: (BoundExpression | null)[] = table.columns.map(() => null);
  for (const [index, value] of row.entries()) {
    if (value === 'default') continue;
    const column = targets[index]!;
    bound[table.columns.indexOf(column)] = bindValue(value, column, null, parameters);
  }
  return bound;
}

function conflictPlan(
  table: Table,
  { columns: names, update }: OnConflict,
  parameters: ParameterTypes,
): ConflictPlan {
  const columns = names === null ? null : arbiter(table, names);
  if (update === null) return { columns, update: null };
  if (columns === null)
    throw refusal('42601', 'ON CONFLICT DO UPDATE requires inference specification or constraint name');
  const scope = excludedScope(table);
  const set = bindAssignments(table, update.set, scope, parameters);
  const where = update.where === null ? null : bindCondition(update.where, scope, parameters, 'WHERE');
  return { columns, update: { set, where } };
}

/** Ids of the columns of the unique key that ON CONFLICT names. */
function arbiter(table: Table, names: readonly string[]): readonly number[] {
  const ids = names.map((name) => {
    const column = columnNamed(table, name);
    if (column === null) throw refusal('42703', `column "${name}" does not exist`, { column: name });
    return column.id;
  });
  const keys = [
    table.primaryKey.columns,
    ...table.indexes.filter(({ unique }) => unique).map(({ columns }) => columns),
  ];
  const key = keys.find((columns) => columns.length > 0 && sameColumns(columns, ids));
  if (key !== undefined) return key;
  throw refusal(
    '42P10',
    'there is no unique or exclusion constraint matching the ON CONFLICT specification',
    { table: table.name },
  );
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
