/**
 * `ranking/signals/` is the ledger of what happens to items: by signal and item the decayed score, totals, and counts by minute,
 * hour and day. It may import counting, the ranking kernel, schema and ground, and the materializer's contract. Schema and
 * signals entries come in with each commit; answers go out through `SignalReader`.
 *
 *     signals-view      the view, by tenant
 *     tenant-signals    one tenant: a ledger for each signal of its schema
 *     signal-ledger     what is kept of one signal
 *     signal-answers    what is asked of it
 *     standings         what is kept ready for answers
 */
export { rankingSignals, type SignalsView } from './signals-view.ts';
