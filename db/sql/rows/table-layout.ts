/**
 * How the rows of a table lie in the store.
 *
 *     table's space   key: its primary key's values (types/key-codec), or the row's number where the key is hidden
 *                     value: the whole row (types/row-codec)
 *     index's space   key: its columns' values, and behind them the row's key unless the index is unique and none of
 *                     the values is NULL; value: the row's key
 */
import { invariant } from '../../kernel/index.ts';
import { type Column, columnById, type Index, type Table } from '../catalog/index.ts';
import { encodeKey, type Row, RowDecoder, RowEncoder, type SqlType, type SqlValue } from '../types/index.ts';

/** The type of the number that stands for a primary key. */
export const HIDDEN_KEY_TYPES: readonly SqlType[] = Object.freeze([{ kind: 'bigint' } as const]);

const layouts = new WeakMap<Table, TableLayout>();

export class TableLayout {
  readonly table: Table;
  /** True when rows are numbered by the store. */
  readonly hiddenKey: boolean;
  /** Types of the primary key's columns, also of a hidden one. */
  readonly keyTypes: readonly SqlType[];
  readonly indexes: readonly IndexLayout[];
  readonly #encoder: RowEncoder;
  readonly #decoder: RowDecoder;
  readonly #keyPlaces: readonly number[];

  private constructor(table: Table) {
    this.table = table;
    const keyColumns = table.primaryKey.columns.map((id) => columnById(table, id));
    this.hiddenKey = keyColumns.length === 0;
    this.keyTypes = this.hiddenKey ? HIDDEN_KEY_TYPES : keyColumns.map(({ type }) => type);
    this.#keyPlaces = keyColumns.map((column) => table.columns.indexOf(column));
    this.#encoder = new RowEncoder(table.columns);
    this.#decoder = new RowDecoder(table.columns);
    this.indexes = table.indexes.map((index) => new IndexLayout(table, index));
  }

  /** The one of a table; definitions never change. */
  static of(table: Table): TableLayout {
    let layout = layouts.get(table);
    if (layout === undefined) {
      layout = new TableLayout(table);
      layouts.set(table, layout);
    }
    return layout;
  }

  /** Values in the order of the table's columns. Errors: CORRUPT. */
  rowOf(bytes: Uint8Array): Row {
    return this.#decoder.decode(bytes);
  }

  bytesOf(row: Row): Uint8Array {
    return this.#encoder.encode(row);
  }

  /** The key of a row. Only where the table has one of its own. */
  keyOf(row: Row): Uint8Array {
    invariant(!this.hiddenKey, 'a hidden key is not made of the row');
    return encodeKey(this.keyTypes, this.keyValues(row));
  }

  keyValues(row: Row): SqlValue[] {
    return this.#keyPlaces.map((place) => row[place]!);
  }
}

export class IndexLayout {
  readonly index: Index;
  readonly columns: readonly Column[];
  readonly types: readonly SqlType[];
  readonly #places: readonly number[];

  constructor(table: Table, index: Index) {
    this.index = index;
    this.columns = index.columns.map((id) => columnById(table, id));
    this.types = this.columns.map(({ type }) => type);
    this.#places = this.columns.map((column) => table.columns.indexOf(column));
  }

  values(row: Row): SqlValue[] {
    return this.#places.map((place) => row[place]!);
  }

  /** Key of the row's entry in the index. */
  entryKey(row: Row, key: Uint8Array): Uint8Array {
    const values = this.values(row);
    const own = encodeKey(this.types, values);
    if (this.index.unique && !values.includes(null)) return own;
    const entry = new Uint8Array(own.length + key.length);
    entry.set(own);
    entry.set(key, own.length);
    return entry;
  }

  /** Key under which only one row may stand, or null where the row has a NULL in it: those are never equal. */
  uniqueKey(row: Row): Uint8Array | null {
    if (!this.index.unique) return null;
    const values = this.values(row);
    return values.includes(null) ? null : encodeKey(this.types, values);
  }
}

/** The key of a row that has a number instead of one. */
export function hiddenKeyOf(number: bigint): Uint8Array {
  return encodeKey(HIDDEN_KEY_TYPES, [number]);
}
