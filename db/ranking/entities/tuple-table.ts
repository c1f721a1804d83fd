/**
 * Tuples of dimension values, from 1 on in the order of first appearance: what cohorts are counted by. A tuple belongs to the
 * dimensions it was made under; those of other dimensions have no value in it.
 *
 * A tuple is kept as bytes: for each dimension u16 attribute, u8 tag (0 none, 1 keyword, 2 number, 3 false, 4 true), f64 the
 * code of the keyword or the number.
 */
import type { AttributeId, TupleNumber } from '../ground.ts';
import { NO_TUPLE } from '../ground.ts';
import { SortedNumbers } from '../indexes/bitmaps/index.ts';
import type { TupleRow } from '../kernel/index.ts';
import type { NumberSet } from '../reading.ts';
import type { Predicate } from '../schema/model.ts';
import type { AttributeTest } from './attribute-store.ts';
import { corruptEntities } from './corrupt.ts';
import { KeyTable } from './key-table.ts';
import type { Piece } from './piece.ts';

const DIMENSION_BYTES = 11;
const VALUE_OFFSET = 3;
const DIMENSIONS_MAX = 300;
const TAG = Object.freeze({ none: 0, keyword: 1, number: 2, false: 3, true: 4 });
const COLUMN_FIRST = 64;
/** Tuples that may be missing one after the other, because they were erased or lost: more were never there. */
const TUPLES_LEFT_OUT_MAX = 1 << 22;

/** Code of a keyword of an attribute; 0 when nobody has it. */
export type CodeOf = (attribute: AttributeId, keyword: string) => number;

export class TupleTable {
  readonly #rows = new KeyTable();
  /** By attribute and tuple: code, number, 0 or 1; NaN where there is none. Worked out from the rows. */
  readonly #columns = new Map<AttributeId, Float64Array<ArrayBuffer>>();
  #count = 0;

  get last(): number {
    return this.#rows.last;
  }

  /** How many there are; numbers may be missing. */
  get count(): number {
    return this.#count;
  }

  /** Number of the tuple, or 0. */
  find(row: TupleRow, codeOf: CodeOf): TupleNumber {
    const length = encodeRow(row, codeOf);
    return length < 0 ? NO_TUPLE : (this.#rows.findBytes(scratch, length) as TupleNumber);
  }

  has(tuple: TupleNumber): boolean {
    return this.#rows.has(tuple);
  }

  /** The row of a tuple that has none. Its keywords are in their dictionaries by now. Errors: CORRUPT. */
  put(tuple: TupleNumber, row: TupleRow, codeOf: CodeOf): void {
    if (tuple > this.last + TUPLES_LEFT_OUT_MAX)
      throw corruptEntities(`an entry has the tuple ${tuple} of ${this.last}`);
    const length = encodeRow(row, codeOf);
    if (length < 0) throw corruptEntities('a tuple has a keyword that no user has');
    if (!this.#rows.putBytes(tuple, scratch, length))
      throw corruptEntities(`the tuple ${tuple} is another one`);
    this.#spread(tuple);
  }

  /** Those that fulfil a condition over dimensions. */
  matching(predicate: Predicate, codeOf: CodeOf): NumberSet {
    const mask = this.#mask(predicate, codeOf);
    const found = new Uint32Array(this.last);
    let count = 0;
    for (let tuple = 1; tuple <= this.last; tuple++) if (mask[tuple] === 1) found[count++] = tuple;
    return new SortedNumbers(found.slice(0, count));
  }

  get bytes(): number {
    let columns = 0;
    for (const column of this.#columns.values()) columns += column.byteLength;
    return this.#rows.bytes + columns;
  }

  pieces(name: string): readonly Piece[] {
    return this.#rows.pieces(name);
  }

  restore(place: string, bytes: Uint8Array): void {
    this.#rows.restore(place, bytes);
  }

  /** After the last piece. Errors: CORRUPT. */
  restored(): void {
    this.#rows.restored();
    for (let tuple = 1; tuple <= this.last; tuple++) {
      if (!this.#rows.has(tuple)) continue;
      if (this.#rows.bytesOf(tuple).length % DIMENSION_BYTES !== 0)
        throw corruptEntities(`the tuple ${tuple} is none`);
      this.#spread(tuple);
    }
  }

  #spread(tuple: number): void {
    this.#count += 1;
    const bytes = this.#rows.bytesOf(tuple);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += DIMENSION_BYTES) {
      const column = this.#column(view.getUint16(at, true) as AttributeId, tuple);
      column[tuple] = valueAt(view, at);
    }
  }

  #column(attribute: AttributeId, tuple: number): Float64Array {
    const column = this.#columns.get(attribute) ?? new Float64Array(0);
    if (tuple < column.length) return column;
    const larger = new Float64Array(Math.max(COLUMN_FIRST, column.length * 2, tuple + 1)).fill(Number.NaN);
    larger.set(column);
    this.#columns.set(attribute, larger);
    return larger;
  }

  /** 1 for each tuple that fulfils it. */
  #mask(predicate: Predicate, codeOf: CodeOf): Uint8Array {
    switch (predicate.test) {
      case 'not':
        return this.#mask(predicate.of, codeOf).map((bit) => 1 - bit);
      case 'and':
      case 'or': {
        const [first, ...rest] = predicate.of.map((each) => this.#mask(each, codeOf));
        for (const mask of rest) combine(first!, mask, predicate.test);
        return first ?? new Uint8Array(this.last + 1);
      }
      case 'state':
      case 'feature':
        return new Uint8Array(this.last + 1);
      default:
        return this.#leaf(predicate, codeOf);
    }
  }

  #leaf(test: AttributeTest, codeOf: CodeOf): Uint8Array {
    const mask = new Uint8Array(this.last + 1);
    const column = this.#columns.get(test.attribute);
    if (column === undefined) return mask;
    const holds = condition(test, codeOf);
    const end = Math.min(column.length, this.last + 1);
    for (let tuple = 1; tuple < end; tuple++) {
      const value = column[tuple]!;
      if (!Number.isNaN(value) && holds(value)) mask[tuple] = 1;
    }
    return mask;
  }
}

const scratch = new Uint8Array(DIMENSIONS_MAX * DIMENSION_BYTES);
const scratchView = new DataView(scratch.buffer);

/** Leaves the row at the beginning of `scratch`; -1 when it has a keyword without a code. */
function encodeRow({ dimensions, values }: TupleRow, codeOf: CodeOf): number {
  if (dimensions.length > DIMENSIONS_MAX)
    throw corruptEntities(`a tuple has ${dimensions.length} dimensions`);
  for (let index = 0; index < dimensions.length; index++) {
    const value = values[index] ?? null;
    const at = index * DIMENSION_BYTES;
    const code = typeof value === 'string' ? codeOf(dimensions[index]!, value) : 0;
    if (typeof value === 'string' && code === 0) return -1;
    scratchView.setUint16(at, dimensions[index]!, true);
    scratch[at + 2] = tagOf(value);
    scratchView.setFloat64(at + VALUE_OFFSET, typeof value === 'number' ? value : code, true);
  }
  return dimensions.length * DIMENSION_BYTES;
}

function tagOf(value: TupleRow['values'][number]): number {
  if (value === null) return TAG.none;
  if (typeof value === 'string') return TAG.keyword;
  if (typeof value === 'number') return TAG.number;
  return value ? TAG.true : TAG.false;
}

function valueAt(view: DataView, at: number): number {
  const tag = view.getUint8(at + 2);
  if (tag === TAG.none) return Number.NaN;
  if (tag === TAG.false || tag === TAG.true) return tag === TAG.true ? 1 : 0;
  return view.getFloat64(at + VALUE_OFFSET, true);
}

function condition(test: AttributeTest, codeOf: CodeOf): (value: number) => boolean {
  const plain = (value: string | number | boolean): number =>
    typeof value === 'string' ? codeOf(test.attribute, value) : Number(value);
  switch (test.test) {
    case 'has':
      return test.value === null ? () => true : (value) => value === plain(test.value!);
    case 'between':
      return (value) => value >= test.low && value <= test.high;
    case 'in': {
      const wanted = new Set(test.values.map(plain));
      return (value) => wanted.has(value);
    }
    case 'compare':
      return comparison(test.operator, plain(test.value));
  }
}

function comparison(operator: string, to: number): (value: number) => boolean {
  if (operator === '=') return (value) => value === to;
  if (operator === '<>') return (value) => value !== to;
  if (operator === '<') return (value) => value < to;
  if (operator === '<=') return (value) => value <= to;
  return operator === '>' ? (value) => value > to : (value) => value >= to;
}

function combine(into: Uint8Array, mask: Uint8Array, test: 'and' | 'or'): void {
  for (let at = 0; at < into.length; at++)
    into[at] = test === 'and' ? into[at]! & mask[at]! : into[at]! | mask[at]!;
}
