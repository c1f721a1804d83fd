/**
 * `retrieve/execute/` carries queries out: it finds candidates as the plan says (`gather`, by what `finder` asks of the views),
 * puts the conditions to them (`sift`), has them scored and arranged, and makes the hits. It imports `plan/`, `score/` and
 * `explain/`; queries come in from `retrieve/` with the readers of one position, results go back there.
 */
export type { QueryLimits } from './budget.ts';
export { decodeCursor, encodeCursor } from './cursor.ts';
export { Retriever } from './retriever.ts';
