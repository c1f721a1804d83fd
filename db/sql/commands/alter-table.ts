/** ALTER TABLE: columns added, renamed, dropped, and the table renamed. No row is rewritten by any of it. */
import { invariant } from '../../kernel/index.ts';
import type { AlterTableAction, ColumnDefinition } from '../ast.ts';
import { columnsNamed, withColumns } from '../catalog/expression-columns.ts';
import { type Check, type Column, columnNamed, type Index, type Table } from '../catalog/index.ts';
import { printExpression } from '../parse/index.ts';
import { refuseIfUsed } from '../projections/index.ts';
import type { StoreReader } from '../store/contract.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { newChecks, newColumn, uniqueIndex } from './create-table.ts';
import { checkExistingRows, refuseDuplicates } from './existing-rows.ts';
import { checkColumnName, checkName } from './naming.ts';
import { noColumn, notSupported, refusal } from './refusals.ts';
import { defaultOf, type Evaluation, isVolatile } from './stored-expressions.ts';

/** What a change of a table is decided from. */
export interface DefinitionState {
  readonly draft: CatalogDraft;
  /** The rows there are. */
  readonly rows: StoreReader;
  readonly evaluation: Evaluation;
}

/** Carries out one action on a table as the draft has it now. */
export function alterTable(state: DefinitionState, table: Table, action: AlterTableAction): void {
  switch (action.action) {
    case 'add column':
      if (columnNamed(table, action.column.name) === null) addColumn(state, table, action.column);
      else if (!action.ifNotExists) throw columnTaken(table, action.column.name);
      return;
    case 'rename column':
      renameColumn(state.draft, table, action.column, action.to);
      return;
    case 'drop column':
      if (columnNamed(table, action.column) !== null) dropColumn(state.draft, table, action.column);
      else if (!action.ifExists) throw noColumn(action.column, table.name);
      return;
    case 'rename table':
      checkName('table', action.to);
      state.draft.checkFree(action.to);
      state.draft.putTable({ ...table, name: action.to });
  }
}

const COLUMNS_MAX = 1600;

function addColumn(state: DefinitionState, table: Table, definition: ColumnDefinition): void {
  const { draft, rows } = state;
  const { name } = definition;
  checkColumnName(name);
  if (definition.primaryKey) throw addedKey(table);
  if (table.columns.length >= COLUMNS_MAX) {
    const message = `tables can have at most ${COLUMNS_MAX} columns`;
    throw refusal('54011', message, { table: table.name }, 'TOO_LARGE');
  }
  const occupied = rows.count(table.space) > 0;
  const column = withMissing(newColumn(definition, table.nextColumn), state, table, occupied);
  const wider: Table = {
    ...table,
    columns: [...table.columns, column],
    nextColumn: table.nextColumn + 1,
  };
  const index = definition.unique ? uniqueIndex(draft, wider, null, [name]) : null;
  const indexes = index === null ? wider.indexes : [...wider.indexes, index];
  const checks = newChecks(wider, definition.checks);
  const added = { ...wider, indexes, checks };
  if (occupied) checkExistingRows(rows, added, checks.slice(table.checks.length), state.evaluation);
  if (occupied && index !== null) refuseDuplicates(rows, added, index);
  invariant(columnNamed(added, name) === column, 'a column that was added is there');
  draft.putTable(added);
  if (index !== null) draft.buildIndex(added, index);
}

/** A column with what the rows there are have in it: its default, computed once. */
function withMissing(column: Column, state: DefinitionState, table: Table, occupied: boolean): Column {
  const { name } = column;
  if (!occupied) return column;
  if (isVolatile(column)) {
    throw notSupported(
      `adding column "${name}" with a default that differs from row to row to a table that has rows`,
      'add it without the default and fill it with UPDATE',
    );
  }
  const missing = defaultOf(column, state.evaluation);
  if (missing !== null || !column.notNull) return { ...column, missing };
  throw refusal('23502', `column "${name}" of relation "${table.name}" contains null values`, {
    table: table.name,
    column: name,
  });
}

function renameColumn(draft: CatalogDraft, table: Table, from: string, to: string): void {
  const column = columnNamed(table, from);
  if (column === null) throw noColumn(from, table.name);
  checkColumnName(to);
  if (columnNamed(table, to) !== null) throw columnTaken(table, to);
  const renamed = (check: Check): Check => {
    if (!columnsNamed(check.expression).has(from)) return check;
    const expression = withColumns(check.expression, (name) => (name === from ? to : name));
    return { ...check, expression, text: printExpression(expression) };
  };
  draft.putTable({
    ...table,
    columns: table.columns.map((each) => (each.id === column.id ? { ...each, name: to } : each)),
    checks: table.checks.map(renamed),
  });
}

/** As PostgreSQL does, indexes and checks that use the column go with it. A key or a subject without its column would be another table. */
function dropColumn(draft: CatalogDraft, table: Table, name: string): void {
  const column = columnNamed(table, name);
  invariant(column !== null, 'a column that is dropped is there');
  refuseIfUsed(draft.catalog.projections, `drop column ${name} of table ${table.name}`, table.id, column.id);
  if (table.primaryKey.columns.includes(column.id)) {
    throw notSupported(
      `dropping column "${name}" of the primary key of "${table.name}"`,
      'rows are stored by it; make a new table',
    );
  }
  if (table.subject === column.id) {
    throw notSupported(
      `dropping column "${name}", which names the person a row of "${table.name}" is about`,
      'make a new table',
    );
  }
  if (table.columns.length === 1)
    throw notSupported(`dropping the only column of "${table.name}"`, 'drop the table');
  const uses = (index: Index): boolean => index.columns.includes(column.id);
  draft.putTable({
    ...table,
    columns: table.columns.filter(({ id }) => id !== column.id),
    indexes: table.indexes.filter((index) => !uses(index)),
    checks: table.checks.filter(({ expression }) => !columnsNamed(expression).has(name)),
  });
}

function columnTaken(table: Table, name: string): Error {
  const message = `column "${name}" of relation "${table.name}" already exists`;
  return refusal('42701', message, { table: table.name, column: name }, 'ALREADY_EXISTS');
}

function addedKey(table: Table): Error {
  if (table.primaryKey.columns.length > 0) {
    const message = `multiple primary keys for table "${table.name}" are not allowed`;
    return refusal('42P16', message, { table: table.name });
  }
  return notSupported('ADD COLUMN with PRIMARY KEY', 'make a new table with the key and copy the rows');
}
