/**
 * `sql/pool/` is where queries run: a point query at once on the ordering thread, everything else on threads that read the
 * store's file through connections of their own, so that no query holds up a write. Where there is no file (tests, the
 * simulated machine, a transaction's own rows) queries run on the calling thread in small steps. It imports the planner, the
 * executor, the store and io. Queries come in from sessions, rows go back as bytes in chunks.
 *
 *     query-runner     which way a query takes         reader-pool    the threads, their queue, deadlines
 *     stepped-queries  on this thread, in steps        reader-thread  what runs in each of them
 */
export { Queries, type QueriesOptions } from './queries.ts';
