/**
 * Every type of entry above the log's own (16 and more), and whose it is. A number that was ever released is never reused.
 * The bytes of each are described where they are encoded.
 */
export const KERNEL_ENTRY = Object.freeze({
  /** An event of a stream: kernel/event-entry.ts. */
  event: 16,
  /** A change of a tenant's catalog of tables: sql/catalog. */
  catalog: 32,
  /** Rows of one table, inserted, updated, deleted: sql/rows. */
  rows: 33,
  /** A bounded step of building a projection: sql/projections. */
  projectionStep: 34,
  /** A tenant, its keys' names, its quotas: tenancy. */
  tenant: 48,
  /** Who did or was refused what: tenancy. */
  audit: 49,
  /** Erasure of a subject or a tenant: tenancy. */
  erasure: 50,
  /** A stream that is about one person, from its first event on: tenancy. */
  subjectStream: 51,
  /** A reducer's code, version and lifecycle: reducers. */
  reducer: 64,
  /** A change of a tenant's ranking schema: ranking/schema. */
  rankingSchema: 80,
  /** An item, user or creator as it is from here on: ranking/kernel. */
  rankingEntity: 81,
  /** Many signals at once: ranking/kernel. */
  rankingSignals: 82,
  /** A relationship set or taken away by hand: ranking/kernel. */
  rankingEdge: 83,
  /** What somebody was shown: ranking/kernel. */
  rankingExposure: 84,
  /** Numbers of persons that nobody else gets: ranking/kernel. */
  rankingNumbers: 85,
});
