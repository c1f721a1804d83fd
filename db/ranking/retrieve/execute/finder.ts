import type { EntityNumber, RelationshipId, SignalId, SlotId } from '../../ground.ts';
import type { SortedNumbers } from '../../indexes/bitmaps/index.ts';
import type { NumberSet } from '../../reading.ts';
import type {
  CandidateSource,
  Scalar,
  SignalMeasure,
  SignalType,
  UserItemState,
  WindowName,
} from '../../schema/model.ts';
import { Batch } from '../score/batch.ts';
import { comparisonOf } from '../score/embedding.ts';
import { evaluate } from '../score/evaluate.ts';
import { compile } from '../score/program.ts';
import { bestOf } from '../score/ranked.ts';
import type { Scope } from '../score/scope.ts';
import { keptWindow, measured, TREND_BY_VELOCITY_MAX, trendOf } from '../score/trend.ts';
import { type Base, inSet } from './base.ts';

/** Edges of a user that are followed, heaviest first. */
const EDGES_MAX = 1_000;
const EMPTY = new Uint32Array(0);
/** A list is asked for again with this many times as many where too few of it passed. */
const GROWTH = 4;
/** So many times as many as are wanted by trend are looked at by velocity at first. */
const TREND_FIRST = 3;
/** And this is enough, even where counts are so small that something further down might still trend a little more. */
const TREND_ENOUGH = 6;

/** Finds entities by what the views keep in order, best first: within a set, or within all that passes the conditions. */
export class Finder {
  readonly #scope: Scope;
  readonly #base: Base;
  /** Largest error of what views have only estimated, and whether they have. */
  #bound = 0;
  #estimated = false;

  constructor(scope: Scope, base: Base) {
    this.#scope = scope;
    this.#base = base;
  }

  get bound(): number {
    return this.#bound;
  }

  get estimated(): boolean {
    return this.#estimated;
  }

  /** What a source gives. `within` null: of everything that passes. */
  source(source: CandidateSource, within: SortedNumbers | null): Uint32Array {
    switch (source.source) {
      case 'top':
        return this.top(source.signal, source.measure, source.limit, within);
      case 'similar':
        return this.#similar(source, within);
      case 'following':
        return this.following(source.relationship, this.#scope.query.user, source.limit, within);
      case 'neighbours':
        return this.#kept(this.#scope.neighbours().items, within).slice(0, source.limit);
      case 'text':
        return this.search(this.#scope.query.text ?? '', source.limit, within).items;
      case 'new':
        return this.newest(source.limit, within);
      case 'all':
        return this.everything(source.limit, within);
    }
  }

  /** Best by a measure of a signal, those that have none of it left out. */
  top(signal: SignalId, measure: SignalMeasure, limit: number, within: SortedNumbers | null): Uint32Array {
    const set = within ?? this.#base.small(this.#wanted(limit));
    if (set !== null) return this.bestWithin(measured(signal, measure), limit, set, this.#scope);
    if (this.#scope.signal(signal)?.target !== this.#scope.kind.id) return EMPTY;
    const by = measure.measure === 'ratio' ? 'count' : measure.measure;
    const window = measure.measure === 'score' ? 'all' : measure.window;
    const { readers, now } = this.#scope;
    return this.#grown(limit, (fetch) => readers.signals.top(signal, by, window, fetch, now));
  }

  /** Best by trend among everybody, or among the users whose signals `scope` counts. */
  trending(
    signal: SignalType,
    window: WindowName,
    limit: number,
    within: SortedNumbers | null,
    scope: Scope,
  ): Uint32Array {
    const trend = trendOf(signal, window);
    const first = this.#wanted(TREND_FIRST * limit + 64);
    const set = within ?? this.#base.small(first);
    if (set !== null) return this.bestWithin(trend, limit, set, scope);
    const velocity = measured(signal.id, { measure: 'velocity', window: keptWindow(signal, window) });
    const program = compile([trend, velocity], scope.kind);
    const { capacity } = scope.memory;
    for (let fetch = first; ; fetch = Math.min(capacity, fetch * GROWTH)) {
      const fetched = this.#topByVelocity(signal, keptWindow(signal, window), fetch, scope);
      const batch = new Batch(this.#base.keep(fetched));
      const { columns, release } = evaluate(program, batch, scope);
      const best = bestOf(batch.ids, columns[0]!, batch.count, limit);
      const last = this.#least(columns[1]!, batch.count);
      const reached = batch.count < limit ? 0 : this.#valueOf(best[limit - 1]!, batch, columns[0]!);
      release();
      // What was not fetched has at most the last velocity, and so at most this trend.
      const isSafe = reached > last * TREND_BY_VELOCITY_MAX || batch.count >= TREND_ENOUGH * limit;
      if ((best.length === limit && isSafe) || fetched.length < fetch || fetch === capacity) return best;
    }
  }

  #topByVelocity(signal: SignalType, window: WindowName, limit: number, scope: Scope): Uint32Array {
    const { signals, cohorts } = scope.readers;
    if (scope.tuples === null || !signal.cohorts) {
      return signals.top(signal.id, 'velocity', window, limit, scope.now);
    }
    const top = cohorts.top(signal.id, 'velocity', window, scope.tuples, limit, scope.now);
    this.#estimated ||= top.estimated;
    this.#bound = Math.max(this.#bound, top.bound);
    return top.items;
  }

  #least(column: Float64Array, count: number): number {
    let least = count === 0 ? 0 : column[0]!;
    for (let at = 1; at < count; at++) if (column[at]! < least) least = column[at]!;
    return least;
  }

  #valueOf(id: number, batch: Batch, column: Float64Array): number {
    return column[batch.ids.indexOf(id)] ?? 0;
  }

  /** Best of a set by any measure, those of 0 left out. */
  bestWithin(measure: Scalar, limit: number, within: NumberSet, scope: Scope): Uint32Array {
    const batch = new Batch(within.toArray().slice(0, scope.memory.capacity));
    const { columns, release } = evaluate(compile([measure], scope.kind), batch, scope);
    const best = bestOf(batch.ids, columns[0]!, batch.count, limit);
    release();
    return best;
  }

  #similar(
    { slot, to, limit }: Extract<CandidateSource, { source: 'similar' }>,
    within: SortedNumbers | null,
  ): Uint32Array {
    const comparison = comparisonOf(slot, to, this.#scope);
    if (comparison === null) return EMPTY;
    return this.nearest(comparison.slot, comparison.vector, limit, within);
  }

  nearest(slot: SlotId, vector: Float32Array, limit: number, within: SortedNumbers | null): Uint32Array {
    const { vectors } = this.#scope.readers;
    return vectors.nearest(this.#scope.kind.id, slot, vector, limit, within ?? this.#base.within).items;
  }

  search(
    text: string,
    limit: number,
    within: SortedNumbers | null,
  ): { readonly items: Uint32Array; readonly total: number } {
    const found = this.#scope.readers.text.search(
      this.#scope.kind.id,
      text,
      limit,
      within ?? this.#base.shown,
    );
    this.#scope.budget.charge(found.items.length);
    return { items: this.#kept(found.items, within), total: found.total };
  }

  newest(limit: number, within: SortedNumbers | null): Uint32Array {
    const { entities } = this.#scope.readers;
    const set = within ?? this.#base.small(this.#wanted(limit));
    if (set !== null) return this.#youngest(set.toArray(), limit);
    return this.#grown(limit, (fetch) => entities.newest(this.#scope.kind.id, fetch));
  }

  /** All, or the newest where there are more than `limit`. */
  everything(limit: number, within: SortedNumbers | null): Uint32Array {
    const most = Math.min(limit, this.#scope.memory.capacity);
    const set = within ?? this.#base.set;
    const size = this.#base.restricted || within !== null ? set.toArray().length : set.size;
    if (size <= most) return set.toArray();
    this.#scope.warn(`more than ${most} entities could be candidates; the newest ${most} were: use a FILTER`);
    return within === null && !this.#base.restricted ? this.newest(most, null) : set.toArray().slice(-most);
  }

  /** By creators that a user has an edge to, newest first; or the ends of the edges themselves, heaviest first. */
  following(
    relationship: RelationshipId,
    user: EntityNumber,
    limit: number,
    within: SortedNumbers | null,
  ): Uint32Array {
    const { readers, now, kind } = this.#scope;
    const type = readers.entities.schema.relationships.find(({ id }) => id === relationship);
    if (type === undefined || user === 0) return EMPTY;
    const ends = readers.audience.edgesFrom(relationship, user, EDGES_MAX, now);
    if (type.to === kind.id) return this.#kept(ends, within).slice(0, limit);
    if (type.to === kind.creator?.kind) return this.#youngest(this.#kept(this.#madeBy(ends), within), limit);
    this.#scope.warn(`${type.name} leads neither to ${kind.name} nor to who makes them: nothing is followed`);
    return EMPTY;
  }

  #madeBy(creators: Uint32Array): Uint32Array {
    const { readers, kind, memory, budget } = this.#scope;
    const items: Uint32Array[] = [];
    const share = Math.max(1, Math.floor(memory.capacity / Math.max(1, creators.length)));
    for (const creator of creators) {
      const made = readers.entities
        .madeBy(kind.id, creator as EntityNumber)
        .toArray()
        .slice(-share);
      budget.charge(made.length);
      items.push(made);
    }
    return joined(items);
  }

  creator(creator: EntityNumber, within: SortedNumbers | null): Uint32Array {
    const { readers, kind, memory } = this.#scope;
    const made = this.#kept(readers.entities.madeBy(kind.id, creator).toArray(), within);
    return this.#youngest(made, memory.capacity);
  }

  /** Best first: what goes with it, then what is like it. */
  related(item: EntityNumber, limit: number, within: SortedNumbers | null): readonly Uint32Array[] {
    const { readers, kind, now } = this.#scope;
    const { items } = readers.audience.relatedTo(item, limit * GROWTH, now);
    const lists = [
      this.#kept(items, within)
        .filter((one) => one !== item)
        .slice(0, limit),
    ];
    for (const { id } of kind.embeddings) {
      const vector = readers.vectors.vector(kind.id, id, item);
      if (vector === null) continue;
      const like = this.nearest(id, vector, limit + 1, within);
      lists.push(like.filter((one) => one !== item).slice(0, limit));
    }
    return lists;
  }

  given(items: readonly EntityNumber[], within: SortedNumbers | null): Uint32Array {
    return this.#kept(Uint32Array.from(new Set(items)), within);
  }

  /** What a user has of a state, last touched first. */
  owned(state: UserItemState, user: EntityNumber, within: SortedNumbers | null): Uint32Array {
    const { audience } = this.#scope.readers;
    const { capacity } = this.#scope.memory;
    const items = this.#kept(audience.items(user, state).toArray(), within).slice(-capacity);
    const times = Float64Array.from(items, (item) => 1 + audience.lastAt(user, item as EntityNumber));
    return bestOf(items, times, items.length, items.length);
  }

  /** Those of a list that are in the set, or pass, in its order. */
  #kept(items: Uint32Array, within: SortedNumbers | null): Uint32Array {
    this.#scope.budget.charge(items.length);
    return within === null ? this.#base.keep(items) : inSet(items, within);
  }

  #youngest(items: Uint32Array, limit: number): Uint32Array {
    const { readers, kind } = this.#scope;
    const times = Float64Array.from(items, (item) =>
      Math.max(1, readers.entities.createdAt(kind.id, item as EntityNumber)),
    );
    this.#scope.budget.charge(items.length);
    return bestOf(items, times, items.length, limit);
  }

  /** How much of a list has to be looked at for `limit` that pass, about. */
  #wanted(limit: number): number {
    return Math.min(this.#scope.memory.capacity, Math.ceil(limit / this.#base.selectivity));
  }

  /** The first `limit` that pass of a list which is only known from its beginning. */
  #grown(limit: number, fetched: (limit: number) => Uint32Array): Uint32Array {
    const { capacity } = this.#scope.memory;
    for (let fetch = this.#wanted(limit); ; fetch = Math.min(capacity, fetch * GROWTH)) {
      const list = fetched(fetch);
      const passing = this.#base.keep(list);
      this.#scope.budget.charge(list.length);
      if (passing.length >= limit || list.length < fetch || fetch === capacity)
        return passing.slice(0, limit);
    }
  }
}

export function joined(lists: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}
