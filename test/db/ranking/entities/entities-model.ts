/** What the views have to say, worked out with plain maps and by looking at everything. */
import type { EntityDraft, GivenField, SignalDraft } from '../../../../db/ranking/kernel/index.ts';
import type { EntityDefinition } from '../../../../db/ranking/schema/definition.ts';
import type { AttributeValue, EntityKind, Predicate } from '../../../../db/ranking/schema/model.ts';

export interface ModelEntity {
  readonly number: number;
  state: number | null;
  at: number;
  creator: string | null;
  values: Map<string, AttributeValue>;
}

type PutDraft = Extract<EntityDraft, { action: 'put' }>;

/** Entities of all kinds by kind and key. */
export class EntitiesModel {
  readonly kinds = new Map<string, Map<string, ModelEntity>>();
  /** Every tuple in the order of appearance. */
  readonly tuples: string[] = [];
  readonly #definitions: readonly EntityDefinition[];

  constructor(definitions: readonly EntityDefinition[]) {
    this.#definitions = definitions;
    for (const { name } of definitions) this.kinds.set(name, new Map());
  }

  apply(draft: EntityDraft, now: number): void {
    const there = this.kinds.get(draft.kind)!.get(draft.key);
    if (draft.action === 'put') this.#put(draft, now);
    else if (there !== undefined && there.state !== null) {
      there.state = null;
      there.creator = null;
      there.values.clear();
    }
  }

  signal({ user }: SignalDraft, now: number): void {
    if (user !== null) this.ensure('user', user, now);
  }

  ensure(kind: string, key: string, now: number): ModelEntity {
    const entities = this.kinds.get(kind)!;
    const there = entities.get(key);
    if (there !== undefined && there.state !== null) return there;
    const entity: ModelEntity = there ?? newEntity(entities.size + 1);
    entity.state = 0;
    entity.at = now;
    entities.set(key, entity);
    return entity;
  }

  /** The number of a user's tuple; 0: nothing is known. */
  tupleOf(key: string): number {
    const text = this.#tupleText(this.kinds.get('user')!.get(key)!);
    return text === null ? 0 : this.tuples.indexOf(text) + 1;
  }

  #put(draft: PutDraft, now: number): void {
    const definition = this.#definitions.find(({ name }) => name === draft.kind)!;
    const entity = this.ensure(draft.kind, draft.key, now);
    for (const [name, value] of Object.entries(draft.set)) this.#set(definition, entity, name, value, now);
    if (draft.state !== null) entity.state = definition.states.indexOf(draft.state);
    if (draft.at !== null) entity.at = draft.at;
    if (draft.kind !== 'user') return;
    const text = this.#tupleText(entity);
    if (text !== null && !this.tuples.includes(text)) this.tuples.push(text);
  }

  #set(
    definition: EntityDefinition,
    entity: ModelEntity,
    name: string,
    value: GivenField,
    now: number,
  ): void {
    if (name === definition.creator?.name) {
      entity.creator = value as string | null;
      if (value !== null) this.ensure(definition.creator.kind, value as string, now);
    } else if (value === null) entity.values.delete(name);
    else
      entity.values.set(
        name,
        Array.isArray(value) ? [...new Set(value as string[])] : (value as AttributeValue),
      );
  }

  #tupleText({ values }: ModelEntity): string | null {
    const user = this.#definitions.find(({ name }) => name === 'user')!;
    const dimensions = user.attributes.filter(({ dimension }) => dimension);
    const row = dimensions.map(({ name }) => values.get(name) ?? null);
    return row.every((value) => value === null) ? null : JSON.stringify(row);
  }
}

function newEntity(number: number): ModelEntity {
  return { number, state: 0, at: 0, creator: null, values: new Map() };
}

/** Whether an entity's values fulfil a condition. */
export function fulfils(
  kind: EntityKind,
  values: ReadonlyMap<string, AttributeValue>,
  predicate: Predicate,
): boolean {
  switch (predicate.test) {
    case 'and':
      return predicate.of.every((each) => fulfils(kind, values, each));
    case 'or':
      return predicate.of.some((each) => fulfils(kind, values, each));
    case 'not':
      return !fulfils(kind, values, predicate.of);
    case 'state':
    case 'feature':
      return false;
    default: {
      const { name } = kind.attributes.find(({ id }) => id === predicate.attribute)!;
      const value = values.get(name);
      return value !== undefined && holds(predicate, value);
    }
  }
}

function holds(
  test: Extract<Predicate, { readonly test: 'compare' | 'in' | 'between' | 'has' }>,
  value: AttributeValue,
): boolean {
  switch (test.test) {
    case 'has':
      return test.value === null || (Array.isArray(value) && value.includes(test.value));
    case 'in':
      return test.values.includes(value as string | number);
    case 'between':
      return (value as number) >= test.low && (value as number) <= test.high;
    case 'compare':
      if (test.operator === '=') return value === test.value;
      if (test.operator === '<>') return value !== test.value;
      if (test.operator === '<') return (value as number) < (test.value as number);
      if (test.operator === '<=') return (value as number) <= (test.value as number);
      if (test.operator === '>') return (value as number) > (test.value as number);
      return (value as number) >= (test.value as number);
  }
}
