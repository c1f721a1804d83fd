/** A thread that asks a server for its status each time it is told to, apart from the load and its busy event loop. */
import { parentPort, workerData } from 'node:worker_threads';
import { connect } from '../../db/client/index.ts';

const port = parentPort;
if (port === null) throw new Error('the observer is started as a thread of `bench overload`');
const client = await connect(workerData as string);
port.on('message', async () => {
  const asked = performance.now();
  await client.status();
  port.postMessage(performance.now() - asked);
});
port.postMessage('connected');
