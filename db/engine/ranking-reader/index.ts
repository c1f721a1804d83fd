/**
 * `ranking-reader/` answers questions about ranking away from the ordering thread: a thread of its own keeps copies of the views,
 * begun from a checkpoint or a snapshot and brought on by the log's segment files. Questions go to it as plain values with the
 * place they are about, answers come back as plain values. Nothing is written, and keys are given to it in memory only.
 *
 *     past-views       the copies for AS OF, and how they come to where a question wants them
 *     live-views       copies that follow the log
 *     restore-points   what both begin from
 *     messages         what goes to a thread and comes back
 *     reader-thread    the thread
 *     reader           a thread as the ordering thread sees it; the same without a thread
 *     live-readers     those that answer about now
 *     readers          those of one database
 */
export type { LiveReadersStatus } from './live-readers.ts';
export { RankingReaders } from './readers.ts';
