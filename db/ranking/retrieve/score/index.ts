/**
 * `retrieve/score/` puts candidates in order. Measures are compiled into steps over columns (`program`), worked out for all
 * candidates at once from what the views answer (`leaves`), weighed and added up (`scoring`), and given places (`arrange`).
 * What sort modes and trending mean for a schema is said here too. It imports numbers, the schema's model and the readers;
 * candidates come in from `execute/`, scores and places go back there.
 */
export { arrange, type Page, type Placed } from './arrange.ts';
export { Batch } from './batch.ts';
export { DiversityCounts, diversityOf, isDiverse } from './diversity.ts';
export { evaluate } from './evaluate.ts';
export { fillMask } from './mask.ts';
export { Memory } from './memory.ts';
export { mixed } from './mixing.ts';
export { compile } from './program.ts';
export { Scope } from './scope.ts';
export { type Freshness, Scoring } from './scoring.ts';
