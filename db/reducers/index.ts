/**
 * `reducers/` runs projections that somebody wrote as WebAssembly: it checks and rewrites programs (wasm/), runs them over
 * events and changes of rows within the transaction that brings those (instance, call-state), and decides how they are deployed,
 * replaced and dropped. It imports the tables of `sql/`, kernel and ground. Programs come in from commands; rows go to the
 * tenant's store, where queries find them like a projection's. No clock, randomness, file or network is in reach of a program.
 */

export { encodeReducerEntry } from './entry.ts';
export { deploy, drop, failPast, type NamedSource, nextStep, settle } from './lifecycle.ts';
export { PastReader } from './past.ts';
export { programOf } from './program.ts';
export { ReducerRunner } from './runner.ts';
export { type ReducerStatus, reducerStatus, reducerStatuses } from './status.ts';
