/**
 * What the catalog relations hold for one tenant: rows made from its tables, indexes and projections, as PostgreSQL would
 * describe them. Plain data, so that it can be handed to the thread that answers.
 */
import type { Catalog, Index, Projection, Table } from '../../../sql/catalog/catalog.ts';
import { columnById } from '../../../sql/catalog/catalog.ts';
import type { SqlColumn } from '../../../sql/contract.ts';
import { wireType } from '../../../sql/types/wire-type.ts';
import { defaultText } from './default-text.ts';
import { informationSchema } from './information-schema.ts';
import { constraintOid, indexOid, OID, primaryKeyOid, relationOid } from './oids.ts';
import { BASE_TYPES } from './types.ts';

export type CatalogValue = string | number | null;
/** Columns by name; what is left out is 0 or false in pg_catalog, and null where it is text or in information_schema. */
export type CatalogRow = Readonly<Record<string, CatalogValue>>;

export interface CatalogContent {
  /** By `schema.name`. */
  readonly rows: Readonly<Record<string, readonly CatalogRow[]>>;
  /** What pg_get_indexdef, pg_get_constraintdef and pg_get_viewdef say, by oid. */
  readonly definitions: Readonly<Record<number, string>>;
}

export interface DescribedCatalog {
  readonly catalog: Catalog;
  readonly database: string;
  readonly user: string;
  readonly settings: ReadonlyMap<string, string>;
  /** Columns of a projection; none while it cannot be asked. */
  readonly projectionColumns: (name: string) => readonly SqlColumn[];
}

type Rows = Record<string, CatalogRow[]>;

export function catalogContent(of: DescribedCatalog): CatalogContent {
  const rows: Rows = { ...fixedRows(of), ...informationSchema(of) };
  const definitions: Record<number, string> = {};
  for (const table of of.catalog.tables) addTable(rows, definitions, table, of.user);
  for (const projection of of.catalog.projections) {
    const columns = of.projectionColumns(projection.name);
    addProjection(rows, definitions, { projection, columns, owner: of.user });
  }
  return { rows, definitions };
}

function fixedRows({ database, user, settings }: DescribedCatalog): Rows {
  const namespace = (oid: number, nspname: string) => ({ oid, nspname, nspowner: OID.owner });
  return {
    'pg_catalog.pg_namespace': [
      namespace(OID.pgCatalog, 'pg_catalog'),
      namespace(OID.public, 'public'),
      namespace(OID.informationSchema, 'information_schema'),
    ],
    'pg_catalog.pg_database': [
      {
        oid: OID.database,
        datname: database,
        datdba: OID.owner,
        encoding: 6,
        datlocprovider: 'c',
        datallowconn: 1,
        datconnlimit: -1,
        datcollate: 'C',
        datctype: 'C',
      },
    ],
    'pg_catalog.pg_roles': [
      { oid: OID.owner, rolname: user, rolinherit: 1, rolcanlogin: 1, rolconnlimit: -1 },
    ],
    'pg_catalog.pg_user': [{ usename: user, usesysid: OID.owner }],
    'pg_catalog.pg_am': [
      { oid: OID.heap, amname: 'heap', amtype: 't' },
      { oid: OID.btree, amname: 'btree', amtype: 'i' },
    ],
    'pg_catalog.pg_collation': [
      { oid: OID.defaultCollation, collname: 'default', collnamespace: OID.pgCatalog },
    ],
    'pg_catalog.pg_type': [...BASE_TYPES],
    'pg_catalog.pg_settings': [...settings].map(([name, setting]) => ({ name, setting, sourceline: null })),
    'pg_catalog.pg_class': [],
    'pg_catalog.pg_attribute': [],
    'pg_catalog.pg_attrdef': [],
    'pg_catalog.pg_index': [],
    'pg_catalog.pg_constraint': [],
    'pg_catalog.pg_tables': [],
    'pg_catalog.pg_indexes': [],
    'pg_catalog.pg_matviews': [],
  };
}

function add(rows: Rows, relation: string, row: CatalogRow): void {
  rows[`pg_catalog.${relation}`]?.push(row);
}

function addTable(rows: Rows, definitions: Record<number, string>, table: Table, owner: string): void {
  const oid = relationOid(table.id);
  const hasKey = table.primaryKey.name !== null;
  add(rows, 'pg_class', {
    ...relation(oid, table.name, 'r', OID.heap),
    relhasindex: hasKey || table.indexes.length > 0 ? 1 : 0,
    relnatts: table.columns.length,
    relchecks: table.checks.length,
  });
  add(rows, 'pg_tables', {
    schemaname: 'public',
    tablename: table.name,
    tableowner: owner,
    hasindexes: hasKey || table.indexes.length > 0 ? 1 : 0,
  });
  for (const column of table.columns) {
    add(rows, 'pg_attribute', {
      ...attribute(oid, column.id, column),
      attnotnull: column.notNull ? 1 : 0,
      atthasdef: column.default === null ? 0 : 1,
    });
    if (column.default === null) continue;
    const adbin = defaultText(column.default, column.type);
    add(rows, 'pg_attrdef', {
      oid: constraintOid(table.id, column.id),
      adrelid: oid,
      adnum: column.id,
      adbin,
    });
  }
  addConstraints(rows, definitions, table, oid);
}

function addConstraints(rows: Rows, definitions: Record<number, string>, table: Table, oid: number): void {
  const { primaryKey } = table;
  let place = 0;
  const constraint = (
    contype: string,
    conname: string,
    columns: readonly number[],
    conindid: number,
    text: string,
  ) => {
    const id = constraintOid(table.id, place++);
    add(rows, 'pg_constraint', {
      oid: id,
      conname,
      connamespace: OID.public,
      contype,
      convalidated: 1,
      conrelid: oid,
      conindid,
      conkey: columns.length === 0 ? null : `{${columns.join(',')}}`,
    });
    definitions[id] = text;
  };
  if (primaryKey.name !== null) {
    const id = primaryKeyOid(table.id);
    const index = { name: primaryKey.name, unique: true, columns: primaryKey.columns };
    addIndex(rows, definitions, table, id, index, true);
    constraint(
      'p',
      primaryKey.name,
      primaryKey.columns,
      id,
      `PRIMARY KEY (${columnList(table, primaryKey.columns)})`,
    );
  }
  for (const index of table.indexes) {
    const id = indexOid(index.id);
    addIndex(rows, definitions, table, id, index, false);
    if (index.constraint)
      constraint('u', index.name, index.columns, id, `UNIQUE (${columnList(table, index.columns)})`);
  }
  for (const check of table.checks) constraint('c', check.name, [], 0, `CHECK (${bare(check.text)})`);
}

function addIndex(
  rows: Rows,
  definitions: Record<number, string>,
  table: Table,
  oid: number,
  index: Pick<Index, 'name' | 'unique' | 'columns'>,
  primary: boolean,
): void {
  add(rows, 'pg_class', { ...relation(oid, index.name, 'i', OID.btree), relnatts: index.columns.length });
  for (const [place, id] of index.columns.entries()) {
    add(rows, 'pg_attribute', attribute(oid, place + 1, columnById(table, id)));
  }
  const yes = { indimmediate: 1, indisvalid: 1, indisready: 1, indislive: 1 };
  add(rows, 'pg_index', {
    ...yes,
    indexrelid: oid,
    indrelid: relationOid(table.id),
    indnatts: index.columns.length,
    indnkeyatts: index.columns.length,
    indisunique: index.unique ? 1 : 0,
    indisprimary: primary ? 1 : 0,
    indkey: index.columns.join(' '),
    indoption: index.columns.map(() => 0).join(' '),
  });
  const unique = index.unique ? 'UNIQUE ' : '';
  const columns = columnList(table, index.columns);
  const indexdef = `CREATE ${unique}INDEX ${identifier(index.name)} ON public.${identifier(table.name)} USING btree (${columns})`;
  definitions[oid] = indexdef;
  add(rows, 'pg_indexes', { schemaname: 'public', tablename: table.name, indexname: index.name, indexdef });
}

interface ShownProjection {
  readonly projection: Projection;
  readonly columns: readonly SqlColumn[];
  readonly owner: string;
}

/** A projection looks like what comes closest to it: a materialized view. */
function addProjection(
  rows: Rows,
  definitions: Record<number, string>,
  { projection, columns, owner }: ShownProjection,
): void {
  const oid = relationOid(projection.id);
  add(rows, 'pg_class', { ...relation(oid, projection.name, 'm', OID.heap), relnatts: columns.length });
  for (const [place, column] of columns.entries())
    add(rows, 'pg_attribute', attribute(oid, place + 1, column));
  definitions[oid] = projection.text;
  add(rows, 'pg_matviews', {
    schemaname: 'public',
    matviewname: projection.name,
    matviewowner: owner,
    ispopulated: projection.state === 'building' ? 0 : 1,
    definition: projection.text,
  });
}

function relation(oid: number, relname: string, relkind: string, relam: number): CatalogRow {
  return {
    oid,
    relname,
    relkind,
    relam,
    relnamespace: OID.public,
    relowner: OID.owner,
    reltuples: -1,
    relpersistence: 'p',
    relreplident: 'd',
    relispopulated: 1,
  };
}

function attribute(attrelid: number, attnum: number, { name, type }: SqlColumn): CatalogRow {
  const { oid, size, modifier } = wireType(type);
  return {
    attrelid,
    attname: name,
    atttypid: oid,
    attlen: size,
    attnum,
    attcacheoff: -1,
    atttypmod: modifier,
    attstorage: size === -1 ? (type.kind === 'decimal' ? 'm' : 'x') : 'p',
    attstattarget: -1,
    attcompression: '',
    attidentity: '',
    attgenerated: '',
    attislocal: 1,
    attcollation: type.kind === 'text' ? OID.defaultCollation : 0,
  };
}

function columnList(table: Table, ids: readonly number[]): string {
  return ids.map((id) => identifier(columnById(table, id).name)).join(', ');
}

/** As it has to be written: quoted unless it is plain. */
function identifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** Without parentheses around the whole, which are put there again. */
function bare(text: string): string {
  const inner = text.trim();
  return inner.startsWith('(') && inner.endsWith(')') && !inner.slice(1, -1).includes('(')
    ? inner.slice(1, -1)
    : inner;
}
