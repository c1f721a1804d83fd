/** A thread that checks its share of the states. */
import { parentPort, workerData } from 'node:worker_threads';
import { checkState } from './check.ts';
import type { Recording } from './recording.ts';
import { enumerateStates } from './states.ts';

/** What a thread is told when it starts. */
export interface CheckStart {
  readonly recording: Recording;
  readonly thorough: boolean;
  readonly thread: number;
  readonly threads: number;
}

const { recording, thorough, thread, threads } = workerData as CheckStart;
let at = 0;
for (const state of enumerateStates({ ...recording, thorough }).distinct.values()) {
  if (at++ % threads !== thread) continue;
  parentPort?.postMessage({ phase: state.phase, result: await checkState(state) });
}
