/** A tenant that tries everything to see, disturb or find out about another. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import type { Role } from '../../../db/server/token-file.ts';
import type { TenantId } from '../../../db/types.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';
import { newDatabase } from '../tenancy/support.ts';

const SECRET = 'words-of-b';
const STREAM = 'orders';

let serving: Serving;
let http: HttpServer;
let a: Client;
let b: Client;
let tokenOfA = '';
let tenantB = 0 as TenantId;
/** Where an event of B lies in the log. */
let positionOfB = 0;
const eventId = '11111111-2222-4333-8444-555555555555';
const clients: Client[] = [];

beforeEach(async () => {
  serving = await startServing({}, await newDatabase().open());
  http = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, certificate: null, metricsOpen: false },
    ...{ bodyBytesMax: 100_000, connectionsMax: 100 },
  });
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
  const { tenants } = serving.engine;
  const tenantA = (await tenants.create('a', { encrypted: false })).id;
  tenantB = (await tenants.create('b', { encrypted: true })).id;
  // The strongest token a tenant can have.
  [a, tokenOfA] = await as('owner', tenantA);
  [b] = await as('owner', tenantB);
  const appended = await b.append(STREAM, { id: eventId, type: 't', data: SECRET });
  positionOfB = appended.position;
  await b.sql`CREATE TABLE accounts (id INTEGER PRIMARY KEY, word TEXT)`;
  await b.sql`INSERT INTO accounts VALUES (1, ${SECRET})`;
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await http.close(200);
  await serving.close();
});

async function as(role: Role, tenant: TenantId): Promise<[Client, string]> {
  const made = serving.tokens.create(newToken(role, role, tenant), new Date());
  const token = made.token as string;
  const client = await connect({ ...serving.tls, token });
  clients.push(client);
  return [client, token];
}

function get(path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${http.port}${path}`, { headers: { authorization: `Bearer ${tokenOfA}` } });
}

describe('over the wire', () => {
  test('another tenant’s streams are not there, by name, by position, forwards, backwards or live', async () => {
    await expect(a.readStreamPage(STREAM)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const from of [0, 1, positionOfB - 1, positionOfB]) {
      for (const direction of ['forwards', 'backwards'] as const)
        expect((await a.readAllPage({ from, direction })).events).toEqual([]);
    }
    for (const stream of [undefined, STREAM]) {
      const heard: unknown[] = [];
      const tail = await a.subscribe({ after: positionOfB - 1, ...(stream === undefined ? {} : { stream }) });
      const listening = (async () => {
        for await (const event of tail) heard.push(event);
      })();
      await b.append(STREAM, { type: 't', data: SECRET });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await tail.close();
      await listening;
      expect(heard).toEqual([]);
    }
  });

  test('another tenant’s event id is no duplicate, and its stream’s revision no conflict', async () => {
    const appended = await a.append(STREAM, { id: eventId, type: 't', data: 'of a' }, { expected: 'none' });
    expect(appended).toMatchObject({ duplicate: false, firstRevision: 0 });
    expect((await b.readStreamPage(STREAM)).events).toHaveLength(1);
  });

  test('names that look like another tenant’s key in the index are refused or are just names', async () => {
    const scoped = `\0${String.fromCharCode(tenantB, 0, 0, 0)}${STREAM}`;
    for (const name of [scoped, `\0${tenantB}\0${STREAM}`]) {
      await expect(a.append(name, { type: 't', data: 1 })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      await expect(a.readStreamPage(name)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await expect(a.readStreamPage(`b/${STREAM}`)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('what is the server’s as a whole, and the log’s bytes, are for others', async () => {
    await expect(a.status()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const command of [
      { command: 'snapshot-create', hold: null },
      { command: 'tenant-list' },
      { command: 'audit-list', tenant: 'b' },
      { command: 'subject-erase', tenant: 'b', subject: 'x', confirm: 'x' },
      { command: 'token-create', name: 'spy', role: 'reader', hash: null, tenant: 'b' },
      { command: 'proof-range', kind: 'tenant', tenant: tenantB, from: 1, to: 2 },
    ]) {
      await expect(a.administer(command), command.command).rejects.toMatchObject({
        code: expect.stringMatching(/^(FORBIDDEN|INVALID_ARGUMENT)$/),
      });
    }
    const tokens = (await a.administer({ command: 'token-list' }))['tokens'] as { tenant: number }[];
    expect(tokens.some(({ tenant }) => tenant === tenantB)).toBe(false);
  });

  test('another tenant’s tables are not there, not under any spelling', async () => {
    for (const name of ['accounts', 'b.accounts', '"b"."accounts"', `"${tenantB}".accounts`]) {
      const answer = a.query(`SELECT * FROM ${name}`);
      await expect(answer, name).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    await a.sql`CREATE TABLE accounts (id INTEGER PRIMARY KEY, word TEXT)`;
    expect((await a.sql`SELECT * FROM accounts`).count).toBe(0);
    expect((await b.sql`SELECT * FROM accounts`).count).toBe(1);
  });
});

describe('over HTTP', () => {
  test('every route answers about the token’s tenant alone', async () => {
    expect((await get(`/v1/streams/${STREAM}/events`)).status).toBe(404);
    const page = await get(`/v1/events?from=${positionOfB}`);
    expect(await page.json()).toMatchObject({ events: [] });
    for (const path of ['/v1/status', '/metrics']) expect((await get(path)).status, path).toBe(403);
    for (const path of [
      `/v1/events?tenant=${tenantB}`,
      `/v1/events?from=-1`,
      `/v1/tenants/${tenantB}/events`,
    ]) {
      const answer = await get(path);
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(await answer.text()).not.toContain(SECRET);
    }
    const tail = await get(`/v1/tail?after=${positionOfB - 1}`);
    const reader = tail.body!.getReader();
    await b.append(STREAM, { type: 't', data: SECRET });
    await a.append('mine', { type: 't', data: 'mine' });
    let text = '';
    while (!text.includes('mine')) text += Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
    expect(text).not.toContain(SECRET);
  });
});
