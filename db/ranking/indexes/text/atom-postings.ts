/** Which documents of a shard fulfil each atom of a plan, and how often: for a union and a phrase made up as they are needed. */
import { eighthsOf, frequencyCode } from './frequency.ts';
import { type Postings, placeOf, SHARD_DOCUMENTS_MAX, type Shard } from './shard.ts';
import type { FieldWeights } from './term-counter.ts';
import type { TextPlan } from './text-plan.ts';
import { BREAK, FIELD, isOverlay, wordOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

/** No word has it for its stem: stands between values and fields. */
const NOWHERE = 0xffff_ffff;

const sums = new Uint32Array(SHARD_DOCUMENTS_MAX);
/** Documents that the phrases of one query are looked up in at most: a phrase of words that are everywhere is not worth more. */
const PHRASE_DOCUMENTS_MAX = 100_000;

export class AtomPostings {
  readonly #vocabulary: Vocabulary;
  readonly #weights: FieldWeights;
  /** Of the document that a phrase is looked up in: stems in their places, and the weight of each. */
  #stems = new Uint32Array(256);
  #eighths = new Uint32Array(256);
  #places = 0;
  #budget = PHRASE_DOCUMENTS_MAX;

  /** For one query. */
  constructor(vocabulary: Vocabulary, weights: FieldWeights) {
    this.#vocabulary = vocabulary;
    this.#weights = weights;
  }

  /** Side by side with the plan's atoms; null: none in this shard. */
  of(shard: Shard, plan: TextPlan): (Postings | null)[] {
    const terms = shard.postings(plan.terms);
    return plan.atoms.map((atom) => {
      if (atom.form === 'term') return terms[atom.terms[0] ?? -1] ?? null;
      const parts = atom.terms.map((place) => terms[place] ?? null);
      if (atom.form === 'union') return union(shard, parts);
      const stems = atom.terms.map((place) => plan.terms[place]!);
      return this.#phrase(shard, stems, parts);
    });
  }

  #phrase(shard: Shard, stems: readonly number[], parts: readonly (Postings | null)[]): Postings | null {
    const all = parts.filter((part) => part !== null);
    if (all.length < parts.length) return null;
    const [rarest, ...others] = all.toSorted((one, other) => one.count - other.count);
    const found = new PostingsBuilder(shard, rarest!.count);
    for (let at = 0; at < rarest!.count; at++) {
      const local = rarest!.docs[at]!;
      if (!others.every((postings) => placeOf(postings, local) >= 0)) continue;
      if (this.#budget-- <= 0) break;
      this.#load(shard.tokens(local));
      const eighths = this.#occurrences(stems);
      if (eighths > 0) found.add(local, eighths);
    }
    return found.finish();
  }

  #load(codes: Uint32Array): void {
    if (this.#stems.length < codes.length) {
      this.#stems = new Uint32Array(codes.length * 2);
      this.#eighths = new Uint32Array(codes.length * 2);
    }
    const vocabularyStems = this.#vocabulary.stems;
    let weight = 0;
    this.#places = 0;
    for (let at = 0; at < codes.length; at++) {
      const code = codes[at]!;
      if (code === FIELD) weight = this.#weights.get(codes[++at]!) ?? 0;
      const isGap = code === FIELD || code === BREAK;
      if (!isGap && isOverlay(code)) continue;
      this.#stems[this.#places] = isGap ? NOWHERE : vocabularyStems[wordOf(code)]!;
      this.#eighths[this.#places++] = weight;
    }
  }

  /** How often the stems stand one behind the other, by weight. */
  #occurrences(stems: readonly number[]): number {
    let sum = 0;
    for (let at = 0; at + stems.length <= this.#places; at++) {
      let matched = 0;
      while (matched < stems.length && this.#stems[at + matched] === stems[matched]) matched += 1;
      if (matched === stems.length) sum += this.#eighths[at]!;
    }
    return sum;
  }
}

function union(shard: Shard, parts: readonly (Postings | null)[]): Postings | null {
  const found = parts.filter((part) => part !== null);
  if (found.length < 2) return found[0] ?? null;
  const touched = new Uint16Array(
    Math.min(
      SHARD_DOCUMENTS_MAX,
      found.reduce((sum, { count }) => sum + count, 0),
    ),
  );
  let count = 0;
  for (const { docs, codes, count: each } of found) {
    for (let at = 0; at < each; at++) {
      const local = docs[at]!;
      if (sums[local] === 0) touched[count++] = local;
      sums[local]! += eighthsOf(codes[at]!);
    }
  }
  const all = new PostingsBuilder(shard, count);
  for (const local of touched.subarray(0, count).sort()) {
    all.add(local, sums[local]!);
    sums[local] = 0;
  }
  return all.finish();
}

class PostingsBuilder implements Postings {
  readonly docs: Uint16Array;
  readonly codes: Uint8Array;
  readonly #lengths: Uint32Array;
  count = 0;
  codeMost = 0;
  lengthLeast = 0xffff_ffff;

  constructor(shard: Shard, countMost: number) {
    this.docs = new Uint16Array(countMost);
    this.codes = new Uint8Array(countMost);
    this.#lengths = shard.lengths;
  }

  /** In ascending order. */
  add(local: number, eighths: number): void {
    const code = frequencyCode(eighths);
    this.docs[this.count] = local;
    this.codes[this.count++] = code;
    this.codeMost = Math.max(this.codeMost, code);
    this.lengthLeast = Math.min(this.lengthLeast, this.#lengths[local]!);
  }

  finish(): Postings | null {
    return this.count === 0 ? null : this;
  }
}
