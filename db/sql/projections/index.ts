/**
 * `sql/projections/` keeps queries answered: what CREATE PROJECTION names is maintained row by row as its tables change, within
 * the transaction that changes them, and read like a table. It imports the catalog, bound expressions, the store's contract
 * and the types. Changes of rows come in through ProjectionMaintainer; rows of projections go into spaces of their own.
 *
 *     create, upkeep          decided: definitions, and what is still to be done, each a command of its own
 *     definition, from        what the catalog keeps, and FROM as a list
 *     compile, grouping       a definition bound to the tables as they are
 *     maintainer              applied: who is told of what, in which order
 *     target-upkeep           one target: changes followed, building in steps
 *     join-delta              what a change does to joined rows
 *     fold-rows, fold-groups  what joined rows do to the projection's own
 */
export { createProjection } from './create.ts';
export { ProjectionMaintainer } from './maintainer.ts';
export { encodeStep } from './step-entry.ts';
export { decideUpkeep, refuseIfUsed } from './upkeep.ts';
