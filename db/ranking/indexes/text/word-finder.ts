/**
 * Words of the vocabulary that begin in some way, or are nearly so: by Damerau and Levenshtein's distance (a letter too many,
 * too few, another one, or two that changed places; optimal string alignment). The sorted words are walked like a tree of
 * letters, with one row of distances a level, and a branch is left as soon as nothing below it can be near enough.
 */
import type { Vocabulary } from './vocabulary.ts';

/** Letters from which on one typo is forgiven, and two. */
const LETTERS_FOR_ONE = 4;
const LETTERS_FOR_TWO = 8;
/** Branches looked at for one word at most, so that a query is bounded whatever was typed. */
const STEPS_MAX = 20_000;
const LETTERS_MAX = 64;
const COLUMNS = LETTERS_MAX + 1;

/** `whole`: the word itself. `prefix`: what it begins with. */
export type Match = 'whole' | 'prefix';

/** Places [from, end) of the sorted vocabulary, `typos` away. */
export interface WordRange {
  readonly from: number;
  readonly end: number;
  readonly typos: number;
}

export function typosAllowed(word: string): number {
  return word.length >= LETTERS_FOR_TWO ? 2 : word.length >= LETTERS_FOR_ONE ? 1 : 0;
}

export class WordFinder {
  readonly #vocabulary: Vocabulary;
  readonly #rows = Array.from({ length: COLUMNS + 1 }, () => new Uint8Array(COLUMNS));
  readonly #path = new Uint16Array(COLUMNS + 1);
  #sorted: Uint32Array = new Uint32Array(0);
  #typed = '';
  #match: Match = 'whole';
  #typos = 0;
  #steps = 0;
  #found: WordRange[] = [];

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** With the fewest typos first. With `typos` 0: exactly so. */
  find(word: string, match: Match, typos: number): readonly WordRange[] {
    this.#sorted = this.#vocabulary.sorted();
    this.#typed = word.slice(0, LETTERS_MAX);
    this.#match = match;
    this.#steps = STEPS_MAX;
    this.#found = this.#exactly(word);
    const row = this.#rows[0]!;
    for (let column = 0; column <= this.#typed.length; column++) row[column] = column;
    if (this.#sorted.length === 0) return [];
    for (this.#typos = 1; this.#typos <= typos; this.#typos++) this.#walk(0, this.#sorted.length, 0);
    return this.#found;
  }

  /** Numbers of the words in ranges, the largest by `weigh` first; of equal ones the first by letters. 0 is left out. */
  heaviest(ranges: readonly WordRange[], limit: number, weigh: (word: number) => number): FoundWord[] {
    const best: FoundWord[] = [];
    for (const { from, end, typos } of ranges) {
      for (let place = from; place < end; place++) {
        const word = this.#sorted[place]!;
        const weight = weigh(word);
        if (weight > 0) insert(best, { word, weight, typos, place }, limit);
      }
    }
    return best;
  }

  #exactly(word: string): WordRange[] {
    const from = this.#lowerBound(word, 0);
    const end =
      this.#match === 'prefix' ? this.#prefixEnd(word, from) : from + (this.#is(from, word) ? 1 : 0);
    return end > from ? [{ from, end, typos: 0 }] : [];
  }

  #is(place: number, word: string): boolean {
    return place < this.#sorted.length && this.#word(place) === word;
  }

  #word(place: number): string {
    return this.#vocabulary.word(this.#sorted[place]!);
  }

  #lowerBound(word: string, from: number): number {
    let low = from;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#word(middle) < word) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #prefixEnd(prefix: string, from: number): number {
    let low = from;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#word(middle).startsWith(prefix)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The words from `from` to before `end` have their first `depth` letters in common. */
  #walk(from: number, end: number, depth: number): void {
    const row = this.#rows[depth]!;
    const distance = row[this.#typed.length]!;
    let place = from;
    if (distance <= this.#typos && this.#match === 'prefix') {
      this.#found.push({ from, end, typos: this.#typos });
      return;
    }
    if (this.#word(place).length === depth) {
      if (distance <= this.#typos) this.#found.push({ from: place, end: place + 1, typos: this.#typos });
      place += 1;
    }
    if (depth === LETTERS_MAX) return;
    while (place < end && this.#steps > 0) {
      this.#steps -= 1;
      const letter = this.#word(place).charCodeAt(depth);
      const next = this.#letterEnd(place, end, depth, letter);
      if (this.#isWorthwhile(depth, letter)) this.#walk(place, next, depth + 1);
      place = next;
    }
  }

  /** Works out the row below, and whether anything in it is near enough. */
  #isWorthwhile(depth: number, letter: number): boolean {
    const typed = this.#typed;
    // Two typos and the first letter one of them: that is no word anybody meant, and most of the tree.
    if (depth === 0 && this.#typos > 1 && letter !== typed.charCodeAt(0)) return false;
    const above = this.#rows[depth]!;
    const row = this.#rows[depth + 1]!;
    const twoAbove = depth > 0 ? this.#rows[depth - 1]! : above;
    this.#path[depth] = letter;
    row[0] = depth + 1;
    let least = depth + 1;
    for (let column = 1; column <= typed.length; column++) {
      const here = typed.charCodeAt(column - 1);
      let distance = Math.min(
        above[column]! + 1,
        row[column - 1]! + 1,
        above[column - 1]! + (here === letter ? 0 : 1),
      );
      const isSwap =
        depth > 0 && column > 1 && here === this.#path[depth - 1] && typed.charCodeAt(column - 2) === letter;
      if (isSwap) distance = Math.min(distance, twoAbove[column - 2]! + 1);
      row[column] = distance;
      if (distance < least) least = distance;
    }
    return least <= this.#typos;
  }

  /** Behind the last word that has the letter at `depth`. */
  #letterEnd(from: number, end: number, depth: number, letter: number): number {
    let step = 1;
    let low = from + 1;
    while (low + step <= end && this.#word(low + step - 1).charCodeAt(depth) === letter) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step - 1, end);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#word(middle).charCodeAt(depth) === letter) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface FoundWord {
  readonly word: number;
  readonly weight: number;
  readonly typos: number;
  /** In the sorted vocabulary. */
  readonly place: number;
}

/**
 * Keeps the best `limit` in order: fewest typos, heaviest, first by letters. A word that comes again comes with more typos: if
 * it is not among the best by now, it would not be this time.
 */
function insert(best: FoundWord[], found: FoundWord, limit: number): void {
  if (best.length === limit && !isBetter(found, best[limit - 1]!)) return;
  if (best.some(({ word }) => word === found.word)) return;
  let at = best.length;
  while (at > 0 && isBetter(found, best[at - 1]!)) at -= 1;
  best.splice(at, 0, found);
  if (best.length > limit) best.pop();
}

function isBetter(one: FoundWord, other: FoundWord): boolean {
  if (one.typos !== other.typos) return one.typos < other.typos;
  if (one.weight !== other.weight) return one.weight > other.weight;
  return one.place < other.place;
}
