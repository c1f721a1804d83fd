/**
 * `ranking/counting/` counts things by time: what the signal ledger and the cohort counters have in common. It may import
 * ranking's ground and schema, and the database's ground. Events come in as numbers (bucket of time, group, item, amount,
 * weight); sums, the best items and the bytes of a checkpoint go out.
 *
 *     window             which buckets a window is made of
 *     cell-table         the cells of one bucket: open ones in a hash table, the others in sorted runs
 *     kept-run           cells of a table, in memory or spilled to scratch files
 *     timeline           the tables of one length of bucket, as far back as they are kept
 *     board, leaders     sums over a window by item and the best of them, kept up to date. They are found again from the
 *                        tables at any time, so no digest and no checkpoint knows of them
 *     section            parts of a checkpoint
 *
 * All sums are of whole numbers, or of weights cut to steps of a power of two (`WeightSteps`): exact, so that it makes no
 * difference in which order they were added up.
 */
export { Best, type Ranking } from './best.ts';
export { type Board, type BoardMeasure, type CellSource, EVERYTHING } from './board.ts';
export { BoardShelf } from './board-shelf.ts';
export { CellTable, LEVEL_MAX } from './cell-table.ts';
export { GroupSet } from './group-set.ts';
export { ITEM_IN_PAGE, ITEM_PAGE_BITS, ITEM_PAGE_ROWS } from './item-pages.ts';
export { KeptRun } from './kept-run.ts';
export { Leaders, type Ranked } from './leaders.ts';
export type { PartReader } from './part-reader.ts';
export type { PartWriter } from './part-writer.ts';
export { windowGone, windowNotKept } from './refusals.ts';
export { selectCells } from './run-merge.ts';
export { readSections, type Section, type SectionKey, writeSections } from './section.ts';
export { type NamedTable, Timeline } from './timeline.ts';
export { readTables, tablesSection, timelineSections } from './timeline-parts.ts';
export { WeightSteps } from './weight-steps.ts';
export {
  bucketOf,
  endOf,
  GRAIN_MICROS,
  GRAINS,
  type Grain,
  keptBuckets,
  type SpillOrder,
  spillInOrder,
  WINDOWS,
  type WindowShape,
} from './window.ts';
