/**
 * Entities as they are behind entries that the state below does not have yet: of the command that is being decided, or of
 * everything that is in flight. It evolves by the same entries as the views do.
 */
import type { AttributeId, EntityNumber, KindId, Micros, TupleNumber } from '../ground.ts';
import { NO_ENTITY, NO_TUPLE } from '../ground.ts';
import { dimensionsOf, USER_KIND } from '../schema/index.ts';
import type { AttributeValue, RankingSchema } from '../schema/model.ts';
import type { EntityEntry } from './entry.ts';
import { DELETED, type EntityState, NAMELESS, type TupleRow } from './state.ts';

interface OverlaidEntity {
  key: string;
  state: number;
  at: Micros;
  creator: EntityNumber;
  tuple: TupleNumber;
  /** What was set, or taken away, over what is below; each once. */
  attributes: EntityEntry['attributes'];
  /** It was deleted: nothing of what is below counts any more. */
  bare: boolean;
  /** Of the last entry about it. */
  mark: number;
}

interface OverlaidKind {
  last: number;
  readonly numbers: Map<string, EntityNumber>;
  readonly entities: Map<EntityNumber, OverlaidEntity>;
}

interface OverlaidTuple {
  readonly key: string;
  readonly row: TupleRow;
}

export class EntityOverlay implements EntityState {
  readonly #below: EntityState;
  readonly #kinds = new Map<KindId, OverlaidKind>();
  readonly #tupleNumbers = new Map<string, TupleNumber>();
  readonly #tuples = new Map<TupleNumber, OverlaidTuple>();
  #lastTuple = 0;
  /** What was laid over, oldest first, to be forgotten by its mark. */
  #marks: {
    readonly mark: number;
    readonly kind: KindId;
    readonly number: EntityNumber;
    readonly tuple: TupleNumber;
  }[] = [];

  constructor(below: EntityState) {
    this.#below = below;
  }

  get isEmpty(): boolean {
    return this.#marks.length === 0;
  }

  last(kind: KindId): number {
    return Math.max(this.#kinds.get(kind)?.last ?? 0, this.#below.last(kind));
  }

  find(kind: KindId, key: string): EntityNumber {
    // Asking an empty map would work the hash of the key out for nothing.
    const numbers = this.#marks.length === 0 ? undefined : this.#kinds.get(kind)?.numbers;
    const own = numbers === undefined || numbers.size === 0 ? undefined : numbers.get(key);
    return own ?? this.#below.find(kind, key);
  }

  stateOf(kind: KindId, number: EntityNumber): number {
    return this.#entity(kind, number)?.state ?? this.#below.stateOf(kind, number);
  }

  createdAt(kind: KindId, number: EntityNumber): Micros {
    return this.#entity(kind, number)?.at ?? this.#below.createdAt(kind, number);
  }

  creatorOf(kind: KindId, number: EntityNumber): EntityNumber {
    return this.#entity(kind, number)?.creator ?? this.#below.creatorOf(kind, number);
  }

  tupleOf(kind: KindId, number: EntityNumber): TupleNumber {
    return this.#entity(kind, number)?.tuple ?? this.#below.tupleOf(kind, number);
  }

  value(kind: KindId, number: EntityNumber, attribute: AttributeId): AttributeValue | null {
    const entity = this.#entity(kind, number);
    if (entity === undefined) return this.#below.value(kind, number, attribute);
    for (const own of entity.attributes) if (own.attribute === attribute) return own.value;
    return entity.bare ? null : this.#below.value(kind, number, attribute);
  }

  get lastTuple(): number {
    return Math.max(this.#lastTuple, this.#below.lastTuple);
  }

  findTuple(row: TupleRow): TupleNumber {
    const own = this.#tupleNumbers.size === 0 ? undefined : this.#tupleNumbers.get(tupleKey(row));
    return own ?? this.#below.findTuple(row);
  }

  /** Lays an entry over, with its place or any other number that grows. The schema is that of the entry's place. */
  evolve(entry: EntityEntry, schema: RankingSchema, mark: number): void {
    const { kind, number, key } = entry;
    const overlaid = this.#kind(kind);
    overlaid.last = Math.max(overlaid.last, number);
    const entity = overlaid.entities.get(number) ?? newEntity(key);
    overlaid.entities.set(number, entity);
    if (key !== NAMELESS) {
      overlaid.numbers.set(key, number);
      entity.key = key;
    }
    entity.state = entry.state;
    entity.at = entry.at;
    entity.creator = entry.creator;
    entity.tuple = entry.tuple;
    entity.mark = mark;
    if (entry.state === DELETED || entry.created || entry.before.state === DELETED) {
      entity.attributes = NOTHING;
      entity.bare = true;
    }
    entity.attributes = merged(entity.attributes, entry.attributes);
    const { tuple } = entry;
    // First: as long as there are no marks, nothing is looked for here.
    this.#marks.push({ mark, kind, number, tuple });
    if (tuple > this.lastTuple) this.#addTuple(tuple, this.#rowOf(schema, kind, number));
  }

  /** Forgets what has a mark of at most this: the state below has it. */
  forget(mark: number): void {
    let count = 0;
    for (const { mark: own, kind, number, tuple } of this.#marks) {
      if (own > mark) break;
      count += 1;
      this.#forgetEntity(kind, number, mark);
      this.#forgetTuple(tuple);
    }
    this.#marks = this.#marks.slice(count);
  }

  #forgetEntity(kind: KindId, number: EntityNumber, mark: number): void {
    const overlaid = this.#kind(kind);
    const entity = overlaid.entities.get(number);
    if (entity === undefined || entity.mark > mark) return;
    overlaid.entities.delete(number);
    overlaid.numbers.delete(entity.key);
  }

  #forgetTuple(tuple: TupleNumber): void {
    const overlaid = this.#tuples.get(tuple);
    if (overlaid === undefined) return;
    this.#tuples.delete(tuple);
    this.#tupleNumbers.delete(overlaid.key);
  }

  #entity(kind: KindId, number: EntityNumber): OverlaidEntity | undefined {
    return this.#marks.length === 0 ? undefined : this.#kinds.get(kind)?.entities.get(number);
  }

  #kind(kind: KindId): OverlaidKind {
    let overlaid = this.#kinds.get(kind);
    if (overlaid === undefined) {
      overlaid = { last: 0, numbers: new Map(), entities: new Map() };
      this.#kinds.set(kind, overlaid);
    }
    return overlaid;
  }

  #addTuple(tuple: TupleNumber, row: TupleRow): void {
    const key = tupleKey(row);
    this.#lastTuple = tuple;
    this.#tuples.set(tuple, { key, row });
    this.#tupleNumbers.set(key, tuple);
  }

  #rowOf(schema: RankingSchema, kind: KindId, number: EntityNumber): TupleRow {
    return tupleRow(schema, (attribute) => this.value(kind, number, attribute));
  }
}

/** The row of a user whose values the function gives. */
export function tupleRow(
  schema: RankingSchema,
  read: (attribute: AttributeId) => AttributeValue | null,
): TupleRow {
  const dimensions = dimensionsOf(schema).map(({ id }) => id);
  const values = dimensions.map((attribute) => {
    const value = read(attribute);
    return typeof value === 'object' ? null : value;
  });
  return { dimensions, values };
}

/** Nothing is known: such a user has tuple 0. */
export function isEmptyRow({ values }: TupleRow): boolean {
  return values.every((value) => value === null);
}

export function isUserKind(schema: RankingSchema, kind: KindId): boolean {
  return schema.kinds.some(({ id, name }) => id === kind && name === USER_KIND);
}

function tupleKey({ dimensions, values }: TupleRow): string {
  return JSON.stringify([dimensions, values]);
}

const NOTHING: EntityEntry['attributes'] = Object.freeze([]);

/** Later ones stand for earlier ones. */
function merged(
  before: EntityEntry['attributes'],
  later: EntityEntry['attributes'],
): EntityEntry['attributes'] {
  if (before.length === 0) return later;
  if (later.length === 0) return before;
  const kept = before.filter(({ attribute }) => !later.some((each) => each.attribute === attribute));
  return [...kept, ...later];
}

function newEntity(key: string): OverlaidEntity {
  return {
    key,
    state: 0,
    at: 0 as Micros,
    creator: NO_ENTITY,
    tuple: NO_TUPLE,
    attributes: NOTHING,
    bare: false,
    mark: 0,
  };
}
