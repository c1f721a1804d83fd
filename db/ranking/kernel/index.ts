/**
 * `ranking/kernel/` is what a write of the ranking layer means, as pure functions, and the bytes it becomes. Commands come
 * in from the engine with keys and names as people write them; entries go out to the log with everything resolved to
 * numbers, so that views apply them without asking each other. It may import the schema, the log's kernel, and ground.
 *
 *     entry           the entries, decoded
 *     …-entry, signal-records   their bytes
 */
export { decodeEdge, encodeEdge } from './edge-entry.ts';
export { decodeEntity, encodeEntity } from './entity-entry.ts';
export type { EdgeEntry, EntityEntry, ExposureEntry, Signal } from './entry.ts';
export { decodeExposure, encodeExposure } from './exposure-entry.ts';
export { SignalRecords, SignalsEncoder } from './signal-records.ts';
