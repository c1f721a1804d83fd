/**
 * `ranking/schema/` is what may be written and asked in the ranking layer of one tenant: kinds of entities, signals,
 * relationships, cohorts and profiles. It may import ground and the database's ground only. Definitions come in from the
 * language and the SDK, unresolved; changes go out as the payloads of schema entries, which every view applies for itself.
 *
 *     definition      what somebody wants
 *     model           what a schema is
 *     define          from the one to the other, or why not
 *     history, codec  a schema as a view keeps it, and as bytes
 */
export type { SchemaChange, SchemaRecord, SchemaStep } from './change.ts';
export { type AppliedChange, SchemaHistory } from './history.ts';
