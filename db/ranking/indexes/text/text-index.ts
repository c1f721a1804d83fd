/**
 * The text index of one kind of entity. Documents are known by their numbers; each has fields, which are attributes, and the
 * heaviest of these is its title. New documents go to the tail, the tail becomes a segment, segments become larger ones.
 */
import type { CheckpointReader, CheckpointWriter } from '../../../materializer/index.ts';
import type { NumberSet } from '../../reading.ts';
import { DocumentStore, NO_TITLE } from './document-store.ts';
import type { FieldChange } from './document-writer.ts';
import { EIGHTHS } from './frequency.ts';
import { Searcher, type TextHits } from './searcher.ts';
import { STATE } from './shard.ts';
import { readStore, writeStore } from './store-parts.ts';
import { Suggester, type Suggestion } from './suggester.ts';
import type { FieldWeights } from './term-counter.ts';
import { WordFinder } from './word-finder.ts';

/** The heaviest field weighs at most so much more than the lightest. */
const RATIO_MAX = 100;

/** An attribute that is searched, and how much a word in it counts beside one in another. */
export interface SearchField {
  readonly attribute: number;
  readonly weight: number;
}

export class TextIndex {
  readonly store: DocumentStore;
  readonly #searcher: Searcher;
  readonly #suggester: Suggester;

  /** `seed`: what its digest is keyed with. */
  constructor(seed: bigint) {
    this.store = new DocumentStore(seed);
    const finder = new WordFinder(this.store.vocabulary);
    this.#searcher = new Searcher(this.store, finder);
    this.#suggester = new Suggester(this.store.vocabulary, finder);
  }

  /** How many documents there are. */
  get documents(): number {
    return this.store.count;
  }

  /** What a digest is made over, with the fields. */
  get hash(): bigint {
    return this.store.hash;
  }

  /**
   * Sets the fields. When they change, all documents are written anew: what was a field and is none any more is forgotten, and
   * what becomes one is empty until it is put.
   */
  configure(fields: readonly SearchField[]): void {
    const weights = weightsOf(fields);
    const title = heaviest(fields);
    if (title !== this.store.title || !areEqual(weights, this.store.weights))
      this.store.configure(weights, title);
  }

  /** Sets fields of a document, new or not; the others stay as they are. `isShown`: it may be suggested. */
  put(number: number, changes: readonly FieldChange[], isShown: boolean): void {
    this.store.put(number, changes, isShown ? STATE.shown : STATE.hidden);
  }

  remove(number: number): void {
    this.store.remove(number);
  }

  /** Best first, ties by number. `within` null: everything. */
  search(query: string, limit: number, within: NumberSet | null): TextHits {
    return this.#searcher.search(query, limit, within);
  }

  /** Of given documents, those that are not found with 0. */
  score(query: string, targets: Uint32Array, count: number, out: Float64Array): void {
    this.#searcher.score(query, targets, count, out);
  }

  suggest(typed: string, limit: number): readonly Suggestion[] {
    return this.#suggester.suggest(this.store.shards(), this.store.title, typed, limit);
  }

  checkpoint(prefix: string, writer: CheckpointWriter): void {
    writeStore(this.store, prefix, writer);
  }

  /** Fills an index that is new. Errors: CORRUPT. */
  restore(prefix: string, reader: CheckpointReader): void {
    readStore(this.store, prefix, reader);
  }
}

/** In eighths, the lightest being 1: what counts is how they stand to each other, and one field alone is plain BM25. */
function weightsOf(fields: readonly SearchField[]): FieldWeights {
  const positive = fields.filter(({ weight }) => weight > 0);
  const least = positive.reduce(
    (lightest, { weight }) => Math.min(lightest, weight),
    Number.POSITIVE_INFINITY,
  );
  return new Map(
    positive
      .toSorted((one, other) => one.attribute - other.attribute)
      .map(({ attribute, weight }) => [attribute, Math.round(Math.min(weight / least, RATIO_MAX) * EIGHTHS)]),
  );
}

/** Of equal ones the first that was defined. */
function heaviest(fields: readonly SearchField[]): number {
  let title = NO_TITLE;
  let most = 0;
  for (const { attribute, weight } of fields.toSorted((one, other) => one.attribute - other.attribute)) {
    if (weight <= most) continue;
    title = attribute;
    most = weight;
  }
  return title;
}

function areEqual(one: FieldWeights, other: FieldWeights): boolean {
  return one.size === other.size && [...one].every(([attribute, weight]) => other.get(attribute) === weight);
}
