import { afterEach, expect, test } from 'vitest';
import { connect, type Event, type Subscription } from '../../../db/client/index.ts';
import { type Serving, startServing } from '../support/serving.ts';

let serving: Serving | null = null;

async function serve(): Promise<Serving> {
  serving = await startServing();
  return serving;
}

afterEach(async () => {
  await serving?.close();
  serving = null;
});

async function collect(events: AsyncIterable<Event>): Promise<Event[]> {
  const found: Event[] = [];
  for await (const event of events) found.push(event);
  return found;
}

test('appends over TLS with a pinned certificate and reads back what was written', async () => {
  const { url } = await serve();
  const db = await connect(url);
  const result = await db.append('orders', [
    { type: 'placed', data: { id: 1 } },
    { type: 'paid', data: new Uint8Array([1, 2, 3]), metadata: { by: 'me' } },
  ]);
  expect(result).toMatchObject({ firstRevision: 0, lastRevision: 1, duplicate: false, durable: true });
  const [placed, paid] = await collect(db.readStream('orders'));
  expect(placed).toMatchObject({ stream: 'orders', revision: 0, type: 'placed', contentType: 'json' });
  expect(placed?.json()).toEqual({ id: 1 });
  expect(paid?.contentType).toBe('binary');
  expect([...(paid?.data ?? [])]).toEqual([1, 2, 3]);
  expect(paid?.metadataJson()).toEqual({ by: 'me' });
  await db.close();
});

test('answers a wrong expected revision with a typed error that carries the actual one', async () => {
  const { connect: open } = await serve();
  const db = await open();
  await db.append('s', { type: 'a', data: 1 }, { expected: 'none' });
  await expect(db.append('s', { type: 'b', data: 2 }, { expected: 'none' })).rejects.toMatchObject({
    code: 'WRONG_EXPECTED_REVISION',
    details: { actual: 0 },
  });
});

test('keeps many requests in flight on one connection and answers each', async () => {
  const { connect: open } = await serve();
  const db = await open();
  const results = await Promise.all(
    Array.from({ length: 500 }, (_, index) => db.append(`s-${index % 7}`, { type: 't', data: index })),
  );
  expect(new Set(results.map((result) => result.position)).size).toBe(500);
  expect(await collect(db.readAll())).toHaveLength(500);
});

test('delivers a subscription in order, first what is there and then what comes', async () => {
  const { connect: open } = await serve();
  const db = await open();
  for (let index = 0; index < 250; index++) await db.append('s', { type: 't', data: index });
  const subscription = await db.subscribe({ credit: 2000 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of subscription) {
      seen.push(event.json<number>());
      if (seen.length === 300) break;
    }
  })();
  await subscription.caughtUp;
  for (let index = 250; index < 300; index++) await db.append('s', { type: 't', data: index });
  await reading;
  expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index));
});

test('a subscription from now on delivers only what comes', async () => {
  const { connect: open } = await serve();
  const db = await open();
  await db.append('s', { type: 't', data: 'before' });
  const subscription = await db.subscribe({ after: 'now' });
  await db.append('other', { type: 't', data: 'after' });
  for await (const event of subscription) {
    expect(event.json()).toBe('after');
    break;
  }
  const [onlyOne] = await collectBatch(await db.subscribe({ stream: 'other' }));
  expect(onlyOne).toMatchObject({ stream: 'other', revision: 0 });
});

async function collectBatch(subscription: Subscription): Promise<readonly Event[]> {
  for await (const batch of subscription.batches()) return batch;
  return [];
}

test('refuses a server whose certificate is not the pinned one, before sending the token', async () => {
  const { tls } = await serve();
  await expect(connect({ ...tls, fingerprint: 'ab'.repeat(32) })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    details: { pinned: 'ab'.repeat(32), shown: tls.fingerprint },
  });
});
