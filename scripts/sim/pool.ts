/** Runs many seeds on several threads. The order in which they run changes nothing: a seed depends on its number alone. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SimPlan } from '../../db/sim/index.ts';
import type { Canary } from './canaries.ts';
import { mergeTally, newTally, type Tally } from './report.ts';
import type { WorkerStart } from './worker.ts';

const BATCH_SEEDS = 20;

export interface PoolOptions {
  readonly from: number;
  readonly count: number;
  /** Threads; as many as there are cores unless given. */
  readonly threads?: number;
  /** A planted bug. */
  readonly canary?: Canary;
  /** What of each seed's plan is given. */
  readonly plan?: Partial<SimPlan>;
  /** Whether to bring back each seed's trace digest. */
  readonly digests?: boolean;
  /** Told after each batch. */
  readonly onProgress?: (tally: Tally) => void;
}

export async function runSeeds(options: PoolOptions): Promise<Tally> {
  const { from, count, onProgress = () => {} } = options;
  const start: WorkerStart = {
    canary: options.canary ?? null,
    plan: { ...options.canary?.plan, ...options.plan },
    digests: options.digests ?? false,
  };
  const total = newTally();
  let next = from;
  const end = from + count;
  const threads = Math.max(
    1,
    Math.min(options.threads ?? availableParallelism(), Math.ceil(count / BATCH_SEEDS)),
  );
  const runThread = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start });
      const go = (): void => {
        if (next >= end) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const to = Math.min(next + BATCH_SEEDS, end);
        worker.postMessage({ from: next, to });
        next = to;
      };
      worker.on('message', (tally: Tally) => {
        mergeTally(total, tally);
        onProgress(total);
        go();
      });
      worker.on('error', reject);
      go();
    });
  await Promise.all(Array.from({ length: threads }, runThread));
  return total;
}
