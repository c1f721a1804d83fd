/**
 * The database inside a program of one's own, without a server: the entry that package.json exports as `truthdb/embedded`.
 * One thread opens the engine and orders; others append through a producer port. docs/embedding.md has examples.
 *
 * Only names come in and out of here; everything lies in engine.ts, embedded/, producers/ and the words of events.
 */
export {
  type OpenDatabase,
  type OpenOptions,
  open,
  type TenantQueries,
  type TenantTables,
} from './embedded/open.ts';
export type {
  Engine,
  EngineOptions,
  EngineStatus,
  InitOptions,
  ReadAllRequest,
  ReadStreamRequest,
  SubscribeRequest,
} from './engine.ts';
export { initDatabase, openEngine } from './engine.ts';
export type { ErrorCode, ErrorDetails } from './errors.ts';
export { ERROR_CODES, TruthError } from './errors.ts';
export type {
  HandleOptions,
  Producer,
  ProducerHandle,
  ProducerOptions,
  ProducerPort,
  ProducerPortOptions,
  ProducerPortStatus,
} from './producers/index.ts';
export { connectProducer, openProducerPort } from './producers/index.ts';
export { newUuid } from './protocol/index.ts';
export type {
  AppendRequest,
  AppendResult,
  EventDraft,
  EventPage,
  ExpectedRevision,
  RecordedEvent,
  StreamName,
} from './streams/event.ts';
export { streamName } from './streams/event.ts';
export { revision, sequence } from './types.ts';
