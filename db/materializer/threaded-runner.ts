import type { Worker } from 'node:worker_threads';
import { TruthError } from '../errors.ts';
import { startThread } from '../io/index.ts';
import { pathOf, type SaveRunner, type SaveStep } from './save-step.ts';

/**
 * Runs the steps of saving on a thread of their own, started with the first and never keeping the process alive. A step's
 * bytes are copied on their way, so the caller's stay as they are.
 */
export class ThreadedRunner implements SaveRunner {
  #worker: Worker | null = null;
  #settle: ((problem: string | null) => void) | null = null;

  run(step: SaveStep): Promise<void> {
    const worker = this.#started();
    return new Promise((resolve, reject) => {
      this.#settle = (problem) => {
        this.#settle = null;
        worker.unref();
        if (problem === null) resolve();
        else reject(new TruthError('IO', `${step.kind} ${pathOf(step)}: ${problem}`));
      };
      // A caller that waits for a step must not find the process gone before it is done.
      worker.ref();
      worker.postMessage(step);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = startThread('checkpoint-writer', null);
    let problem = 'the thread that writes checkpoints was ended';
    worker.on('message', (outcome: string | null) => this.#settle?.(outcome));
    worker.on('error', (error) => {
      problem = `the thread that writes checkpoints failed: ${String(error)}`;
    });
    worker.on('exit', () => {
      this.#worker = null;
      this.#settle?.(problem);
    });
    worker.unref();
    this.#worker = worker;
    return worker;
  }
}
