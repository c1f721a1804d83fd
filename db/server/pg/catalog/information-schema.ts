/** Rows of information_schema: the SQL standard's way to ask what pg_catalog also says. */
import { columnById, type Table } from '../../../sql/catalog/catalog.ts';
import type { SqlColumn } from '../../../sql/contract.ts';
import { baseTypeName } from '../../../sql/types/type-name.ts';
import { wireType } from '../../../sql/types/wire-type.ts';
import type { CatalogRow, DescribedCatalog } from './content.ts';
import { defaultText } from './default-text.ts';
import { formatType } from './types.ts';

const SCHEMAS = ['pg_catalog', 'public', 'information_schema'];
const INTEGER_BITS = { integer: 32, bigint: 64 } as const;
const DOUBLE_BITS = 53;
const MICROSECONDS = 6;
const CHARACTER_BYTES_MAX = 4;
/** What PostgreSQL says of a text without a limit. */
const TEXT_BYTES_MAX = 2 ** 30;

export function informationSchema(of: DescribedCatalog): Record<string, CatalogRow[]> {
  const { catalog, database } = of;
  const place = (name: string) => ({ table_catalog: database, table_schema: 'public', table_name: name });
  const tables = catalog.tables.map((table) => ({
    ...place(table.name),
    table_type: 'BASE TABLE',
    is_insertable_into: 'YES',
    is_typed: 'NO',
  }));
  const views = catalog.projections.map(({ name }) => ({
    ...place(name),
    table_type: 'VIEW',
    is_insertable_into: 'NO',
    is_typed: 'NO',
  }));
  const columns = catalog.tables.flatMap((table) =>
    table.columns.map((column) => ({
      ...columnRow(column, column.id),
      ...place(table.name),
      udt_catalog: database,
      column_default: column.default === null ? null : defaultText(column.default, column.type),
      is_nullable: column.notNull ? 'NO' : 'YES',
      is_updatable: 'YES',
    })),
  );
  const viewColumns = catalog.projections.flatMap(({ name }) =>
    of.projectionColumns(name).map((column, index) => ({
      ...columnRow(column, index + 1),
      ...place(name),
      udt_catalog: database,
      is_nullable: 'YES',
      is_updatable: 'NO',
    })),
  );
  return {
    'information_schema.schemata': SCHEMAS.map((schema_name) => ({
      catalog_name: database,
      schema_name,
      schema_owner: of.user,
    })),
    'information_schema.tables': [...tables, ...views],
    'information_schema.views': catalog.projections.map(({ name, text }) => ({
      ...place(name),
      view_definition: text,
      check_option: 'NONE',
      is_updatable: 'NO',
      is_insertable_into: 'NO',
      is_trigger_updatable: 'NO',
      is_trigger_deletable: 'NO',
      is_trigger_insertable_into: 'NO',
    })),
    'information_schema.columns': [...columns, ...viewColumns],
    ...constraints(of),
  };
}

function columnRow({ name, type }: SqlColumn, ordinal: number): CatalogRow {
  const { kind } = type;
  return {
    column_name: name,
    ordinal_position: ordinal,
    data_type: baseTypeName(type),
    character_maximum_length: kind === 'text' ? type.lengthMax : null,
    character_octet_length: kind === 'text' ? octetsOf(type.lengthMax) : null,
    numeric_precision: precisionOf(type),
    numeric_precision_radix: kind === 'decimal' ? 10 : precisionOf(type) === null ? null : 2,
    numeric_scale: kind === 'decimal' ? type.scale : kind === 'integer' || kind === 'bigint' ? 0 : null,
    datetime_precision: kind === 'timestamp' ? MICROSECONDS : null,
    udt_schema: 'pg_catalog',
    udt_name: shortName(type),
    dtd_identifier: String(ordinal),
    is_self_referencing: 'NO',
    is_identity: 'NO',
    identity_cycle: 'NO',
    is_generated: 'NEVER',
  };
}

function octetsOf(lengthMax: number | null): number {
  return lengthMax === null ? TEXT_BYTES_MAX : lengthMax * CHARACTER_BYTES_MAX;
}

function shortName(type: SqlColumn['type']): string {
  const names: Readonly<Record<string, string>> = {
    integer: 'int4',
    bigint: 'int8',
    'double precision': 'float8',
    boolean: 'bool',
    'timestamp without time zone': 'timestamp',
    'character varying': 'varchar',
  };
  const long = formatType(wireType(type).oid, null) ?? '';
  return names[long] ?? long;
}

function precisionOf(type: SqlColumn['type']): number | null {
  if (type.kind === 'decimal') return type.precision;
  if (type.kind === 'double') return DOUBLE_BITS;
  return type.kind === 'integer' || type.kind === 'bigint' ? INTEGER_BITS[type.kind] : null;
}

interface ShownConstraint {
  readonly table: Table;
  readonly name: string;
  readonly type: 'PRIMARY KEY' | 'UNIQUE' | 'CHECK';
  readonly columns: readonly number[];
  readonly text: string;
}

function constraints({ catalog, database }: DescribedCatalog): Record<string, CatalogRow[]> {
  const found = catalog.tables.flatMap(constraintsOf);
  const place = ({ name, table }: ShownConstraint) => ({
    constraint_catalog: database,
    constraint_schema: 'public',
    constraint_name: name,
    table_catalog: database,
    table_schema: 'public',
    table_name: table.name,
  });
  const keys = found.filter(({ type }) => type !== 'CHECK');
  const perColumn = keys.flatMap((constraint) =>
    constraint.columns.map((id, index) => ({
      ...place(constraint),
      column_name: columnById(constraint.table, id).name,
      ordinal_position: index + 1,
    })),
  );
  return {
    'information_schema.table_constraints': found.map((constraint) => ({
      ...place(constraint),
      constraint_type: constraint.type,
      is_deferrable: 'NO',
      initially_deferred: 'NO',
      enforced: 'YES',
      nulls_distinct: constraint.type === 'UNIQUE' ? 'YES' : null,
    })),
    'information_schema.key_column_usage': perColumn,
    'information_schema.constraint_column_usage': perColumn.map(({ ordinal_position: _, ...row }) => row),
    'information_schema.check_constraints': found
      .filter(({ type }) => type === 'CHECK')
      .map(({ name, text }) => ({
        constraint_catalog: database,
        constraint_schema: 'public',
        constraint_name: name,
        check_clause: text,
      })),
  };
}

function constraintsOf(table: Table): ShownConstraint[] {
  const { primaryKey, indexes, checks } = table;
  const key = (name: string, type: 'PRIMARY KEY' | 'UNIQUE', columns: readonly number[]) => ({
    table,
    name,
    type,
    columns,
    text: '',
  });
  return [
    ...(primaryKey.name === null ? [] : [key(primaryKey.name, 'PRIMARY KEY', primaryKey.columns)]),
    ...indexes
      .filter(({ constraint }) => constraint)
      .map(({ name, columns }) => key(name, 'UNIQUE', columns)),
    ...checks.map(({ name, text }) => ({ table, name, type: 'CHECK' as const, columns: [], text })),
  ];
}
