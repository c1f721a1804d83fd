import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

let serving: Serving;
let engine: MemoryEngine;
let proxy: CuttingProxy;
let db: Client;

beforeEach(async () => {
  engine = new MemoryEngine();
  serving = await startServing({}, engine);
  proxy = new CuttingProxy(serving.tcp.port);
  db = await connect({ ...serving.tcp, port: await proxy.listen() });
});

afterEach(async () => {
  await db.close();
  await proxy.close();
  await serving.close();
});

test('appends under way when the connection breaks are done once each', async () => {
  const appends: Promise<unknown>[] = [];
  for (let index = 0; index < 400; index++) {
    appends.push(db.append(`s-${index % 5}`, { type: 't', data: index }));
    if (index % 50 === 25) proxy.budget = 500 + ((index * 37) % 3000);
    if (index % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await Promise.all(appends);
  expect(proxy.cuts).toBeGreaterThan(2);
  const values = engine.events.map((event) => Number(Buffer.from(event.data).toString()));
  expect(values.toSorted((left, right) => left - right)).toEqual(
    Array.from({ length: 400 }, (_, index) => index),
  );
});

test('a subscription delivers every event once and in order however often the connection breaks', async () => {
  const other = await serving.connect();
  const subscription = await db.subscribe({ credit: 5000 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of subscription) {
      seen.push(event.json<number>());
      if (seen.length === 600) return;
    }
  })();
  for (let index = 0; index < 600; index++) {
    await other.append('s', { type: 't', data: index });
    if (index % 100 === 50) proxy.budget = 300 + index;
  }
  await reading;
  expect(proxy.cuts).toBeGreaterThan(2);
  expect(seen).toEqual(Array.from({ length: 600 }, (_, index) => index));
});

test('a consumer slower than its connections breaks still gets everything once', async () => {
  for (let index = 0; index < 300; index++) await db.append('s', { type: 't', data: index });
  const subscription = await db.subscribe({ credit: 2000 });
  const seen: number[] = [];
  for await (const event of subscription) {
    seen.push(event.json<number>());
    if (seen.length % 60 === 0) {
      proxy.cut();
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    if (seen.length === 300) break;
  }
  expect(seen).toEqual(Array.from({ length: 300 }, (_, index) => index));
});

test('BUSY is tried again after the delay the server asks for', async () => {
  const { TruthError } = await import('../../../db/errors.ts');
  const append = engine.append.bind(engine);
  const times: number[] = [];
  engine.append = (request) => {
    times.push(performance.now());
    if (times.length < 3) return Promise.reject(new TruthError('BUSY', 'full', { retryAfterMillis: 50 }));
    return append(request);
  };
  await db.append('s', { type: 't', data: 1 });
  expect(times).toHaveLength(3);
  expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(49);
});

test('a request without an answer fails with TIMEOUT, which says that the outcome is unknown', async () => {
  engine.hold = new Promise(() => {});
  const impatient = await connect(serving.tcp, { timeoutMillis: 200 });
  await expect(impatient.append('s', { type: 't', data: 1 })).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('unknown'),
  });
  await impatient.close();
  engine.hold = null;
});

test('without reconnecting, a broken connection fails what was under way', async () => {
  const once = await connect(serving.tcp, { reconnect: false });
  engine.hold = new Promise(() => {});
  const failed = expect(once.append('s', { type: 't', data: 1 })).rejects.toMatchObject({ code: 'CLOSED' });
  await serving.server.close(50);
  await failed;
  await expect(once.ping()).rejects.toMatchObject({ code: 'CLOSED' });
  engine.hold = null;
});

test('connecting to nobody says so', async () => {
  await proxy.close();
  await expect(connect({ ...serving.tcp, port: 1 })).rejects.toMatchObject({ code: 'CONNECTION' });
  await expect(connect({ ...serving.tls, port: serving.tcp.port })).rejects.toMatchObject({
    code: 'CONNECTION',
  });
});

test('a request larger than the server takes is refused here, and the connection stays', async () => {
  await expect(db.append('s', { type: 't', data: new Uint8Array(2_000_000) })).rejects.toMatchObject({
    code: 'TOO_LARGE',
    details: { limit: 1024 * 1024 },
  });
  expect(await db.ping()).toBeGreaterThan(0);
});

test('after close nothing can be asked', async () => {
  await db.close();
  await expect(db.append('s', { type: 't', data: 1 })).rejects.toMatchObject({ code: 'CLOSED' });
  await expect(db.subscribe()).rejects.toMatchObject({ code: 'CLOSED' });
});

test('data that JSON cannot say and ids that are none are refused by name', async () => {
  await expect(db.append('s', { type: 't', data: undefined })).rejects.toThrow(/undefined/);
  await expect(db.append('s', { type: 't', data: 1, id: 'x' })).rejects.toThrow(/not a UUID/);
});
