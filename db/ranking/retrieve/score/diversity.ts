import type { AttributeId, EntityNumber } from '../../ground.ts';
import type { EntityReader } from '../../reading.ts';
import type { AttributeValue, Diversity, EntityKind } from '../../schema/model.ts';
import type { Query } from '../query.ts';

/** The rules of a query over those of its profile. Within one creator's items there is nothing to spread over creators. */
export function diversityOf(query: Query, profile: Diversity): Diversity {
  const {
    perCreator = profile.perCreator,
    perAttribute = profile.perAttribute,
    mix = profile.mix,
  } = query.diversity;
  const one = query.within.some(({ clause }) => clause === 'creator');
  return { perCreator: one ? (query.diversity.perCreator ?? null) : perCreator, perAttribute, mix };
}

export function isDiverse({ perCreator, perAttribute, mix }: Diversity): boolean {
  return perCreator !== null || perAttribute.length > 0 || mix !== null;
}

/** Counts what a page has of each creator and value, and says what still fits. */
export class DiversityCounts {
  readonly #diversity: Diversity;
  readonly #entities: EntityReader;
  readonly #kind: EntityKind;
  /** Of one value of the mixed attribute. */
  readonly #mixMax: number;
  readonly #counts = new Map<string, number>();

  /** `places`: on a page. */
  constructor(diversity: Diversity, places: number, entities: EntityReader, kind: EntityKind) {
    this.#diversity = diversity;
    this.#entities = entities;
    this.#kind = kind;
    this.#mixMax = Math.ceil(places / 2);
  }

  /** `never` on this page; `rather not`: only where nothing else is left. */
  fits(entity: EntityNumber): 'well' | 'rather not' | 'never' {
    const { perCreator, perAttribute, mix } = this.#diversity;
    if (perCreator !== null && this.#count(this.#creatorKeys(entity)) >= perCreator) return 'never';
    for (const { attribute, max } of perAttribute) {
      if (this.#count(this.#valueKeys(entity, attribute)) >= max) return 'never';
    }
    if (mix !== null && this.#count(this.#valueKeys(entity, mix)) >= this.#mixMax) return 'rather not';
    return 'well';
  }

  add(entity: EntityNumber): void {
    const { perCreator, perAttribute, mix } = this.#diversity;
    const keys = new Set<string>();
    if (perCreator !== null) for (const key of this.#creatorKeys(entity)) keys.add(key);
    for (const { attribute } of perAttribute)
      for (const key of this.#valueKeys(entity, attribute)) keys.add(key);
    if (mix !== null) for (const key of this.#valueKeys(entity, mix)) keys.add(key);
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** That of whichever there is most of. */
  #count(keys: readonly string[]): number {
    return keys.reduce((most, key) => Math.max(most, this.#counts.get(key) ?? 0), 0);
  }

  #creatorKeys(entity: EntityNumber): readonly string[] {
    const creator = this.#entities.creatorOf(this.#kind.id, entity);
    return creator === 0 ? [] : [`creator ${creator}`];
  }

  #valueKeys(entity: EntityNumber, attribute: AttributeId): readonly string[] {
    const value = this.#entities.value(this.#kind.id, entity, attribute);
    if (value === null) return [];
    const values: readonly AttributeValue[] = Array.isArray(value) ? value : [value];
    return values.map((one) => `${attribute} ${one}`);
  }
}
