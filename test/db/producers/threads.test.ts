/** Producers in threads of their own: whatever they ask at once, the result is one sequence that explains every answer. */
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openEngineOver } from '../../../db/engine.ts';
import type { AppendRequest, StreamName } from '../../../db/kernel/event.ts';
import { openProducerPort } from '../../../db/producers/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { append, eventDraft, randomRequest } from '../support/event-drafts.ts';
import { EventModel, type ModelAnswer } from '../support/event-model.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { MemoryLog } from '../support/memory-log.ts';
import type { FloodOutcome, FloodTask, ProducerAnswer, ProducerTask } from '../support/producer-thread.ts';
import { temporaryData } from '../support/temporary.ts';

const MIB = 1 << 20;
const THREADS = 3;
const workers = Array.from(
  { length: THREADS },
  () => new Worker(new URL('../support/producer-thread.ts', import.meta.url), { workerData: null }),
);
afterAll(() => Promise.all(workers.map((worker) => worker.terminate())));

function runIn(worker: Worker, task: ProducerTask): Promise<ProducerAnswer[]>;
function runIn(worker: Worker, task: FloodTask): Promise<FloodOutcome>;
function runIn(worker: Worker, task: ProducerTask | FloodTask): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (answers: unknown) => {
      worker.off('error', reject);
      resolve(answers);
    });
    worker.postMessage(task);
  });
}

/** All ask for some of the same requests, so that what one has appended is a duplicate or a conflict for the others. */
const tasks = fc
  .tuple(
    fc.array(randomRequest, { minLength: 5, maxLength: 20 }),
    fc.array(
      fc.record({
        picks: fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
        atOnce: fc.integer({ min: 1, max: 40 }),
        places: fc.constantFrom(1, 2, 4, 256),
        whenFull: fc.constantFrom('wait' as const, 'wait' as const, 'refuse' as const),
      }),
      { minLength: THREADS, maxLength: THREADS },
    ),
  )
  .map(([pool, threads]) =>
    threads.map(({ picks, ...rest }) => ({
      ...rest,
      requests: picks.map((pick) => pool[pick % pool.length]!),
    })),
  );

test('the answers are those of a model that runs the requests in sequence, each producer’s in its order', async () => {
  let accepted = 0;
  let duplicates = 0;
  let busy = 0;
  await fc.assert(
    fc.asyncProperty(tasks, async (threads) => {
      const engine = await openEngineOver(new MemoryLog(), { directory: temporaryData() });
      const decided: { buffer: ArrayBufferLike; request: AppendRequest }[] = [];
      const port = openProducerPort({
        submit: (request, settled) => {
          // The events' bytes still lie in the memory of the producer they came from, and only during the call.
          const { buffer } = request.events[0]!.id;
          const events = request.events.map(({ id, type, contentType, data, metadata }) => ({
            ...{ id: plain(id), data: plain(data), metadata: plain(metadata) },
            ...{ type, contentType },
          }));
          decided.push({ buffer, request: { ...request, events } });
          engine.submit(request, settled);
        },
      });
      const handles = threads.map(({ places }) => port.handle({ requests: places, requestBytes: 4096 }));
      const answers = await Promise.all(
        threads.map(({ requests, atOnce, whenFull }, index) =>
          runIn(workers[index]!, {
            ...{ handle: handles[index]!, atOnce, options: { whenFull, waitingMax: 1000 } },
            requests: requests.map(({ stream, events, expected }) => append(stream, events, { expected })),
          }),
        ),
      );
      const model = new EventModel();
      const explained = threads.map((_, index) =>
        threads[index]!.requests.map((request, at) => ({ request, answer: answers[index]![at]! })).filter(
          ({ answer }) => !('code' in answer && answer.code === 'BUSY'),
        ),
      );
      busy += threads.reduce((sum, { requests }, at) => sum + requests.length - explained[at]!.length, 0);
      // Those that no engine is asked are not in the sequence.
      for (const { buffer, request } of decided) {
        const of = handles.findIndex(({ memory }) => memory.buffer === buffer);
        const own = explained[of]!.shift()!;
        const { stream, expected, events } = own.request;
        expect({ stream, expected, events: request.events }).toEqual({ stream, expected, events });
        const answer = model.answer(stream, expected, events);
        expect(shown(own.answer)).toEqual(answer);
        if (answer.outcome === 'accepted') take(model, own.request, answer.first);
        accepted += answer.outcome === 'accepted' ? 1 : 0;
        duplicates += answer.outcome === 'duplicate' ? 1 : 0;
      }
      expect(explained).toEqual(threads.map(() => []));
      for (const [stream, events] of model.streams) {
        const page = await engine.readStream({
          ...{ stream: stream as StreamName, direction: 'forwards', from: 'start', limit: 10_000 },
        });
        expect(page.events.map(({ id, data }) => ({ id, data }))).toEqual(
          events.map(({ id, data }) => ({ id, data })),
        );
      }
      expect(port.status()).toMatchObject({ queued: 0, underWay: 0, bytesUnderWay: 0 });
      port.close();
      await engine.close();
    }),
    { numRuns: 40 },
  );
  // Cases are drawn anew each time; so few would mean that next to nothing was tried.
  expect(accepted).toBeGreaterThan(50);
  expect(duplicates).toBeGreaterThan(25);
  expect(busy).toBeGreaterThan(5);
});

test('overload is refused with BUSY and a delay, and costs no memory', async () => {
  const engine = new MemoryEngine();
  let release = (): void => {};
  engine.hold = new Promise((resolve) => {
    release = resolve;
  });
  const port = openProducerPort(engine);
  const [places, count] = [64, 100_000];
  const before = process.memoryUsage().rss;
  let [most, underWay] = [before, 0];
  const watching = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
    underWay = Math.max(underWay, port.status().underWay);
  }, 10);
  const running = workers.map((worker) =>
    runIn(worker, {
      ...{ handle: port.handle({ requests: places, requestBytes: MIB }), count },
      request: append('s', [eventDraft('x'.repeat(4096))]),
    }),
  );
  const held = new Promise<void>((resolve) => setTimeout(resolve, 1500));
  await held;
  release();
  const outcomes = await Promise.all(running);
  clearInterval(watching);
  for (const { accepted, busy, delayMillisMax } of outcomes) {
    expect(accepted).toBeGreaterThanOrEqual(places);
    expect(accepted + busy).toBe(count);
    expect(busy).toBeGreaterThan(1000);
    expect(delayMillisMax).toBeGreaterThanOrEqual(1);
    expect(delayMillisMax).toBeLessThanOrEqual(1000);
  }
  expect(underWay).toBe(places * THREADS);
  // 1.2 GB were asked for.
  expect(most - before).toBeLessThan(64 * MIB);
  port.close();
});

test('closing the port rejects with CLOSED in every thread what is under way there and what waits', async () => {
  const engine = new MemoryEngine();
  engine.hold = new Promise(() => {});
  const port = openProducerPort(engine);
  const running = workers.map((worker, index) =>
    runIn(worker, {
      ...{ handle: port.handle({ requests: 4 }), options: { waitingMax: 100 }, atOnce: 50 },
      requests: Array.from({ length: 50 }, () => append(`s-${index}`, [eventDraft()])),
    }),
  );
  await expect.poll(() => port.status().underWay).toBe(4 * THREADS);
  port.close();
  const answers = (await Promise.all(running)).flat();
  expect(answers.map((answer) => 'code' in answer && answer.code)).toEqual(new Array(150).fill('CLOSED'));
});

function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

function shown(answer: ProducerAnswer): ModelAnswer {
  if (!('code' in answer)) {
    const { duplicate, firstRevision, lastRevision } = answer;
    return { outcome: duplicate ? 'duplicate' : 'accepted', first: firstRevision, last: lastRevision };
  }
  const { code, details } = answer;
  if (code !== 'WRONG_EXPECTED_REVISION') return { outcome: 'refused', code };
  return { outcome: 'refused', code, actual: Number(details['actual']) };
}

function take(
  model: EventModel,
  { stream, events }: Pick<AppendRequest, 'stream' | 'events'>,
  first: number,
): void {
  const there = model.streams.get(stream) ?? [];
  for (const [index, event] of events.entries()) {
    there.push({ ...event, revision: (first + index) as never, position: 0 as Sequence });
  }
  model.streams.set(stream, there);
}
