import { afterEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { AuditTrail } from '../../../db/server/audit-trail.ts';
import type { Role } from '../../../db/server/token-file.ts';
import { TENANT_DEFAULT, type TenantId } from '../../../db/types.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';
import { filesWith, newDatabase, type TestDatabase } from '../tenancy/support.ts';

const clients: Client[] = [];
const servings: Serving[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

interface Shown {
  readonly kind: string;
  readonly who: string;
  readonly what: string;
  readonly outcome: string;
  readonly count: number;
  readonly tenant: number;
}

async function serve(database: TestDatabase = newDatabase()): Promise<Serving> {
  const serving = await startServing({}, await database.open());
  servings.push(serving);
  return serving;
}

async function as(serving: Serving, role: Role, tenant = TENANT_DEFAULT): Promise<Client> {
  const request = newToken(`${role}-of-${tenant}`, role, tenant);
  const { token } = serving.tokens.create(request, new Date());
  const client = await connect({ ...serving.tls, token: token as string });
  clients.push(client);
  return client;
}

async function audited(db: Client, more: object = {}): Promise<Shown[]> {
  return (await db.administer({ command: 'audit-list', ...more }))['entries'] as Shown[];
}

test('logins, denials and administrative acts are entries of the log, and so are refused logins', async () => {
  const database = newDatabase();
  const serving = await serve(database);
  const admin = await serving.connect();
  const reader = await as(serving, 'reader');
  await expect(reader.append('s', { type: 't', data: 1 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(connect({ ...serving.tls, token: 'wrong' })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });
  await admin.administer({ command: 'token-create', name: 'app', role: 'writer', hash: null });
  await expect(admin.administer({ command: 'token-revoke', token: 'nobody' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect.poll(async () => (await audited(admin)).length).toBeGreaterThanOrEqual(7);
  const entries = (await audited(admin)).reverse();
  expect(entries).toMatchObject([
    { kind: 'login', who: 'admin', what: expect.stringContaining('operator from') },
    { kind: 'login', who: 'reader-of-0' },
    { kind: 'denied', who: 'reader-of-0', what: 'append', outcome: 'FORBIDDEN' },
    { kind: 'refused-login', who: '', outcome: 'UNAUTHENTICATED' },
    {
      kind: 'administered',
      who: 'admin',
      what: 'token-create name="app" role="writer" tenant=null expiresAt=null',
    },
    { kind: 'administered', who: 'admin', what: 'token-revoke token="nobody"', outcome: 'done' },
    { kind: 'administered', who: 'admin', what: 'token-revoke token="nobody"', outcome: 'NOT_FOUND' },
  ]);
  expect(filesWith(database.directory, 'token-revoke').length).toBeGreaterThan(0);
});

test('an owner and an auditor see what was audited of their tenant, an operator of all', async () => {
  const serving = await serve();
  const admin = await serving.connect();
  const made = await admin.administer({ command: 'tenant-create', name: 'acme', encrypted: true });
  const acme = (made['tenant'] as { id: TenantId }).id;
  const owner = await as(serving, 'owner', acme);
  const auditor = await as(serving, 'auditor', acme);
  await owner.administer({ command: 'token-create', name: 'app', role: 'writer', hash: null });
  await expect.poll(async () => (await audited(auditor)).length).toBe(3);
  for (const db of [owner, auditor]) {
    expect((await audited(db)).every(({ tenant }) => tenant === acme)).toBe(true);
    await expect(audited(db, { tenant: 'default' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  }
  expect((await audited(admin)).some(({ tenant }) => tenant === acme)).toBe(true);
  expect((await audited(admin, { tenant: 'default' })).some(({ tenant }) => tenant === acme)).toBe(false);
  const reader = await as(serving, 'reader', acme);
  await expect(audited(reader)).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('reads of a tenant are audited each where it wants that, and not where it wants none', async () => {
  const serving = await serve();
  const admin = await serving.connect();
  await admin.append('orders', { type: 't', data: 1 });
  await admin.administer({ command: 'tenant-audit-reads', name: 'default', audited: 'every' });
  await admin.readStreamPage('orders');
  await admin.readAllPage();
  await expect
    .poll(async () =>
      (await audited(admin))
        .filter(({ kind }) => kind === 'read')
        .map(({ what }) => what)
        .sort(),
    )
    .toEqual(['all streams', 'stream orders']);
  await admin.administer({ command: 'tenant-audit-reads', name: 'default', audited: 'off' });
  await admin.readStreamPage('orders');
  const reads = (await audited(admin)).filter(({ kind }) => kind === 'read');
  expect(reads).toHaveLength(2);
});

test('a flood of denials is summed up, none is lost, and what the log refuses is kept for later', async () => {
  const engine = new MemoryEngine();
  let refuse = false;
  const audit = {
    ...engine.audit,
    record: (records: Parameters<typeof engine.audit.record>[0]) =>
      refuse ? Promise.reject(new Error('full')) : engine.audit.record(records),
  };
  const lines: string[] = [];
  const trail = new AuditTrail({
    ...{ audit, readsAudited: () => 'summary' as const, nowMillis: () => 0 },
    report: (line) => lines.push(line),
  });
  const principal = { tokenId: 'x', name: 'eve', role: 'reader', tenant: TENANT_DEFAULT } as const;
  for (let turn = 0; turn < 5000; turn++)
    trail.denied(principal, turn % 2 === 0 ? 'append' : `thing ${turn}`);
  trail.readStream(principal, 'a');
  trail.readStream(principal, 'a');
  await new Promise((resolve) => setImmediate(resolve));
  expect(engine.audited).toHaveLength(200);
  refuse = true;
  trail.refusedLogin(TENANT_DEFAULT, 'here');
  await new Promise((resolve) => setTimeout(resolve, 5));
  refuse = false;
  await trail.close();
  const sum = (kind: string) =>
    engine.audited.filter((record) => record.kind === kind).reduce((total, { count }) => total + count, 0);
  expect([sum('denied'), sum('refused-login'), sum('read')]).toEqual([5000, 1, 2]);
  expect(engine.audited.length).toBeLessThan(200 + 1010);
});

test('tenants are made, limited, encrypted and shredded over a connection, and only by operators', async () => {
  const database = newDatabase();
  const serving = await serve(database);
  const admin = await serving.connect();
  const made = await admin.administer({ command: 'tenant-create', name: 'acme', encrypted: true });
  const acme = (made['tenant'] as { id: TenantId }).id;
  const owner = await as(serving, 'owner', acme);
  await owner.append('secret-stream', { type: 't', data: 'secret-words' });
  for (const command of [
    { command: 'tenant-list' },
    { command: 'tenant-create', name: 'x', encrypted: false },
    { command: 'tenant-shred', name: 'acme', confirm: 'acme' },
    { command: 'key-rewrap' },
    { command: 'key-export', publicKey: 'x' },
    { command: 'key-rotate', tenant: 'default' },
    { command: 'subject-erase', tenant: 'default', subject: 'x', confirm: 'x' },
  ]) {
    await expect(owner.administer(command), command.command).rejects.toMatchObject({ code: 'FORBIDDEN' });
  }
  await owner.administer({ command: 'key-rotate' });
  await admin.administer({ command: 'key-rewrap' });
  await expect(
    admin.administer({ command: 'tenant-shred', name: 'acme', confirm: 'acne' }),
  ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect((await owner.readAllPage()).events).toHaveLength(1);
  const answer = await admin.administer({ command: 'tenant-shred', name: 'acme', confirm: 'acme' });
  expect(answer).toMatchObject({ revoked: 1, certificate: { of: 'tenant', name: 'acme' } });
  await expect(owner.readAllPage()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(filesWith(database.directory, 'secret-words')).toEqual([]);
  expect(new RealDisk().list(`${database.directory}/metadata/erasures`)).toHaveLength(1);
});
