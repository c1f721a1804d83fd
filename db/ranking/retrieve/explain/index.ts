/**
 * `retrieve/explain/` keeps what a query did, for EXPLAIN: the plan as rows of stages, and how a schema's parts are written
 * for people. It imports the query's types and the schema's; the executor puts rows in and takes them out with the result.
 */
export { describeClause, describePredicate, describeSource } from './describe.ts';
export { Trace } from './trace.ts';
