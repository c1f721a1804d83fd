import type { SlotId } from '../../ground.ts';
import type { EmbeddingSlot, EntityKind } from '../../schema/model.ts';
import type { Scope } from './scope.ts';

/** A slot of the candidates, and the vector that they are compared with. */
interface Comparison {
  readonly slot: SlotId;
  readonly vector: Float32Array;
}

/**
 * What a similarity compares: `slot` names one of the candidates, or the user's that stands over one of theirs. Null where there
 * is nothing to compare with: no user, a user without a vector yet, a query without one.
 */
export function comparisonOf(slot: SlotId, to: 'user' | 'query', scope: Scope): Comparison | null {
  const { query, readers } = scope;
  const users = readers.entities.schema.kinds.find(({ name }) => name === 'user');
  const own = slotOf(query.kind, slot) ?? partner(query.kind, slotOf(users, slot));
  if (own === undefined) return null;
  if (to === 'query') {
    const vector = query.vector?.values;
    return vector?.length === own.dimensions ? { slot: own.id, vector } : null;
  }
  if (query.user === 0 || users === undefined) return null;
  const theirs = slotOf(users, slot) ?? partner(users, own);
  if (theirs === undefined) return null;
  const vector = readers.vectors.vector(users.id, theirs.id, query.user);
  return vector === null ? null : { slot: own.id, vector };
}

function slotOf(kind: EntityKind | undefined, slot: SlotId): EmbeddingSlot | undefined {
  return kind?.embeddings.find(({ id }) => id === slot);
}

/** The slot of another kind that goes with one: of the same name, else the first of as many dimensions. */
function partner(kind: EntityKind, slot: EmbeddingSlot | undefined): EmbeddingSlot | undefined {
  if (slot === undefined) return undefined;
  const fitting = kind.embeddings.filter(({ dimensions }) => dimensions === slot.dimensions);
  return fitting.find(({ name }) => name === slot.name) ?? fitting[0];
}
