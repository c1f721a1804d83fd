/**
 * `bind/` gives statements their meaning: names become ids of the schema, keys numbers of entities, parameters values. It may
 * import the language, the built-in profiles and everything below them. Statements and what is needed to look things up come in;
 * queries go out to the executor, commands to the kernel.
 *
 *     bindQuery, bindSuggest     questions
 *     commandOf                  writes
 *     evaluationOf               EVALUATE
 *     asOfMoment                 which views a question is to be put to, before anything else is bound
 */
export { commandOf, type WriteStatement } from './command.ts';
export { type Evaluation, evaluationOf } from './evaluation.ts';
export type { BindInput } from './input.ts';
export { type AsOf, asOfMoment } from './moment.ts';
export { type BoundSuggest, bindQuery, bindSuggest } from './query.ts';
