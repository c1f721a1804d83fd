import { SortedNumbers } from '../../indexes/bitmaps/index.ts';
import type { CandidateSource } from '../../schema/model.ts';
import type { Trace } from '../explain/index.ts';
import { describeSource } from '../explain/index.ts';
import type { Plan } from '../plan/index.ts';
import type { Batch } from '../score/batch.ts';
import { fuse, type RankedList } from '../score/fusion.ts';
import type { Scope } from '../score/scope.ts';
import type { Base } from './base.ts';
import { within } from './clauses.ts';
import { type Finder, joined } from './finder.ts';

/** What a SEARCH finds where its profile does not say how much. */
const SEARCH_LIMIT = 1_000;
const NEAREST_LIMIT = 500;
/** A search is for what was asked: that many want it now says less than that it fits. */
const VELOCITY_WEIGHT = 0.1;
/** With fewer candidates than this, the newest are added: as many whichever page is asked for, or pages would not fit together. */
const CANDIDATES_MIN = 200;
const NEWEST_LIMIT = 1_000;

export interface Gathered {
  readonly batch: Batch;
  /** How many more there would be that were not looked at, as far as a view says so. */
  readonly missed: number;
}

/** Finds the candidates of a query in the way its plan says. */
export function gather(plan: Plan, base: Base, finder: Finder, scope: Scope, trace: Trace): Gathered {
  scope.budget.enter('within');
  const left = within(finder, scope, trace);
  scope.budget.enter('candidates');
  switch (plan.strategy) {
    case 'search':
      return searched(plan, left.set, left.lists, finder, scope, trace);
    case 'within': {
      const items = left.set?.toArray() ?? new Uint32Array(0);
      return {
        batch: fuse(left.lists, withPins(items, plan, base, scope), scope.memory.capacity),
        missed: 0,
      };
    }
    case 'all':
      return everything(plan, base, finder, scope, trace);
    case 'sources':
      return fromSources(plan, base, finder, scope, trace);
  }
}

function searched(
  plan: Plan,
  set: SortedNumbers | null,
  inner: readonly RankedList[],
  finder: Finder,
  scope: Scope,
  trace: Trace,
): Gathered {
  const lists: RankedList[] = [];
  const { text, vector, kind } = scope.query;
  let missed = 0;
  if (text !== null) {
    const found = finder.search(text, limitOf(plan, ({ source }) => source === 'text') ?? SEARCH_LIMIT, set);
    missed = Math.max(0, found.total - found.items.length);
    lists.push({ label: 'text', items: found.items, weight: 1 });
    trace.row('candidates', `text "${text}"`, found.total, found.items.length);
  }
  if (vector !== null && kind.embeddings.some(({ id }) => id === vector.slot)) {
    const isAsked = (source: CandidateSource) => source.source === 'similar' && source.to === 'query';
    const limit = limitOf(plan, isAsked) ?? NEAREST_LIMIT;
    const items = finder.nearest(vector.slot, vector.values, limit, set);
    lists.push({ label: 'vector', items, weight: 1 });
    trace.row('candidates', 'vector', limit, items.length);
  }
  const found = fuse(lists, null, scope.memory.capacity);
  if (!plan.usesPlaces) return { batch: found, missed };
  const ids = found.ids.slice();
  for (const source of plan.sources) {
    if (source.source === 'top') lists.push(rankedBy(source, ids, finder, scope, VELOCITY_WEIGHT));
  }
  return { batch: fuse([...lists, ...inner], ids, scope.memory.capacity), missed };
}

function limitOf(plan: Plan, isMeant: (source: CandidateSource) => boolean): number | undefined {
  return plan.sources.find(isMeant)?.limit;
}

/** Known candidates, in the order in which a source would have given them. */
function rankedBy(
  source: CandidateSource,
  ids: Uint32Array,
  finder: Finder,
  scope: Scope,
  weight: number,
): RankedList {
  const items = finder.source({ ...source, limit: ids.length }, new SortedNumbers(ids));
  return { label: describeSource(source, scope.readers.entities, scope.kind), items, weight };
}

function everything(plan: Plan, base: Base, finder: Finder, scope: Scope, trace: Trace): Gathered {
  const limit = limitOf(plan, ({ source }) => source === 'all') ?? scope.memory.capacity;
  const items = finder.everything(limit, null);
  trace.row('candidates', 'everything that passes', base.set.size, items.length);
  const lists = plan.usesPlaces
    ? plan.sources
        .filter(({ source }) => source !== 'all')
        .map((source) => rankedBy(source, items, finder, scope, 1))
    : [];
  return {
    batch: fuse(lists, withPins(items, plan, base, scope), scope.memory.capacity),
    missed: base.set.size - items.length,
  };
}

function fromSources(plan: Plan, base: Base, finder: Finder, scope: Scope, trace: Trace): Gathered {
  const lists: RankedList[] = [];
  for (const source of plan.sources) {
    const items = finder.source(source, null);
    const label = describeSource(source, scope.readers.entities, scope.kind);
    lists.push({ label, items, weight: 1 });
    trace.row('candidates', label, source.limit, items.length);
  }
  const found = lists.reduce((sum, { items }) => sum + items.length, 0);
  if (found < CANDIDATES_MIN && plan.ordering.sources.some(({ source }) => source === 'top')) {
    const items = finder.newest(NEWEST_LIMIT, null);
    lists.push({ label: 'new', items, weight: 1 });
    trace.row('candidates', 'newest, since there were few', NEWEST_LIMIT, items.length);
  }
  const pins = pinned(plan, base, scope);
  if (pins.length > 0) lists.push({ label: 'pinned', items: pins, weight: 0 });
  return { batch: fuse(lists, null, scope.memory.capacity), missed: 0 };
}

function withPins(items: Uint32Array, plan: Plan, base: Base, scope: Scope): Uint32Array {
  if (scope.query.within.length > 0) return items;
  return SortedNumbers.of(joined([items, pinned(plan, base, scope)])).toArray();
}

/** Entities that the profile pins and that may be shown. */
function pinned(plan: Plan, base: Base, scope: Scope): Uint32Array {
  const { entities } = scope.readers;
  const numbers = plan.ordering.pins.map(({ key }) => entities.numberOf(scope.kind.id, key));
  return base.keep(Uint32Array.from(numbers.filter((one) => one !== 0)));
}
