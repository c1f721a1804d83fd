/**
 * `ranking/schema/` is what may be written and asked in the ranking layer of one tenant: kinds of entities, signals,
 * relationships, cohorts and profiles. It may import ground and the database's ground only. Definitions come in from the
 * language and the SDK, unresolved; changes go out as the payloads of schema entries, which every view applies for itself.
 *
 *     definition      what somebody wants
 *     model           what a schema is
 *     define          from the one to the other, or why not; build, check, resolve, impact do the parts of it
 *     definition-of   what one would have to say to get it again
 *     history, codec  a schema as a view keeps it, and as bytes
 *     show            a schema as tables
 */
export type { SchemaChange, SchemaRecord, SchemaStep } from './change.ts';
export { ACTIVE_STATE } from './check.ts';
export { checkPredicate, checkScalar, type TermsScope, type TermsUse } from './check-terms.ts';
export { encodeChange } from './codec.ts';
export { type Defined, define, preview } from './define.ts';
export { entityDefinition, relationshipDefinition, signalDefinition } from './definition-of.ts';
export { readDefinition } from './definition-shapes.ts';
export { type AppliedChange, SchemaHistory } from './history.ts';
export { type Impact, NO_FACTS, type SchemaFacts } from './impact.ts';
export {
  attributeById,
  dimensionsOf,
  ITEM_KIND,
  kindById,
  longestWindow,
  named,
  relationshipById,
  required,
  signalById,
  slotBehind,
  slotById,
  USER_KIND,
  userKind,
} from './lookup.ts';
export { closestName, refusedAt, unknownName } from './names.ts';
export { type NameScope, resolveMeasure, resolvePredicate, resolveScalar } from './resolve.ts';
export { type ShownTable, type ShownTopic, show } from './show.ts';
export { timestampOf, timestampText } from './timestamp-text.ts';
