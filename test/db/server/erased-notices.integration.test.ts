/** What was erased is said at every door, beside the answer and never in it. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../../db/client/index.ts';
import { encodeSqlExecute, KIND, PROTOCOL_VERSION_MAX } from '../../../db/protocol/index.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import { runCommand } from '../support/command.ts';
import { psql, servePg } from '../support/pg-serving.ts';
import { RawClient } from '../support/raw-client.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;
let client: Client;
/** A position at which two rows were there that were erased at the other. */
let then: number;
let erasedAt: number;
let notice: string;

beforeAll(async () => {
  real = await openRealEngine({ keyed: true });
  await real.engine.tenants.encrypt('default');
  serving = await startServing({}, real.engine);
  client = await serving.connect();
  await client.query("CREATE TABLE people (id integer PRIMARY KEY, who text) WITH (subject = 'who')");
  await client.query("INSERT INTO people VALUES (1, 'bob')");
  await client.query("INSERT INTO people VALUES (2, 'alice')");
  then = (await client.query("INSERT INTO people VALUES (3, 'alice')")).position;
  erasedAt = (await real.engine.tenants.eraseSubject('default', 'alice')).position;
  notice = `rows of 2 entries of table "people", written up to position ${then}, were erased at position ${erasedAt} and are not shown`;
});

afterAll(async () => {
  await client.close();
  await serving.close();
  await real.stop();
});

test('psql and drivers of PostgreSQL get a notice', async () => {
  const serves = await servePg({ database: real.engine.sql });
  const ran = await psql(serves, `SELECT * FROM people AS OF POSITION ${then};\nSELECT * FROM people;\n`);
  expect(ran.err).toBe(`NOTICE:  ${notice}\n`);
  expect(ran.out).toBe(' id | who \n----+-----\n  1 | bob\n(1 row)\n\n'.repeat(2));
  const driver = new pg.Client(serves.client);
  const heard: unknown[] = [];
  driver.on('notice', ({ severity, code, message }) => heard.push([severity, code, message]));
  await driver.connect();
  await driver.query(`SELECT id FROM people AS OF POSITION ${then} WHERE id > $1`, [0]);
  await driver.query('SELECT id FROM people WHERE id > $1', [0]);
  await driver.end();
  expect(heard).toEqual([['NOTICE', '00000', notice]]);
});

test('the SDK has it beside the rows, and the command line says it to the person', async () => {
  const past = await client.queryAt(then, 'SELECT id FROM people');
  expect([...past]).toEqual([{ id: 1 }]);
  expect(past.notices).toEqual([{ message: notice, table: 'people', entries: 2, erasedAt: [erasedAt] }]);
  expect((await client.query('SELECT id FROM people')).notices).toEqual([]);
  const ran = await runCommand(
    ...(['sql', 'SELECT id FROM people', '--at', String(then), '--json', '--url', serving.url] as const),
  );
  expect([ran.code, ran.out.trim(), ran.err.trim()]).toEqual([0, '{"id":1}', `NOTICE: ${notice}`]);
});

test('HTTP has it in its answer, only where there is any', async () => {
  const limits = { bodyBytesMax: 100_000, connectionsMax: 10 };
  const http = new HttpServer({
    ...{ host: '127.0.0.1', port: 0, certificate: null, metricsOpen: true },
    ...limits,
  });
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
  const asked = async (body: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${http.port}/v1/sql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${serving.tcp.token}` },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  const sql = 'SELECT id FROM people';
  expect(await asked({ sql, at: then })).toMatchObject({
    rows: [[1]],
    notices: [{ message: notice, table: 'people', entries: 2, erasedAt: [erasedAt] }],
  });
  expect(await asked({ sql })).not.toHaveProperty('notices');
  await http.close(200);
});

test('a client of an older version of the protocol gets the answer as it knows it', async () => {
  const bytes: number[] = [];
  for (const version of [PROTOCOL_VERSION_MAX - 1, PROTOCOL_VERSION_MAX]) {
    const raw = new RawClient(serving.tcp);
    raw.hello(serving.tcp.token, version);
    await raw.until(() => raw.frames.some(({ kind }) => kind === KIND.WELCOME));
    const what = { session: 0, statement: 'SELECT id FROM people', parameters: [] } as const;
    raw.send((out) => encodeSqlExecute(out, 2, { ...what, at: { asOf: 'position', position: then } }));
    await raw.until(() => raw.frames.some(({ kind }) => kind === KIND.SQL_RESULT));
    bytes.push(raw.frames.find(({ kind }) => kind === KIND.SQL_RESULT)?.bytes ?? 0);
    raw.destroy();
  }
  const [older = 0, newer = 0] = bytes;
  // Their number, 16 bytes, the name and the message, and one position.
  expect(newer - older).toBe(2 + 16 + 'people'.length + Buffer.byteLength(notice) + 8);
});
