/** Finding things of a schema by name or id. */
import type { AttributeId, KindId, RelationshipId, SignalId, SlotId } from '../ground.ts';
import type {
  Attribute,
  EmbeddingSlot,
  EntityKind,
  RankingSchema,
  RelationshipType,
  SignalType,
  WindowName,
} from './model.ts';
import { unknownName } from './names.ts';

export const USER_KIND = 'user';
export const ITEM_KIND = 'item';

interface Named {
  readonly name: string;
}

export function named<T extends Named>(all: readonly T[], name: string): T | null {
  return all.find((each) => each.name === name) ?? null;
}

/** Errors: NOT_FOUND, with the closest name. */
export function required<T extends Named>(place: string, sort: string, all: readonly T[], name: string): T {
  const found = named(all, name);
  if (found === null)
    throw unknownName(
      place,
      sort,
      name,
      all.map((each) => each.name),
    );
  return found;
}

export function userKind(schema: RankingSchema): EntityKind | null {
  return named(schema.kinds, USER_KIND);
}

export function kindById(schema: RankingSchema, id: KindId): EntityKind | null {
  return schema.kinds.find((kind) => kind.id === id) ?? null;
}

export function signalById(schema: RankingSchema, id: SignalId): SignalType | null {
  return schema.signals.find((signal) => signal.id === id) ?? null;
}

export function relationshipById(schema: RankingSchema, id: RelationshipId): RelationshipType | null {
  return schema.relationships.find((relationship) => relationship.id === id) ?? null;
}

export function attributeById(kind: EntityKind, id: AttributeId): Attribute | null {
  return kind.attributes.find((attribute) => attribute.id === id) ?? null;
}

export function slotById(kind: EntityKind, id: SlotId): EmbeddingSlot | null {
  return kind.embeddings.find((slot) => slot.id === id) ?? null;
}

/** Attributes that tuples are made of, by id. */
export function dimensionsOf(schema: RankingSchema): readonly Attribute[] {
  return userKind(schema)?.attributes.filter((attribute) => attribute.dimension) ?? [];
}

/**
 * The slot of another kind that a derived slot (`catalogue`, `preference`) is made of: the one of its name, else the first that
 * has as many dimensions. Null when there is none.
 */
export function slotBehind(kind: EntityKind, derived: EmbeddingSlot): EmbeddingSlot | null {
  const fitting = kind.embeddings.filter(
    (slot) => slot.source === 'given' && slot.dimensions === derived.dimensions,
  );
  return named(fitting, derived.name) ?? fitting[0] ?? null;
}

const WINDOW_ORDER: readonly WindowName[] = ['1h', '24h', '7d', '30d'];

/** What a measure is over that names no window: the longest that the signal keeps, `all` only when there is no other. */
export function longestWindow(signal: SignalType): WindowName {
  return WINDOW_ORDER.findLast((window) => signal.windows.includes(window)) ?? 'all';
}
