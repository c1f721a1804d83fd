/** Reducers from their deployment to their end, over a real database; and replays of everything they did. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Engine, openEngineOver } from '../../../db/engine.ts';
import { TruthError } from '../../../db/errors.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { type OpenSql, openSql, sessionOf, told } from '../sql/session/open-sql.ts';
import { append, eventDraft } from '../support/event-drafts.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { ServerProcess, truthdb } from '../support/program.ts';
import { temporaryData } from '../support/temporary.ts';
import { compiled } from './support/compile.ts';
import { commitsOf, digestOf, digestOverCheckpoint } from './support/digests.ts';

/** The compiler takes seconds, more on a busy machine. */
const COMPILING_MILLIS = 120_000;
const ACTOR = 'tester';

let sql: OpenSql;
let engine: Engine;
let file: Uint8Array;

beforeAll(async () => {
  sql = await openSql();
  engine = sql.engine;
  file = await compiled('orders');
}, COMPILING_MILLIS);
afterAll(() => sql.close());

const overTable = { over: 'table', table: 'orders' } as const;
const overStreams = { over: 'streams', prefix: 'orders-' } as const;

type Say = (text: string) => ReturnType<typeof told>;

async function ordersTable(): Promise<{ tenant: TenantId; say: Say }> {
  const tenant = await sql.newTenant();
  const session = sessionOf(engine, { tenant });
  const say: Say = (text) => told(session, text);
  await say('CREATE TABLE orders (id integer PRIMARY KEY, customer text, amount bigint)');
  return { tenant, say };
}

async function deployed(
  tenant: TenantId,
  name: string,
  source: typeof overTable | typeof overStreams,
): Promise<void> {
  await engine.reducers.deploy({ tenant, actor: ACTOR, name, file, source });
  await settled(tenant, name);
}

/** Until nothing is to be done any more. */
async function settled(tenant: TenantId, name: string): Promise<void> {
  await until(() => {
    const { state, coming } = engine.reducers.status(tenant, name);
    return state !== 'building' && coming === null;
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 2_000) throw new Error('it never came to that');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function refusalOf(answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer;
    return 'nothing';
  } catch (error) {
    return error instanceof TruthError ? (error.details['sqlstate'] ?? error.code) : error;
  }
}

describe('a reducer over a table', () => {
  test('takes in what was there, and follows what comes', async () => {
    const { tenant, say } = await ordersTable();
    await say(`INSERT INTO orders VALUES (1, 'ann', 10), (2, 'bob', 5), (3, 'ann', 7)`);
    await say('UPDATE orders SET amount = 8 WHERE id = 3');
    await deployed(tenant, 'spending', overTable);
    expect(await say('SELECT * FROM spending ORDER BY customer')).toEqual([
      ['ann', 2n, 18n],
      ['bob', 1n, 5n],
    ]);
    await say('DELETE FROM orders WHERE id = 2');
    await say(`INSERT INTO orders VALUES (4, 'cid', 1)`);
    expect(await say(`SELECT customer, spent FROM spending WHERE customer >= 'b'`)).toEqual([['cid', 1n]]);
    expect(await say(`SELECT spent FROM spending WHERE customer = 'ann'`)).toEqual([[18n]]);
  });

  test('answers about the past', async () => {
    const { tenant, say } = await ordersTable();
    await deployed(tenant, 'spending', overTable);
    const session = sessionOf(engine, { tenant });
    const { position } = await session.execute(`INSERT INTO orders VALUES (1, 'ann', 10)`, []);
    await say('UPDATE orders SET amount = 30');
    expect(await say('SELECT spent FROM spending')).toEqual([[30n]]);
    expect(await say(`SELECT spent FROM spending AS OF POSITION ${position}`)).toEqual([[10n]]);
  });

  test('holds its table, and its name', async () => {
    const { tenant, say } = await ordersTable();
    await deployed(tenant, 'spending', overTable);
    expect(await say('DROP TABLE orders')).toBe('2BP01');
    expect(await say('DROP PROJECTION spending')).toBe('42809');
    expect(await say('CREATE TABLE spending (a integer)')).toBe('42P07');
    expect(await say('CREATE OR REPLACE PROJECTION spending AS SELECT id FROM orders')).toBe('42809');
    expect(await say('CREATE PROJECTION p AS SELECT spent FROM spending')).toBe('0A000');
    expect(await say('DROP REDUCER orders')).toBe('42809');
    expect(await say('DROP REDUCER nobody')).toBe('42704');
    expect(await say('DROP REDUCER spending')).toBe('DROP REDUCER');
    expect(await say('SELECT * FROM spending')).toBe('42P01');
    expect(await say('DROP TABLE orders')).toBe('DROP TABLE');
    expect(engine.reducers.list(tenant)).toEqual([]);
  });

  test('is refused over what is not there', async () => {
    const { tenant } = await ordersTable();
    const source = { over: 'table', table: 'nothing' } as const;
    const deploy = { tenant, actor: ACTOR, name: 'spending', file, source };
    expect(await refusalOf(engine.reducers.deploy(deploy))).toBe('42P01');
    expect(await refusalOf(engine.reducers.deploy({ ...deploy, source: overTable, name: 'orders' }))).toBe(
      '42P07',
    );
    expect(await refusalOf(engine.reducers.deploy({ ...deploy, file: file.subarray(0, 100) }))).toBe('42P13');
    expect(await refusalOf(engine.reducers.drop(tenant, ACTOR, 'nobody'))).toBe('42704');
  });
});

describe('a reducer that stops', () => {
  test('has failed at that position, and the others go on', async () => {
    const { tenant, say } = await ordersTable();
    await deployed(tenant, 'one', overTable);
    await say(`INSERT INTO orders VALUES (1, 'ann', 2000000)`);
    const { log } = engine.reducers.status(tenant, 'one');
    expect(log).toEqual(['a large order']);
    await say(`INSERT INTO orders VALUES (2, 'ann', 666)`);
    await until(() => engine.reducers.status(tenant, 'one').state === 'failed');
    const { failure } = engine.reducers.status(tenant, 'one');
    expect(failure?.reason).toMatch(/^fuel at position \d+: one call may spend 20000000$/);
    expect(await say('SELECT * FROM one')).toBe('55000');
    expect(await say('SELECT count(*) FROM orders')).toEqual([[2n]]);
    // A new version goes through the same past, and fails there too.
    await engine.reducers.deploy({ tenant, actor: ACTOR, name: 'one', file, source: overTable });
    await until(() => engine.reducers.status(tenant, 'one').failure?.version === 2);
    await say('DELETE FROM orders WHERE id = 2');
    expect(await say('SELECT count(*) FROM orders')).toEqual([[1n]]);
  });

  test('leaves the version in place that it was to replace', async () => {
    const { tenant, say } = await ordersTable();
    await say(`INSERT INTO orders VALUES (1, 'ann', 5)`);
    await deployed(tenant, 'spending', overTable);
    const name = 'spending';
    await engine.tenant(tenant).append(append('orders-ann', [eventDraft('not a number')]));
    await engine.reducers.deploy({ tenant, actor: ACTOR, name, file, source: overStreams });
    await until(() => engine.reducers.status(tenant, name).failure !== null);
    const { state, version, failure } = engine.reducers.status(tenant, name);
    expect({ state, version, failed: failure?.version }).toEqual({ state: 'live', version: 1, failed: 2 });
    expect(failure?.reason).toMatch(/^abort at position \d+: not a number$/);
    await say(`INSERT INTO orders VALUES (2, 'ann', 6)`);
    expect(await say('SELECT spent FROM spending')).toEqual([[11n]]);
  });
});

describe('a reducer over streams', () => {
  test('takes events of before and after, and a new version takes them all again', async () => {
    const tenant = await sql.newTenant();
    const streams = engine.tenant(tenant);
    const say: Say = (text) => told(sessionOf(engine, { tenant }), text);
    const amounts = Array.from({ length: 600 }, (_, index) => eventDraft(String(index)));
    await streams.append(append('orders-ann', amounts));
    await streams.append(append('elsewhere', [eventDraft('not a number')]));
    await deployed(tenant, 'spending', overStreams);
    expect(await say('SELECT * FROM spending')).toEqual([['ann', 600n, 179_700n]]);
    await streams.append(append('orders-bob', [eventDraft('5')]));
    const again = engine.reducers.deploy({
      tenant,
      actor: ACTOR,
      name: 'spending',
      file,
      source: overStreams,
    });
    const meanwhile = streams.append(append('orders-bob', [eventDraft('6')]));
    await Promise.all([again, meanwhile]);
    await settled(tenant, 'spending');
    expect(engine.reducers.status(tenant, 'spending')).toMatchObject({ version: 2, rows: 2, failure: null });
    expect(await say(`SELECT orders, spent FROM spending WHERE customer = 'bob'`)).toEqual([[2n, 11n]]);
    await streams.append(append('orders-bob', [eventDraft('7')]));
    const versions = await say(`SELECT spent, _actor FROM spending HISTORY WHERE customer = 'bob'`);
    expect(versions.slice(-2)).toEqual([
      [11n, 'reducers'],
      [18n, 'reducers'],
    ]);
    expect(String(await say('EXPLAIN SELECT * FROM spending'))).toContain('spending');
    await streams.append(append('orders-bob', [eventDraft('x')]));
    await until(() => engine.reducers.status(tenant, 'spending').state === 'failed');
  });
});

describe('events that are stable before rows that were applied already', () => {
  test('come first, as in a replay', async () => {
    const log = new MemoryLog({ stability: 'manual' });
    const directory = temporaryData();
    const database = await openEngineOver(log, { directory });
    const say = (text: string) => told(sessionOf(database), text);
    const create = say('CREATE TABLE t (id integer PRIMARY KEY)');
    const deploy = { tenant: TENANT_DEFAULT, actor: ACTOR, name: 'spending', file, source: overStreams };
    const deployment = database.reducers.deploy(deploy);
    await turns(log, 40);
    await Promise.all([create, deployment]);
    expect(database.reducers.status(TENANT_DEFAULT, 'spending').state).toBe('live');
    const appended = database.append(append('orders-ann', [eventDraft('7')]));
    await new Promise((resolve) => setImmediate(resolve));
    // A commit behind that of the event, in the open transaction while neither is stable.
    const inserted = say('INSERT INTO t VALUES (1)');
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    log.stabilise(1);
    await appended;
    expect(await say('SELECT spent FROM spending')).toEqual([[7n]]);
    expect(await say('SELECT count(*) FROM t')).toEqual([[0n]]);
    log.stabilise();
    expect(await inserted).toBe('INSERT 0 1');
    const closing = database.close();
    await turns(log, 10);
    await closing;
    const { logId } = log.identity;
    const live = digestOf(logId, join(directory, 'views', 'sql'), []);
    expect(digestOf(logId, null, await commitsOf(log))).toBe(live);
  });
});

describe('at the command line', () => {
  test('a reducer is deployed, shown and dropped', async () => {
    const directory = temporaryData();
    const server = new ServerProcess(join(directory, 'data'));
    try {
      const { socket } = await server.serving();
      const say = (...args: string[]) => truthdb([...args, '--socket', socket as string]);
      const path = join(directory, 'orders.wasm');
      await writeFile(path, file);
      const deploy = await say(
        'reducer',
        'deploy',
        path,
        '--name',
        'spending',
        '--over-streams',
        'orders-',
        '--json',
      );
      expect({ code: deploy.code, err: deploy.err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(deploy.out)).toMatchObject({ name: 'spending', over: 'streams "orders-"' });
      expect((await say('reducer', 'list')).out).toMatch(
        /^spending: (building|live) · over streams "orders-" ·/,
      );
      expect((await say('reducer', 'drop', 'spending')).out).toBe('dropped spending\n');
      expect((await say('reducer', 'status', 'spending')).code).toBe(4);
      await writeFile(path, 'no program');
      const refused = await say('reducer', 'deploy', path, '--name', 'spending', '--over-table', 't');
      expect(refused.code).toBe(64);
      expect(refused.err).toMatch(/not a WebAssembly module/);
    } finally {
      await server.stop('SIGKILL');
    }
  }, 180_000);
});

/** What happens, in numbers from 0 to 1. */
type Happening =
  | { readonly do: 'insert' | 'update' | 'delete'; readonly id: number; readonly amount: number }
  | { readonly do: 'append'; readonly customer: string; readonly amount: number }
  | { readonly do: 'deploy'; readonly name: 'a' | 'b'; readonly streams: boolean }
  | { readonly do: 'drop'; readonly name: 'a' | 'b' }
  | { readonly do: 'stabilise' | 'turn' };

const amount = fc.oneof({ weight: 12, arbitrary: fc.nat(100) }, { weight: 1, arbitrary: fc.constant(666) });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), id: fc.nat(5), amount }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('update' as const), id: fc.nat(5), amount }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), id: fc.nat(5), amount }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      customer: fc.constantFrom('ann', 'bob'),
      amount: fc.nat(9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('deploy' as const),
      name: fc.constantFrom('a' as const, 'b' as const),
      streams: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('drop' as const),
      name: fc.constantFrom('a' as const, 'b' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('stabilise' as const, 'turn' as const) }) },
);

describe('reducers replayed', () => {
  test('are what they were live: from the beginning, and from a checkpoint with what came after it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 10, maxLength: 60 }), async (happenings) => {
        const log = new MemoryLog({ stability: 'manual' });
        const directory = temporaryData();
        const database = await openEngineOver(log, { directory });
        const answers: Promise<unknown>[] = [];
        const session = () => sessionOf(database);
        answers.push(
          told(session(), 'CREATE TABLE orders (id integer PRIMARY KEY, customer text, amount bigint)'),
        );
        for (const each of happenings) await happen(each, database, log, answers);
        await turns(log, 40);
        await Promise.allSettled(answers);
        await turns(log, 40);
        const closing = database.close();
        await turns(log, 10);
        await closing;
        const { logId } = log.identity;
        const commits = await commitsOf(log);
        const live = digestOf(logId, join(directory, 'views', 'sql'), []);
        expect(digestOf(logId, null, commits)).toBe(live);
        expect(digestOverCheckpoint(logId, commits, Math.floor(commits.length / 2))).toBe(live);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 120_000);
});

async function happen(
  each: Happening,
  database: Engine,
  log: MemoryLog,
  answers: Promise<unknown>[],
): Promise<void> {
  const say = (text: string): unknown => answers.push(told(sessionOf(database), text));
  switch (each.do) {
    case 'insert':
      return void say(`INSERT INTO orders VALUES (${each.id}, 'c${each.id % 2}', ${each.amount})`);
    case 'update':
      return void say(`UPDATE orders SET amount = ${each.amount} WHERE id >= ${each.id}`);
    case 'delete':
      return void say(`DELETE FROM orders WHERE id = ${each.id}`);
    case 'append':
      return void answers.push(
        database.append(append(`orders-${each.customer}`, [eventDraft(String(each.amount))])),
      );
    case 'drop':
      return void say(`DROP REDUCER ${each.name}`);
    case 'deploy': {
      const source = each.streams ? overStreams : overTable;
      const deployment = { tenant: TENANT_DEFAULT, actor: ACTOR, name: each.name, file, source };
      return void answers.push(database.reducers.deploy(deployment).catch(() => null));
    }
    case 'turn':
      return new Promise((resolve) => setImmediate(resolve));
    case 'stabilise':
      log.stabilise(1);
      return new Promise((resolve) => setImmediate(resolve));
  }
}

async function turns(log: MemoryLog, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    log.stabilise();
  }
}
