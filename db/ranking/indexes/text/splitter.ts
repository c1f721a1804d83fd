/**
 * Text into words. A run of letters and digits is a word. Runs that hang together by a hyphen, dot, underscore, apostrophe or
 * ampersand, or by a capital in their midst, are words each and, put together, one more: `spider-man` is found by `spider`,
 * `man` and `spiderman`, `readFile` by `read`, `file` and `readfile`. Scripts without spaces give their characters, and each
 * two that follow each other.
 *
 * The same object is filled again and again: nothing is made for a text but the words themselves.
 */
import { CLASS, classAt, classOf, folded } from './letters.ts';

export const TOKEN = Object.freeze({
  /** Stands for itself. */
  word: 0,
  /** One of several that a capital tells apart. */
  part: 1,
  /** One of several that hang together by a sign. */
  piece: 2,
  /** One character of several in a script without spaces. */
  glyph: 3,
  /** The rest have no place of their own: they lie over those before them. Parts put together. */
  parts: 4,
  /** Pieces put together. */
  pieces: 5,
  /** Two glyphs. */
  pair: 6,
});

const PIECES_MAX = 8;
const JOINED_UNITS_MAX = 40;
const CONNECTORS = "-_.'&\u2019\u2010\u2011";
const APOSTROPHES = "'\u2019";
/** What is left of a word behind an apostrophe and is none. */
const CLITICS: ReadonlySet<string> = new Set(['s', 'd', 'm', 'll', 're', 've']);

export class Splitter {
  /** Of the last text. `words`, `kinds`, `starts` and `ends` lie side by side; places in the text as it was given. */
  count = 0;
  readonly words: string[] = [];
  readonly kinds: number[] = [];
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  #text = '';

  split(text: string): this {
    this.#text = text;
    this.count = 0;
    let at = 0;
    while (at < text.length) {
      const found = classAt(text, at);
      if (found === CLASS.unspaced) at = this.#unspaced(at);
      else if (isWordClass(found)) at = this.#compound(at);
      else at += widthAt(text, at);
    }
    return this;
  }

  /** Lies over others, and has no place of its own. */
  isOverlay(index: number): boolean {
    return this.kinds[index]! >= TOKEN.parts;
  }

  /** From `start` as far as it hangs together; returns its end. */
  #compound(start: number): number {
    const first = this.count;
    let pieces = 0;
    let from = start;
    let end = start;
    for (;;) {
      end = this.#runEnd(from);
      const next = this.#behindContraction(end);
      if (next === end) {
        this.#piece(from, end);
        pieces += 1;
        if (!this.#isConnected(end)) break;
        from = end + 1;
        continue;
      }
      // `don't` is one word, and `it's` is `it`.
      this.#add(from, this.#isNegation(end) ? next : end, TOKEN.word);
      pieces += 1;
      end = next;
      break;
    }
    if (pieces > 1) this.#join(first, start, end, pieces);
    return end;
  }

  /** Over the pieces from `first` on. Numbers alone are not put together: 3.14 is not 314. */
  #join(first: number, start: number, end: number, pieces: number): void {
    let joined = '';
    for (let index = first; index < this.count; index++) {
      if (this.isOverlay(index)) continue;
      if (this.kinds[index] === TOKEN.word) this.kinds[index] = TOKEN.piece;
      joined += this.words[index]!;
    }
    if (pieces > PIECES_MAX || joined.length > JOINED_UNITS_MAX || /^[0-9]*$/.test(joined)) return;
    this.#push(joined, start, end, TOKEN.pieces);
  }

  /** A run without connectors, cut at its capitals. */
  #piece(start: number, end: number): void {
    const first = this.count;
    let from = start;
    for (let at = start + 1; at < end; at++) {
      if (!this.#isCaseBoundary(at, end)) continue;
      this.#add(from, at, TOKEN.part);
      from = at;
    }
    if (from === start) this.#add(start, end, TOKEN.word);
    else {
      this.#add(from, end, TOKEN.part);
      if (end - start <= JOINED_UNITS_MAX && this.count - first > 1) this.#add(start, end, TOKEN.parts);
    }
  }

  #isCaseBoundary(at: number, end: number): boolean {
    const text = this.#text;
    if (classOf(text.charCodeAt(at)) !== CLASS.upper) return false;
    const before = classOf(text.charCodeAt(at - 1));
    if (before === CLASS.letter) return true;
    if (before !== CLASS.upper || at + 1 >= end) return false;
    const isPlural = at + 2 === end && text.charCodeAt(at + 1) === 0x73;
    return classOf(text.charCodeAt(at + 1)) === CLASS.letter && !isPlural;
  }

  #runEnd(start: number): number {
    const text = this.#text;
    let at = start;
    while (at < text.length) {
      const found = classAt(text, at);
      if (!isWordClass(found) && !(found === CLASS.mark && at > start)) break;
      at += widthAt(text, at);
    }
    return at;
  }

  #isConnected(end: number): boolean {
    const text = this.#text;
    return end + 1 < text.length && CONNECTORS.includes(text[end]!) && isWordClass(classAt(text, end + 1));
  }

  /** Behind the letters of an English contraction that begins at `end` with an apostrophe; else `end`. */
  #behindContraction(end: number): number {
    const text = this.#text;
    if (end >= text.length || !APOSTROPHES.includes(text[end]!)) return end;
    const next = this.#runEnd(end + 1);
    if (next === end + 1 || next > end + 3) return end;
    const letters = text.slice(end + 1, next).toLowerCase();
    return CLITICS.has(letters) || this.#isNegation(end) ? next : end;
  }

  #isNegation(end: number): boolean {
    return /^n['\u2019]t$/i.test(this.#text.slice(end - 1, end + 2));
  }

  /** Characters with what belongs to them, and the pairs they make. */
  #unspaced(start: number): number {
    const text = this.#text;
    const places: number[] = [];
    let at = start;
    while (at < text.length) {
      const found = classAt(text, at);
      if (found === CLASS.unspaced) places.push(at);
      else if (found !== CLASS.mark) break;
      at += widthAt(text, at);
    }
    places.push(at);
    const kind = places.length === 2 ? TOKEN.word : TOKEN.glyph;
    for (let index = 0; index + 1 < places.length; index++) {
      this.#add(places[index]!, places[index + 1]!, kind);
      if (index > 0) this.#add(places[index - 1]!, places[index + 1]!, TOKEN.pair);
    }
    return at;
  }

  #add(start: number, end: number, kind: number): void {
    this.#push(folded(this.#text.slice(start, end)), start, end, kind);
  }

  #push(word: string, start: number, end: number, kind: number): void {
    if (word === '') return;
    const index = this.count++;
    this.words[index] = word;
    this.kinds[index] = kind;
    this.starts[index] = start;
    this.ends[index] = end;
  }
}

function isWordClass(found: number): boolean {
  return found === CLASS.letter || found === CLASS.upper || found === CLASS.digit;
}

/** Code units of the character. */
function widthAt(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xd800 && unit <= 0xdbff && at + 1 < text.length ? 2 : 1;
}
