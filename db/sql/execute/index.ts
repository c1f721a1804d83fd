/**
 * `sql/execute/` carries plans out over a reader of the store: rows along a way (row-source), those that match (matching-rows), in
 * order (sorted-rows), of the past (read-point, history-rows, diff-rows), within a budget of time, rows and bytes. It imports the
 * planner, the store and types. Queries (query) come in from the pool, rows go out one by one; a null among them says that
 * this is a good moment to do something else. Nothing here writes.
 */
export { type OpenQuery, openQuery, type QueryTools } from './open-query.ts';
export { QUERY_LIMITS, type Query, type QueryAnswer, type QueryRunner, type QueryStore } from './query.ts';
