/**
 * `sql/plan/` decides how a query is answered before it runs: what it means over one table (plan-select, row-scope), the way into
 * that table (access-path, key-order), what only a projection answers (refusal). It imports the catalog, bound expressions, the
 * syntax tree and how it is printed. Statements and the tables of one state come in, plans go out; they hold for any values of
 * the parameters. Nothing here reads a row.
 */
export { Planner, type PlanRequest } from './planner.ts';
export { isPoint, type ReadPlan, type RowsPlan } from './read-plan.ts';
