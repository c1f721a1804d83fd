/**
 * `wal/` is the log: the one ordered, hash-chained, durable sequence of entries that everything else is a view of. It knows
 * nothing of payloads. It imports types, errors, hash and io. Entries come in through `Log.append` on the ordering thread,
 * go through a shared ring to the writer's thread and its segment files, and come out through `LogReader`.
 *
 *     format, layout, entry-program     the bytes: tables, checksums (docs/wal-format.md)
 *     encoder → queue → writer, spares  the way in (ordered-log.ts joins them, drivers.ts runs the writer)
 *     scanner → reader, decode          the way out
 *     recovery, torn-tail, metadata     what a start does with what it finds
 *     init, open, verify, inspect       entry points
 */

export { type ArchiveOptions, archiveSegments } from './archive.ts';
export { type LogBeginning, logBeginning, noteArchive } from './archive-places.ts';
export { beginningOf, type EpochBeginning, findEpochs, readEpochs, writeEpochs } from './epochs.ts';
export { fileHolds, holdFiles } from './file-holds.ts';
export type { SyncCaps } from './flusher.ts';
export {
  dropLease,
  FollowerLeases,
  type FollowerStand,
  type FollowerStatus,
  leaseHolds,
  storedFollowers,
} from './follower-leases.ts';
export type { Gap } from './gaps.ts';
export { type InitLogOptions, initLog } from './init.ts';
export {
  type InspectedCommit,
  type InspectedEntry,
  type InspectedField,
  type InspectedGroup,
  type InspectedSegment,
  type InspectOptions,
  inspectCommit,
  inspectEntry,
  inspectSegment,
} from './inspect.ts';
export { type Isolated, type IsolateOptions, isolate } from './isolate.ts';
export type {
  AppendedRange,
  ClosedCommit,
  Durability,
  EntryDraft,
  ErasedEntry,
  HistogramSnapshot,
  Log,
  LogCommit,
  LogEntry,
  LogIdentity,
  LogReader,
  LogStatus,
  Preparation,
  ReadOptions,
} from './log.ts';
export { LogBytes, type LogBytesRequest, type LogPiece, type LogPlace } from './log-bytes.ts';
export { type OpenedLog, type OpenLogOptions, openLog } from './open.ts';
export { type OpenedReader, openReader } from './open-reader.ts';
export { type Pruned, type PruneOptions, pruneSegments } from './prune.ts';
export type { Hold } from './retention.ts';
export { Scrubber, type ScrubStatus } from './scrub.ts';
export { ScrubThread } from './scrub-worker.ts';
export { SegmentFiles } from './segment-files.ts';
export type { DurableClaim, TornTail } from './settle.ts';
export { openSharedReader, StableMark } from './shared-reader.ts';
export {
  type SegmentReport,
  type VerifyOptions,
  type VerifyProblem,
  type VerifyReport,
  verifyLog,
  verifyLogInThreads,
} from './verify.ts';
