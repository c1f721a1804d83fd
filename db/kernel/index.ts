/**
 * `kernel/` is what a command means, as pure functions: `decide` looks at state and command and answers with entries or
 * a refusal, `evolve` changes state by an entry and is the only thing that does: on leader, follower and restart alike.
 * No clock, no random numbers, no I/O: what comes from outside comes in the `input`. It may import ground only
 * (types, errors, the log's entry types). Commands come in from the engine; entries go out to the log.
 *
 * The state is an interface here. `streams/` implements it from the index of stable events and the appends in flight,
 * and the tests from a plain Map.
 */
export { type AppendEvents, type AppendInput, type AppendLimits, decide, type KnownEvent } from './decide.ts';
export type { DecidedEntry, Decision } from './decision.ts';
export {
  decodeEvent,
  EVENT_ENTRY_TYPE,
  EVENT_HEADER_BYTES,
  EVENT_ID_BYTES,
  EventEncoder,
  eventIdOffset,
  revisionOf,
  streamBytesOf,
  streamOffset,
} from './event-entry.ts';
export { evolve } from './evolve.ts';
export { invariant } from './invariant.ts';
export { STREAM_NAME_BYTES_MAX } from './names.ts';
export { idOffset, idSource } from './packed-draft.ts';
export type { EvolvingState, KernelState, StreamHead } from './state.ts';
export { writeUtf8 } from './utf8.ts';
