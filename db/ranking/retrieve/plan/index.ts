/**
 * `retrieve/plan/` decides how a query is carried out: which conditions make sets and which are put to candidates, and where
 * candidates come from. It imports `score/` for what an ordering is and reads sizes from the entity view; the executor takes
 * the plan.
 */
export type { Conditions } from './conditions.ts';
export { type Plan, planOf } from './plan.ts';
