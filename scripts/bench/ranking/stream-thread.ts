/** Signals at a steady rate from a thread of its own, so that who measures questions does not wait for who sends. */

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { connect, type NewSignal } from '../../../db/client/index.ts';
import type { Micros } from '../../../db/ranking/ground.ts';
import type { WorldSize } from './size.ts';
import { draftOf, World } from './world.ts';

export interface StreamData {
  readonly url: string;
  readonly size: WorldSize;
  readonly end: Micros;
  readonly seed: number;
  /** Signals a second. */
  readonly rate: number;
  readonly batch: number;
  /** Batches under way at most: who cannot keep up falls behind instead of queueing without an end. */
  readonly underWay: number;
  /** [0]: 1 while signals are to be sent, 2 when the thread shall end; [1]: signals answered. */
  readonly shared: Int32Array;
}

const IDLE_MILLIS = 5;
const { url, size, end, seed, rate, batch, underWay, shared } = workerData as StreamData;

const client = await connect(url);
const signals = new World(size, end).later(seed, () => (Date.now() * 1000) as Micros);
let made = 0;
parentPort?.postMessage('ready');
while (Atomics.load(shared, 0) !== 2) {
  if (Atomics.load(shared, 0) === 1) await stream();
  else await sleep(IDLE_MILLIS);
}
await client.close();

/** Batches are due by the clock. */
async function stream(): Promise<void> {
  const began = performance.now();
  const open = new Set<Promise<void>>();
  for (let sent = 0; Atomics.load(shared, 0) === 1; sent += batch) {
    const due = began + (sent / rate) * 1000;
    while (performance.now() < due) await sleep(1);
    if (open.size >= underWay) await Promise.race(open);
    const one: Promise<void> = client.ranking.signals(Array.from({ length: batch }, next)).then(() => {
      Atomics.add(shared, 1, batch);
      open.delete(one);
    });
    open.add(one);
  }
  await Promise.all(open);
}

function next(): NewSignal {
  const { signal, target, user } = draftOf(signals.next().value);
  // Without a time of its own, which would make two of a millisecond one; the id tells them apart.
  return { signal, target, user: user!, id: `${seed}-${made++}` };
}
