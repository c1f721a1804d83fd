/**
 * Byte strings by number and numbers by byte string, from 1 on and never forgotten: keys of entities, keywords, lists of
 * keywords, tuples. Numbers are given in the order of first appearance; whoever is told a number may leave some out.
 */
import { writeUtf8 } from '../../kernel/index.ts';
import { HashTable } from '../../streams/hash-table.ts';
import { hashKey } from '../kernel/index.ts';
import { Column, words } from './column.ts';
import type { Piece } from './piece.ts';
import { RecordArena } from './record-arena.ts';

/** Of a string that is looked for, in the worst case of 3 bytes a code unit. */
const SCRATCH_BYTES = 4 * 1024;
const SHARD_BITS = 5;

export class KeyTable {
  readonly #arena = new RecordArena();
  readonly #addresses = new Column(words, 0);
  readonly #numbers = new HashTable(SHARD_BITS);
  #last = 0;

  /** Largest number given out. */
  get last(): number {
    return this.#last;
  }

  /** Number of a text, or 0. */
  find(text: string): number {
    // Half of a surrogate pair would be taken for the character that stands for what cannot be said.
    if (!text.isWellFormed()) return 0;
    return this.findBytes(scratch, encode(text));
  }

  /** The same of the first `length` bytes. */
  findBytes(bytes: Uint8Array, length: number): number {
    return this.#find(bytes, length, hashKey(bytes, 0, length));
  }

  /** Number of a text, which is added if it is not there. */
  numberOf(text: string): number {
    return this.numberOfBytes(scratch, encode(text));
  }

  numberOfBytes(bytes: Uint8Array, length: number): number {
    const hash = hashKey(bytes, 0, length);
    const found = this.#find(bytes, length, hash);
    return found === 0 ? this.#add(this.#last + 1, bytes, length, hash) : found;
  }

  /** Gives a number that has none this text; false when another number has it. */
  put(number: number, text: string): boolean {
    return this.putBytes(number, scratch, encode(text));
  }

  putBytes(number: number, bytes: Uint8Array, length: number): boolean {
    const hash = hashKey(bytes, 0, length);
    if (this.#find(bytes, length, hash) !== 0) return false;
    this.#add(number, bytes, length, hash);
    return true;
  }

  text(number: number): string {
    return this.#arena.textAt(this.#addresses.get(number));
  }

  /** Valid until something is added. */
  bytesOf(number: number): Uint8Array {
    return this.#arena.bytesAt(this.#addresses.get(number));
  }

  get bytes(): number {
    return this.#arena.bytes + this.#addresses.bytes + this.#numbers.bytes;
  }

  pieces(name: string): readonly Piece[] {
    return [...this.#arena.pieces(`${name}.strings`), ...this.#addresses.pieces(`${name}.addresses`)];
  }

  digestAhead(): Generator<void> {
    return this.#arena.digestAhead();
  }

  /** `place` is what follows the table's name in that of a piece. Errors: CORRUPT. */
  restore(place: string, bytes: Uint8Array): void {
    const [part, index] = place.split('.');
    if (part === 'strings') this.#arena.restore(index ?? '', bytes);
    else this.#addresses.restore(Number(index), bytes);
  }

  /** After the last piece: finds the strings by their bytes again. Errors: CORRUPT. */
  restored(): void {
    this.#addresses.each(0, Number.MAX_SAFE_INTEGER, (number, address) => {
      if (address === 0) return;
      this.#arena.hold(address, number);
      const bytes = this.#arena.bytesAt(address);
      this.#numbers.add(hashKey(bytes, 0, bytes.length), number);
      this.#last = number;
    });
  }

  /** Whether a number has a string. */
  has(number: number): boolean {
    return this.#addresses.get(number) !== 0;
  }

  #find(bytes: Uint8Array, length: number, hash: number): number {
    for (let number = this.#numbers.first(hash); number >= 0; number = this.#numbers.next())
      if (this.#arena.equals(this.#addresses.get(number), bytes, length)) return number;
    return 0;
  }

  #add(number: number, bytes: Uint8Array, length: number, hash: number): number {
    this.#addresses.set(number, this.#arena.add(bytes, 0, length, number));
    this.#numbers.add(hash, number);
    this.#last = Math.max(this.#last, number);
    return number;
  }
}

const scratch = new Uint8Array(SCRATCH_BYTES);

/** Keys and keywords have at most 256 bytes; a longer text is none of them and is not found, wherever it is cut. */
function encode(text: string): number {
  return writeUtf8(scratch, 0, text.length * 3 > SCRATCH_BYTES ? text.slice(0, SCRATCH_BYTES / 3) : text);
}
