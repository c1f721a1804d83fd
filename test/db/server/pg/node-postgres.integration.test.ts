import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { MemorySql } from '../../support/memory-sql.ts';
import { type PgServing, servePg } from '../../support/pg-serving.ts';

async function connected(serving: PgServing, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ ...serving.client, ...more });
  client.on('error', () => undefined);
  onTestFinished(() => client.end().catch(() => undefined));
  await client.connect();
  return client;
}

test.each([
  ['integer', -5, -5],
  ['bigint', '9007199254740993', '9007199254740993'],
  ['double', 0.1, 0.1],
  ['numeric', '-12345.678900', '-12345.678900'],
  ['text', 'żółw 🐢', 'żółw 🐢'],
  ['boolean', true, true],
  ['bytea', Buffer.from([0, 1, 255]), Buffer.from([0, 1, 255])],
  ['json', { a: [1, null] }, { a: [1, null] }],
  ['uuid', '00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000a'],
  ['timestamp', '2024-02-29 12:34:56.789', new Date(2024, 1, 29, 12, 34, 56, 789)],
  ['text', null, null],
])('a %s goes there and back as text', async (type, given, expected) => {
  const serving = await servePg();
  const client = await connected(serving);
  const { rows, fields } = await client.query(`ECHO ${type}`, [given]);
  expect(rows).toEqual([{ echo: expected }]);
  expect(fields[0]?.format).toBe('text');
});

test('results come in binary when that is asked for', async () => {
  const serving = await servePg();
  const client = await connected(serving);
  const query = (type: string, value: unknown) =>
    client.query({ text: `ECHO ${type}`, values: [value], binary: true } as pg.QueryConfig);
  expect((await query('integer', 258)).rows).toEqual([{ echo: 258 }]);
  expect((await query('bigint', '66051')).rows).toEqual([{ echo: '66051' }]);
  expect((await query('boolean', true)).rows).toEqual([{ echo: true }]);
  expect((await query('numeric', '-10020.0300')).rows).toEqual([{ echo: -10020.03 }]);
  expect((await query('text', 'ä')).rows).toEqual([{ echo: 'ä' }]);
});

test('a named statement is prepared once and used again', async () => {
  const serving = await servePg();
  const client = await connected(serving);
  const query = { name: 'echo', text: 'ECHO integer' };
  expect((await client.query({ ...query, values: [1] })).rows).toEqual([{ echo: 1 }]);
  expect((await client.query({ ...query, values: [2] })).rows).toEqual([{ echo: 2 }]);
});

test('statements that are sent ahead are answered in order, each by itself', async () => {
  const database = new MemorySql();
  const serving = await servePg({ database });
  const client = await connected(serving, { pipeline: true } as pg.ClientConfig);
  const settled = await Promise.allSettled([
    client.query('ECHO integer', [1]),
    client.query('NOTE kept'),
    client.query('FAIL 23505'),
    client.query('ECHO text', ['x']),
  ]);
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(settled[2]).toMatchObject({ reason: { code: '23505', severity: 'ERROR' } });
  expect(database.notes).toHaveLength(1);
});

test('many rows come whole, and in parts where that is asked for', async () => {
  const serving = await servePg({ limits: { stallMillis: 10_000 } });
  const client = await connected(serving);
  const { rows, rowCount } = await client.query('ROWS 20000 200');
  expect(rowCount).toBe(20_000);
  expect(rows.at(-1)).toEqual({ n: 19_999, t: 'x'.repeat(200) });
  const parts = await client.query({ text: 'ROWS 1050 3', rows: 100 } as pg.QueryConfig);
  expect(parts.rows).toHaveLength(1050);
});

test('an error tells its code, and the connection goes on', async () => {
  const serving = await servePg();
  const client = await connected(serving);
  await expect(client.query('FAIL 40001')).rejects.toMatchObject({ code: '40001', severity: 'ERROR' });
  await expect(client.query('WRONG words', [])).rejects.toMatchObject({ code: '42601', position: '3' });
  expect((await client.query('ROWS 1')).rowCount).toBe(1);
});

test('a transaction is kept, or undone with what failed in it', async () => {
  const database = new MemorySql();
  const serving = await servePg({ database });
  const client = await connected(serving);
  await client.query('BEGIN');
  await client.query('NOTE one');
  await client.query('COMMIT');
  await client.query('BEGIN');
  await client.query('NOTE two');
  await expect(client.query('FAIL 23505')).rejects.toThrow();
  await expect(client.query('NOTE three', [])).rejects.toMatchObject({ code: '25P02' });
  await client.query('ROLLBACK');
  expect(database.notes.map(({ word }) => word)).toEqual(['one']);
});

test('a statement is cancelled through another connection', async () => {
  const serving = await servePg({ tls: false });
  const client = await connected(serving);
  const other = new pg.Client(serving.client);
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const running = client.query('WAIT');
  const caught = expect(running).rejects.toMatchObject({ code: '57014' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { connection } = other as unknown as {
    connection: {
      on(event: string, run: () => void): void;
      connect(port: number, host: string): void;
      cancel(process: number, secret: number): void;
    };
  };
  connection.on('connect', () => connection.cancel(processID, secretKey));
  connection.connect(serving.port, '127.0.0.1');
  await caught;
  expect((await client.query('ROWS 1')).rowCount).toBe(1);
});

test('a wrong password and a wrong database are refused the same way', async () => {
  const serving = await servePg();
  const refused = { code: '28P01', severity: 'FATAL' };
  for (const wrong of [{ password: 'wrong' }, { user: 'nobody' }, { database: 'nowhere' }]) {
    const client = new pg.Client({ ...serving.client, ...wrong });
    await expect(client.connect()).rejects.toMatchObject(refused);
  }
});

test('a revoked token ends its connections', async () => {
  const serving = await servePg();
  const client = await connected(serving);
  const ended = new Promise<Error>((resolve) => client.once('error', resolve));
  serving.tokens.revoke('admin', null);
  expect(await ended).toMatchObject({ code: '57P01' });
});

test('drivers learn of types and tables', async () => {
  const serving = await servePg();
  const client = await connected(serving);
  const types = await client.query('SELECT oid, typarray FROM pg_type WHERE typname = $1', ['int4']);
  expect(types.rows).toEqual([{ oid: 23, typarray: 1007 }]);
  const session = await client.query('SELECT current_schema(), current_database(), current_user');
  expect(session.rows).toEqual([
    { current_schema: 'public', current_database: 'truthdb', current_user: 'admin' },
  ]);
  expect((await client.query('SELECT version()')).rows[0]?.version).toMatch(/^PostgreSQL 15\.0 \(TruthDB/);
});

test('what is set on connecting holds, and what cannot be is refused', async () => {
  const serving = await servePg();
  const options = '-c application_name=me\\ too --statement_timeout=60ms';
  const client = await connected(serving, { options });
  expect((await client.query('SHOW application_name')).rows).toEqual([{ application_name: 'me too' }]);
  await expect(client.query('WAIT')).rejects.toMatchObject({ code: '57014' });
  const other = new pg.Client({ ...serving.client, options: '-c standard_conforming_strings=off' });
  await expect(other.connect()).rejects.toMatchObject({ code: '22023', severity: 'FATAL' });
});
