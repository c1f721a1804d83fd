/** What information_schema and pg_tables say of a table, column by column as PostgreSQL 15 says it. */
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { SqlDatabase } from '../../../../db/sql/contract.ts';
import { servePg } from '../../support/pg-serving.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { openRealEngine, type RealEngine } from '../../support/real-engine.ts';

const TABLES = `
  CREATE TABLE orders (
    id integer PRIMARY KEY, big bigint, customer varchar(40) NOT NULL UNIQUE, total numeric(10,2) DEFAULT 0,
    free numeric, state text DEFAULT 'it''s new', placed timestamp, paid boolean, ratio double precision,
    number uuid, picture bytea, detail json, CONSTRAINT dear CHECK (total >= 0));
  CREATE TABLE bare (a integer)`;

let real: RealEngine;
let postgres: Postgres;

beforeAll(async () => {
  [real, postgres] = await Promise.all([openRealEngine(), startPostgres()]);
});

afterAll(async () => {
  await Promise.all([real.stop(), postgres.stop()]);
});

async function connected(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  onTestFinished(() => client.end());
  await client.connect();
  return client;
}

test.each([
  [
    'information_schema.columns',
    "WHERE table_name IN ('orders', 'bare') ORDER BY table_name, ordinal_position",
  ],
  ['information_schema.tables', "WHERE table_name IN ('orders', 'bare') ORDER BY table_name"],
  [
    'information_schema.table_constraints',
    "WHERE constraint_name IN ('orders_pkey', 'orders_customer_key', 'dear') ORDER BY constraint_name",
  ],
  ['information_schema.key_column_usage', "WHERE table_name = 'orders' ORDER BY constraint_name"],
  ['pg_tables', "WHERE tablename IN ('orders', 'bare') ORDER BY tablename"],
  ['pg_indexes', "WHERE tablename = 'orders' ORDER BY indexname"],
])('%s says what PostgreSQL says', async (relation, condition) => {
  const serving = await servePg<SqlDatabase>({ database: real.engine.sql });
  const [ours, theirs] = await Promise.all([connected(serving.client), connected({ ...postgres })]);
  const answers = await Promise.all(
    [ours, theirs].map(async (client) => {
      await client.query('DROP TABLE IF EXISTS orders; DROP TABLE IF EXISTS bare');
      await client.query(TABLES);
      const { rows } = await client.query<object>(`SELECT * FROM ${relation} ${condition}`);
      return rows;
    }),
  );
  // Databases and users have other names there.
  const names: Readonly<Record<string, string>> = {
    postgres: relation.startsWith('pg_') ? 'admin' : 'truthdb',
  };
  const renamed = answers[1]?.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, names[String(value)] ?? value])),
  );
  expect(answers[0]).toEqual(renamed);
  expect(renamed?.length).toBeGreaterThan(0);
});
