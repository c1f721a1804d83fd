/** A thread that runs seeds: ranges come in, tallies go out. */
import { parentPort, workerData } from 'node:worker_threads';
import { CANARIES, plant } from './canaries.ts';
import { addResult, newTally } from './report.ts';

const { canary: name } = workerData as { readonly canary: string | null };
const canary = CANARIES.find((each) => each.name === name) ?? null;
if (canary !== null) plant(canary);
// Only now: what is loaded before the canary is planted does not have it.
const { runSeed } = await import('../../db/sim/index.ts');
const options = canary?.lies === undefined ? {} : { lies: canary.lies };

parentPort?.on('message', async ({ from, to }: { readonly from: number; readonly to: number }) => {
  const tally = newTally();
  for (let seed = from; seed < to; seed++) addResult(tally, await runSeed(seed, options));
  parentPort?.postMessage(tally);
});
