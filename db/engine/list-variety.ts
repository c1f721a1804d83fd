/** How different the things in a list are from each other, and which cohorts a user belongs to. */
import type { EntityNumber, TupleNumber } from '../ranking/ground.ts';
import type { EntityReader } from '../ranking/reading.ts';
import type { Attribute, Cohort, EntityKind } from '../ranking/schema/model.ts';

/** Attributes that are looked at: more would make a report nobody reads. */
const ATTRIBUTES_MAX = 3;

/** Good for one schema. */
export class ListVariety {
  readonly #entities: EntityReader;
  readonly #cohorts: readonly Cohort[];
  readonly #kind: EntityKind | null;
  readonly #attributes: readonly Attribute[];
  /** A tuple's values never change. */
  readonly #cohortsOf = new Map<TupleNumber, readonly string[]>();

  constructor(entities: EntityReader, cohorts: readonly Cohort[], kind: string) {
    this.#entities = entities;
    this.#cohorts = cohorts;
    this.#kind = entities.schema.kinds.find(({ name }) => name === kind) ?? null;
    const attributes = this.#kind?.attributes ?? [];
    this.#attributes = attributes
      .filter(({ type, computed }) => computed === null && (type === 'keyword' || type === 'keywords'))
      .slice(0, ATTRIBUTES_MAX);
  }

  /** By attribute, or `creator`: different values among all values of the list; not of what has none. */
  of(items: readonly number[]): ReadonlyMap<string, number> {
    const shares = new Map<string, number>();
    if (this.#kind === null) return shares;
    const { id, creator } = this.#kind;
    const add = (of: string, values: readonly (string | number)[]): void => {
      if (values.length > 0) shares.set(of, new Set(values).size / values.length);
    };
    if (creator !== null) {
      const creators = items.map((item) => this.#entities.creatorOf(id, item as EntityNumber));
      add(
        'creator',
        creators.filter((each) => each !== 0),
      );
    }
    for (const { id: attribute, name } of this.#attributes) {
      const values = items.flatMap((item) => {
        const value = this.#entities.value(id, item as EntityNumber, attribute);
        return typeof value === 'string' ? [value] : Array.isArray(value) ? (value as string[]) : [];
      });
      add(name, values);
    }
    return shares;
  }

  cohortsOf(tuple: TupleNumber): readonly string[] {
    let names = this.#cohortsOf.get(tuple);
    if (names === undefined) {
      names = this.#cohorts
        .filter(({ predicate }) => this.#entities.tuples(predicate).has(tuple))
        .map(({ name }) => name);
      this.#cohortsOf.set(tuple, names);
    }
    return names;
  }
}
