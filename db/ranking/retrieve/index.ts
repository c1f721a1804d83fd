/**
 * `ranking/retrieve/` answers questions: a query with every name resolved and the readers of all views at one position come in,
 * hits go out, with a cursor, and with a plan and the parts of each score where it is asked to explain. It may import
 * everything below it in `ranking/`, and holds no data of its own.
 *
 *     query        what is asked and answered
 *     language/    from text to a query
 *     plan/        how it will be carried out
 *     execute/     carrying it out
 *     score/       numbers, order, places
 *     profiles/    the profiles that every schema has
 *     explain/     what was done
 */
export { decodeCursor, type QueryLimits, Retriever } from './execute/index.ts';
export { BUILT_IN_PROFILES, builtInProfile, isBuiltIn } from './profiles/index.ts';
