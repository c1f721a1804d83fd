/** A stream about one person, named over the wire: by the SDK, and by a client that speaks an older version. */
import { afterEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { encodeAppend, KIND, newUuid } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { TenantId } from '../../../db/types.ts';
import { RawClient } from '../support/raw-client.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';
import { newDatabase } from '../tenancy/support.ts';

const clients: Client[] = [];
const servings: Serving[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await Promise.all(servings.splice(0).map((serving) => serving.close()));
});

/** A server with an encrypted tenant, and a client of its owner. */
async function serveEncrypted(): Promise<{ serving: Serving; admin: Client; owner: Client }> {
  const serving = await startServing({}, await newDatabase().open());
  servings.push(serving);
  const admin = await serving.connect();
  const made = await admin.administer({ command: 'tenant-create', name: 'acme', encrypted: true });
  const { id } = made['tenant'] as { id: TenantId };
  const { token } = serving.tokens.create(newToken('owner-of-acme', 'owner', id), new Date());
  const owner = await connect({ ...serving.tls, token: token as string });
  clients.push(owner);
  return { serving, admin, owner };
}

test('what a stream says about its person can be erased, and other streams stay', async () => {
  const { admin, owner } = await serveEncrypted();
  const about = { subject: 'p-17' };
  await owner.append('visits-17', { type: 'visit', data: 'first' }, { ...about, expected: 'none' });
  await owner.append('visits-17', { type: 'visit', data: 'second' });
  await owner.append('visits-17', { type: 'visit', data: 'third' }, about);
  await owner.append('visits-18', { type: 'visit', data: 'other' }, { subject: 'p-18' });
  await owner.append('menu', { type: 'dish', data: 'soup' });
  const command = { command: 'subject-erase', tenant: 'acme', subject: 'p-17', confirm: 'p-17' };
  const { certificate } = await admin.administer(command);
  expect(certificate).toMatchObject({ of: 'subject' });
  const { events } = await owner.readAllPage();
  expect(events.map(({ stream, data }) => `${stream} ${Buffer.from(data)}`)).toEqual([
    'visits-18 "other"',
    'menu "soup"',
  ]);
});

test('whom a stream is about is said with its first event, and stays', async () => {
  const { owner } = await serveEncrypted();
  await owner.append('menu', { type: 'dish', data: 1 });
  await owner.append('visits', { type: 'visit', data: 1 }, { subject: 'p-17' });
  for (const [stream, who] of [
    ['menu', 'nobody'],
    ['visits', 'somebody else'],
  ] as const) {
    await expect(owner.append(stream, { type: 't', data: 2 }, { subject: 'p-18' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`is about ${who}`),
    });
  }
  await expect(owner.append('x', { type: 't', data: 2 }, { subject: '' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});

test('a stream of a tenant that is not encrypted is about nobody', async () => {
  const { admin } = await serveEncrypted();
  await expect(admin.append('visits', { type: 't', data: 1 }, { subject: 'p-17' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('not encrypted'),
  });
  await admin.append('visits', { type: 't', data: 1 });
});

test('a client that speaks version 1 names no person: its frame ends the connection', async () => {
  const { serving } = await serveEncrypted();
  const client = new RawClient(serving.tcp);
  client.hello(serving.tcp.token);
  await client.until(() => client.frames.some(({ kind }) => kind === KIND.WELCOME));
  const empty = new Uint8Array(0);
  client.send((out) =>
    encodeAppend(out, 2, {
      ...{ stream: 'visits' as StreamName, expected: 'any', ack: 'applied', subject: 'p-17' },
      events: [{ id: newUuid(), type: 't', contentType: 'binary', data: empty, metadata: empty }],
    }),
  );
  const error = await client.lastWords();
  expect(error).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining('version 4') });
});
