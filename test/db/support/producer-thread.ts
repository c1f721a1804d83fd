/** A thread that appends through a port: what tests and their counterpart in the ordering thread agree on. */
import { parentPort, workerData } from 'node:worker_threads';
import type { TruthError } from '../../../db/errors.ts';
import type { AppendRequest, AppendResult } from '../../../db/kernel/event.ts';
import { connectProducer, type ProducerHandle, type ProducerOptions } from '../../../db/producers/index.ts';

/** Requests to be appended, so many at once before their answers are awaited. */
export interface ProducerTask {
  readonly handle: ProducerHandle;
  readonly options: ProducerOptions;
  readonly requests: readonly AppendRequest[];
  readonly atOnce: number;
}

/** What became of a request. */
export type ProducerAnswer =
  | AppendResult
  | { readonly code: string; readonly details: TruthError['details']; readonly message: string };

/** One request over and over, without waiting. */
export interface FloodTask {
  readonly handle: ProducerHandle;
  readonly request: AppendRequest;
  readonly count: number;
}

export interface FloodOutcome {
  readonly accepted: number;
  readonly busy: number;
  readonly delayMillisMax: number;
}

/** Appends to one stream by counting up until it is ended. */
export interface CountingTask {
  readonly handle: ProducerHandle;
  readonly stream: string;
  readonly count: number;
  readonly inFlight: number;
  /** [0]: how many it was told are there; what it was told of is 0, 1, … without a gap. */
  readonly told: Int32Array;
  /** What it does once it was told of half of them. */
  readonly atHalf: 'go on' | 'exit' | 'throw';
}

async function run({ handle, options, requests, atOnce }: ProducerTask): Promise<ProducerAnswer[]> {
  const producer = connectProducer(handle, options);
  const answers: ProducerAnswer[] = [];
  for (let from = 0; from < requests.length; from += atOnce) {
    const some = requests
      .slice(from, from + atOnce)
      .map((request) =>
        producer
          .append(request)
          .catch(({ code, details, message }: TruthError) => ({ code, details, message })),
      );
    answers.push(...(await Promise.all(some)));
  }
  await producer.close();
  return answers;
}

async function count({ handle, stream, count, inFlight, told, atHalf }: CountingTask): Promise<void> {
  const producer = connectProducer(handle);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const number = next++;
      const id = new Uint8Array(16);
      new DataView(id.buffer).setUint32(0, number);
      const data = new TextEncoder().encode(`${stream} ${number}`.padEnd((number * 37) % 2000));
      const event = { id, type: 'counted', contentType: 'binary', data, metadata: new Uint8Array() } as const;
      const request = {
        stream: stream as AppendRequest['stream'],
        expected: 'any',
        events: [event],
      } as const;
      const { lastRevision } = await producer.append({ ...request, ack: 'durable' });
      if (lastRevision !== number) throw new Error(`${number} became revision ${lastRevision}`);
      Atomics.add(told, 0, 1);
      if (atHalf === 'go on' || Atomics.load(told, 0) * 2 < count) continue;
      if (atHalf === 'exit') process.exit(3);
      throw new Error('ended on purpose');
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  await producer.close();
}

/** Asks without ever waiting for an answer. */
async function flood({ handle, request, count }: FloodTask): Promise<FloodOutcome> {
  const producer = connectProducer(handle, { whenFull: 'refuse' });
  const outcome = { accepted: 0, busy: 0, delayMillisMax: 0 };
  for (let asked = 0; asked < count; asked++) {
    producer.append(request).then(
      () => {
        outcome.accepted += 1;
      },
      ({ code, details }: TruthError) => {
        outcome.busy += code === 'BUSY' ? 1 : 0;
        outcome.delayMillisMax = Math.max(outcome.delayMillisMax, Number(details['retryAfterMillis']));
      },
    );
    if (asked % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await producer.close();
  return outcome;
}

if (workerData !== null) {
  await count(workerData as CountingTask);
} else {
  parentPort?.on('message', async (task: ProducerTask | FloodTask) =>
    parentPort?.postMessage(await ('count' in task ? flood(task) : run(task))),
  );
}
