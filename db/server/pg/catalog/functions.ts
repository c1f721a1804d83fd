/**
 * PostgreSQL's functions that clients use when they ask about the catalog, as plain functions of plain values. null stands
 * for NULL, 1 and 0 for true and false; an array is its text in braces, or numbers with spaces (int2vector).
 */
import type { CatalogValue } from './content.ts';
import type { CatalogType } from './relations.ts';
import { formatType, typeOid } from './types.ts';

export interface FunctionLookups {
  readonly definition: (oid: number) => string | null;
  /** Name of a relation, schema-qualified only where it has to be. */
  readonly relationName: (oid: number) => string | null;
  readonly relationOid: (name: string) => number | null;
  readonly schemaName: (oid: number) => string | null;
  readonly ownerName: string;
  readonly setting: (name: string) => string | null;
}

export interface CatalogFunction {
  readonly type: CatalogType;
  readonly call: (args: readonly CatalogValue[], lookups: FunctionLookups) => CatalogValue;
}

type Call = CatalogFunction['call'];

const PATTERN_CHARACTERS_MAX = 1000;

const fixed =
  (value: CatalogValue): Call =>
  () =>
    value;
const text = (call: Call): CatalogFunction => ({ type: 'text', call });
const bool = (call: Call): CatalogFunction => ({ type: 'bool', call });
const int4 = (call: Call): CatalogFunction => ({ type: 'int4', call });
const definition: Call = ([oid], { definition: of }) => of(Number(oid));

/** By name, without schema. Those that SQLite has itself (lower, coalesce, count …) are not here. */
export const CATALOG_FUNCTIONS: Readonly<Record<string, CatalogFunction>> = {
  array_length: int4(([array]) => elements(array)?.length || null),
  array_lower: int4(([array]) => (elements(array)?.length ? 1 : null)),
  array_upper: int4(([array]) => elements(array)?.length || null),
  array_position: int4(([array, element]) => position(elements(array), element)),
  array_to_string: text(([array, separator]) => elements(array)?.join(String(separator ?? '')) ?? null),
  cardinality: int4(([array]) => elements(array)?.length ?? null),
  string_to_array: text(([value, separator]) =>
    value === null
      ? null
      : `{${String(value)
          .split(String(separator ?? ''))
          .join(',')}}`,
  ),
  col_description: text(fixed(null)),
  obj_description: text(fixed(null)),
  shobj_description: text(fixed(null)),
  current_setting: text(([name], { setting }) => setting(String(name).toLowerCase())),
  set_config: text(([, value]) => value ?? null),
  format_type: text(([oid, modifier]) => formatType(number(oid), number(modifier))),
  has_any_column_privilege: bool(fixed(1)),
  has_column_privilege: bool(fixed(1)),
  has_database_privilege: bool(fixed(1)),
  has_function_privilege: bool(fixed(1)),
  has_schema_privilege: bool(fixed(1)),
  has_sequence_privilege: bool(fixed(1)),
  has_table_privilege: bool(fixed(1)),
  pg_has_role: bool(fixed(1)),
  pg_collation_is_visible: bool(fixed(1)),
  pg_function_is_visible: bool(fixed(1)),
  pg_table_is_visible: bool(fixed(1)),
  pg_type_is_visible: bool(fixed(1)),
  pg_encoding_to_char: text(([encoding]) => (Number(encoding) === 6 ? 'UTF8' : '')),
  pg_get_constraintdef: text(definition),
  pg_get_expr: text(([expression]) => expression ?? null),
  pg_get_function_arguments: text(fixed(null)),
  pg_get_function_identity_arguments: text(fixed(null)),
  pg_get_function_result: text(fixed(null)),
  pg_get_functiondef: text(fixed(null)),
  pg_get_indexdef: text(([oid, column], lookups) => {
    const of = lookups.definition(Number(oid));
    if (column === undefined || column === null || column === 0) return of;
    return /\((.*)\)$/.exec(of ?? '')?.[1]?.split(', ')[Number(column) - 1] ?? null;
  }),
  pg_get_partkeydef: text(fixed(null)),
  pg_get_ruledef: text(fixed(null)),
  pg_get_serial_sequence: text(fixed(null)),
  pg_get_statisticsobjdef_columns: text(fixed(null)),
  pg_get_triggerdef: text(fixed(null)),
  pg_get_userbyid: text((_, { ownerName }) => ownerName),
  pg_get_viewdef: text(definition),
  pg_is_in_recovery: bool(fixed(0)),
  pg_relation_is_publishable: bool(fixed(0)),
  pg_relation_size: { type: 'int8', call: fixed(null) },
  pg_table_size: { type: 'int8', call: fixed(null) },
  pg_indexes_size: { type: 'int8', call: fixed(null) },
  pg_total_relation_size: { type: 'int8', call: fixed(null) },
  pg_database_size: { type: 'int8', call: fixed(null) },
  pg_size_pretty: text(([size]) => (size === null || size === undefined ? null : `${size} bytes`)),
  pg_tablespace_location: text(fixed('')),
  quote_ident: text(([name]) => quoted(name)),
  quote_literal: text(([value]) => (value === null ? null : `'${String(value).replaceAll("'", "''")}'`)),
  split_part: text(
    ([value, separator, part]) => String(value ?? '').split(String(separator))[Number(part) - 1] ?? '',
  ),
  starts_with: bool(([value, start]) =>
    value === null ? null : Number(String(value).startsWith(String(start))),
  ),
  to_regclass: {
    type: 'oid',
    call: ([name], { relationOid }) => (name === null ? null : relationOid(String(name))),
  },
  // What operators and casts are written as.
  truthdb_array_contains: bool(([array, element]) => contains(elements(array), element)),
  truthdb_array_json: text(([array]) => JSON.stringify(elements(array) ?? [])),
  truthdb_record_field: int4(([record, place]) => {
    const field = String(record ?? '').split(' ')[Number(place)];
    return field === undefined || field === '' ? null : Number(field);
  }),
  truthdb_array_item: text(([array, index]) => item(array, Number(index))),
  truthdb_like: bool(([value, pattern, insensitive]) => like(value, pattern, insensitive === 1)),
  truthdb_regclass: { type: 'oid', call: ([name], { relationOid }) => knownRelation(name, relationOid) },
  truthdb_regclass_name: text(([oid], { relationName }) =>
    oid === null ? null : (relationName(Number(oid)) ?? String(oid)),
  ),
  truthdb_regnamespace_name: text(([oid], { schemaName }) =>
    oid === null ? null : (schemaName(Number(oid)) ?? String(oid)),
  ),
  truthdb_regtype: { type: 'oid', call: ([name]) => knownType(name) },
  truthdb_regtype_name: text(([oid]) => formatType(number(oid), null)),
  truthdb_matches: bool(([value, pattern, insensitive]) => matches(value, pattern, insensitive === 1)),
};

/** SQLite's own, or what is written out where it is called. */
const OTHER_TYPES: Readonly<Record<string, CatalogType>> = {
  count: 'int8',
  sum: 'int8',
  row_number: 'int8',
  rank: 'int8',
  length: 'int4',
  generate_series: 'int4',
  pg_backend_pid: 'int4',
  bool_and: 'bool',
  bool_or: 'bool',
};

export function functionType(name: string): CatalogType | null {
  return CATALOG_FUNCTIONS[name]?.type ?? OTHER_TYPES[name] ?? null;
}

function number(value: CatalogValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

/** Elements of `{a,b}` or of `1 2`; null for NULL. */
function elements(array: CatalogValue | undefined): string[] | null {
  if (array === null || array === undefined) return null;
  const said = String(array);
  const inner = said.startsWith('{') ? said.slice(1, -1) : said;
  if (inner === '') return [];
  return inner.split(said.startsWith('{') ? ',' : ' ').map((element) => element.replace(/^"(.*)"$/, '$1'));
}

function contains(array: string[] | null, element: CatalogValue | undefined): CatalogValue {
  if (array === null || element === null || element === undefined) return null;
  return array.includes(String(element)) ? 1 : 0;
}

function position(array: string[] | null, element: CatalogValue | undefined): CatalogValue {
  const at = array?.indexOf(String(element)) ?? -1;
  return at < 0 ? null : at + 1;
}

/** Arrays count from 1, an int2vector from 0. */
function item(array: CatalogValue | undefined, index: number): CatalogValue {
  const first = String(array ?? '').startsWith('{') ? 1 : 0;
  return elements(array)?.[index - first] ?? null;
}

/** Thrown into the query: a pattern that is no regular expression is the asker's mistake. */
function matches(
  value: CatalogValue | undefined,
  pattern: CatalogValue | undefined,
  insensitive: boolean,
): CatalogValue {
  if (value === null || value === undefined || pattern === null || pattern === undefined) return null;
  if (String(pattern).length > PATTERN_CHARACTERS_MAX) throw new Error('the regular expression is too long');
  return new RegExp(String(pattern), insensitive ? 'iu' : 'u').test(String(value)) ? 1 : 0;
}

function like(
  value: CatalogValue | undefined,
  pattern: CatalogValue | undefined,
  insensitive: boolean,
): CatalogValue {
  if (value === null || value === undefined || pattern === null || pattern === undefined) return null;
  const expression = String(pattern).replace(
    /\\(.)|([%_])|([.*+?^${}()|[\]\\/])/gs,
    (_, escaped, wild, special) => {
      if (wild !== undefined) return wild === '%' ? '.*' : '.';
      const plain = escaped ?? special;
      return /[.*+?^${}()|[\]\\/]/.test(plain) ? `\\${plain}` : plain;
    },
  );
  return matches(value, `^${expression.replaceAll('.*.*', '.*')}$`, insensitive);
}

function quoted(name: CatalogValue | undefined): CatalogValue {
  if (name === null || name === undefined) return null;
  const said = String(name);
  return /^[a-z_][a-z0-9_]*$/.test(said) ? said : `"${said.replaceAll('"', '""')}"`;
}

function knownRelation(name: CatalogValue | undefined, oidOf: (name: string) => number | null): CatalogValue {
  if (name === null || name === undefined) return null;
  if (typeof name === 'number' || /^\d+$/.test(name)) return Number(name);
  const oid = oidOf(name);
  if (oid === null) throw new Error(`relation "${name}" does not exist`);
  return oid;
}

function knownType(name: CatalogValue | undefined): CatalogValue {
  if (name === null || name === undefined) return null;
  if (typeof name === 'number' || /^\d+$/.test(name)) return Number(name);
  const oid = typeOid(name);
  if (oid === null) throw new Error(`type "${name}" does not exist`);
  return oid;
}
