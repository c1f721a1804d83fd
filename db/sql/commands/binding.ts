/** Expressions of writing statements bound to the table they write to. */
import type { Assignment, Expression } from '../ast.ts';
import { type Column, columnNamed, type Table } from '../catalog/index.ts';
import {
  type BoundExpression,
  bindAssignment,
  EMPTY_SCOPE,
  type ParameterTypes,
  type Scope,
  tableScope,
} from '../expression/index.ts';
import { noColumn, refusal } from './refusals.ts';

/** A column that is set. */
export interface Assigned {
  /** Of the column in the table. */
  readonly place: number;
  /** Null: its default. */
  readonly value: BoundExpression | null;
}

/** The table's columns, under its name or the alias that hides it. */
export function scopeOf(table: Table, alias: string | null): Scope {
  return tableScope([{ name: alias ?? table.name, columns: table.columns }]);
}

/** What ON CONFLICT DO UPDATE sees: the row that is there, and behind it, as `excluded`, the one proposed. */
export function excludedScope(table: Table): Scope {
  const { name, columns } = table;
  return tableScope([
    { name, columns },
    { name: 'excluded', columns },
  ]);
}

/** A value for a column, as the column takes it. `scope` null: no column means anything. Errors: 42804, and what binding says. */
export function bindValue(
  expression: Expression,
  column: Pick<Column, 'name' | 'type'>,
  scope: Scope | null,
  parameters: ParameterTypes,
): BoundExpression {
  return bindAssignment(expression, scope ?? EMPTY_SCOPE, parameters, column);
}

/** Errors: 42703, 42601 for a column set twice. */
export function bindAssignments(
  table: Table,
  set: readonly Assignment[],
  scope: Scope,
  parameters: ParameterTypes,
): Assigned[] {
  const assigned: Assigned[] = [];
  for (const { column: name, value } of set) {
    const column = columnNamed(table, name);
    if (column === null) throw noColumn(name, table.name);
    const place = table.columns.indexOf(column);
    if (assigned.some((other) => other.place === place))
      throw refusal('42601', `multiple assignments to same column "${name}"`, { column: name });
    assigned.push({ place, value: value === 'default' ? null : bindValue(value, column, scope, parameters) });
  }
  return assigned;
}
