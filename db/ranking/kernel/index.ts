/**
 * `ranking/kernel/` is what a write of the ranking layer means, as pure functions, and the bytes it becomes. Commands come
 * in from the engine with keys and names as people write them; entries go out to the log with everything resolved to
 * numbers, so that views apply them without asking each other. It may import the schema, the log's kernel, and ground.
 *
 *     command, decide           what is asked, and what becomes of it; entity-writer, decide-… do the parts
 *     state, entity-overlay     what decisions read, and how it looks behind entries that the views do not have yet
 *     entry                     the entries, decoded
 *     …-entry, signal-records   their bytes
 *     hash-window               the hashes of the last signals
 */
export {
  BATCH_OUTCOMES,
  type BatchReply,
  type EntityDraft,
  type Failure,
  type GivenField,
  OUTCOME,
  type RankingCommand,
  type RankingDecision,
  type RankingEntry,
  type RankingInput,
  type RankingLimits,
  type RankingReply,
  type Refusal,
  type SignalDraft,
} from './command.ts';
export { hashKey, hashSignal } from './content-hash.ts';
export { decideRanking } from './decide.ts';
export { decodeEdge, encodeEdge } from './edge-entry.ts';
export { decodeEntity, encodeEntity } from './entity-entry.ts';
export { EntityOverlay, isUserKind, tupleRow } from './entity-overlay.ts';
export type { EdgeEntry, EntityEntry, ExposureEntry, NumbersEntry, Signal } from './entry.ts';
export { decodeExposure, encodeExposure } from './exposure-entry.ts';
export { HASH_WORDS, HashWindow, WINDOW_PAGE_ROWS } from './hash-window.ts';
export { decodeNumbers, encodeNumbers } from './numbers-entry.ts';
export { SignalRecords, SignalsEncoder } from './signal-records.ts';
export {
  DELETED,
  type EntityState,
  NAMELESS,
  type RankingState,
  type SignalHash,
  type TupleRow,
} from './state.ts';
