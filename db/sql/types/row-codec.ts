/**
 * Rows as bytes: a version, then for each column a number (column id × 16 + what the value is) and the value, ascending by
 * column id. A row says which columns it knew, so adding or dropping a column touches no row: who reads passes over what it
 * does not want and puts in what is missing.
 *
 *     version u8 = 1 │ { varint(id << 4 | field) │ value (stored-field.ts) } …
 */
import { ByteSink } from './byte-sink.ts';
import { ByteSource } from './byte-source.ts';
import type { Row, SqlType, SqlValue } from './sql-type.ts';
import { fieldOf, readField, skipField, writeField } from './stored-field.ts';

const VERSION = 1;
const FIELDS = 16;
/** The highest column id of a table. */
const COLUMN_ID_MAX = 65_535;

export interface StoredColumn {
  /** Whole, 0 to 65535; never given to another column of the table. */
  readonly id: number;
  readonly type: SqlType;
}

export interface WantedColumn extends StoredColumn {
  /** What a row has that was written before the column was added. */
  readonly missing: SqlValue;
}

const scratch = new ByteSink();

/** Made once a table; `encode` takes values in the order of the columns. */
export class RowEncoder {
  readonly #ids: readonly number[];
  readonly #types: readonly SqlType[];
  /** Places in a row, ascending by column id. */
  readonly #places: readonly number[];

  constructor(columns: readonly StoredColumn[]) {
    const places = columns.map((_, place) => place).sort((a, b) => columns[a]!.id - columns[b]!.id);
    for (const [index, place] of places.entries()) {
      const { id } = columns[place]!;
      if (!Number.isInteger(id) || id < 0 || id > COLUMN_ID_MAX) {
        throw new RangeError(`column id ${id} is not a whole number from 0 to ${COLUMN_ID_MAX}`);
      }
      if (index > 0 && columns[places[index - 1]!]!.id === id)
        throw new RangeError(`column id ${id} is there twice`);
    }
    this.#places = places;
    this.#ids = places.map((place) => columns[place]!.id);
    this.#types = places.map((place) => columns[place]!.type);
  }

  encode(row: Row): Uint8Array {
    scratch.at = 0;
    scratch.u8(VERSION);
    for (let index = 0; index < this.#places.length; index++) {
      const value = row[this.#places[index]!]!;
      const field = fieldOf(this.#types[index]!, value);
      scratch.varint(this.#ids[index]! * FIELDS + field);
      writeField(scratch, field, value);
    }
    return scratch.take();
  }
}

/** Made once a query; `decode` gives values in the order of what was wanted. */
export class RowDecoder {
  readonly #missing: readonly SqlValue[];
  /** By column id: its place among the wanted, or -1. */
  readonly #placeOf: Int32Array;
  readonly #kinds: readonly SqlType['kind'][];
  readonly #idMax: number;
  readonly #source = new ByteSource(new Uint8Array(0), 'a stored row');

  constructor(wanted: readonly WantedColumn[]) {
    this.#idMax = wanted.reduce((max, { id }) => Math.max(max, id), -1);
    this.#placeOf = new Int32Array(this.#idMax + 1).fill(-1);
    for (const [place, { id }] of wanted.entries()) {
      if (this.#placeOf[id] !== -1) throw new RangeError(`column id ${id} is wanted twice`);
      this.#placeOf[id] = place;
    }
    this.#missing = wanted.map(({ missing }) => missing);
    this.#kinds = wanted.map(({ type }) => type.kind);
  }

  /** Errors: CORRUPT for anything that `RowEncoder` does not write. */
  decode(bytes: Uint8Array): SqlValue[] {
    const source = this.#source;
    source.restart(bytes);
    const version = source.u8();
    if (version !== VERSION) throw source.corrupt(`its version is ${version}, known is ${VERSION}`);
    const row = this.#missing.slice();
    let last = -1;
    while (!source.done) {
      const head = source.varint();
      const id = Math.floor(head / FIELDS);
      const field = head % FIELDS;
      if (id <= last || id > COLUMN_ID_MAX) throw source.corrupt(`column ${id} stands behind column ${last}`);
      last = id;
      const place = id <= this.#idMax ? this.#placeOf[id]! : -1;
      if (place < 0) skipField(source, field);
      else row[place] = readField(source, field, this.#kinds[place]!);
    }
    return row;
  }
}
