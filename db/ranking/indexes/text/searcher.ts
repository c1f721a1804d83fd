/**
 * Answers queries over the documents of a store: BM25 finds the best, and nearness puts these in order. A document's score is
 * the same whether it was found or asked about.
 */
import type { NumberSet } from '../../reading.ts';
import { AtomPostings } from './atom-postings.ts';
import { documentMatch, type Norm, normOf } from './bm25.ts';
import { Collector } from './collector.ts';
import type { DocumentStore } from './document-store.ts';
import { Nearness } from './nearness.ts';
import { Planner } from './planner.ts';
import type { Postings, Shard } from './shard.ts';
import type { TextPlan } from './text-plan.ts';
import { isWorse, type RawHit, TopHits } from './top-hits.ts';
import type { WordFinder } from './word-finder.ts';

/** So many at least are put in order by nearness, so that a longer answer begins as a shorter one does. */
const ORDERED_LEAST = 100;
/** A set of at most so many is gone through, document by document; a larger one only says yes or no. */
const WITHIN_MAX = 4_096;

export interface TextHits {
  readonly items: Uint32Array;
  readonly scores: Float64Array;
  /** How many there are, about. */
  readonly total: number;
}

const NOTHING: TextHits = { items: new Uint32Array(0), scores: new Float64Array(0), total: 0 };

type AtomLists = readonly (Postings | null)[];

export class Searcher {
  readonly #store: DocumentStore;
  readonly #planner: Planner;

  constructor(store: DocumentStore, finder: WordFinder) {
    this.#store = store;
    this.#planner = new Planner(store.vocabulary, finder);
  }

  /** Best first, ties by number. `within` null: everything. */
  search(query: string, limit: number, within: NumberSet | null): TextHits {
    const plan = this.#plan(query);
    if (plan === null || limit <= 0 || within?.size === 0) return NOTHING;
    const shards = this.#store.shards();
    const norm = this.#norm();
    const top = new TopHits(Math.max(limit, ORDERED_LEAST));
    const collector = new Collector(plan.atoms, norm, top);
    const lists = this.#collect(plan, shards, collector, within);
    const hits = this.#ordered(plan, shards, lists, top.hits, norm).slice(0, limit);
    return {
      items: Uint32Array.from(hits, ({ number }) => number),
      scores: Float64Array.from(hits, ({ score }) => score),
      total: Math.min(collector.total, within?.size ?? Number.POSITIVE_INFINITY),
    };
  }

  /** 0 for those that the query does not find. */
  score(query: string, targets: Uint32Array, count: number, out: Float64Array): void {
    out.fill(0, 0, count);
    const plan = this.#plan(query);
    if (plan === null) return;
    const shards = this.#store.shards();
    const norm = this.#norm();
    const atoms = this.#atoms();
    const lists = shards.map((shard) => atoms.of(shard, plan));
    const places = new Map(shards.map((shard, at) => [shard, at]));
    const nearness = this.#nearness(plan, norm);
    for (let index = 0; index < count; index++) {
      const found = this.#store.find(targets[index]!);
      if (found === null) continue;
      const at = places.get(found.shard)!;
      out[index] = this.#final(plan, found.shard, found.local, lists[at]!, norm, nearness);
    }
    nearness.close();
  }

  /** Null: nothing can be found by it. */
  #plan(query: string): TextPlan | null {
    const plan = this.#planner.plan(query, this.#store.count);
    return plan.atoms.some(({ role }) => role !== 'not') ? plan : null;
  }

  #norm(): Norm {
    return normOf(this.#store.count, this.#store.length);
  }

  #atoms(): AtomPostings {
    return new AtomPostings(this.#store.vocabulary, this.#store.weights);
  }

  #nearness(plan: TextPlan, norm: Norm): Nearness {
    const { vocabulary, weights, title } = this.#store;
    return new Nearness(vocabulary, weights, title, plan, norm);
  }

  /** What each shard has for the plan's atoms; empty where nobody needed to know. */
  #collect(
    plan: TextPlan,
    shards: readonly Shard[],
    collector: Collector,
    within: NumberSet | null,
  ): AtomLists[] {
    const atoms = this.#atoms();
    const chosen = within !== null && within.size <= WITHIN_MAX ? this.#places(shards, within) : null;
    return shards.map((shard, at) => {
      const given = chosen?.[at] ?? null;
      if (given !== null && given.length === 0) return [];
      const lists = atoms.of(shard, plan);
      const required = given === null ? collector.required(lists) : null;
      if (given !== null) collector.choose(at, shard, lists, given);
      else if (required === null) collector.scan(at, shard, lists, within);
      else collector.choose(at, shard, lists, inside(shard, required, within));
      return lists;
    });
  }

  /** Where the documents of a set are, by shard. */
  #places(shards: readonly Shard[], within: NumberSet): readonly number[][] {
    const places = new Map(shards.map((shard, at) => [shard, at]));
    const chosen: number[][] = shards.map(() => []);
    for (const number of within) {
      const found = this.#store.find(number);
      if (found !== null) chosen[places.get(found.shard)!]!.push(found.local);
    }
    return chosen;
  }

  #ordered(
    plan: TextPlan,
    shards: readonly Shard[],
    lists: readonly AtomLists[],
    hits: readonly RawHit[],
    norm: Norm,
  ): RawHit[] {
    const nearness = this.#nearness(plan, norm);
    const ordered = hits.map((hit) => ({
      ...hit,
      score: this.#final(plan, shards[hit.shard]!, hit.local, lists[hit.shard]!, norm, nearness),
    }));
    nearness.close();
    return ordered.sort((one, other) => (isWorse(one, other) ? 1 : -1));
  }

  #final(
    plan: TextPlan,
    shard: Shard,
    local: number,
    lists: AtomLists,
    norm: Norm,
    nearness: Nearness,
  ): number {
    const length = shard.lengths[local]!;
    const { score, majors } = documentMatch(plan.atoms, lists, local, length, norm);
    if (score === 0 || majors < nearness.wordsLeast) return score;
    return score + nearness.extra(shard.tokens(local), length, score);
  }
}

function inside(shard: Shard, locals: readonly number[], within: NumberSet | null): readonly number[] {
  return within === null ? locals : locals.filter((local) => within.has(shard.numbers[local]!));
}
