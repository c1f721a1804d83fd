/** A stream about one person, named over the wire: by the SDK, and by a client that speaks an older version. */
import { afterEach, expect, test } from 'vitest';
import { type Client, connect } from '../../../db/client/index.ts';
import { encodeAppend, KIND, newUuid } from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { TenantId } from '../../../db/types.ts';
import { runCommand } from '../support/command.ts';
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

test('signals of a person go with the same erasure, and so does what was learnt from them', async () => {
  const { serving, owner } = await serveEncrypted();
  const { ranking } = owner;
  for (const definition of [
    'DEFINE ENTITY item (title TEXT)',
    'DEFINE ENTITY user (country KEYWORD DIMENSION) PERSON',
    'DEFINE SIGNAL view ON item POSITIVE WINDOWS (24h) COHORTS EFFECTS (STATE seen)',
  ])
    await ranking.execute(definition);
  await ranking.entities([
    { kind: 'item', key: 'tea', set: { title: 'Tea' } },
    { kind: 'item', key: 'jam', set: { title: 'Jam' } },
    { kind: 'user', key: 'p-17', set: { country: 'FR' } },
  ]);
  const view = (target: string, by: string) => ({ signal: 'view', target, user: by });
  const signals = [view('tea', 'p-17'), view('jam', 'p-18'), view('tea', 'p-17'), view('tea', 'p-18')];
  expect(await ranking.signals(signals)).toMatchObject({ accepted: 4 });
  const trending = async (): Promise<unknown> => {
    const { hits } = await ranking.retrieve('RETRIEVE items SORT BY most_viewed');
    return Object.fromEntries(hits.map(({ key, score }) => [key, score]));
  };
  const unseen = async (key: string): Promise<string[]> => {
    const { hits } = await ranking.retrieve('RETRIEVE items FOR USER $1 FILTER unseen SEED 1', [key]);
    return hits.map((hit) => hit.key).sort();
  };
  expect(await trending()).toEqual({ tea: 3, jam: 1 });
  expect(await unseen('p-17')).toEqual(['jam']);
  const erased = await runCommand(
    ...['subject', 'erase', 'p-17', '--tenant', 'acme', '--confirm', 'p-17', '--url', serving.url],
  );
  expect([erased.code, erased.err]).toEqual([0, '']);
  expect(await trending()).toEqual({ tea: 1, jam: 1 });
  expect([await unseen('p-17'), await unseen('p-18')]).toEqual([['jam', 'tea'], []]);
  expect((await ranking.retrieve('RETRIEVE users SEED 1')).hits.map(({ key }) => key)).toEqual(['p-18']);
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
