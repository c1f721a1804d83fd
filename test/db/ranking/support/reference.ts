/**
 * What a query should answer, worked out in the plainest way: item by item, from sets to scores to places, without a plan. It
 * shares with the executor what measures mean (the numeric module, the trend as a scalar) and nothing of how they are worked out.
 */
import { bucketOf } from '../../../../db/ranking/evaluate/bucket.ts';
import type { EntityNumber } from '../../../../db/ranking/ground.ts';
import { MICROS_PER_HOUR } from '../../../../db/ranking/ground.ts';
import type { NumberSet, RankingReaders } from '../../../../db/ranking/reading.ts';
import type { CandidateClause, Query } from '../../../../db/ranking/retrieve/query.ts';
import { attentionSignal } from '../../../../db/ranking/retrieve/score/roles.ts';
import { trendOf } from '../../../../db/ranking/retrieve/score/trend.ts';
import type { CandidateSource, Predicate, Scalar } from '../../../../db/ranking/schema/model.ts';
import { applied } from './scalar-functions.ts';
import { fulfils } from './world.ts';

interface Expected {
  readonly numbers: readonly number[];
  readonly scores: readonly number[];
}

/** The first page of a profile without exploration, pins and boosts. */
export function expected(query: Query, readers: RankingReaders): Expected {
  const reference = new Reference(query, readers);
  const candidates = reference.candidates();
  const scored = reference.scored(candidates);
  const page = new Places(scored, query, readers).first();
  return { numbers: page.map(({ item }) => item), scores: page.map(({ score }) => score) };
}

interface Candidate {
  readonly item: number;
  readonly fused: number;
}

interface Scored {
  readonly item: number;
  readonly score: number;
}

class Reference {
  readonly #query: Query;
  readonly #readers: RankingReaders;
  readonly #cohort: NumberSet | null;

  constructor(query: Query, readers: RankingReaders) {
    this.#query = query;
    this.#readers = readers;
    const cohort = query.within.filter((clause) => clause.clause === 'cohort').at(-1);
    this.#cohort = cohort === undefined ? null : readers.entities.tuples(cohort.predicate);
  }

  candidates(): readonly Candidate[] {
    const { within, exclude, verb } = this.#query;
    const base = [...this.#readers.entities.active(this.#query.kind.id)].filter((item) => this.#isBase(item));
    let left = base;
    const lists: { readonly items: readonly number[]; readonly weight: number }[] = [];
    for (const clause of within) {
      const found = this.#clause(clause, left);
      for (const items of found) lists.push({ items, weight: 1 });
      left = [...new Set(found.flat())].sort((one, other) => one - other);
    }
    if (verb === 'search') left = this.#searched(left, lists);
    else if (within.length === 0) left = this.#sourced(left, lists);
    const shunned = within.flatMap((clause) => (clause.clause === 'related' ? [clause.item] : []));
    const shown = left
      .filter((item) => ![...exclude, ...shunned].includes(item as EntityNumber))
      .filter((item) => this.#isShown(item));
    const fused = (item: number) =>
      lists.reduce((sum, { items, weight }) => {
        const rank = items.indexOf(item);
        return rank === -1 ? sum : sum + weight * (1 / (60 + rank + 1));
      }, 0);
    const candidates = shown.map((item) => ({ item, fused: fused(item) }));
    return candidates.filter((candidate) => this.#passes(candidate));
  }

  scored(candidates: readonly Candidate[]): readonly Scored[] {
    const { terms, composition } = this.#query.profile;
    const columns = terms.map((term) => {
      const values = candidates.map((candidate) => this.value(term.of, candidate));
      const most = Math.max(0, ...values);
      return values.map((value) => {
        const share = term.normalised ? (most > 0 && value > 0 ? value / most : 0) : value;
        return composition === 'product' ? Math.max(0, 1 + term.weight * share) : term.weight * share;
      });
    });
    return candidates.map(({ item }, at) => {
      const parts = columns.map((column) => column[at]!);
      const score =
        composition === 'product'
          ? parts.reduce((product, part) => product * part, 1)
          : parts.reduce((sum, part) => sum + part, 0);
      return { item, score };
    });
  }

  value(scalar: Scalar, { item, fused }: Candidate, cohort: NumberSet | null = this.#cohort): number {
    const { entities, signals, cohorts, audience, vectors, text } = this.#readers;
    const { kind, user, now } = this.#query;
    const one = (fill: (targets: Uint32Array, out: Float64Array) => void, target = item): number => {
      if (target === 0) return 0;
      const out = new Float64Array(1);
      fill(Uint32Array.of(target), out);
      return Number.isNaN(out[0]) ? 0 : out[0]!;
    };
    switch (scalar.scalar) {
      case 'number':
        return scalar.value;
      case 'apply':
        return applied(
          scalar.function,
          scalar.of.map((part) => this.value(part, { item, fused }, cohort)),
        );
      case 'attribute': {
        const computed = kind.attributes.find(({ id }) => id === scalar.attribute)?.computed;
        if (computed) return this.value(computed, { item, fused }, cohort);
        return one((targets, out) => entities.numbers(kind.id, scalar.attribute, targets, 1, out));
      }
      case 'signal': {
        const { signal, measure } = scalar;
        if (measure.measure === 'score')
          return one((targets, out) => signals.score(signal, targets, 1, now, out));
        if (measure.measure === 'weight') {
          return one((targets, out) => signals.weight(signal, measure.window, targets, 1, now, out));
        }
        if (measure.measure === 'ratio') {
          const count = (of: typeof signal): Scalar => ({
            scalar: 'signal',
            signal: of,
            measure: { measure: 'count', window: measure.window },
          });
          const [part, whole] = [signal, measure.to].map((of) =>
            this.value(count(of), { item, fused }, cohort),
          );
          return whole === 0 ? 0 : part! / whole!;
        }
        const by = measure.measure;
        if (cohort === null) {
          return one((targets, out) => signals[by](signal, measure.window, targets, 1, now, out));
        }
        return one((targets, out) => cohorts[by](signal, measure.window, cohort, targets, 1, now, out));
      }
      case 'relationship': {
        const target = scalar.to === 'target' ? item : entities.creatorOf(kind.id, item as EntityNumber);
        return user === 0
          ? 0
          : one((targets, out) => audience.edge(scalar.relationship, user, targets, 1, now, out), target);
      }
      case 'state':
        return user !== 0 && audience.has(user, scalar.state, item as EntityNumber) ? 1 : 0;
      case 'similarity': {
        const users = entities.schema.kinds.find(({ name }) => name === 'user')!;
        const own = kind.embeddings[0]!;
        const other =
          scalar.with === 'query'
            ? (this.#query.vector?.values ?? null)
            : user === 0
              ? null
              : vectors.vector(users.id, users.embeddings[0]!.id, user);
        return other === null
          ? 0
          : one((targets, out) => vectors.similarity(kind.id, own.id, other, targets, 1, out));
      }
      case 'feature':
        switch (scalar.feature) {
          case 'age_hours':
            return Math.max(0, now - entities.createdAt(kind.id, item as EntityNumber)) / MICROS_PER_HOUR;
          case 'text':
            return this.#query.text === null
              ? 0
              : one((targets, out) => text.score(kind.id, this.#query.text!, targets, 1, out));
          case 'neighbours': {
            const { items, scores } = this.#neighbours();
            const place = items.indexOf(item);
            return place === -1 ? 0 : scores[place]!;
          }
          case 'fused':
            return fused;
          case 'bucket':
            return user === 0 ? 0 : bucketOf(`u${user}`, this.#query.profile.name);
          default:
            return 0;
        }
    }
  }

  #neighbours() {
    const { audience } = this.#readers;
    const { within, user, now } = this.#query;
    const related = within.find((clause) => clause.clause === 'related');
    if (related !== undefined) return audience.relatedTo(related.item, 1_000, now);
    if (user === 0) return { items: new Uint32Array(0), scores: new Float64Array(0) };
    return audience.neighboursOf(user, 1_000, now);
  }

  #parts(): readonly Predicate[] {
    const { filter, profile } = this.#query;
    const flat = (predicate: Predicate): readonly Predicate[] =>
      predicate.test === 'and' ? predicate.of.flatMap(flat) : [predicate];
    return [...(filter === null ? [] : [filter]), ...profile.gates].flatMap(flat);
  }

  /** Conditions on attributes, and states that the user must have. */
  #isBase(item: number): boolean {
    return this.#parts()
      .filter((part) => isOfAttributes(part, this.#query) || (part.test === 'state' && part.set))
      .every((part) => this.#holds(part, { item, fused: 0 }));
  }

  /** Hidden and blocked things are not shown unless they are asked for. */
  #isShown(item: number): boolean {
    const asked = [
      ...this.#parts().flatMap((part) => (part.test === 'state' && part.set ? [part.state] : [])),
      ...this.#query.within.flatMap((clause) => (clause.clause === 'state' ? [clause.state] : [])),
    ];
    const { user } = this.#query;
    return (['hidden', 'blocked'] as const).every(
      (state) =>
        asked.includes(state) || user === 0 || !this.#readers.audience.has(user, state, item as EntityNumber),
    );
  }

  #passes(candidate: Candidate): boolean {
    return this.#parts().every((part) => this.#holds(part, candidate));
  }

  #holds(predicate: Predicate, candidate: Candidate): boolean {
    const { kind, user } = this.#query;
    const { entities, audience } = this.#readers;
    switch (predicate.test) {
      case 'and':
        return predicate.of.every((part) => this.#holds(part, candidate));
      case 'or':
        return predicate.of.some((part) => this.#holds(part, candidate));
      case 'not':
        return !this.#holds(predicate.of, candidate);
      case 'state': {
        const has = user !== 0 && audience.has(user, predicate.state, candidate.item as EntityNumber);
        return has === predicate.set;
      }
      case 'feature': {
        const value = this.value(predicate.feature, candidate);
        return {
          '<': value < predicate.value,
          '<=': value <= predicate.value,
          '>': value > predicate.value,
          '>=': value >= predicate.value,
        }[predicate.operator];
      }
      default:
        return fulfils(predicate, (id) => {
          const attribute = kind.attributes.find((one) => one.id === id)!;
          if (attribute.computed !== null) return this.value(attribute.computed, candidate);
          return entities.value(kind.id, candidate.item as EntityNumber, attribute.id);
        });
    }
  }

  #best(items: readonly number[], value: (item: number) => number, limit: number): number[] {
    return items
      .map((item) => ({ item, value: value(item) }))
      .filter((one) => one.value > 0)
      .sort((one, other) => other.value - one.value || one.item - other.item)
      .slice(0, limit)
      .map(({ item }) => item);
  }

  #clause(clause: CandidateClause, left: readonly number[]): number[][] {
    const { entities, audience, text, vectors } = this.#readers;
    const { kind, now } = this.#query;
    const kept = (items: Iterable<number>) => [...items].filter((item) => left.includes(item));
    const age = (item: number) => Math.max(1, entities.createdAt(kind.id, item as EntityNumber));
    switch (clause.clause) {
      case 'trending':
      case 'cohort': {
        const signal =
          clause.signal === null
            ? attentionSignal(entities.schema, kind)!
            : entities.schema.signals.find(({ id }) => id === clause.signal)!;
        const cohort = clause.clause === 'cohort' ? entities.tuples(clause.predicate) : null;
        const trend = trendOf(signal, clause.window);
        return [this.#best(left, (item) => this.value(trend, { item, fused: 0 }, cohort), clause.limit)];
      }
      case 'following': {
        const ends = audience.edgesFrom(clause.relationship, clause.user, 1_000, now);
        const made = left.filter((item) => ends.includes(entities.creatorOf(kind.id, item as EntityNumber)));
        return [this.#best(made, age, clause.limit)];
      }
      case 'related': {
        const items = kept(audience.relatedTo(clause.item, clause.limit * 4, now).items);
        const lists = [items.filter((item) => item !== clause.item).slice(0, clause.limit)];
        const slot = kind.embeddings[0]!.id;
        const vector = vectors.vector(kind.id, slot, clause.item);
        if (vector !== null) {
          const nearest = kept(vectors.nearest(kind.id, slot, vector, left.length + 1_000, null).items);
          const like = nearest.slice(0, clause.limit + 1).filter((item) => item !== clause.item);
          lists.push(like.slice(0, clause.limit));
        }
        return lists;
      }
      case 'state': {
        const owned = kept(audience.items(clause.user, clause.state));
        return [
          this.#best(owned, (item) => 1 + audience.lastAt(clause.user, item as EntityNumber), owned.length),
        ];
      }
      case 'search':
        return [kept(text.search(kind.id, clause.text, 10_000, null).items).slice(0, clause.limit)];
      case 'creator':
        return [this.#best(kept(entities.madeBy(kind.id, clause.creator)), age, left.length)];
      case 'items':
        return [kept(new Set(clause.items))];
    }
  }

  #searched(
    left: readonly number[],
    lists: { readonly items: readonly number[]; readonly weight: number }[],
  ): number[] {
    const { text, vector, kind, profile } = this.#query;
    const inner = lists.splice(0);
    const kept = (items: Iterable<number>) => [...items].filter((item) => left.includes(item));
    if (text !== null) {
      lists.push({
        items: kept(this.#readers.text.search(kind.id, text, 10_000, null).items).slice(0, 1_000),
        weight: 1,
      });
    }
    if (vector !== null) {
      const near = this.#readers.vectors.nearest(kind.id, vector.slot, vector.values, 10_000, null).items;
      const source = profile.candidates.find((one) => one.source === 'similar' && one.to === 'query');
      lists.push({ items: kept(near).slice(0, source?.limit ?? 500), weight: 1 });
    }
    const found = [...new Set(lists.flatMap(({ items }) => items))].sort((one, other) => one - other);
    for (const source of profile.candidates) {
      if (source.source === 'top')
        lists.push({ items: this.#source(source, found, found.length), weight: 0.1 });
    }
    lists.push(...inner);
    return found;
  }

  #sourced(
    left: readonly number[],
    lists: { readonly items: readonly number[]; readonly weight: number }[],
  ): number[] {
    const { candidates } = this.#query.profile;
    const open = candidates.some(({ source }) => ['top', 'new', 'all'].includes(source));
    for (const source of candidates) {
      if (source.source === 'all') continue;
      lists.push({ items: this.#source(source, left, open ? left.length : source.limit), weight: 1 });
    }
    if (open) return [...left];
    return [...new Set(lists.flatMap(({ items }) => items))].sort((one, other) => one - other);
  }

  #source(source: CandidateSource, left: readonly number[], limit: number): number[] {
    const kept = (items: Iterable<number>) =>
      [...items].filter((item) => left.includes(item)).slice(0, limit);
    const { entities, text, vectors } = this.#readers;
    const { kind, user } = this.#query;
    switch (source.source) {
      case 'top': {
        const scalar: Scalar = { scalar: 'signal', signal: source.signal, measure: source.measure };
        return this.#best(left, (item) => this.value(scalar, { item, fused: 0 }), limit);
      }
      case 'new':
        return this.#best(
          left,
          (item) => Math.max(1, entities.createdAt(kind.id, item as EntityNumber)),
          limit,
        );
      case 'neighbours':
        return user === 0 ? [] : kept(this.#neighbours().items);
      case 'following':
        return this.#clause(
          { clause: 'following', relationship: source.relationship, user, limit },
          left,
        )[0]!;
      case 'text':
        return this.#query.text === null
          ? []
          : kept(text.search(kind.id, this.#query.text, 10_000, null).items);
      case 'similar': {
        const users = entities.schema.kinds.find(({ name }) => name === 'user')!;
        const vector =
          source.to === 'query'
            ? (this.#query.vector?.values ?? null)
            : user === 0
              ? null
              : vectors.vector(users.id, users.embeddings[0]!.id, user);
        return vector === null
          ? []
          : kept(vectors.nearest(kind.id, kind.embeddings[0]!.id, vector, 10_000, null).items);
      }
      case 'all':
        return [...left];
    }
  }
}

function isOfAttributes(predicate: Predicate, query: Query): boolean {
  switch (predicate.test) {
    case 'and':
    case 'or':
      return predicate.of.every((part) => isOfAttributes(part, query));
    case 'not':
      return isOfAttributes(predicate.of, query);
    case 'state':
    case 'feature':
      return false;
    default:
      return query.kind.attributes.find(({ id }) => id === predicate.attribute)?.computed === null;
  }
}

/** Best first, as far as the rules of diversity let them. */
class Places {
  #rest: Scored[];
  readonly #query: Query;
  readonly #readers: RankingReaders;

  constructor(scored: readonly Scored[], query: Query, readers: RankingReaders) {
    this.#rest = [...scored].sort((one, other) => other.score - one.score || one.item - other.item);
    this.#query = query;
    this.#readers = readers;
  }

  first(): readonly Scored[] {
    const page: Scored[] = [];
    while (page.length < this.#query.limit) {
      const next =
        this.#rest.find((one) => this.#fits(one, page, true)) ??
        this.#rest.find((one) => this.#fits(one, page, false));
      if (next === undefined) break;
      page.push(next);
      this.#rest = this.#rest.filter((one) => one !== next);
    }
    return page;
  }

  #fits({ item }: Scored, page: readonly Scored[], mixed: boolean): boolean {
    const { diversity, profile, kind, limit, within } = this.#query;
    const { entities } = this.#readers;
    const rules = { ...profile.diversity, ...diversity };
    const creator = (one: number) => entities.creatorOf(kind.id, one as EntityNumber);
    const values = (one: number, attribute: number): readonly unknown[] => {
      const value = entities.value(kind.id, one as EntityNumber, attribute as never);
      return value === null ? [] : Array.isArray(value) ? value : [value];
    };
    const most = (attribute: number) =>
      Math.max(
        0,
        ...values(item, attribute).map(
          (word) => page.filter((one) => values(one.item, attribute).includes(word)).length,
        ),
      );
    const perCreator = within.some(({ clause }) => clause === 'creator')
      ? (diversity.perCreator ?? null)
      : rules.perCreator;
    if (perCreator !== null && creator(item) !== 0) {
      if (page.filter((one) => creator(one.item) === creator(item)).length >= perCreator) return false;
    }
    if (rules.perAttribute.some(({ attribute, max }) => most(attribute) >= max)) return false;
    return !mixed || rules.mix === null || most(rules.mix) < Math.ceil(limit / 2);
  }
}
