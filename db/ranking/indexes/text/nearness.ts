/**
 * What BM25 does not see, for the few documents that it puts first: words that stand together as in the query (after the
 * sequential dependence model of Metzler and Croft 2005), a title that is the query, words in the very form that was typed,
 * and all words there at once. Each adds a part of what the words themselves are worth.
 */
import { type Norm, saturated } from './bm25.ts';
import { EIGHTHS } from './frequency.ts';
import type { FieldWeights } from './term-counter.ts';
import type { PlanWord, TextPlan } from './text-plan.ts';
import { BREAK, FIELD, isOverlay, wordOf } from './token-codes.ts';
import { NO_WORD, type Vocabulary } from './vocabulary.ts';

/** Parts of the weight of the lighter of two neighbours, as often as they stand in order, and near each other. */
const ORDERED_PART = 0.5;
const NEAR_PART = 0.1;
/** Places between neighbours at most. */
const NEAR_PLACES = 8;
/** Of the weight of all words. */
const TITLE_PART = 0.25;
/** More where the stop words are the same, too. */
const WHOLE_TITLE_PART = 0.05;
/** Of the weight of the word. */
const FORM_PART = 0.05;
/** Of what BM25 gives. */
const ALL_PART = 0.1;

const PAIRS_MAX = 16;
/** Of a query with more words than one, a document has two at least if it is looked at: one cannot be near another. */
const WORDS_LEAST = 2;
/** Between two fields, or two values of one: nothing is near across it. */
const GAP = 100;
const NEVER = -1_000_000;
/** Of a document longer than this, only its beginning is looked at. */
const CODES_MAX = 2_048;

interface Pair {
  readonly left: number;
  readonly right: number;
  readonly distance: number;
  readonly weight: number;
  ordered: number;
  near: number;
}

/** A term of the query, in one document. */
interface Slot {
  readonly stem: number;
  readonly form: number;
  readonly weight: number;
  readonly isMinor: boolean;
  last: number;
  isFormSeen: boolean;
}

export class Nearness {
  readonly #vocabulary: Vocabulary;
  readonly #weights: FieldWeights;
  readonly #norm: Norm;
  readonly #title: number;
  readonly #slots: Slot[] = [];
  readonly #pairs: Pair[] = [];
  /** Stems that a title must have, in order, to be the query. */
  readonly #expected: readonly number[];
  readonly #expectedWeight: number;
  readonly #areStops: boolean;
  readonly #queryWords: number;
  #titleWords = 0;
  /** Stop words too. */
  #allTitleWords = 0;
  #isTitle = false;

  /** `title`: the attribute whose value may be the query itself. From here to `close`, the vocabulary's marks are taken. */
  constructor(vocabulary: Vocabulary, weights: FieldWeights, title: number, plan: TextPlan, norm: Norm) {
    this.#vocabulary = vocabulary;
    this.#weights = weights;
    this.#norm = norm;
    this.#title = title;
    const major = plan.words.filter(({ isMinor }) => !isMinor);
    for (const word of plan.words) this.#slotOf(plan, word);
    for (let at = 1; at < major.length && this.#pairs.length < PAIRS_MAX; at++)
      this.#pair(plan, major[at - 1]!, major[at]!);
    this.#expected = major.map(({ term }) => plan.terms[term]!);
    this.#expectedWeight = this.#slots.reduce((sum, { weight, isMinor }) => sum + (isMinor ? 0 : weight), 0);
    this.#queryWords = plan.words.length;
    this.#areStops = major.every(({ word }) => word !== NO_WORD && vocabulary.isStop(word));
  }

  /** With fewer words of the query than this, a document is not worth a look. */
  get wordsLeast(): number {
    const majors = this.#slots.reduce((count, { isMinor }) => count + (isMinor ? 0 : 1), 0);
    return majors === 0 ? Number.POSITIVE_INFINITY : Math.min(majors, WORDS_LEAST);
  }

  /** What is added to `score`, which is BM25's, for a document of these words. */
  extra(codes: Uint32Array, length: number, score: number): number {
    this.#reset();
    this.#read(codes.length > CODES_MAX ? codes.subarray(0, CODES_MAX) : codes);
    let extra = 0;
    for (const { weight, ordered, near } of this.#pairs) {
      if (near === 0 && ordered === 0) continue;
      const part =
        ORDERED_PART * saturated(ordered / EIGHTHS, length, this.#norm) +
        NEAR_PART * saturated(near / EIGHTHS, length, this.#norm);
      extra += weight * part;
    }
    let majors = 0;
    let seen = 0;
    for (const { weight, isMinor, last, isFormSeen } of this.#slots) {
      if (isFormSeen) extra += FORM_PART * weight;
      if (isMinor) continue;
      majors += 1;
      if (last > NEVER) seen += 1;
    }
    if (this.#isTitle && this.#titleWords === this.#expected.length) {
      const isWhole = this.#allTitleWords === this.#queryWords;
      extra += (TITLE_PART + (isWhole ? WHOLE_TITLE_PART : 0)) * this.#expectedWeight;
    }
    if (majors > 1 && seen === majors) extra += ALL_PART * score;
    return extra;
  }

  close(): void {
    for (const { stem } of this.#slots) this.#vocabulary.marks[stem] = 0;
  }

  #slotOf(plan: TextPlan, { term, word, weight, isMinor }: PlanWord): number {
    const stem = plan.terms[term]!;
    const known = this.#slots.findIndex((slot) => slot.stem === stem);
    if (known >= 0) return known;
    this.#slots.push({ stem, form: word, weight, isMinor, last: NEVER, isFormSeen: false });
    this.#vocabulary.marks[stem] = this.#slots.length;
    return this.#slots.length - 1;
  }

  #pair(plan: TextPlan, one: PlanWord, other: PlanWord): void {
    const left = this.#slotOf(plan, one);
    const right = this.#slotOf(plan, other);
    if (left === right || this.#pairs.some((pair) => pair.left === left && pair.right === right)) return;
    const weight = Math.min(one.weight, other.weight);
    this.#pairs.push({ left, right, distance: other.position - one.position, weight, ordered: 0, near: 0 });
  }

  #reset(): void {
    this.#titleWords = 0;
    this.#allTitleWords = 0;
    this.#isTitle = true;
    for (const slot of this.#slots) {
      slot.last = NEVER;
      slot.isFormSeen = false;
    }
    for (const pair of this.#pairs) {
      pair.ordered = 0;
      pair.near = 0;
    }
  }

  #read(codes: Uint32Array): void {
    const { marks, stems } = this.#vocabulary;
    let position = 0;
    let weight = 0;
    let isInTitle = false;
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      if (code === FIELD || code === BREAK) {
        position += GAP;
        if (code === BREAK) continue;
        const attribute = codes[++at]!;
        weight = this.#weights.get(attribute) ?? 0;
        isInTitle = attribute === this.#title;
        continue;
      }
      const word = wordOf(code);
      const stem = stems[word]!;
      if (!isOverlay(code)) {
        position += 1;
        if (isInTitle && this.#isTitle) this.#compareTitle(word, stem);
      }
      const mark = marks[stem]!;
      if (mark !== 0 && weight > 0) this.#meet(mark - 1, word, position, weight);
    }
  }

  #compareTitle(word: number, stem: number): void {
    this.#allTitleWords += 1;
    if (!this.#areStops && this.#vocabulary.isStop(word)) return;
    if (this.#expected[this.#titleWords] !== stem) this.#isTitle = false;
    this.#titleWords += 1;
  }

  #meet(slotPlace: number, word: number, position: number, weight: number): void {
    const slot = this.#slots[slotPlace]!;
    if (word === slot.form) slot.isFormSeen = true;
    for (const pair of this.#pairs) {
      if (pair.right === slotPlace) {
        const distance = position - this.#slots[pair.left]!.last;
        if (distance === pair.distance) pair.ordered += weight;
        if (distance > 0 && distance <= NEAR_PLACES) pair.near += weight;
      } else if (pair.left === slotPlace) {
        const distance = position - this.#slots[pair.right]!.last;
        if (distance > 0 && distance <= NEAR_PLACES) pair.near += weight;
      }
    }
    slot.last = position;
  }
}
