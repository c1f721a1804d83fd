/**
 * `producers/` lets any thread of the process append: many threads decide nothing and order nothing, they hand commands to
 * the one thread that does. It stands above the engine and beside the server, which is the same for other processes.
 *
 *     const port = openProducerPort(engine);            // in the ordering thread, where the engine is
 *     const worker = new Worker(file, { workerData: port.handle() });
 *
 *     const producer = connectProducer(workerData);     // in the worker
 *     await producer.append(request);
 *
 * Commands come in as frames of the wire protocol, answers go out as such. Each producer has a ring for either direction,
 * written by one thread and read by one (ring.ts): producers share nothing but the bell that wakes the ordering thread
 * (bell.ts), so one that is slow or ended in the middle of anything holds up nobody, and its order is its ring's. One ring
 * that many write would need a claim before each write, and a thread that ends between claim and publication blocks all.
 *
 * May import the protocol, the words of events and the engine's type; knows nothing of files and sockets.
 */
import { ProducerPort, type ProducerPortOptions } from './port.ts';
import type { SubmittingEngine } from './served-producer.ts';

/**
 * Opens the way for other threads to append to an engine. To be closed before the engine; any number may be open.
 * Errors: INVALID_ARGUMENT.
 */
export function openProducerPort(engine: SubmittingEngine, options: ProducerPortOptions = {}): ProducerPort {
  return new ProducerPort(engine, options);
}

export type { HandleOptions, ProducerHandle } from './handle.ts';
export type { EndingThread, ProducerPort, ProducerPortOptions, ProducerPortStatus } from './port.ts';
export { connectProducer, type Producer, type ProducerOptions } from './producer.ts';
