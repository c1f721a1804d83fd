/**
 * `materializer/` keeps views of the log: the contract each of them fulfils, and the registry that hands every stable
 * commit to all of them in log order, saves checkpoints and rebuilds what is missing, old or broken. It knows nothing of
 * what a view holds. It may import wal, kernel and ground. Commits come in from the engine (live) and from the log
 * (replay); files go out below `views/`, and what they mean to `metadata/views.json`.
 */

export { type Capture, type CapturedView, releaseCapture } from './capture.ts';
export { checkpointPoints } from './checkpoint-points.ts';
export { CheckpointStore } from './checkpoint-store.ts';
export { appliedPositions } from './claims.ts';
export type {
  CheckpointReader,
  CheckpointWriter,
  FiledView,
  FoundFiles,
  HeldFile,
  Materializer,
  MemoryUse,
  Scratch,
  ScratchPiece,
  ViewCommit,
  ViewContext,
  ViewDefinition,
  ViewFiles,
  ViewGap,
  ViewHandle,
  ViewScope,
  ViewState,
  ViewStatus,
} from './materializer.ts';
export { MemoryBudget, type MemoryStatus, type ScratchStore } from './memory-budget.ts';
export { Registry } from './registry.ts';
export { viewCommit } from './replay.ts';
export type { RestorableView, RestorePoint } from './restore-point.ts';
export { inlineRunner, type SaveRunner, type SaveStep } from './save-step.ts';
export { ScratchFiles, scratchOfReader } from './scratch-files.ts';
export { ThreadedRunner } from './threaded-runner.ts';
export { type BesideOptions, type Moment, type Until, ViewsBeside } from './views-beside.ts';
