/**
 * The vectors of one slot: a row each, in blocks of an arena. A row belongs to the number of an entity; rows that nobody needs
 * any more are given to others. What is known of a row beside its floats lies in columns.
 *
 * Of a slot with the metric `cosine`, vectors are kept with length 1, and their length beside them.
 */
import { TruthError } from '../../../errors.ts';
import { invariant } from '../../../kernel/index.ts';
import type { EmbeddingSlot } from '../../schema/model.ts';
import { type Arena, type Arenas, LIST_ROWS, ROOM } from './arena.ts';
import { STEP_FLOATS, type VectorKernels } from './kernels.ts';
import type { Position } from './position.ts';
import { type HashSeed, RowHashes } from './row-hashes.ts';
import { RowPages } from './row-pages.ts';

/** What a row is, as bits; a row without any is free. */
export const ROW = Object.freeze({
  /** Its number has this vector now. */
  held: 1,
  /** And the entity is active. */
  active: 2,
  /** It is in the graph, which goes through rows that are not held any more too. */
  linked: 4,
  /** It waits to be put into the graph, or, if it is not held any more, to be freed. */
  queued: 8,
  /** Not held, and being taken out of the graph. */
  condemned: 16,
  /** Its hash is in the sum of the digest. */
  hashed: 32,
});

/** Blocks have about so many bytes: small slots shall not take much. */
const BLOCK_BYTES = 65_536;
/** A page of a checkpoint has 2^5 blocks. */
const PAGE_SHIFT = 5;
const ROWS_FIRST = 64;
/** Of a float in single precision. */
const EXPONENT = 0x7f80_0000;
/**
 * Where lengths matter, a longer vector is brought to this: squares of what is larger would be infinite in single precision, and
 * infinity less infinity is no number.
 */
const LENGTH_MOST = 1e15;

export class VectorRows {
  readonly slot: EmbeddingSlot;
  /** Bytes of a row. */
  readonly stride: number;
  readonly pages: RowPages;
  /** By row: whose it is, or was. */
  numbers = new Uint32Array(ROWS_FIRST);
  /** By row: bits of `ROW`. */
  flags = new Uint8Array(ROWS_FIRST);
  /** By row: length of the vector as it was given. */
  norms = new Float32Array(ROWS_FIRST);
  readonly #arenas: Arenas;
  readonly #hashes: RowHashes;
  readonly #blockShift: number;
  #arena: Arena;
  #many!: VectorKernels['dots'];
  /** By block. */
  #addresses = new Uint32Array(4);
  #blocks = 0;
  #rows = 0;
  /** By number: row + 1, or 0. */
  #rowOf = new Uint32Array(ROWS_FIRST);
  #free: number[] = [];
  #held = 0;
  #active = 0;

  constructor(slot: EmbeddingSlot, arenas: Arenas, seed: HashSeed, position: Position) {
    this.slot = slot;
    this.stride = Math.ceil(slot.dimensions / STEP_FLOATS) * STEP_FLOATS * 4;
    this.#arenas = arenas;
    this.#hashes = new RowHashes(seed);
    this.#blockShift = Math.max(0, 31 - Math.clz32(BLOCK_BYTES / this.stride));
    this.#arena = arenas.withRoom(this.#blockBytes);
    this.#bind();
    const bytesOf = (page: number, count: number): Uint8Array => this.#pageBytes(page, count);
    this.pages = new RowPages(this.#blockShift + PAGE_SHIFT, position, bytesOf);
  }

  /** Memory taken: blocks of the arena, and columns. */
  get bytes(): number {
    const columns = [this.numbers, this.flags, this.norms, this.#addresses, this.#rowOf];
    const inColumns = columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return this.#blocks * this.#blockBytes + inColumns + this.#free.length * Float64Array.BYTES_PER_ELEMENT;
  }

  get arena(): Arena {
    return this.#arena;
  }

  /** Rows there are, free ones counted. */
  get rows(): number {
    return this.#rows;
  }

  /** Vectors that belong to somebody. */
  get held(): number {
    return this.#held;
  }

  get active(): number {
    return this.#active;
  }

  /** Row of a number, or -1. */
  rowOf(number: number): number {
    return number < this.#rowOf.length ? this.#rowOf[number]! - 1 : -1;
  }

  address(row: number): number {
    const shift = this.#blockShift;
    return this.#addresses[row >>> shift]! + (row & ((1 << shift) - 1)) * this.stride;
  }

  /** Floats of a row, without the filling; where they lie, until the next allocation. */
  floats(row: number): Float32Array {
    const at = this.address(row) >>> 2;
    return this.#arena.floats.subarray(at, at + this.slot.dimensions);
  }

  /** A row for a number that has none: all zeros, until `write` fills it. */
  take(number: number, active: boolean): number {
    invariant(this.rowOf(number) < 0, 'a number has one row');
    const row = this.#free.pop() ?? this.#rows;
    this.pages.willChange(row);
    if (row === this.#rows) this.#addRow();
    this.numbers[row] = number;
    this.flags[row] = active ? ROW.held | ROW.active : ROW.held;
    this.#setRowOf(number, row + 1);
    this.#held += 1;
    if (active) this.#active += 1;
    return row;
  }

  /** Puts a vector into a row. False where the metric is `cosine` and the vector has no direction; the row stays as it was. */
  write(row: number, values: ArrayLike<number>): boolean {
    const norm = lengthOf(values);
    const divisor = this.#divisorOf(norm);
    if (divisor === 0) return false;
    this.willChange(row);
    const floats = this.floats(row);
    for (let at = 0; at < floats.length; at++) floats[at] = values[at]! / divisor;
    this.norms[row] = norm;
    return true;
  }

  /** To be called before the floats of a row change. */
  willChange(row: number): void {
    if ((this.flags[row]! & ROW.hashed) !== 0) this.#addHash(row, -1);
    this.pages.willChange(row);
  }

  /** Its number has no vector any more. The row is not free yet: the graph may need it. */
  drop(row: number): void {
    const flags = this.flags[row]!;
    if ((flags & ROW.hashed) !== 0) this.#addHash(row, -1);
    this.#rowOf[this.numbers[row]!] = 0;
    this.#held -= 1;
    if ((flags & ROW.active) !== 0) this.#active -= 1;
    this.flags[row]! &= ~(ROW.held | ROW.active);
  }

  /** Nobody needs it any more: nothing of it stays. */
  release(row: number): void {
    this.willChange(row);
    const at = this.address(row);
    this.#arena.bytes.fill(0, at, at + this.stride);
    this.flags[row] = 0;
    this.numbers[row] = 0;
    this.norms[row] = 0;
    this.#free.push(row);
  }

  setActive(row: number, active: boolean): void {
    const before = (this.flags[row]! & ROW.active) !== 0;
    if (before === active) return;
    this.flags[row]! ^= ROW.active;
    this.#active += active ? 1 : -1;
  }

  /**
   * Lays a query where the kernels find it, brought to length 1 where rows are; returns its address. A query without a
   * direction is as near to everything.
   */
  prepare(query: ArrayLike<number>): number {
    const floats = this.#arena.floats;
    const at = ROOM.query >>> 2;
    const divisor = this.#divisorOf(lengthOf(query)) || 1;
    const { dimensions } = this.slot;
    for (let each = 0; each < dimensions; each++) floats[at + each] = query[each]! / divisor;
    floats.fill(0, at + dimensions, at + (this.stride >>> 2));
    return ROOM.query;
  }

  /** Distances from what lies at `query` to the first `count` addresses of the list, laid where distances belong. */
  compare(query: number, count: number): void {
    this.#many(query, ROOM.list, count, ROOM.distances, this.stride);
  }

  /** See `Choose` in kernels.ts. */
  choose(count: number, limit: number): number {
    const { kernels } = this.#arena;
    const choose = this.slot.metric === 'l2' ? kernels.chooseBySquare : kernels.chooseByDot;
    return choose(ROOM.list, ROOM.distances, count, limit, ROOM.chosen, ROOM.places, this.stride);
  }

  /** Sum of the hashes of all vectors that somebody has: it does not depend on rows, nor on the order they were filled in. */
  hash(): string {
    for (let row = 0; row < this.#rows; row++)
      if ((this.flags[row]! & (ROW.held | ROW.hashed)) === ROW.held) this.#addHash(row, 1);
    return `${this.#held} ${this.#hashes.hex}`;
  }

  /** As `hash` does, a few thousand rows a step. */
  *hashAhead(): Generator<void> {
    for (let row = 0; row < this.#rows; row++) {
      if ((this.flags[row]! & (ROW.held | ROW.hashed)) === ROW.held) this.#addHash(row, 1);
      if (row % LIST_ROWS === LIST_ROWS - 1) yield;
    }
  }

  /** Rows nobody has, the next to be taken last. Not to be changed. */
  get free(): readonly number[] {
    return this.#free;
  }

  /** Fills an empty table: columns by row (taken over), pages in order. Flags have been checked against everything else. */
  restore(saved: SavedRows, pageOf: (page: number) => Uint8Array): void {
    const { numbers, norms, flags, free } = saved;
    for (let page = 0; page < saved.changed.length; page++)
      this.#restorePage(page, numbers.length, pageOf(page));
    this.numbers.set(numbers);
    this.norms.set(norms);
    this.flags.set(flags);
    this.#free = free.slice();
    this.pages.restore(saved.changed);
    for (let row = 0; row < numbers.length; row++) {
      if ((flags[row]! & ROW.held) === 0) continue;
      this.#setRowOf(numbers[row]!, row + 1);
      this.#held += 1;
      if ((flags[row]! & ROW.active) !== 0) this.#active += 1;
    }
  }

  /** Gives its memory back; nothing is asked of it afterwards. */
  discard(): void {
    this.pages.keepPromises();
    for (let block = 0; block < this.#blocks; block++)
      this.#arena.release(this.#addresses[block]!, this.#blockBytes);
    this.#blocks = 0;
  }

  /** What a vector of a length is divided by; 0 where it has no direction and needs one. */
  #divisorOf(length: number): number {
    if (this.slot.metric === 'cosine') return length;
    return length > LENGTH_MOST ? length / LENGTH_MOST : 1;
  }

  get #blockBytes(): number {
    return this.stride << this.#blockShift;
  }

  #pageBytes(page: number, count: number): Uint8Array {
    const first = page * this.pages.pageRows;
    const { dimensions } = this.slot;
    const copy = new Float32Array(count * dimensions);
    for (let each = 0; each < count; each++) copy.set(this.floats(first + each), each * dimensions);
    return new Uint8Array(copy.buffer);
  }

  /** `rows`: how many there will be in the end. No row is made before the bytes are known to have it. */
  #restorePage(page: number, rows: number, bytes: Uint8Array): void {
    const { dimensions } = this.slot;
    const count = this.pages.rowsIn(page, rows);
    if (bytes.length !== count * dimensions * 4)
      throw new TruthError('CORRUPT', `a saved page of ${count} vectors has ${bytes.length} bytes`);
    const rowBytes = dimensions * 4;
    // Where rows have no filling, a block is copied at once.
    const together = rowBytes === this.stride ? 1 << this.#blockShift : 1;
    for (let from = 0; from < count; from += together) {
      const some = Math.min(together, count - from);
      const first = this.#rows;
      for (let each = 0; each < some; each++) this.#addRow();
      const address = this.address(first);
      this.#arena.bytes.set(bytes.subarray(from * rowBytes, (from + some) * rowBytes), address);
      checkFinite(this.#arena.words, address >>> 2, (address + some * this.stride) >>> 2);
    }
  }

  #addRow(): number {
    const row = this.#rows;
    if (row >>> this.#blockShift === this.#blocks) this.#addBlock();
    if (row === this.numbers.length) {
      this.numbers = grown(this.numbers, row * 2);
      this.norms = grown(this.norms, row * 2);
      this.flags = grown(this.flags, row * 2);
    }
    this.#rows = row + 1;
    return row;
  }

  #addBlock(): void {
    let address = this.#arena.allocate(this.#blockBytes);
    if (address === null) {
      this.#move();
      address = this.#arena.allocate(this.#blockBytes);
    }
    if (address === null) throw full(this.slot, this.#rows);
    if (this.#blocks === this.#addresses.length) this.#addresses = grown(this.#addresses, this.#blocks * 2);
    this.#addresses[this.#blocks++] = address;
  }

  /** To an arena with room for one more block. */
  #move(): void {
    const from = this.#arena;
    const bytes = this.#blockBytes;
    const to = this.#arenas.withRoom((this.#blocks + 1) * bytes);
    for (let block = 0; block < this.#blocks; block++) {
      const before = this.#addresses[block]!;
      const address = to.allocate(bytes);
      if (address === null) throw full(this.slot, this.#rows);
      to.bytes.set(from.bytes.subarray(before, before + bytes), address);
      this.#addresses[block] = address;
      from.release(before, bytes);
    }
    this.#arena = to;
    this.#bind();
  }

  #bind(): void {
    const { kernels } = this.#arena;
    this.#many = this.slot.metric === 'l2' ? kernels.squares : kernels.dots;
  }

  #setRowOf(number: number, value: number): void {
    if (number >= this.#rowOf.length)
      this.#rowOf = grown(this.#rowOf, Math.max(number + 1, this.#rowOf.length * 2));
    this.#rowOf[number] = value;
  }

  #addHash(row: number, sign: 1 | -1): void {
    const { dimensions } = this.slot;
    this.#hashes.add(this.#arena, this.numbers[row]!, this.norms[row]!, this.address(row), dimensions, sign);
    this.flags[row]! ^= ROW.hashed;
  }
}

/** The columns of a table, as they are saved. */
export interface SavedRows {
  readonly numbers: Uint32Array;
  readonly norms: Float32Array;
  readonly flags: Uint8Array;
  readonly free: readonly number[];
  /** By page: where it last changed. */
  readonly changed: readonly number[];
}

/** Euclidean length, in doubles. */
export function lengthOf(values: ArrayLike<number>): number {
  let squares = 0;
  for (let at = 0; at < values.length; at++) squares += values[at]! * values[at]!;
  return Math.sqrt(squares);
}

/** By the bits: an exponent of ones is infinity, or no number. */
function checkFinite(words: Uint32Array, from: number, to: number): void {
  for (let at = from; at < to; at++)
    if ((words[at]! & EXPONENT) === EXPONENT)
      throw new TruthError('CORRUPT', 'a saved vector has something in it that is no finite number');
}

function grown<Column extends Uint32Array | Float32Array | Uint8Array>(
  column: Column,
  length: number,
): Column {
  const larger = new (column.constructor as new (length: number) => Column)(length);
  larger.set(column);
  return larger;
}

function full({ name }: EmbeddingSlot, rows: number): TruthError {
  return new TruthError(
    'TOO_LARGE',
    `the vectors of embedding "${name}" take more memory than there is: ${rows} are held, and a slot has 4 GiB at most`,
  );
}
