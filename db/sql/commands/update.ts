/** UPDATE and DELETE: the rows that match are found first, then all of them change at once. */
import { invariant } from '../../kernel/index.ts';
import type { DeleteStatement, Expression, UpdateStatement } from '../ast.ts';
import type { Table } from '../catalog/index.ts';
import { bindCondition, type ParameterTypes, type Scope } from '../expression/index.ts';
import { TableLayout } from '../rows/table-layout.ts';
import type { Row } from '../types/index.ts';
import { type Assigned, bindAssignments, scopeOf } from './binding.ts';
import { assigned } from './insert.ts';
import { RowFinder } from './matching-rows.ts';
import { Returning } from './returning.ts';
import { RowRules } from './row-rules.ts';
import type { Evaluation } from './stored-expressions.ts';
import type { KeyedRow, StoredRow, Workspace } from './workspace.ts';
import type { WritePlan, WriteResult } from './write-plan.ts';

export class UpdatePlan implements WritePlan {
  readonly table: Table;
  readonly columns;
  readonly #set: readonly Assigned[];
  readonly #finder: RowFinder;
  readonly #returning: Returning | null;
  readonly #rules: RowRules;

  /** Errors: 42703, 42601, 42804 and what binding says. */
  constructor(table: Table, statement: UpdateStatement, parameters: ParameterTypes) {
    const { alias, set, where, returning } = statement;
    this.table = table;
    const scope = scopeOf(table, alias);
    this.#set = bindAssignments(table, set, scope, parameters);
    this.#finder = finderOf(table, where, scope, parameters);
    this.#returning = returning === null ? null : new Returning(table, alias, returning, parameters);
    this.#rules = new RowRules(table);
    this.columns = this.#returning?.columns ?? null;
  }

  /**
   * Keys are compared when all rows have changed, so rows may take each other's: PostgreSQL looks after each row, and what it
   * then says depends on where the rows happen to lie.
   */
  run(workspace: Workspace, evaluation: Evaluation): WriteResult {
    const { table } = this;
    const layout = TableLayout.of(table);
    const changes: { readonly before: StoredRow; readonly after: KeyedRow }[] = [];
    for (const before of this.#finder.find(workspace.state, evaluation)) {
      const next = assigned(table, before.row, this.#set, before.row, evaluation);
      const row = this.#rules.changed(before.row, next, evaluation);
      const key = layout.hiddenKey ? before.key : layout.keyOf(row);
      changes.push({ before, after: { key, row } });
    }
    for (const { before } of changes) workspace.remove(table, before);
    for (const { after } of changes) workspace.insert(table, after);
    const rows: Row[] = [];
    if (this.#returning !== null)
      for (const { after } of changes) rows.push(this.#returning.row(after.row, evaluation));
    invariant(this.#returning === null || rows.length === changes.length, 'each row updated is returned');
    return { tag: `UPDATE ${changes.length}`, count: changes.length, columns: this.columns, rows };
  }
}

export class DeletePlan implements WritePlan {
  readonly table: Table;
  readonly columns;
  readonly #finder: RowFinder;
  readonly #returning: Returning | null;

  /** Errors: what binding says. */
  constructor(table: Table, { alias, where, returning }: DeleteStatement, parameters: ParameterTypes) {
    this.table = table;
    const scope = scopeOf(table, alias);
    this.#finder = finderOf(table, where, scope, parameters);
    this.#returning = returning === null ? null : new Returning(table, alias, returning, parameters);
    this.columns = this.#returning?.columns ?? null;
  }

  run(workspace: Workspace, evaluation: Evaluation): WriteResult {
    const { table } = this;
    const found = this.#finder.find(workspace.state, evaluation);
    for (const row of found) workspace.remove(table, row);
    const rows: Row[] = [];
    if (this.#returning !== null)
      for (const { row } of found) rows.push(this.#returning.row(row, evaluation));
    invariant(this.#returning === null || rows.length === found.length, 'each row deleted is returned');
    return { tag: `DELETE ${found.length}`, count: found.length, columns: this.columns, rows };
  }
}

function finderOf(
  table: Table,
  where: Expression | null,
  scope: Scope,
  parameters: ParameterTypes,
): RowFinder {
  return new RowFinder(table, where === null ? null : bindCondition(where, scope, parameters, 'WHERE'));
}
