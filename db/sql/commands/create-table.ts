/** CREATE TABLE: what the definition says, checked in PostgreSQL's order and refused in its words. */
import { invariant } from '../../kernel/index.ts';
import { SEQUENCE_NONE } from '../../types.ts';
import type { CheckDefinition, ColumnDefinition, CreateTableStatement } from '../ast.ts';
import { columnsNamed } from '../catalog/expression-columns.ts';
import type { Check, Column, Index, PrimaryKey, Table } from '../catalog/index.ts';
import type { SqlType } from '../types/sql-type.ts';
import { typeName } from '../types/type-name.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { checkColumnName, checkName, madeName } from './naming.ts';
import { notSupported, refusal } from './refusals.ts';
import { storedCheck, storedDefault } from './stored-expressions.ts';

const COLUMNS_MAX = 1600;
const KEY_COLUMNS_MAX = 32;
/** What can name a person. */
const SUBJECT_KINDS: readonly SqlType['kind'][] = ['text', 'uuid', 'integer', 'bigint'];

/** Adds the table to the draft. The name is free. */
export function createTable(draft: CatalogDraft, statement: CreateTableStatement): Table {
  const { table: name } = statement;
  checkName('table', name);
  checkColumns(statement);
  const id = draft.takeTable();
  const space = draft.takeSpace();
  const columns = statement.columns.map((definition, index) => newColumn(definition, index + 1));
  const key = keyColumns(statement);
  const keyed = columns.map((column) => (key.includes(column.name) ? { ...column, notNull: true } : column));
  const bare: Table = {
    ...{ id, name, space, columns: keyed, indexes: [], checks: [], subject: null },
    primaryKey: primaryKeyOf(draft, name, keyed, key),
    nextColumn: keyed.length + 1,
    createdAt: SEQUENCE_NONE,
  };
  const subject = subjectOf(statement, bare);
  const indexes = uniqueConstraints(draft, statement, bare);
  const definitions = [...statement.columns.flatMap(({ checks }) => checks), ...statement.checks];
  const table = { ...bare, subject, indexes, checks: newChecks(bare, definitions) };
  invariant(table.columns.length > 0, 'a table has columns');
  draft.putTable(table);
  return table;
}

export function newColumn(definition: ColumnDefinition, id: number): Column {
  const { name, type, notNull, default: given } = definition;
  const value = given === null ? null : storedDefault(given, name, type);
  return { id, name, type, notNull, default: value, missing: null };
}

/** Checks with names, those that were made up included. Throws 42710, 42703, 42804. */
export function newChecks(table: Table, definitions: readonly CheckDefinition[]): Check[] {
  const checks: Check[] = [...table.checks];
  const taken = (name: string): boolean => checks.some((check) => check.name === name);
  for (const definition of definitions) {
    const { name, text } = definition;
    if (name !== null) checkName('constraint', name);
    if (name !== null && taken(name)) {
      const message = `constraint "${name}" for relation "${table.name}" already exists`;
      throw refusal('42710', message, { table: table.name }, 'ALREADY_EXISTS');
    }
    const expression = storedCheck(definition.expression, table);
    const [column, ...others] = columnsNamed(expression);
    const middle = column !== undefined && others.length === 0 ? column : null;
    checks.push({ name: name ?? madeName(table.name, middle, 'check', taken), expression, text });
  }
  return checks;
}

/** Ids of columns a key or an index is made of. Throws 42703, 42701, 42704, 54011. */
export function indexedColumns(
  table: Pick<Table, 'name' | 'columns'>,
  names: readonly string[],
  what: string,
): number[] {
  if (names.length > KEY_COLUMNS_MAX) {
    throw refusal(
      '54011',
      `${what} has ${names.length} columns, more than ${KEY_COLUMNS_MAX}`,
      {},
      'TOO_LARGE',
    );
  }
  const ids: number[] = [];
  for (const name of names) {
    const column = table.columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      throw refusal('42703', `column "${name}" named in key does not exist`, {
        table: table.name,
        column: name,
      });
    }
    if (ids.includes(column.id)) {
      throw refusal('42701', `column "${name}" appears twice in ${what}`, { column: name });
    }
    if (column.type.kind === 'json') {
      const message = `data type ${typeName(column.type)} has no default operator class for access method "btree"`;
      throw refusal('42704', `${message}: JSON texts have no order; index another column`, { column: name });
    }
    ids.push(column.id);
  }
  return ids;
}

export function uniqueIndex(
  draft: CatalogDraft,
  table: Table,
  given: string | null,
  columns: readonly string[],
): Index {
  const ids = indexedColumns(table, columns, 'unique constraint');
  if (given !== null) checkName('constraint', given);
  if (given !== null) draft.checkFree(given);
  const taken = (name: string): boolean =>
    draft.catalog.taken(name) || table.indexes.some((index) => index.name === name);
  const name = given ?? madeName(table.name, columns.join('_'), 'key', taken);
  return draft.newIndex({ name, unique: true, columns: ids, constraint: true });
}

function checkColumns({ table, columns }: CreateTableStatement): void {
  if (columns.length === 0)
    throw notSupported(`table "${table}" without columns`, 'give it at least one column');
  if (columns.length > COLUMNS_MAX) {
    throw refusal('54011', `tables can have at most ${COLUMNS_MAX} columns`, { table }, 'TOO_LARGE');
  }
  const names = new Set<string>();
  for (const { name } of columns) {
    checkColumnName(name);
    if (names.has(name)) {
      throw refusal('42701', `column "${name}" specified more than once`, { table, column: name });
    }
    names.add(name);
  }
}

/** Names of the primary key's columns; none where the table declares no key. */
function keyColumns({ table, columns, primaryKey }: CreateTableStatement): readonly string[] {
  const marked = columns.filter((column) => column.primaryKey).map(({ name }) => name);
  if (marked.length + (primaryKey === null ? 0 : 1) > 1)
    throw refusal('42P16', `multiple primary keys for table "${table}" are not allowed`, { table });
  return primaryKey ?? marked;
}

function primaryKeyOf(
  draft: CatalogDraft,
  name: string,
  columns: readonly Column[],
  key: readonly string[],
): PrimaryKey {
  if (key.length === 0) return { name: null, columns: [] };
  const ids = indexedColumns({ name, columns }, key, 'primary key constraint');
  return {
    name: madeName(name, null, 'pkey', (made) => draft.catalog.taken(made) || made === name),
    columns: ids,
  };
}

function uniqueConstraints(draft: CatalogDraft, statement: CreateTableStatement, table: Table): Index[] {
  const ofColumns = statement.columns
    .filter(({ unique }) => unique)
    .map(({ name }) => ({ name: null, columns: [name] }));
  let indexes: readonly Index[] = [];
  for (const { name, columns } of [...ofColumns, ...statement.uniques]) {
    indexes = [...indexes, uniqueIndex(draft, { ...table, indexes }, name, columns)];
  }
  return [...indexes];
}

function subjectOf({ subject }: CreateTableStatement, table: Table): number | null {
  if (subject === null) return null;
  const column = table.columns.find(({ name }) => name === subject);
  if (column === undefined)
    throw refusal('42703', `column "${subject}" named as subject does not exist`, { column: subject });
  if (SUBJECT_KINDS.includes(column.type.kind)) return column.id;
  const message = `column "${subject}" of type ${typeName(column.type)} cannot name a person`;
  throw refusal('42804', `${message}: use TEXT, UUID, INTEGER or BIGINT`, { column: subject });
}
