/** Reducers from their deployment to their end, over a real database. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../db/engine.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { type OpenSql, openSql, sessionOf, told } from '../sql/session/open-sql.ts';
import { compiled } from './support/compile.ts';

/** The compiler takes seconds, more on a busy machine. */
const COMPILING_MILLIS = 120_000;

let sql: OpenSql;
let engine: Engine;
let orders: Uint8Array;

beforeAll(async () => {
  sql = await openSql();
  engine = sql.engine;
  orders = await compiled('orders');
}, COMPILING_MILLIS);
afterAll(() => sql.close());

async function ordersTable(): Promise<{ tenant: TenantId; say: (text: string) => ReturnType<typeof told> }> {
  const tenant = await sql.newTenant();
  const session = sessionOf(engine, { tenant });
  const say = (text: string) => told(session, text);
  await say('CREATE TABLE orders (id integer PRIMARY KEY, customer text, amount bigint)');
  return { tenant, say };
}

/** Until nothing is to be done any more. */
async function settled(tenant: TenantId, name: string): Promise<void> {
  for (let turn = 0; turn < 2_000; turn++) {
    const { state, coming } = engine.reducers.status(tenant, name);
    if (state !== 'building' && coming === null) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the reducer was never done');
}

const over = { over: 'table', table: 'orders' } as const;

describe('a reducer over a table', () => {
  test('takes in what was there, and follows what comes', async () => {
    const { tenant, say } = await ordersTable();
    await say(`INSERT INTO orders VALUES (1, 'ann', 10), (2, 'bob', 5), (3, 'ann', 7)`);
    await say('UPDATE orders SET amount = 8 WHERE id = 3');
    await engine.reducers.deploy({ tenant, actor: 'tester', name: 'spending', file: orders, source: over });
    await settled(tenant, 'spending');
    expect(await say('SELECT * FROM spending ORDER BY customer')).toEqual([
      ['ann', 2n, 18n],
      ['bob', 1n, 5n],
    ]);
    await say('DELETE FROM orders WHERE id = 2');
    await say(`INSERT INTO orders VALUES (4, 'cid', 1)`);
    expect(await say(`SELECT customer, spent FROM spending WHERE customer >= 'b' ORDER BY 1`)).toEqual([
      ['cid', 1n],
    ]);
    expect(TENANT_DEFAULT).toBeDefined();
  });
});
