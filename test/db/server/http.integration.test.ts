import { randomBytes } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeCertificate } from '../../../db/server/certificate.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import type { Route } from '../../../db/server/http/route.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';

const OPTIONS = {
  host: '127.0.0.1',
  port: 0,
  certificate: null,
  metricsOpen: true,
  bodyBytesMax: 100_000,
  connectionsMax: 100,
};

let serving: Serving;
let engine: MemoryEngine;
let http: HttpServer;
let base = '';

beforeEach(async () => {
  engine = new MemoryEngine();
  serving = await startServing({}, engine);
  http = new HttpServer(OPTIONS);
  await http.listen();
  base = `http://127.0.0.1:${http.port}`;
});

afterEach(async () => {
  await http.close(200);
  await serving.close();
});

function ready(): void {
  http.serve(serving.server.database, serving.tokens);
}

function call(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(base + path, {
    ...init,
    headers: { authorization: `Bearer ${serving.tcp.token}`, ...init.headers },
  });
}

function append(stream: string, body: object | string): Promise<Response> {
  return call(`/v1/streams/${encodeURIComponent(stream)}/events`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

interface Answer {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Record<string, unknown>;
  };
  readonly events: Record<string, unknown>[];
  readonly [key: string]: unknown;
}

async function json(response: Response): Promise<Answer> {
  return (await response.json()) as Answer;
}

test('health is told from the first moment, readiness only when the database serves', async () => {
  http.starting('reading segment 3 of 7');
  expect((await fetch(`${base}/healthz`)).status).toBe(200);
  const early = await fetch(`${base}/readyz`);
  expect(early.status).toBe(503);
  expect(await json(early)).toEqual({ ok: false, why: 'reading segment 3 of 7' });
  const busy = await call('/v1/events');
  expect(busy.status).toBe(503);
  expect(busy.headers.get('retry-after')).toBe('1');
  ready();
  expect((await fetch(`${base}/readyz`)).status).toBe(200);
});

test('events appended as JSON are read back as JSON, digit for digit', async () => {
  ready();
  const answer = await append(
    'orders/1 ü',
    '{"expected":"none","events":[{"type":"placed","data":{"id":12345678901234567890}},{"type":"raw","dataBase64":"AQID"}]}',
  );
  expect(answer.status).toBe(200);
  expect(await json(answer)).toMatchObject({
    stream: 'orders/1 ü',
    firstRevision: 0,
    lastRevision: 1,
    durable: true,
  });
  const page = await call('/v1/streams/orders%2F1%20%C3%BC/events');
  const text = await page.text();
  expect(text).toContain('"data":{"id":12345678901234567890}');
  expect(text).toContain('"dataBase64":"AQID"');
  expect(JSON.parse(text)).toMatchObject({ end: true, next: 2 });
});

test('pages go on where the last one ended, in both directions', async () => {
  ready();
  await append('s', { events: Array.from({ length: 5 }, (_, data) => ({ type: 't', data })) });
  const first = await json(await call('/v1/streams/s/events?limit=3'));
  expect(first.events.map((event) => event['data'])).toEqual([0, 1, 2]);
  const second = await json(await call(`/v1/streams/s/events?limit=3&from=${first['next']}`));
  expect(second.events.map((event) => event['data'])).toEqual([3, 4]);
  const back = await json(await call('/v1/events?direction=backwards&limit=2'));
  expect(back.events.map((event) => event['data'])).toEqual([4, 3]);
});

test('errors carry the code of the family, its status and its details', async () => {
  ready();
  await append('s', { events: [{ type: 't' }] });
  const wrong = await append('s', { expected: 'none', events: [{ type: 't' }] });
  expect(wrong.status).toBe(409);
  expect((await json(wrong)).error).toMatchObject({
    code: 'WRONG_EXPECTED_REVISION',
    details: { actual: 0 },
  });
  expect((await call('/v1/streams/nobody/events')).status).toBe(404);
});

test.each([
  ['{', /not JSON/],
  ['{}', /events/],
  ['{"events":[]}', /events/],
  ['{"events":[{"type":""}]}', /type/],
  ['{"events":[{"type":"t","dta":1}]}', /dta/],
  ['{"events":[{"type":"t","data":1,"dataBase64":"AA=="}]}', /both data/],
  ['{"events":[{"type":"t","id":"x"}]}', /id/],
  ['{"expected":-1,"events":[{"type":"t"}]}', /expected/],
])('the body %s is refused and the place named', async (body, why) => {
  ready();
  const answer = await append('s', body);
  expect(answer.status).toBe(400);
  expect((await json(answer)).error.message).toMatch(why);
});

test.each([
  ['/v1/events?limit=0', /limit/],
  ['/v1/events?limit=10001', /limit/],
  ['/v1/events?from=x', /from/],
  ['/v1/events?direction=up', /direction/],
  ['/v1/events?frm=1', /unknown query parameter "frm"; known: from/],
  ['/v1/streams/%ff/events', /percent-encoded/],
  ['/v1/streams/$system/events', /kept for streams of the system/],
])('%s is refused and says why', async (path, why) => {
  ready();
  const answer = await call(path);
  expect(answer.status).toBe(400);
  expect((await json(answer)).error.message).toMatch(why);
});

test('without a token, or with one that is unknown, revoked or too weak, nothing is done', async () => {
  ready();
  const bare = await fetch(`${base}/v1/events`);
  expect(bare.status).toBe(401);
  expect(bare.headers.get('www-authenticate')).toContain('Bearer');
  expect((await call('/v1/events', { headers: { authorization: 'Bearer nonsense' } })).status).toBe(401);
  const { token } = serving.tokens.create(newToken('r', 'reader'), new Date());
  const reader = { authorization: `Bearer ${token}` };
  expect((await call('/v1/events', { headers: reader })).status).toBe(200);
  const denied = await call('/v1/streams/s/events', {
    method: 'POST',
    headers: reader,
    body: JSON.stringify({ events: [{ type: 't' }] }),
  });
  expect(denied.status).toBe(403);
  serving.tokens.revoke('r', null);
  expect((await call('/v1/events', { headers: reader })).status).toBe(401);
  expect(engine.events).toHaveLength(0);
});

test('unknown paths, wrong methods and bodies too large are refused', async () => {
  ready();
  expect((await call('/nothing')).status).toBe(404);
  const method = await call('/v1/events', { method: 'DELETE' });
  expect(method.status).toBe(405);
  expect(method.headers.get('allow')).toBe('GET');
  expect(
    (await append('s', JSON.stringify({ events: [{ type: 't', data: 'x'.repeat(100_000) }] }))).status,
  ).toBe(413);
});

async function* messages(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf('\n\n'); end !== -1; end = rest.indexOf('\n\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 2);
    }
  }
}

test('a tail sends what is there, says when it is live, then sends what comes', async () => {
  ready();
  await append('s', { events: [{ type: 't', data: 1 }] });
  await append('other', { events: [{ type: 't', data: 2 }] });
  const abort = new AbortController();
  const tail = messages(await call('/v1/streams/s/tail', { signal: abort.signal }));
  const first = (await tail.next()).value as string;
  expect(first).toMatch(/^id: 1\ndata: \{"stream":"s","revision":0,.*"data":1\}$/);
  expect((await tail.next()).value).toBe('event: caught-up\ndata: {}');
  await append('s', { events: [{ type: 't', data: 3 }] });
  expect((await tail.next()).value).toMatch(/^id: 3\n/);
  abort.abort();
  await expect(tail.next()).rejects.toThrow();
});

test('a tail goes on behind the last event the browser saw', async () => {
  ready();
  for (let data = 0; data < 3; data++) await append('s', { events: [{ type: 't', data }] });
  const abort = new AbortController();
  const response = await call('/v1/tail', { headers: { 'last-event-id': '2' }, signal: abort.signal });
  const tail = messages(response);
  expect((await tail.next()).value).toMatch(/^id: 3\n/);
  abort.abort();
});

test('revoking a token ends its tails', async () => {
  ready();
  const { token } = serving.tokens.create(newToken('r', 'reader'), new Date());
  const response = await call('/v1/tail?after=now', { headers: { authorization: `Bearer ${token}` } });
  const tail = messages(response);
  expect((await tail.next()).value).toContain('caught-up');
  serving.tokens.revoke('r', null);
  expect((await tail.next()).done).toBe(true);
  expect(serving.counters.subscriptions).toBe(0);
});

test('a tail whose reader takes nothing is dropped', async () => {
  await serving.close();
  engine = new MemoryEngine();
  serving = await startServing({ stallMillis: 300 }, engine);
  ready();
  for (let index = 0; index < 60; index++) {
    await append('s', { events: [{ type: 't', data: 'x'.repeat(90_000) }] });
  }
  // A few megabytes fit the kernel's buffers; the events are sent over and over by tails that nobody reads.
  const sockets = Array.from({ length: 3 }, () => {
    const socket = connectTcp(http.port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => undefined);
    socket.write(`GET /v1/tail HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${serving.tcp.token}\r\n\r\n`);
    return socket;
  });
  for (let index = 0; index < 60; index++) {
    await append('s', { events: [{ type: 't', data: 'x'.repeat(90_000) }] });
  }
  const deadline = performance.now() + 8000;
  while (serving.counters.stalled < 3 && performance.now() < deadline)
    await new Promise((r) => setTimeout(r, 20));
  expect(serving.counters.stalled).toBe(3);
  for (const socket of sockets) socket.destroy();
});

test('/metrics is Prometheus text with what the server and the log count', async () => {
  ready();
  await append('s', { events: [{ type: 't' }, { type: 't' }] });
  const db = await serving.connect();
  await db.append('s', { type: 't', data: 1 });
  const response = await fetch(`${base}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await response.text();
  expect(text).toContain('\ntruthdb_appended_events_total 3\n');
  expect(text).toContain('\ntruthdb_connections 1\n');
  expect(text).toMatch(/truthdb_append_seconds_bucket\{le="\+Inf"\} 2\n/);
  expect(text).toMatch(/truthdb_log_sync_seconds_count/);
  expect(text).toMatch(
    /truthdb_info\{version="[^"]+",commit="[^"]+",log_id="[0-9a-f]{32}",hash="sha256"\} 1/,
  );
  expect(text).toContain('process_resident_memory_bytes');
  for (const line of text.split('\n'))
    expect(line).toMatch(/^(#.*|[a-z0-9_]+(\{[^}]*\})? -?[0-9.e+-]+|.* Nan)?$/i);
});

test('/metrics has the memory of views that say how much it is', async () => {
  ready();
  const status = engine.status();
  const view = {
    version: 1,
    scope: 'tenant',
    state: 'live',
    applied: 0,
    checkpoint: 0,
    error: null,
  } as const;
  const views = [
    { ...view, name: 'silent', memory: null },
    { ...view, name: 'telling', memory: { kept: 7, ready: 5 } },
  ] as unknown as typeof status.views;
  engine.status = () => ({ ...status, views });
  const text = await (await fetch(`${base}/metrics`)).text();
  expect(text).toContain('\ntruthdb_view_memory_bytes{view="telling",of="kept"} 7\n');
  expect(text).toContain('\ntruthdb_view_memory_bytes{view="telling",of="ready"} 5\n');
  expect(text).not.toContain('truthdb_view_memory_bytes{view="silent"');
});

test('/metrics can be made to want a token', async () => {
  const closed = new HttpServer({ ...OPTIONS, metricsOpen: false });
  await closed.listen();
  closed.serve(serving.server.database, serving.tokens);
  expect((await fetch(`http://127.0.0.1:${closed.port}/metrics`)).status).toBe(401);
  await closed.close(100);
});

test('a failed writer is unhealthy and not ready', async () => {
  ready();
  const status = engine.status();
  engine.status = () => ({ ...status, log: { ...status.log, failed: 'EIO' } });
  expect((await fetch(`${base}/healthz`)).status).toBe(503);
  expect(await json(await fetch(`${base}/readyz`))).toEqual({ ok: false, why: 'EIO' });
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        responses: Record<string, unknown>;
        security: unknown[];
        parameters: { name: string }[];
      }
    >
  >;
  readonly components: { readonly schemas: Record<string, unknown> };
}

const BODIES: Readonly<Record<string, string>> = {
  '/v1/sql': '{"sql":"ROWS 1"}',
  '/v1/rank': '{"statement":"RETRIEVE items"}',
  '/v1/entities': '{"entities":[{"kind":"item","key":"a"}]}',
  '/v1/signals': '{"signals":[{"signal":"view","target":"a"}]}',
};

/** An engine over arrays keeps no proofs and ranks nothing, and says so. */
function absentStatus(path: string): number {
  if (path.startsWith('/v1/proofs/')) return 503;
  return ['/v1/rank', '/v1/entities', '/v1/signals'].includes(path) ? 404 : 200;
}

test('the OpenAPI document has every route, and every operation it names answers with a status it names', async () => {
  ready();
  await append('s', { events: [{ type: 't' }] });
  const document = (await (await fetch(`${base}/openapi.json`)).json()) as OpenApi;
  expect(document.openapi).toBe('3.1.0');
  const documented = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(documented.sort()).toEqual(
    http.routes.map((route: Route) => `${route.method} ${route.path}`).sort(),
  );
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const abort = new AbortController();
      const response = await call(path.replace('{stream}', 's').replace('{position}', '1'), {
        method: method.toUpperCase(),
        signal: abort.signal,
        ...(method === 'post' ? { body: BODIES[path] ?? '{"events":[{"type":"t"}]}' } : {}),
      });
      expect(response.status, path).toBe(absentStatus(path));
      expect(Object.keys(operation.responses)).toContain(String(response.status));
      abort.abort();
      const refused = await fetch(base + path.replace('{stream}', 's'), { method: method.toUpperCase() });
      expect(Object.keys(operation.responses)).toContain(String(refused.status));
      expect(refused.status === 401, path).toBe(operation.security.length > 0);
      await refused.body?.cancel();
    }
  }
  // Every reference leads somewhere.
  for (const [, name] of JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)) {
    expect(document.components.schemas).toHaveProperty(name as string);
  }
});

test('with a certificate it speaks HTTPS', async () => {
  const certificate = makeCertificate(['localhost'], randomBytes);
  const secure = new HttpServer({ ...OPTIONS, certificate });
  await secure.listen();
  const status = await new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: secure.port,
      path: '/healthz',
      servername: 'localhost',
      ca: certificate.certificatePem,
    };
    httpsRequest(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
  await secure.close(100);
});
