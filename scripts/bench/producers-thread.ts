/** One producer of `bench producers` in a thread of its own: appends between "go" and "stop" and says how many events. */
import { parentPort, workerData } from 'node:worker_threads';
import { connectProducer, type ProducerHandle } from '../../db/producers/index.ts';
import { appendUntil, type ProducerLoad } from './producers-load.ts';

export interface ProducersThreadData {
  readonly handle: ProducerHandle;
  readonly load: ProducerLoad;
  /** [0]: 1 while appends are to be begun; [1]: events answered. */
  readonly shared: Int32Array;
}

const { handle, load, shared } = workerData as ProducersThreadData;
const producer = connectProducer(handle);
parentPort?.once('message', async () => {
  await appendUntil((request) => producer.append(request), load, shared);
  await producer.close();
});
parentPort?.postMessage('ready');
