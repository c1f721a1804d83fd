import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../../db/client/index.ts';
import {
  encodeEmpty,
  encodeSqlClose,
  encodeSqlExecute,
  encodeSqlPrepare,
  KIND,
  type SqlExecute,
} from '../../../db/protocol/index.ts';
import { CuttingProxy } from '../support/cutting-proxy.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Serving, startServing } from '../support/serving.ts';

let serving: Serving | null = null;
const raws: RawClient[] = [];

async function serve(limits: Parameters<typeof startServing>[0] = {}) {
  const engine = new MemoryEngine();
  serving = await startServing(limits, engine);
  return { of: serving, sql: engine.sql };
}

async function greeted(of: Serving): Promise<RawClient> {
  const client = new RawClient(of.tcp);
  raws.push(client);
  client.hello(of.tcp.token);
  await client.until(() => client.frames.some((frame) => frame.kind === KIND.WELCOME));
  client.frames.length = 0;
  return client;
}

afterEach(async () => {
  for (const client of raws.splice(0)) client.destroy();
  await serving?.close();
  serving = null;
});

function execute(client: RawClient, request: number, statement: string | number, session = 0): void {
  const what: SqlExecute = { session, statement, parameters: [], at: { asOf: 'now' } };
  client.send((out) => encodeSqlExecute(out, request, what));
}

const answered = (client: RawClient, request: number) => () =>
  client.frames.some((frame) => frame.request === request && frame.kind !== KIND.SQL_PREPARED);

test('a prepared statement is named by its number until it is closed', async () => {
  const { of } = await serve();
  const client = await greeted(of);
  client.send((out) => encodeSqlPrepare(out, 2, { statement: 9, text: 'ROWS 2 1' }));
  execute(client, 3, 9);
  client.send((out) => encodeSqlClose(out, 4, { what: 'statement', number: 9 }));
  execute(client, 5, 9);
  await client.until(() => client.frames.length === 3);
  const frames = client.frames.toSorted((one, other) => one.request - other.request);
  expect(frames.map(({ kind, request }) => [kind, request])).toEqual([
    [KIND.SQL_PREPARED, 2],
    [KIND.SQL_RESULT, 3],
    [KIND.ERROR, 5],
  ]);
  expect(frames[2]?.error?.details['sqlstate']).toBe('26000');
});

test('sessions do not see each other’s transactions, and what is left open is undone', async () => {
  const { of, sql } = await serve();
  const client = await greeted(of);
  execute(client, 2, 'BEGIN', 1);
  execute(client, 3, 'BEGIN', 2);
  execute(client, 4, 'NOTE one', 1);
  execute(client, 5, 'NOTE two', 2);
  execute(client, 6, 'COMMIT', 1);
  client.send((out) => encodeSqlClose(out, 7, { what: 'session', number: 2 }));
  execute(client, 8, 'BEGIN', 3);
  execute(client, 9, 'NOTE three', 3);
  await client.until(answered(client, 9));
  client.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(sql.notes.map(({ word }) => word)).toEqual(['one']);
});

test('one session too many, and one statement too many, are refused', async () => {
  const { of } = await serve();
  const client = await greeted(of);
  for (let session = 1; session <= 65; session++) execute(client, session + 1, 'BEGIN', session);
  await client.until(answered(client, 66));
  expect(client.frames.find(({ request }) => request === 66)?.error?.code).toBe('TOO_LARGE');
  for (let number = 1; number <= 1001; number++) {
    client.send((out) => encodeSqlPrepare(out, 1000 + number, { statement: number, text: 'ROWS 1' }));
  }
  await client.until(() => client.frames.some(({ request }) => request === 2001));
  expect(client.frames.find(({ request }) => request === 2001)?.error?.code).toBe('TOO_LARGE');
});

test('a statement that runs is cancelled, by CANCEL and by a client’s signal', async () => {
  const { of } = await serve();
  const client = await greeted(of);
  execute(client, 2, 'WAIT');
  client.send((out) => encodeEmpty(out, KIND.CANCEL, 2));
  await client.until(answered(client, 2));
  expect(client.frames[0]?.error?.details['sqlstate']).toBe('57014');
  const db = await of.connect();
  const stop = new AbortController();
  const running = db.query('WAIT', [], { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(running).rejects.toMatchObject({ details: { sqlstate: '57014' } });
  await expect(db.query('WAIT', [], { timeoutMillis: 200 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect((await db.query('ROWS 1')).count).toBe(1);
});

test('a result for a client that takes nothing waits outside of memory’s reach', async () => {
  const { of } = await serve({ stallMillis: 300 });
  const client = await greeted(of);
  client.socket.pause();
  for (let request = 2; request < 40; request++) execute(client, request, 'ROWS 5000 1000');
  await expect.poll(() => of.counters.stalled, { timeout: 8000 }).toBe(1);
  expect(of.counters.outgoingBytes).toBeLessThan(8 * 1024 * 1024);
});

test('what was sent and not answered when the connection broke is not sent again', async () => {
  const { of, sql } = await serve();
  const proxy = new CuttingProxy(of.tcp.port);
  const db = await connect({ ...of.tcp, port: await proxy.listen() });
  const left = db.query('WAIT');
  const caught = expect(left).rejects.toMatchObject({ code: 'CONNECTION' });
  await db.query('NOTE before');
  proxy.cut();
  await caught;
  // What had not been sent waits for the next connection.
  await db.query('NOTE after');
  expect(sql.notes.map(({ word }) => word)).toEqual(['before', 'after']);
  const session = db.session();
  await session.query('BEGIN');
  proxy.cut();
  await expect(session.query('NOTE lost')).rejects.toMatchObject({ code: 'CONNECTION' });
  expect(sql.notes).toHaveLength(2);
  await db.close();
  await proxy.close();
});

test('whatever bytes a client sends as SQL, it is answered or told why it is closed', async () => {
  const { of } = await serve();
  const kinds = fc.constantFrom(KIND.SQL_EXECUTE, KIND.SQL_PREPARE, KIND.SQL_CLOSE);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(kinds, fc.uint8Array({ maxLength: 60 })), { maxLength: 6 }),
      async (frames) => {
        const client = await greeted(of);
        for (const [index, [kind, bytes]] of frames.entries()) {
          client.send((out) => {
            const start = out.begin(kind, index + 2);
            out.bytes(bytes);
            out.end(start);
          });
        }
        client.socket.end();
        expect((await client.lastWords())?.code ?? 'PROTOCOL').toBe('PROTOCOL');
      },
    ),
    { numRuns: 40 },
  );
  expect(of.counters.errors.get('INTERNAL')).toBeUndefined();
});
