/** The rows a reducer writes, as it declares them itself: JSON like `{"columns":[{"name":"user","type":"text"}],"key":["user"]}`. */

import type { Column, Table } from '../sql/catalog/index.ts';
import type { Space } from '../sql/store/contract.ts';
import type { SqlType } from '../sql/types/index.ts';
import { SEQUENCE_NONE } from '../types.ts';
import { refused } from './wasm/index.ts';

const COLUMNS_MAX = 256;
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const TYPES: ReadonlyMap<string, SqlType> = new Map<string, SqlType>([
  ['integer', { kind: 'integer' }],
  ['bigint', { kind: 'bigint' }],
  ['double', { kind: 'double' }],
  ['decimal', { kind: 'decimal', precision: null, scale: null }],
  ['text', { kind: 'text', lengthMax: null }],
  ['boolean', { kind: 'boolean' }],
  ['timestamp', { kind: 'timestamp' }],
  ['bytes', { kind: 'bytes' }],
  ['json', { kind: 'json' }],
  ['uuid', { kind: 'uuid' }],
]);

export interface Descriptor {
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** Places among the columns. */
  readonly key: readonly number[];
}

/** Errors: INVALID_ARGUMENT (42P13). */
export function parseDescriptor(text: string): Descriptor {
  let json: { readonly columns?: unknown; readonly key?: unknown } | null;
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    throw refused('what "describe" returns is not JSON');
  }
  const { columns: listed, key } = json ?? {};
  if (!Array.isArray(listed) || !Array.isArray(key) || key.length === 0)
    throw refused('what "describe" returns has to be {"columns":[{"name","type"},…],"key":["name",…]}');
  if (listed.length > COLUMNS_MAX) throw refused(`it declares more than ${COLUMNS_MAX} columns`);
  const columns = listed.map(parseColumn);
  const names = columns.map(({ name }) => name);
  if (new Set(names).size !== names.length) throw refused('it declares a column twice');
  const places = key.map((name) => names.indexOf(String(name)));
  if (places.includes(-1) || new Set(places).size !== places.length)
    throw refused('its key names a column twice, or one that is not there');
  if (places.some((place) => columns[place]!.type.kind === 'json'))
    throw refused('JSON cannot be part of a key');
  return { columns, key: places };
}

function parseColumn(given: unknown): Descriptor['columns'][number] {
  const { name, type } = (given ?? {}) as { readonly name?: unknown; readonly type?: unknown };
  if (typeof name !== 'string' || !NAME.test(name))
    throw refused(
      'a column has no name of lower-case letters, digits and "_" that begins with a letter, 1 to 63 of them',
    );
  const known = typeof type === 'string' ? TYPES.get(type) : undefined;
  if (known === undefined)
    throw refused(`column "${name}" has none of the types ${[...TYPES.keys()].join(', ')}`);
  return { name, type: known };
}

/** The table that the rows make up for queries. */
export function tableOf(
  { columns: declared, key }: Descriptor,
  { id, name, space }: { readonly id: number; readonly name: string; readonly space: Space },
): Table {
  const columns = declared.map(
    (column, index): Column => ({
      ...column,
      id: index + 1,
      notNull: key.includes(index),
      default: null,
      missing: null,
    }),
  );
  return {
    ...{ id, name, space, columns, indexes: [], checks: [], subject: null },
    primaryKey: { name: null, columns: key.map((place) => place + 1) },
    nextColumn: columns.length + 1,
    createdAt: SEQUENCE_NONE,
  };
}
