/**
 * A statement's text as PostgreSQL's grammar gets it: our own clauses cut out, each `?` written as `$n`; and the way back, from
 * places in it to places in the text that somebody wrote.
 */
import type { StatementSource } from './statements.ts';

/** Offsets of the whole text, `end` behind the last. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export class Rewritten {
  readonly text: string;
  readonly #pieces: readonly Piece[];
  /** A byte is a character is a unit. */
  readonly #ascii: boolean;
  #units: Uint32Array | null = null;

  private constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
    this.text = pieces.map((piece) => piece.text).join('');
    this.#ascii = Buffer.byteLength(this.text) === this.text.length;
  }

  /** `before` comes first; then the ranges, in order, a space between them. `numbers` says which `?` is which parameter. */
  static of(
    source: StatementSource,
    ranges: readonly Range[],
    numbers: ReadonlyMap<number, number>,
    before = '',
  ): Rewritten {
    const builder = new Builder();
    const first = ranges[0]?.start ?? source.start;
    if (before !== '') builder.add(before, first, false);
    for (const range of ranges) {
      if (range.start !== first) builder.add(' ', range.start, false);
      let from = range.start;
      for (const [at, number] of numbers) {
        if (at < from || at >= range.end) continue;
        builder.add(source.text.slice(from, at), from, true);
        builder.add(` $${number} `, at, false);
        from = at + 1;
      }
      builder.add(source.text.slice(from, range.end), from, true);
    }
    return new Rewritten(builder.pieces);
  }

  /** Offset in the whole text of a place the tree names in bytes. */
  offsetOfByte(byte: number): number {
    return this.#original(this.#ascii ? byte : this.#unitOfByte(byte));
  }

  /** Offset in the whole text of a character the grammar names, counted from 1. */
  offsetOfCharacter(character: number): number {
    if (this.#ascii) return this.#original(character - 1);
    let unit = 0;
    for (let left = character - 1; left > 0 && unit < this.text.length; left -= 1) {
      unit += this.text.codePointAt(unit)! > 0xffff ? 2 : 1;
    }
    return this.#original(unit);
  }

  #unitOfByte(byte: number): number {
    this.#units ??= unitsOfBytes(this.text);
    return this.#units[Math.min(byte, this.#units.length - 1)]!;
  }

  #original(unit: number): number {
    let low = 0;
    let high = this.#pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#pieces[middle]!.start <= unit) low = middle;
      else high = middle - 1;
    }
    const piece = this.#pieces[low]!;
    return piece.exact ? piece.origin + Math.min(unit - piece.start, piece.text.length) : piece.origin;
  }
}

interface Piece {
  readonly text: string;
  /** In the rewritten text. */
  readonly start: number;
  /** In the whole text. */
  readonly origin: number;
  /** Written there just so; otherwise all of it stands for the one place. */
  readonly exact: boolean;
}

class Builder {
  readonly pieces: Piece[] = [];
  #length = 0;

  add(text: string, origin: number, exact: boolean): void {
    this.pieces.push({ text, start: this.#length, origin, exact });
    this.#length += text.length;
  }
}

/** For each byte of the text in UTF-8 the UTF-16 unit its character begins with; one more for the end. */
function unitsOfBytes(text: string): Uint32Array {
  const units = new Uint32Array(Buffer.byteLength(text) + 1);
  let byte = 0;
  for (let unit = 0; unit < text.length; ) {
    const code = text.codePointAt(unit)!;
    const bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    units.fill(unit, byte, byte + bytes);
    byte += bytes;
    unit += code > 0xffff ? 2 : 1;
  }
  units[byte] = text.length;
  return units;
}
