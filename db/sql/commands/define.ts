/** Statements that change what tables there are: each becomes whole definitions in one entry, or is refused. */
import { invariant } from '../../kernel/index.ts';
import type {
  AlterTableStatement,
  CreateIndexStatement,
  CreateProjectionStatement,
  CreateTableStatement,
  DropStatement,
} from '../ast.ts';
import { type Catalog, followedBy, type Index, isReducer, type Table } from '../catalog/index.ts';
import { createProjection, refuseIfUsed } from '../projections/index.ts';
import { alterTable, type DefinitionState } from './alter-table.ts';
import { createTable, indexedColumns } from './create-table.ts';
import { refuseDuplicates } from './existing-rows.ts';
import { checkName, madeName } from './naming.ts';
import { nameTaken, noTable, refusal } from './refusals.ts';

export type DefinitionStatement =
  | CreateTableStatement
  | AlterTableStatement
  | DropStatement
  | CreateIndexStatement
  | CreateProjectionStatement;

/** Notes the statement's changes in the draft, none where IF [NOT] EXISTS says so. Returns its command tag. Throws its refusal. */
export function define(state: DefinitionState, statement: DefinitionStatement): string {
  const { draft } = state;
  switch (statement.statement) {
    case 'create table':
      if (!draft.catalog.taken(statement.table)) createTable(draft, statement);
      else if (!statement.ifNotExists) throw nameTaken(statement.table);
      return 'CREATE TABLE';
    case 'alter table':
      alter(state, statement);
      return 'ALTER TABLE';
    case 'create index':
      createIndex(state, statement);
      return 'CREATE INDEX';
    case 'create projection':
      defineProjection(state, statement);
      return 'CREATE PROJECTION';
    case 'drop':
      for (const name of statement.names) drop(state, statement, name);
      return `DROP ${statement.what.toUpperCase()}`;
  }
}

function defineProjection({ draft, rows }: DefinitionState, statement: CreateProjectionStatement): void {
  const { projection: name, orReplace, ifNotExists } = statement;
  const replaced = draft.catalog.projection(name);
  if (replaced === null || !orReplace) {
    if (draft.catalog.taken(name)) {
      if (ifNotExists) return;
      throw nameTaken(name);
    }
    checkName('projection', name);
  }
  if (replaced !== null && isReducer(replaced)) throw refusal('42809', `"${name}" is not a projection`);
  // Those made of it have its columns by their numbers.
  if (replaced !== null)
    refuseIfUsed(draft.catalog.projections, `replace projection ${name}`, replaced.id, null);
  createProjection(draft, rows, statement, replaced);
}

function alter(state: DefinitionState, statement: AlterTableStatement): void {
  let name = statement.table;
  for (const action of statement.actions) {
    const table = state.draft.catalog.table(name);
    if (table === null) {
      if (statement.ifExists) return;
      throw wrongKind(state, name, 'a table') ?? noTable(name);
    }
    alterTable(state, table, action);
    if (action.action === 'rename table') name = action.to;
  }
}

function createIndex({ draft, rows }: DefinitionState, statement: CreateIndexStatement): void {
  const { index: given, unique } = statement;
  const table = draft.catalog.table(statement.table);
  if (table === null) throw noTable(statement.table);
  if (given !== null) checkName('index', given);
  if (given !== null && draft.catalog.taken(given)) {
    if (statement.ifNotExists) return;
    throw nameTaken(given);
  }
  const columns = indexedColumns(table, statement.columns, 'index');
  const made = (): string =>
    madeName(table.name, statement.columns.join('_'), 'idx', (name) => draft.catalog.taken(name));
  const index = draft.newIndex({ name: given ?? made(), unique, columns, constraint: false });
  const indexed: Table = { ...table, indexes: [...table.indexes, index] };
  if (unique) refuseDuplicates(rows, indexed, index);
  draft.putTable(indexed);
  draft.buildIndex(indexed, index);
  invariant(draft.catalog.index(index.name)?.index === index, 'an index that was made is there');
}

function drop(state: DefinitionState, { what, ifExists }: DropStatement, name: string): void {
  const { draft } = state;
  switch (what) {
    case 'table': {
      const table = draft.catalog.table(name);
      if (table !== null) {
        refuseIfUsed(draft.catalog.projections, `drop table ${name}`, table.id, null);
        refuseIfFollowed(draft.catalog, table);
        draft.dropTable(table);
      } else if (!ifExists || draft.catalog.taken(name))
        throw (
          wrongKind(state, name, 'a table') ??
          refusal('42P01', `table "${name}" does not exist`, { table: name })
        );
      return;
    }
    case 'index': {
      const found = draft.catalog.index(name);
      if (found !== null) dropIndex(state, found.table, found.index);
      else if (!ifExists || draft.catalog.taken(name))
        throw wrongKind(state, name, 'an index') ?? refusal('42704', `index "${name}" does not exist`);
      return;
    }
    case 'projection': {
      const projection = draft.catalog.projection(name);
      if (projection !== null && !isReducer(projection)) {
        refuseIfUsed(draft.catalog.projections, `drop projection ${name}`, projection.id, null);
        draft.dropProjection(projection);
      } else if (!ifExists || draft.catalog.taken(name))
        throw (
          wrongKind(state, name, 'a projection') ?? refusal('42704', `projection "${name}" does not exist`)
        );
      return;
    }
    case 'reducer': {
      const projection = draft.catalog.projection(name);
      if (projection !== null && isReducer(projection)) {
        refuseIfUsed(draft.catalog.projections, `drop reducer ${name}`, projection.id, null);
        draft.dropProjection(projection);
      } else if (!ifExists || draft.catalog.taken(name))
        throw wrongKind(state, name, 'a reducer') ?? refusal('42704', `reducer "${name}" does not exist`);
      return;
    }
  }
}

/** Throws 2BP01 where a reducer is over the table. */
function refuseIfFollowed({ projections }: Catalog, { id, name }: Table): void {
  const reducer = projections.find((projection) => isReducer(projection) && followedBy(projection) === id);
  if (reducer === undefined) return;
  throw refusal(
    '2BP01',
    `cannot drop table ${name} because reducer ${reducer.name} follows it: drop the reducer first`,
    { table: name },
  );
}

function dropIndex({ draft }: DefinitionState, table: Table, index: Index): void {
  if (index.constraint) {
    throw refusal(
      '2BP01',
      `cannot drop index ${index.name} because constraint ${index.name} on table ${table.name} requires it`,
      { table: table.name },
    );
  }
  draft.putTable({ ...table, indexes: table.indexes.filter(({ id }) => id !== index.id) });
}

/** PostgreSQL's refusal where the name is something else's. */
function wrongKind({ draft: { catalog } }: DefinitionState, name: string, wanted: string): Error | null {
  const key = catalog.tables.find(({ primaryKey }) => primaryKey.name === name);
  if (wanted === 'an index' && key !== undefined) {
    const message = `cannot drop index ${name} because constraint ${name} on table ${key.name} requires it`;
    return refusal('2BP01', message, { table: key.name });
  }
  return catalog.taken(name) ? refusal('42809', `"${name}" is not ${wanted}`) : null;
}
