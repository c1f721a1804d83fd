/**
 * A reducer's own keys during one call: what it writes is laid over what is stored, and goes there only when the call has ended
 * well. Two spaces: 0, bytes of its own; 1, the rows that queries see, by key.
 */
import type { Table } from '../sql/catalog/index.ts';
import { TableLayout } from '../sql/rows/table-layout.ts';
import type { Space, StoreWriter } from '../sql/store/contract.ts';
import { decodeKey, encodeKey, prefixRange, type SqlType, type SqlValue } from '../sql/types/index.ts';
import type { Sequence } from '../types.ts';
import {
  KEY_BYTES_MAX,
  LOG_LINE_BYTES,
  LOG_LINES,
  VALUE_BYTES_MAX,
  WRITES_PER_CALL,
  WRITTEN_BYTES_PER_CALL,
} from './limits.ts';
import { Stopped } from './stopped.ts';
import { decodeTuple, encodeTuple } from './tuple.ts';

const STATE = 0;
const ROWS = 1;

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What an instance asks its host for, in the reducer's own encoding. Everything may throw Stopped (host). */
export interface HostState {
  get(space: number, key: Uint8Array): Uint8Array | null;
  put(space: number, key: Uint8Array, value: Uint8Array): void;
  delete(space: number, key: Uint8Array): void;
  /** The first key that begins with the prefix and lies behind `after`; empty: from the beginning. */
  next(space: number, prefix: Uint8Array, after: Uint8Array): KeyValue | null;
  log(line: Uint8Array): void;
}

interface Written {
  readonly key: Uint8Array;
  /** As stored; null: deleted. */
  readonly value: Uint8Array | null;
}

export class CallState implements HostState {
  readonly #store: StoreWriter;
  readonly #spaces: readonly [Space, Space];
  readonly #rows: RowForm;
  readonly #written = [new Map<string, Written>(), new Map<string, Written>()] as const;
  readonly #lines: string[] = [];
  #writes = 0;
  #bytes = 0;

  constructor(store: StoreWriter, state: Space, table: Table) {
    this.#store = store;
    this.#spaces = [state, table.space];
    this.#rows = rowFormOf(table);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get(space: number, key: Uint8Array): Uint8Array | null {
    const stored = this.#storedKey(space, key);
    const found = this.#lookUp(space, stored);
    return found === null ? null : this.#shown(space, stored, found).value;
  }

  put(space: number, key: Uint8Array, value: Uint8Array): void {
    const stored = this.#storedKey(space, key);
    if (value.length > VALUE_BYTES_MAX)
      throw new Stopped('host', `a value of ${value.length} bytes is longer than ${VALUE_BYTES_MAX}`);
    this.#write(space, stored, space === ROWS ? this.#rows.rowBytes(key, value) : value.slice());
  }

  delete(space: number, key: Uint8Array): void {
    this.#write(space, this.#storedKey(space, key), null);
  }

  next(space: number, prefix: Uint8Array, after: Uint8Array): KeyValue | null {
    this.#checkSpace(space);
    const range = space === ROWS ? this.#rows.prefix(prefix) : bytesRange(prefix);
    let from = after.length === 0 ? range.from : behind(this.#storedKey(space, after));
    if (Buffer.compare(from, range.from) < 0) from = range.from;
    const own = this.#firstWritten(space, from, range.to);
    for (;;) {
      const stored = this.#firstStored(space, from, range.to);
      if (own !== null && (stored === null || Buffer.compare(own.key, stored.key) <= 0))
        return this.#shown(space, own.key, own.value!);
      if (stored === null) return null;
      if (!this.#written[space as 0 | 1].has(hex(stored.key)))
        return this.#shown(space, stored.key, stored.value);
      from = behind(stored.key);
    }
  }

  log(line: Uint8Array): void {
    this.#lines.push(Buffer.from(line.subarray(0, LOG_LINE_BYTES)).toString('utf8'));
    if (this.#lines.length > LOG_LINES) this.#lines.shift();
  }

  /** The call has ended well. */
  write(at: Sequence): void {
    for (const space of [STATE, ROWS] as const) {
      const writes = [...this.#written[space].values()].sort((a, b) => Buffer.compare(a.key, b.key));
      for (const { key, value } of writes) {
        const before = this.#store.get(this.#spaces[space], key);
        if (value === null) this.#store.delete(this.#spaces[space], key, at);
        else if (before === null || Buffer.compare(before.value, value) !== 0)
          this.#store.put(this.#spaces[space], key, value, at);
      }
    }
  }

  #checkSpace(space: number): void {
    if (space !== STATE && space !== ROWS)
      throw new Stopped('host', `there is no space ${space}: 0 is for its own state, 1 for its rows`);
  }

  #storedKey(space: number, key: Uint8Array): Uint8Array {
    this.#checkSpace(space);
    if (key.length === 0 || key.length > KEY_BYTES_MAX)
      throw new Stopped('host', `a key has 1 to ${KEY_BYTES_MAX} bytes, not ${key.length}`);
    return space === ROWS ? this.#rows.key(key) : key.slice();
  }

  #lookUp(space: number, key: Uint8Array): Uint8Array | null {
    const written = this.#written[space as 0 | 1].get(hex(key));
    if (written !== undefined) return written.value;
    return this.#store.get(this.#spaces[space as 0 | 1], key)?.value ?? null;
  }

  #shown(space: number, key: Uint8Array, value: Uint8Array): KeyValue {
    return space === ROWS ? this.#rows.shown(key, value) : { key, value };
  }

  #write(space: number, key: Uint8Array, value: Uint8Array | null): void {
    this.#writes += 1;
    this.#bytes += key.length + (value?.length ?? 0);
    if (this.#writes > WRITES_PER_CALL)
      throw new Stopped('host', `it writes more than ${WRITES_PER_CALL} keys in one call`);
    if (this.#bytes > WRITTEN_BYTES_PER_CALL)
      throw new Stopped('host', `it writes more than ${WRITTEN_BYTES_PER_CALL} bytes in one call`);
    this.#written[space as 0 | 1].set(hex(key), { key, value });
  }

  #firstWritten(space: number, from: Uint8Array, to: Uint8Array | null): Written | null {
    let first: Written | null = null;
    for (const written of this.#written[space as 0 | 1].values()) {
      const { key, value } = written;
      if (value === null || Buffer.compare(key, from) < 0) continue;
      if (to !== null && Buffer.compare(key, to) >= 0) continue;
      if (first === null || Buffer.compare(key, first.key) < 0) first = written;
    }
    return first;
  }

  #firstStored(space: number, from: Uint8Array, to: Uint8Array | null): KeyValue | null {
    const options = { range: { from, to }, reverse: false, limit: 1 };
    for (const found of this.#store.scan(this.#spaces[space as 0 | 1], options)) return found;
    return null;
  }
}

/** Rows between the store's form and the reducer's: a key is the key's columns, a value all others in their order. */
class RowForm {
  readonly #layout: TableLayout;
  readonly #keyTypes: readonly SqlType[];
  readonly #keyPlaces: readonly number[];
  readonly #otherTypes: readonly SqlType[];
  readonly #otherPlaces: readonly number[];

  constructor(table: Table) {
    this.#layout = TableLayout.of(table);
    const places = table.columns.map((_, place) => place);
    this.#keyPlaces = table.primaryKey.columns.map((id) =>
      table.columns.findIndex((column) => column.id === id),
    );
    this.#otherPlaces = places.filter((place) => !this.#keyPlaces.includes(place));
    this.#keyTypes = this.#keyPlaces.map((place) => table.columns[place]!.type);
    this.#otherTypes = this.#otherPlaces.map((place) => table.columns[place]!.type);
  }

  key(tuple: Uint8Array): Uint8Array {
    const values = decodeTuple(this.#keyTypes, tuple);
    if (values.includes(null)) throw new Stopped('host', 'a key has a NULL in it');
    return encodeKey(this.#keyTypes, values);
  }

  prefix(tuple: Uint8Array): { from: Uint8Array; to: Uint8Array | null } {
    return prefixRange(this.#keyTypes, decodeTuple(this.#keyTypes, tuple, 'partial'));
  }

  rowBytes(key: Uint8Array, value: Uint8Array): Uint8Array {
    const row: SqlValue[] = [];
    for (const [index, given] of decodeTuple(this.#keyTypes, key).entries())
      row[this.#keyPlaces[index]!] = given;
    for (const [index, given] of decodeTuple(this.#otherTypes, value).entries())
      row[this.#otherPlaces[index]!] = given;
    return this.#layout.bytesOf(row);
  }

  shown(key: Uint8Array, value: Uint8Array): KeyValue {
    const row = this.#layout.rowOf(value);
    return {
      key: encodeTuple(this.#keyTypes, decodeKey(this.#keyTypes, key)),
      value: encodeTuple(
        this.#otherTypes,
        this.#otherPlaces.map((place) => row[place]!),
      ),
    };
  }
}

const forms = new WeakMap<Table, RowForm>();

function rowFormOf(table: Table): RowForm {
  let form = forms.get(table);
  if (form === undefined) {
    form = new RowForm(table);
    forms.set(table, form);
  }
  return form;
}

/** All keys with that beginning. */
function bytesRange(prefix: Uint8Array): { from: Uint8Array; to: Uint8Array | null } {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length -= 1;
  if (length === 0) return { from: prefix.slice(), to: null };
  const to = prefix.slice(0, length);
  to[length - 1]! += 1;
  return { from: prefix.slice(), to };
}

function behind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function hex(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
