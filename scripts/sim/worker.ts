/** A thread that runs seeds: ranges come in, tallies go out. */
import { parentPort, workerData } from 'node:worker_threads';
import { CANARIES, plant } from './canaries.ts';
import { addResult, newTally } from './report.ts';

const { canary: name, digests } = workerData as { readonly canary: string | null; readonly digests: boolean };
const canary = CANARIES.find((each) => each.name === name) ?? null;
if (canary !== null) plant(canary);
// Only now: what is loaded before the canary is planted does not have it.
const { runSeed } = await import('../../db/sim/index.ts');
const options = canary?.lies === undefined ? {} : { lies: canary.lies };

parentPort?.on('message', async ({ from, to }: { readonly from: number; readonly to: number }) => {
  const tally = newTally();
  for (let seed = from; seed < to; seed++) {
    const result = await runSeed(seed, options);
    addResult(tally, result);
    if (digests) tally.digests[seed] = result.digest;
  }
  parentPort?.postMessage(tally);
});
