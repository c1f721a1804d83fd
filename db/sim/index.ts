/**
 * `sim/` is a machine that obeys: a disk that loses, tears, reorders, lies and fails, time that passes when it is told to,
 * and a workload, all of it following from one number, so that whatever goes wrong goes wrong again. The database runs on it
 * unchanged. It may import everything below the server; nothing of the product imports it. A seed goes in through
 * `runSeed`; what held and what did not comes out.
 *
 *     random, time, trace                the seed, the clock, the proof that two runs are one
 *     disk → names, file → faults        page cache and durable image; what a power cut leaves
 *     damage, arming, view-swap          what goes wrong, when
 *     plan → run-seed → *-subject        what happens: lives of the log alone, or of the engine over it
 *     ledger, log-checker, probe-view    what must hold, known independently
 */
export type { SimPlan } from './plan.ts';
export { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';
