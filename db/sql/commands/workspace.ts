/**
 * Where a command works: the state with the command's own rows laid over it. Rows go in and out here with their entries in
 * the indexes, and nothing gets in that a primary key or a unique index forbids.
 */
import { invariant } from '../../kernel/index.ts';
import { type Catalog, columnById, type Table } from '../catalog/index.ts';
import type { Overlay } from '../rows/overlay.ts';
import { hiddenKeyOf, type IndexLayout, TableLayout } from '../rows/table-layout.ts';
import { formatText, type Row, type SqlType, type SqlValue } from '../types/index.ts';
import type { WrittenRow } from './command.ts';
import { duplicateKey, refusal } from './refusals.ts';
import type { RowNumbers } from './row-numbers.ts';

/** A row with the key it is, or is to be, stored under. */
export interface KeyedRow {
  readonly key: Uint8Array;
  readonly row: Row;
}

/** One that is there, with its bytes. */
export interface StoredRow extends KeyedRow {
  readonly bytes: Uint8Array;
}

/** What stands in the way of a row: the constraint, and the row that has the key already. */
export interface Conflict {
  readonly constraint: string;
  readonly columns: readonly number[];
  readonly values: readonly SqlValue[];
  readonly types: readonly SqlType[];
  readonly there: Uint8Array;
}

export class Workspace {
  readonly catalog: Catalog;
  readonly state: Overlay;
  readonly #touched = new Set<Table>();
  readonly #numbers: RowNumbers;
  readonly #rowsMax: number;
  #inserted = 0;
  #removed = 0;

  constructor(catalog: Catalog, state: Overlay, numbers: RowNumbers, rowsMax: number) {
    this.catalog = catalog;
    this.state = state;
    this.#numbers = numbers;
    this.#rowsMax = rowsMax;
  }

  find(table: Table, key: Uint8Array): StoredRow | null {
    const stored = this.state.get(table.space, key);
    if (stored === null) return null;
    return { key, row: TableLayout.of(table).rowOf(stored.value), bytes: stored.value };
  }

  /** Key for a new row: of its own values, or the next number. */
  keyFor(table: Table, row: Row): Uint8Array {
    const layout = TableLayout.of(table);
    return layout.hiddenKey ? hiddenKeyOf(this.#numbers.take(table)) : layout.keyOf(row);
  }

  /** The first constraint that a row under that key would break, or null. `only`: the columns of the constraint to look at. */
  conflict(table: Table, { key, row }: KeyedRow, only: readonly number[] | null): Conflict | null {
    const layout = TableLayout.of(table);
    const { primaryKey } = table;
    if (wanted(primaryKey.columns, only) && this.state.get(table.space, key) !== null) {
      invariant(!layout.hiddenKey, 'a row number is given once');
      const values = layout.keyValues(row);
      const { columns } = primaryKey;
      return { constraint: primaryKey.name ?? '', columns, values, types: layout.keyTypes, there: key };
    }
    for (const index of layout.indexes) {
      if (!wanted(index.index.columns, only)) continue;
      const there = this.#inTheWay(index, row);
      if (there === null) continue;
      const { name: constraint, columns } = index.index;
      return { constraint, columns, values: index.values(row), types: index.types, there };
    }
    return null;
  }

  /** Errors: 23505, TOO_LARGE (54000). */
  insert(table: Table, { key, row }: KeyedRow): void {
    const conflict = this.conflict(table, { key, row }, null);
    if (conflict !== null) throw duplicate(table, conflict);
    this.#inserted += 1;
    this.#checkCount();
    const layout = TableLayout.of(table);
    this.#touched.add(table);
    // No constraint is in the way, so nothing is there; other entries of indexes have the row's own key in theirs.
    this.state.put(table.space, key, layout.bytesOf(row), null);
    for (const index of layout.indexes)
      this.state.put(index.index.space, index.entryKey(row, key), key, null);
  }

  /** The row is there. Errors: TOO_LARGE (54000). */
  remove(table: Table, { key, row, bytes }: StoredRow): void {
    invariant(bytes.length > 0, 'a row that is removed is there');
    this.#removed += 1;
    this.#checkCount();
    this.#touched.add(table);
    this.state.delete(table.space, key, bytes);
    for (const index of TableLayout.of(table).indexes)
      this.state.delete(index.index.space, index.entryKey(row, key), key);
  }

  /** What the command leaves of each table it wrote to, rows that are as they were left out. */
  *written(): Iterable<{ readonly table: Table; readonly rows: readonly WrittenRow[] }> {
    for (const table of this.#touched) {
      const rows: WrittenRow[] = [];
      for (const { key, value, before } of this.state.written(table.space)) {
        if (before === null && value === null) continue;
        if (before !== null && value !== null && Buffer.compare(before, value) === 0) continue;
        rows.push({ key, row: value, existed: before !== null });
      }
      if (rows.length > 0) yield { table, rows };
    }
  }

  /** Key of the row that has the same values in a unique index, or null. */
  #inTheWay(index: IndexLayout, row: Row): Uint8Array | null {
    const key = index.uniqueKey(row);
    return key === null ? null : (this.state.get(index.index.space, key)?.value ?? null);
  }

  /** A row that changes is removed and inserted. */
  #checkCount(): void {
    if (Math.max(this.#inserted, this.#removed) <= this.#rowsMax) return;
    throw refusal(
      '54000',
      `the command writes more than ${this.#rowsMax} rows: split it`,
      { rowsMax: this.#rowsMax },
      'TOO_LARGE',
    );
  }
}

export function duplicate(table: Table, { constraint, columns, values, types }: Conflict): Error {
  const names = columns.map((id) => columnById(table, id).name);
  return duplicateKey(constraint, table.name, names, textsOf(types, values));
}

/** Values as PostgreSQL prints them in details. */
export function textsOf(types: readonly SqlType[], values: readonly SqlValue[]): string[] {
  return values.map((value, index) => (value === null ? 'null' : formatText(types[index]!, value)));
}

function wanted(columns: readonly number[], only: readonly number[] | null): boolean {
  if (columns.length === 0) return false;
  return only === null || sameColumns(columns, only);
}

/** In any order, as ON CONFLICT infers its constraint. */
export function sameColumns(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}
