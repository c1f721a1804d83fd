import { afterAll, beforeAll, expect, test } from 'vitest';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import type { Role } from '../../../db/server/token-file.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;
let http: HttpServer;

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({}, real.engine);
  http = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    certificate: null,
    metricsOpen: true,
    bodyBytesMax: 100_000,
    connectionsMax: 100,
  });
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
  await sql({
    sql: 'CREATE TABLE t (id integer PRIMARY KEY, n numeric(10,2), b bigint, j json, w timestamp, o boolean)',
  });
});

afterAll(async () => {
  await http.close(200);
  await serving.close();
  await real.stop();
});

interface Answered {
  readonly status: number;
  readonly body: {
    readonly columns: readonly { readonly name: string; readonly type: string }[];
    readonly rows: readonly (readonly unknown[])[];
    readonly tag: string;
    readonly count: number;
    readonly position: number;
    readonly error: {
      readonly code: string;
      readonly message: string;
      readonly details: Record<string, unknown>;
    };
  };
}

async function sql(body: object | string, token = serving.tcp.token): Promise<Answered> {
  const response = await fetch(`http://127.0.0.1:${http.port}/v1/sql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Answered['body'] };
}

test('rows come as JSON, and no digit is lost on the way', async () => {
  const written = await sql(
    '{"sql":"INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6)","params":[1, "12.5", 9007199254740993, {"a":1}, "2024-02-29 12:00:00.5", true]}',
  );
  expect(written.body).toMatchObject({ tag: 'INSERT 0 1', count: 1, columns: [], rows: [] });
  const read = await sql({ sql: 'SELECT * FROM t WHERE id = $1', params: [1] });
  expect(read.body.rows).toEqual([
    [1, '12.50', '9007199254740993', '{"a":1}', '2024-02-29 12:00:00.5', true],
  ]);
  expect(read.body.columns[1]).toEqual({ name: 'n', type: 'numeric(10,2)' });
  expect(read.body.position).toBeGreaterThan(0);
});

test('the past is asked by position and by moment', async () => {
  await sql({ sql: 'INSERT INTO t (id) VALUES (10)' });
  const { position } = (await sql({ sql: 'SELECT 1' })).body;
  await sql({ sql: 'DELETE FROM t WHERE id = 10' });
  const query = 'SELECT id FROM t WHERE id = 10 -- the tenth';
  expect((await sql({ sql: query })).body.rows).toEqual([]);
  expect((await sql({ sql: query, at: position })).body.rows).toEqual([[10]]);
  expect((await sql({ sql: query, at: '2001-01-01T00:00:00Z' })).status).toBe(400);
});

test('errors have a status and PostgreSQL’s code', async () => {
  expect(await sql({ sql: 'SELEC 1' })).toMatchObject({
    status: 400,
    body: { error: { details: { sqlstate: '42601' } } },
  });
  await sql({ sql: 'INSERT INTO t (id) VALUES (20)' });
  const twice = await sql({ sql: 'INSERT INTO t (id) VALUES (20)' });
  expect(twice.body.error.details['sqlstate']).toBe('23505');
  expect((await sql({ sql: '' })).status).toBe(400);
  expect((await sql({ sql: 'SELECT 1', nonsense: 1 })).status).toBe(400);
  expect((await sql({ sql: 'SELECT 1', params: 'x' })).status).toBe(400);
  expect((await sql({ sql: `SELECT '${'x'.repeat(70_000)}'` })).status).toBe(413);
});

test('what the token may not do is refused', async () => {
  const tokenOf = (name: string, role: Role) =>
    serving.tokens.create(newToken(name, role), new Date()).token ?? '';
  const reader = tokenOf('sql-reader', 'reader');
  expect((await sql({ sql: 'SELECT count(*) FROM t' }, reader)).status).toBe(200);
  expect(await sql({ sql: 'DELETE FROM t' }, reader)).toMatchObject({
    body: { error: { details: { sqlstate: '42501' } } },
  });
  const auditor = tokenOf('sql-auditor', 'auditor');
  expect((await sql({ sql: 'SELECT 1' }, auditor)).status).toBe(403);
  expect((await sql({ sql: 'SELECT 1' }, 'wrong')).status).toBe(401);
});

test('a transaction that is left open ends with its request', async () => {
  await sql({ sql: 'BEGIN; INSERT INTO t (id) VALUES (30)' });
  expect((await sql({ sql: 'SELECT count(*) FROM t WHERE id = 30' })).body.rows).toEqual([['0']]);
});

test('statements are counted', async () => {
  const text = await (await fetch(`http://127.0.0.1:${http.port}/metrics`)).text();
  expect(text).toMatch(/truthdb_sql_statements_total\{kind="SELECT"\} \d+/);
  expect(text).toContain('truthdb_sql_seconds_bucket');
  expect(text).toContain('truthdb_sql_tables 1');
});
