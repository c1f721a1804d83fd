import { afterEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import type { Role } from '../../../db/server/token-file.ts';
import type { TenantId } from '../../../db/types.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';

const servings: Serving[] = [];
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

async function serve(): Promise<Serving> {
  const serving = await startServing();
  servings.push(serving);
  return serving;
}

async function as(
  serving: Serving,
  role: Role,
  tenant: number,
  expiresAt: Date | null = null,
): Promise<Client> {
  const request = { ...newToken(`${role}-${tenant}`, role, tenant as TenantId), expiresAt };
  const { token } = serving.tokens.create(request, new Date());
  const client = await connect({ ...serving.tls, token: token as string });
  clients.push(client);
  return client;
}

test('an owner makes, sees and revokes tokens of the own tenant and no others', async () => {
  const serving = await serve();
  const owner = await as(serving, 'owner', 7);
  const created = await owner.administer({
    ...{ command: 'token-create', name: 'app', role: 'writer', hash: null },
  });
  expect(created['created']).toMatchObject({ tenant: 7, role: 'writer', expiresAt: null });
  const list = async (db: Client) => {
    const { tokens } = await db.administer({ command: 'token-list' });
    return (tokens as { name: string }[]).map(({ name }) => name);
  };
  expect(await list(owner)).toEqual(['owner-7', 'app']);
  expect(await list(await serving.connect())).toEqual(['admin', 'owner-7', 'app']);
  await expect(owner.administer({ command: 'token-revoke', token: 'admin' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect(
    owner.administer({ command: 'token-create', name: 'boss', role: 'operator', hash: null }),
  ).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await owner.administer({ command: 'token-revoke', token: 'app' });
  expect(await list(owner)).toEqual(['owner-7']);
});

test('the number of a tenant is found by its name by those of the first one, and by others only their own', async () => {
  const serving = await serve();
  const operator = await serving.connect();
  await operator.administer({ command: 'tenant-create', name: 'acme', encrypted: false });
  const { tenants } = await operator.administer({ command: 'tenant-list' });
  const [, { id, name }] = tenants as [unknown, { id: number; name: string }];
  const find = (db: Client, wanted: string) => db.administer({ command: 'tenant-find', name: wanted });
  expect(await find(operator, name)).toEqual({ id });
  expect(await find(await as(serving, 'auditor', 0), name)).toEqual({ id });
  await expect(find(operator, `${name}x`)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining(`did you mean "${name}"?`),
  });
  await operator.administer({ command: 'tenant-create', name: 'zenith', encrypted: false });
  const auditor = await as(serving, 'auditor', id);
  expect(await find(auditor, name)).toEqual({ id });
  for (const other of ['zenith', 'zenit', 'default']) {
    const refusal = await find(auditor, other).catch((error: Error) => error.message);
    expect(refusal).toContain(`knows of no tenant "${other}"`);
  }
  await expect(find(await as(serving, 'reader', id), name)).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

test('what concerns the whole server is refused to every role of another tenant', async () => {
  const serving = await serve();
  for (const role of ['operator', 'owner', 'auditor'] as const) {
    const db = await as(serving, role, 7);
    await expect(db.status()).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const command of [
      { command: 'snapshot-list' },
      { command: 'follower-list' },
      { command: 'wal-prune', before: 1, withoutArchive: true },
    ]) {
      await expect(db.administer(command)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    }
  }
});

test('an auditor reads no payload', async () => {
  const serving = await serve();
  const auditor = await as(serving, 'auditor', 0);
  await expect(auditor.readAllPage()).rejects.toMatchObject({ code: 'FORBIDDEN' });
  await expect(auditor.append('s', { type: 't', data: 1 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  expect(await auditor.status()).toMatchObject({ state: 'serving' });
});

test('a connection ends when its token expires', async () => {
  const serving = await serve();
  const db = await as(serving, 'reader', 0, new Date(Date.now() + 600));
  const tail = await db.subscribe();
  await expect(
    (async () => {
      for await (const _ of tail);
    })(),
  ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});
