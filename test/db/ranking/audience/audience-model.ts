/** What an audience has to be, by the plainest means: lists and maps of everything that was ever applied. */
import type { KindId, RelationshipId } from '../../../../db/ranking/ground.ts';
import type { RelationshipType, UserItemState } from '../../../../db/ranking/schema/model.ts';
import { type GivenSignal, ITEM, RELATIONSHIPS, SIGNALS, USER } from './audience-log.ts';

interface Pair {
  readonly states: Set<UserItemState>;
  last: number;
}

interface Edge {
  weight: number;
  since: number;
}

export class AudienceModel {
  readonly #pairs = new Map<string, Pair>();
  readonly #edges = new Map<string, Edge>();
  readonly #gone = new Set<string>();

  signal({ signal: id, user, target, creator, seconds, weight }: GivenSignal): void {
    const type = SIGNALS.find((each) => each.id === id)!;
    if (user === 0) return;
    const pair = this.#pairs.get(`${type.target}/${user}/${target}`) ?? { states: new Set(), last: 0 };
    this.#pairs.set(`${type.target}/${user}/${target}`, pair);
    pair.last = Math.max(pair.last, seconds);
    for (const effect of type.effects) {
      if (effect.effect === 'state') {
        if (effect.set) pair.states.add(effect.state);
        else pair.states.delete(effect.state);
      } else if (effect.effect === 'relationship') {
        const to = effect.to === 'creator' ? creator : target;
        if (to !== 0) this.#push(effect.relationship, [user, to], seconds, effect.delta * weight, effect);
      }
    }
  }

  edge(
    relationship: RelationshipId,
    [from, to]: readonly [number, number],
    since: number,
    weight: number | null,
  ): void {
    const name = `${relationship}/${from}/${to}`;
    if (weight === null || weight === 0) this.#edges.delete(name);
    else this.#edges.set(name, { weight: Math.fround(weight), since });
  }

  delete(kind: KindId, number: number): void {
    this.#gone.add(`${kind}/${number}`);
    for (const name of this.#pairs.keys())
      if (kind === USER && name.split('/')[1] === String(number)) this.#pairs.delete(name);
    for (const name of this.#edges.keys()) {
      const [relationship, from] = name.split('/').map(Number);
      if (typeOf(relationship!).from === kind && from === number) this.#edges.delete(name);
    }
  }

  revive(kind: KindId, number: number): void {
    this.#gone.delete(`${kind}/${number}`);
  }

  items(user: number, state: UserItemState): number[] {
    return [...this.#pairs]
      .filter(([name, { states }]) => name.startsWith(`${ITEM}/${user}/`) && states.has(state))
      .map(([name]) => Number(name.split('/')[2]))
      .filter((item) => !this.#gone.has(`${ITEM}/${item}`))
      .sort((a, b) => a - b);
  }

  last(user: number, item: number): number {
    return this.#gone.has(`${ITEM}/${item}`) ? 0 : (this.#pairs.get(`${ITEM}/${user}/${item}`)?.last ?? 0);
  }

  weight(relationship: number, from: number, to: number, now: number): number {
    const edge = this.#edges.get(`${relationship}/${from}/${to}`);
    if (edge === undefined || this.#gone.has(`${typeOf(relationship).to}/${to}`)) return 0;
    return edge.weight * left(relationship, now - edge.since);
  }

  ends(relationship: number, from: number): number[] {
    return this.#others(relationship, typeOf(relationship).to, (start, end) => (start === from ? end : 0));
  }

  beginnings(relationship: number, to: number): number[] {
    return this.#others(relationship, typeOf(relationship).from, (start, end) => (end === to ? start : 0));
  }

  #others(relationship: number, kind: KindId, other: (from: number, to: number) => number): number[] {
    const found: number[] = [];
    for (const name of this.#edges.keys()) {
      const [of, from, to] = name.split('/').map(Number) as [number, number, number];
      const number = of === relationship ? other(from, to) : 0;
      if (number !== 0 && !this.#gone.has(`${kind}/${number}`)) found.push(number);
    }
    return found;
  }

  #push(
    relationship: number,
    [from, to]: readonly [number, number],
    seconds: number,
    delta: number,
    { min, max }: { readonly min: number; readonly max: number },
  ): void {
    const name = `${relationship}/${from}/${to}`;
    const edge = this.#edges.get(name) ?? { weight: 0, since: seconds };
    const base = edge.weight * left(relationship, seconds - edge.since);
    const added = delta * left(relationship, edge.since - seconds);
    const moved =
      added >= 0 ? Math.max(base, Math.min(base + added, max)) : Math.min(base, Math.max(base + added, min));
    const bounds = typeOf(relationship).weight;
    const weight = Math.fround(Math.min(bounds.max, Math.max(bounds.min, moved)));
    if (weight === 0) this.#edges.delete(name);
    else this.#edges.set(name, { weight, since: Math.max(edge.since, seconds) });
  }
}

function typeOf(relationship: number): RelationshipType {
  return RELATIONSHIPS.find(({ id }) => id === relationship)!;
}

function left(relationship: number, elapsed: number): number {
  const { decay } = typeOf(relationship);
  if (elapsed <= 0 || decay.kind !== 'exponential') return 1;
  return Math.exp((-Math.LN2 * elapsed * 1e6) / decay.halfLifeMicros);
}
