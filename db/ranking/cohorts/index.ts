/**
 * `ranking/cohorts/` counts what happens to items by what was known of the users: by signal, item, time and tuple. It may import
 * counting, the ranking kernel, schema and ground, and the materializer's contract. Schema and signals entries come in with each
 * commit; answers about sets of tuples go out through `CohortReader`.
 *
 *     cohorts-view      the view, by tenant
 *     tenant-cohorts    one tenant: counters for each signal, within a budget of cells
 *     cohort-counters   what is kept of one signal
 *     cohort-answers    what is asked of it
 */
export { type CohortsView, rankingCohorts } from './cohorts-view.ts';
