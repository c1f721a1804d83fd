/** Server-sent events (WHATWG HTML §9.2): a subscription as a response that does not end. */
import { once } from 'node:events';
import { TruthError } from '../../errors.ts';
import type { RecordedEvent } from '../../streams/event.ts';
import { asTruthError } from '../failures.ts';
import type { RouteRequest } from './route.ts';

const ALIVE_MILLIS = 15_000;

/** Sends batches until the signal aborts or the subscription fails; the failure is the last message. */
export async function sendEvents(
  request: RouteRequest,
  batches: AsyncIterable<readonly RecordedEvent[]>,
  textOf: (event: RecordedEvent) => string,
): Promise<void> {
  const { response, signal, database } = request;
  const iterator = batches[Symbol.asyncIterator]();
  // The first step tells whether the subscription is possible at all, while the status can still say so.
  let step = await iterator.next();
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.flushHeaders();
  const alive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': alive\n\n');
  }, ALIVE_MILLIS);
  database.counters.subscriptions += 1;
  try {
    while (step.done !== true && !signal.aborted) {
      await sendBatch(request, step.value, textOf);
      step = await iterator.next();
    }
  } catch (error) {
    const { code, message } = asTruthError(error);
    if (!signal.aborted) response.write(`event: error\ndata: ${JSON.stringify({ code, message })}\n\n`);
  } finally {
    clearInterval(alive);
    database.counters.subscriptions -= 1;
    await iterator.return?.();
    response.end();
  }
}

async function sendBatch(
  request: RouteRequest,
  batch: readonly RecordedEvent[],
  textOf: (event: RecordedEvent) => string,
): Promise<void> {
  const { response, database } = request;
  if (batch.length === 0) {
    response.write('event: caught-up\ndata: {}\n\n');
    return;
  }
  for (const event of batch) {
    const taken = response.write(`id: ${event.position}\ndata: ${textOf(event)}\n\n`);
    database.counters.deliveredEvents += 1;
    if (!taken) await drained(request);
    if (request.signal.aborted) return;
  }
}

/** Waits for a slow reader, but not for a stuck one. */
async function drained(request: RouteRequest): Promise<void> {
  const patience = AbortSignal.timeout(request.database.limits.stallMillis);
  try {
    await once(request.response, 'drain', { signal: AbortSignal.any([patience, request.signal]) });
  } catch {
    if (request.signal.aborted) return;
    request.database.counters.stalled += 1;
    request.response.destroy();
    throw new TruthError('TIMEOUT', 'the reader takes nothing');
  }
}
