import type { EntityKind, RankingSchema, RelationshipType } from '../../schema/model.ts';

/** A relationship that leads a user to entities of a kind, or to who makes them. */
interface Way {
  readonly relationship: RelationshipType;
  readonly to: 'creator' | 'target';
}

/** Names of what keeps people apart. */
const AVOIDED = /^(block|mute|hide|ban|report|dislike|avoid)/;

/** What users follow, of entities of this kind or of those who make them. */
export function followed(schema: RankingSchema, kind: EntityKind): readonly Way[] {
  const users = schema.kinds.find(({ name }) => name === 'user');
  return schema.relationships
    .filter(({ from, name }) => from === users?.id && !AVOIDED.test(name.toLowerCase()))
    .flatMap((relationship): readonly Way[] => {
      if (relationship.to === kind.id) return [{ relationship, to: 'target' }];
      return relationship.to === kind.creator?.kind ? [{ relationship, to: 'creator' }] : [];
    });
}
