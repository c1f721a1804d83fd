import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import type { Role } from '../../../db/server/token-file.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;
let admin: Client;
const clients: Client[] = [];

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({}, real.engine);
  admin = await serving.connect();
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await serving.close();
  await real.stop();
});

async function as(role: Role, tenant = TENANT_DEFAULT): Promise<Client> {
  const { token } = serving.tokens.create(newToken(`${role}-of-${tenant}`, role, tenant), new Date());
  const client = await connect({ ...serving.tls, token: token as string });
  clients.push(client);
  return client;
}

interface Shown {
  readonly kind: string;
  readonly who: string;
  readonly what: string;
}

async function told(kind: string): Promise<string[]> {
  const { entries } = await admin.administer({ command: 'audit-list' });
  return (entries as Shown[])
    .filter((entry) => entry.kind === kind)
    .map(({ who, what }) => `${who}: ${what}`);
}

test('who read which table, and what was refused, is told', async () => {
  await admin.administer({ command: 'tenant-audit-reads', name: 'default', audited: 'every' });
  const reader = await as('reader');
  await admin.query(
    'CREATE TABLE secrets (id integer PRIMARY KEY, t text); CREATE TABLE plain (id integer PRIMARY KEY)',
  );
  await reader.sql`SELECT t FROM secrets WHERE id = ${1}`;
  await reader.query('SELECT * FROM plain HISTORY; SELECT 1');
  await admin.query("INSERT INTO secrets VALUES (1, 'x') RETURNING t");
  await admin.query('INSERT INTO plain VALUES (1)');
  await expect(reader.query('SELECT nothing FROM secrets')).rejects.toThrow();
  await expect(reader.query("UPDATE secrets SET t = 'y'")).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect
    .poll(() => told('read').then((reads) => reads.sort()))
    .toEqual(['admin: table secrets', 'reader-of-0: table plain', 'reader-of-0: table secrets']);
  await expect
    .poll(() => told('denied'))
    .toEqual(['reader-of-0: permission denied: this token may not write to table "secrets"']);
});

test('a tenant’s tables are its own, whatever is said', async () => {
  const made = await admin.administer({ command: 'tenant-create', name: 'acme', encrypted: false });
  const acme = (made['tenant'] as { id: TenantId }).id;
  const owner = await as('owner', acme);
  await owner.query('CREATE TABLE mine (id integer PRIMARY KEY)');
  await owner.query('INSERT INTO mine VALUES (7)');
  await expect(admin.query('SELECT * FROM mine')).rejects.toMatchObject({ details: { sqlstate: '42P01' } });
  await expect(owner.query('SELECT * FROM secrets')).rejects.toMatchObject({
    details: { sqlstate: '42P01' },
  });
  const names = async (db: Client) =>
    (
      await db.query<{ relname: string }>("SELECT relname FROM pg_class WHERE relkind = 'r' ORDER BY 1")
    ).rows.map(({ relname }) => relname);
  expect(await names(owner)).toEqual(['mine']);
  expect(await names(admin)).not.toContain('mine');
});
