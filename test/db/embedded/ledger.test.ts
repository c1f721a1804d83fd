/** The demonstration that this project began with: a small ledger, changed, and read as it was. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenDatabase, open, type TenantTables } from '../../../db/embedded.ts';

let path: string;
let db: OpenDatabase;
let ledger: TenantTables;

beforeAll(async () => {
  path = mkdtempSync(join(tmpdir(), 'truthdb-ledger-'));
  db = await open(path, { actor: 'bookkeeper' });
  ledger = db.tenant(0);
  await ledger.execute(`
    CREATE TABLE accounts (
      id integer PRIMARY KEY,
      owner text NOT NULL,
      balance decimal(12, 2) NOT NULL DEFAULT 0 CHECK (balance >= 0)
    )`);
});
afterAll(async () => {
  await db.close();
  rmSync(path, { recursive: true, force: true });
});

test('a ledger is written, changed, and read as it was at any position', async () => {
  const opened = await ledger.execute('INSERT INTO accounts VALUES (1, $1, $2), (2, $3, $4)', [
    'Ann',
    '100.00',
    'Bob',
    50,
  ]);
  expect(opened).toMatchObject({ tag: 'INSERT 0 2', count: 2 });
  const moved = await ledger.transaction(async (tables) => {
    await tables.execute('UPDATE accounts SET balance = balance - 30 WHERE id = 1');
    return tables.execute('UPDATE accounts SET balance = balance + 30 WHERE id = 2 RETURNING balance');
  });
  expect([...moved]).toEqual([{ balance: '80.00' }]);

  const balances = 'SELECT owner, balance FROM accounts ORDER BY id';
  expect(await ledger.query(balances)).toEqual([
    { owner: 'Ann', balance: '70.00' },
    { owner: 'Bob', balance: '80.00' },
  ]);
  expect(await ledger.queryAt(opened.position, balances)).toEqual([
    { owner: 'Ann', balance: '100.00' },
    { owner: 'Bob', balance: '50.00' },
  ]);
  expect(await ledger.queryAt(opened.position - 1, balances)).toEqual([]);

  const history = await ledger.query<{ balance: string; _operation: string; _actor: string }>(
    'SELECT balance, _operation, _actor FROM accounts HISTORY WHERE id = 1',
  );
  expect(history).toEqual([
    { balance: '100.00', _operation: 'insert', _actor: 'bookkeeper' },
    { balance: '70.00', _operation: 'update', _actor: 'bookkeeper' },
  ]);
});

test('money that is not there is not moved, and nothing of the attempt remains', async () => {
  const attempt = ledger.transaction(async (tables) => {
    await tables.execute('UPDATE accounts SET balance = balance + 1000 WHERE id = 2');
    await tables.execute('UPDATE accounts SET balance = balance - 1000 WHERE id = 1');
  });
  await expect(attempt).rejects.toMatchObject({
    details: { sqlstate: '23514', constraint: 'accounts_balance_check' },
  });
  expect(
    await ledger.query('SELECT sum FROM (SELECT 1 AS sum) AS s').catch((error) => error.details.sqlstate),
  ).toBe('0A000');
  expect(await ledger.query('SELECT balance FROM accounts WHERE id = $1', [2])).toEqual([
    { balance: '80.00' },
  ]);
});

test('a position that has not come, or several statements, are refused', async () => {
  const far = ledger.queryAt(1_000_000, 'SELECT * FROM accounts');
  await expect(far).rejects.toMatchObject({ details: { sqlstate: '22023' } });
  await expect(ledger.queryAt(1, 'SELECT 1; SELECT 2')).rejects.toMatchObject({
    details: { sqlstate: '42601' },
  });
});

test('what was written is there when it is opened again', async () => {
  await db.close();
  db = await open(path);
  expect(await db.tenant(0).query('SELECT count(*) FROM accounts')).toEqual([{ count: 2n }]);
  expect(db.engine.status()).toMatchObject({ tables: 1 });
});
