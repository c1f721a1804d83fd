/** A thread that runs seeds: ranges come in, tallies go out. */
import { parentPort, workerData } from 'node:worker_threads';
import type { SimPlan } from '../../db/sim/index.ts';
import { type Canary, plant } from './canaries.ts';
import { addResult, newTally } from './report.ts';

/** What a thread is told when it starts. */
export interface WorkerStart {
  readonly canary: Canary | null;
  readonly plan: Partial<SimPlan>;
  readonly digests: boolean;
}

const { canary, plan, digests } = workerData as WorkerStart;
if (canary !== null) plant(canary);
// Only now: what is loaded before the canary is planted does not have it.
const { runSeed } = await import('../../db/sim/index.ts');
const options = { plan, lies: canary?.lies ?? {} };

parentPort?.on('message', async ({ from, to }: { readonly from: number; readonly to: number }) => {
  const tally = newTally();
  for (let seed = from; seed < to; seed++) {
    const result = await runSeed(seed, options);
    addResult(tally, result);
    if (digests) tally.digests[seed] = result.digest;
  }
  parentPort?.postMessage(tally);
});
