/** A small world as plain lists, and readers that answer from them in the slowest and plainest way: what views must agree with. */
import {
  type EntityNumber,
  MICROS_PER_DAY,
  MICROS_PER_HOUR,
  MICROS_PER_MINUTE,
  type Micros,
  type RelationshipId,
  type SignalId,
  type TupleNumber,
} from '../../../../db/ranking/ground.ts';
import type {
  AudienceReader,
  CohortReader,
  EntityReader,
  NumberSet,
  RankingReaders,
  SignalReader,
  TextReader,
  VectorReader,
} from '../../../../db/ranking/reading.ts';
import type {
  AttributeValue,
  Predicate,
  RankingSchema,
  UserItemState,
  WindowName,
} from '../../../../db/ranking/schema/model.ts';
import { CATEGORY, CITY, CREATOR, exampleSchema, ITEM, LENGTH, TAGS, TITLE, USER } from './example-schema.ts';

export interface WorldItem {
  readonly state: number;
  readonly createdAt: number;
  readonly creator: number;
  readonly category: string | null;
  readonly length: number | null;
  readonly title: string;
  readonly tags: readonly string[];
  readonly vector: readonly number[] | null;
}

export interface WorldUser {
  readonly tuple: number;
  readonly taste: readonly number[] | null;
}

export interface WorldEvent {
  readonly signal: number;
  readonly target: number;
  readonly user: number;
  readonly at: number;
  readonly weight: number;
}

export interface World {
  /** Numbers are places, from 1. */
  readonly items: readonly WorldItem[];
  readonly users: readonly WorldUser[];
  readonly creators: number;
  /** Values of the users' city, by tuple from 1. */
  readonly cities: readonly string[];
  readonly events: readonly WorldEvent[];
  readonly states: readonly { readonly user: number; readonly state: UserItemState; readonly item: number }[];
  readonly follows: readonly { readonly user: number; readonly creator: number; readonly weight: number }[];
}

export function numberSet(numbers: Iterable<number>): NumberSet {
  const sorted = Uint32Array.from(new Set(numbers)).sort();
  const set = new Set(sorted);
  return {
    size: sorted.length,
    has: (number) => set.has(number),
    [Symbol.iterator]: () => sorted.values(),
    toArray: () => sorted,
  };
}

export function readersOf(world: World, schema: RankingSchema = exampleSchema): RankingReaders {
  return {
    entities: entitiesOf(world, schema),
    signals: signalsOf(world, schema),
    audience: audienceOf(world),
    cohorts: cohortsOf(world),
    vectors: vectorsOf(world),
    text: textOf(world),
  };
}

function entitiesOf(world: World, schema: RankingSchema): EntityReader {
  const item = (number: number) => world.items[number - 1];
  const all = world.items.map((_, at) => at + 1);
  const value = (number: number, attribute: number): AttributeValue | null => {
    const one = item(number);
    if (one === undefined) return null;
    if (attribute === CATEGORY) return one.category;
    if (attribute === LENGTH) return one.length;
    if (attribute === TITLE) return one.title;
    return attribute === TAGS ? one.tags : null;
  };
  const matching = (predicate: Predicate) =>
    numberSet(
      all.filter((number) => item(number)!.state === 0 && fulfils(predicate, (id) => value(number, id))),
    );
  const tuples = (predicate: Predicate) =>
    numberSet(
      world.cities.flatMap((city, at) =>
        fulfils(predicate, (id) => (id === CITY ? city : null)) ? [at + 1] : [],
      ),
    );
  return {
    schema,
    last: (kind) => (kind === ITEM ? all.length : kind === USER ? world.users.length : world.creators),
    numberOf: (_, key) => Number(key.slice(1)) as EntityNumber,
    keyOf: (kind, number) => `${kind === ITEM ? 'i' : kind === CREATOR ? 'c' : 'u'}${number}`,
    stateOf: (_, number) => item(number)?.state ?? 255,
    createdAt: (_, number) => (item(number)?.createdAt ?? 0) as Micros,
    creatorOf: (_, number) => (item(number)?.creator ?? 0) as EntityNumber,
    tupleOf: (_, number) => (world.users[number - 1]?.tuple ?? 0) as TupleNumber,
    value: (_, number, attribute) => value(number, attribute),
    numbers: (_, attribute, targets, count, out) => {
      for (let at = 0; at < count; at++) {
        const found = value(targets[at]!, attribute);
        out[at] = typeof found === 'number' ? found : Number.NaN;
      }
    },
    keywords: (_, __, ___, count, out) => void out.fill(-1, 0, count),
    active: () => numberSet(all.filter((number) => item(number)!.state === 0)),
    madeBy: (_, creator) => numberSet(all.filter((number) => item(number)!.creator === creator)),
    newest: (_, limit) =>
      Uint32Array.from(
        all
          .filter((number) => item(number)!.state === 0)
          .sort((one, other) => item(other)!.createdAt - item(one)!.createdAt || one - other)
          .slice(0, limit),
      ),
    matching: (_, predicate) => matching(predicate),
    estimate: (_, predicate) => matching(predicate).size,
    tuples,
  };
}

/** Over attributes alone. */
export function fulfils(predicate: Predicate, value: (attribute: number) => AttributeValue | null): boolean {
  switch (predicate.test) {
    case 'and':
      return predicate.of.every((part) => fulfils(part, value));
    case 'or':
      return predicate.of.some((part) => fulfils(part, value));
    case 'not':
      return !fulfils(predicate.of, value);
    case 'state':
    case 'feature':
      throw new Error('no attribute');
    default: {
      const found = value(predicate.attribute);
      if (found === null) return false;
      const words = Array.isArray(found) ? found : [found as string | number | boolean];
      return words.some((word: string | number | boolean) => testOne(predicate, word));
    }
  }
}

function testOne(
  predicate: Extract<Predicate, { attribute: unknown }>,
  value: string | number | boolean,
): boolean {
  if (predicate.test === 'in') return predicate.values.includes(value as string | number);
  if (predicate.test === 'between') {
    return typeof value === 'number' && value >= predicate.low && value <= predicate.high;
  }
  if (predicate.test === 'has') return predicate.value === null || predicate.value === value;
  const other = predicate.value;
  const order = value < other ? -1 : value > other ? 1 : 0;
  return {
    '=': order === 0,
    '<>': order !== 0,
    '<': order < 0,
    '<=': order <= 0,
    '>': order > 0,
    '>=': order >= 0,
  }[predicate.operator];
}

const WINDOWS: Readonly<Record<WindowName, { readonly span: number; readonly grain: number }>> = {
  '1h': { span: MICROS_PER_HOUR, grain: MICROS_PER_MINUTE },
  '24h': { span: MICROS_PER_DAY, grain: MICROS_PER_HOUR },
  '7d': { span: 7 * MICROS_PER_DAY, grain: MICROS_PER_HOUR },
  '30d': { span: 30 * MICROS_PER_DAY, grain: MICROS_PER_DAY },
  all: { span: Number.POSITIVE_INFINITY, grain: 1 },
};

class Counter {
  readonly #events: readonly WorldEvent[];
  readonly #items: number;

  constructor(world: World, events: readonly WorldEvent[]) {
    this.#events = events;
    this.#items = world.items.length;
  }

  count(signal: number, window: WindowName, target: number, now: number, back = 0): number {
    return this.#within(signal, window, target, now, back).length;
  }

  weight(signal: number, window: WindowName, target: number, now: number): number {
    return this.#within(signal, window, target, now, 0).reduce((sum, { weight }) => sum + weight, 0);
  }

  velocity(signal: number, window: WindowName, target: number, now: number, back = 0): number {
    const { span } = WINDOWS[window];
    if (span !== Number.POSITIVE_INFINITY) {
      return this.count(signal, window, target, now, back) / (span / MICROS_PER_HOUR);
    }
    const of = this.#of(signal, target);
    const first = of.reduce((least, { at }) => Math.min(least, at), now);
    return of.length / Math.max(1, (now - first) / MICROS_PER_HOUR);
  }

  acceleration(signal: number, window: WindowName, target: number, now: number): number {
    if (window === 'all') return 0;
    return this.velocity(signal, window, target, now) - this.velocity(signal, window, target, now, 1);
  }

  score(signal: number, halfLife: number | null, target: number, now: number): number {
    return this.#of(signal, target).reduce(
      (sum, { at, weight }) => sum + (halfLife === null ? weight : weight * 2 ** (-(now - at) / halfLife)),
      0,
    );
  }

  best(value: (target: number) => number, limit: number): Uint32Array {
    const found = Array.from({ length: this.#items }, (_, at) => ({ target: at + 1, value: value(at + 1) }));
    return Uint32Array.from(
      found
        .filter((one) => one.value > 0)
        .sort((one, other) => other.value - one.value || one.target - other.target)
        .slice(0, limit)
        .map(({ target }) => target),
    );
  }

  #of(signal: number, target: number): readonly WorldEvent[] {
    return this.#events.filter((event) => event.signal === signal && event.target === target);
  }

  #within(
    signal: number,
    window: WindowName,
    target: number,
    now: number,
    back: number,
  ): readonly WorldEvent[] {
    const { span, grain } = WINDOWS[window];
    if (span === Number.POSITIVE_INFINITY) return this.#of(signal, target);
    const end = (Math.floor(now / grain) + 1) * grain - back * span;
    return this.#of(signal, target).filter(({ at }) => at >= end - span && at < end);
  }
}

type Filled = (target: number) => number;

function fill(targets: Uint32Array, count: number, out: Float64Array, value: Filled): void {
  for (let at = 0; at < count; at++) out[at] = targets[at] === 0 ? 0 : value(targets[at]!);
}

function signalsOf(world: World, schema: RankingSchema): SignalReader {
  const counter = new Counter(world, world.events);
  const halfLife = (signal: SignalId) => {
    const decay = schema.signals.find(({ id }) => id === signal)?.decay;
    return decay?.kind === 'exponential' ? decay.halfLifeMicros : null;
  };
  return {
    score: (signal, targets, count, now, out) =>
      fill(targets, count, out, (target) => counter.score(signal, halfLife(signal), target, now)),
    count: (signal, window, targets, count, now, out) =>
      fill(targets, count, out, (target) => counter.count(signal, window, target, now)),
    weight: (signal, window, targets, count, now, out) =>
      fill(targets, count, out, (target) => counter.weight(signal, window, target, now)),
    velocity: (signal, window, targets, count, now, out) =>
      fill(targets, count, out, (target) => counter.velocity(signal, window, target, now)),
    acceleration: (signal, window, targets, count, now, out) =>
      fill(targets, count, out, (target) => counter.acceleration(signal, window, target, now)),
    top: (signal, by, window, limit, now) =>
      counter.best(
        (target) =>
          by === 'score'
            ? counter.score(signal, halfLife(signal), target, now)
            : counter[by](signal, window, target, now),
        limit,
      ),
  };
}

function cohortsOf(world: World): CohortReader {
  const among = (tuples: NumberSet) =>
    new Counter(
      world,
      world.events.filter(({ user }) => tuples.has(world.users[user - 1]?.tuple ?? 0)),
    );
  const by =
    (measure: 'count' | 'velocity' | 'acceleration'): CohortReader['count'] =>
    (signal, window, tuples, targets, count, now, out) => {
      const counter = among(tuples);
      fill(targets, count, out, (target) => counter[measure](signal, window, target, now));
    };
  return {
    count: by('count'),
    velocity: by('velocity'),
    acceleration: by('acceleration'),
    top: (signal, measure, window, tuples, limit, now) => {
      const counter = among(tuples);
      const found = counter.best((target) => counter[measure](signal, window, target, now), limit);
      const values = Float64Array.from(found, (target) => counter[measure](signal, window, target, now));
      return { items: found, values, estimated: false, bound: 0 };
    },
  };
}

function audienceOf(world: World): AudienceReader {
  const itemsOf = (user: number, state: UserItemState) =>
    numberSet(world.states.filter((one) => one.user === user && one.state === state).map(({ item }) => item));
  const touched = (user: number) => world.events.filter((event) => event.user === user);
  const recent = (user: number) =>
    [...touched(user)].sort((one, other) => other.at - one.at).map(({ target }) => target);
  const weight = (user: number, creator: number) =>
    world.follows.find((one) => one.user === user && one.creator === creator)?.weight ?? 0;
  const related = (anchors: readonly number[], limit: number) => {
    const scores = new Map<number, number>();
    for (const anchor of anchors) {
      const people = new Set(world.events.filter(({ target }) => target === anchor).map(({ user }) => user));
      for (const { user, target } of world.events) {
        if (people.has(user) && !anchors.includes(target)) scores.set(target, (scores.get(target) ?? 0) + 1);
      }
    }
    const best = [...scores].sort((one, other) => other[1] - one[1] || one[0] - other[0]).slice(0, limit);
    return {
      items: Uint32Array.from(best, ([item]) => item),
      scores: Float64Array.from(best, ([, score]) => score),
    };
  };
  const ends = (user: number) =>
    world.follows
      .filter((one) => one.user === user && one.weight > 0)
      .sort((one, other) => other.weight - one.weight || one.creator - other.creator)
      .map(({ creator }) => creator);
  return {
    has: (user, state, item) => itemsOf(user, state).has(item),
    items: itemsOf,
    lastAt: (user, item) =>
      touched(user)
        .filter(({ target }) => target === item)
        .reduce((last, { at }) => Math.max(last, at), 0) as Micros,
    recent: (user, limit) => Uint32Array.from(recent(user).slice(0, limit)),
    edge: (_: RelationshipId, from, targets, count, __, out) =>
      fill(targets, count, out, (target) => weight(from, target)),
    edgesFrom: (_, from, limit) => Uint32Array.from(ends(from).slice(0, limit)),
    edgesTo: () => new Uint32Array(0),
    neighboursOf: (user, limit) => related([...new Set(recent(user).slice(0, 10))], limit),
    relatedTo: (item, limit) => related([item], limit),
  };
}

function vectorsOf(world: World): VectorReader {
  const vector = (kind: number, number: number): Float32Array | null => {
    const found = kind === ITEM ? world.items[number - 1]?.vector : world.users[number - 1]?.taste;
    return found == null ? null : Float32Array.from(found);
  };
  const similarity = (query: Float32Array, item: number): number => {
    const found = vector(ITEM, item);
    return found === null ? 0 : found.reduce((sum, value, at) => sum + value * query[at]!, 0);
  };
  return {
    vector: (kind, _, number) => vector(kind, number),
    similarity: (_, __, query, targets, count, out) =>
      fill(targets, count, out, (target) => similarity(query, target)),
    nearest: (_, __, query, limit, within) => {
      const found = world.items
        .map((item, at) => ({ item, number: at + 1 }))
        .filter(
          ({ item, number }) => item.vector !== null && item.state === 0 && (within?.has(number) ?? true),
        )
        .map(({ number }) => ({ number, score: similarity(query, number) }))
        .sort((one, other) => other.score - one.score || one.number - other.number)
        .slice(0, limit);
      return {
        items: Uint32Array.from(found, ({ number }) => number),
        scores: Float64Array.from(found, ({ score }) => score),
      };
    },
  };
}

function textOf(world: World): TextReader {
  const score = (query: string, item: number) => {
    const words = world.items[item - 1]?.title.split(' ') ?? [];
    return (
      query.split(' ').reduce((sum, word) => sum + words.filter((one) => one === word).length, 0) /
      (1 + words.length)
    );
  };
  return {
    search: (_, query, limit, within) => {
      const found = world.items
        .map((_item, at) => ({ number: at + 1, score: score(query, at + 1) }))
        .filter((one) => one.score > 0 && (within?.has(one.number) ?? true))
        .sort((one, other) => other.score - one.score || one.number - other.number);
      const shown = found.slice(0, limit);
      return {
        items: Uint32Array.from(shown, ({ number }) => number),
        scores: Float64Array.from(shown, (one) => one.score),
        total: found.length,
      };
    },
    score: (_, query, targets, count, out) => fill(targets, count, out, (target) => score(query, target)),
    suggest: () => [],
  };
}
