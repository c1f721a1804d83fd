/** The thread that writes checkpoints, so that no append waits for their fsyncs: takes a step, does it, says how it went. */
import { parentPort } from 'node:worker_threads';
import { RealDisk } from '../io/index.ts';
import { runSaveStep, type SaveStep } from './save-step.ts';

const disk = new RealDisk();

parentPort?.on('message', (step: SaveStep) => {
  try {
    runSaveStep(disk, step);
    parentPort?.postMessage(null);
  } catch (error) {
    parentPort?.postMessage(error instanceof Error ? error.message : String(error));
  }
});
