/** Proofs over HTTP, and what measurements say of them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verifyBundle } from '../../../db/audit/bundle-verifier.ts';
import { parseCheckpointText } from '../../../db/audit/checkpoint.ts';
import { SigningKeys } from '../../../db/audit/signing-keys.ts';
import {
  leafHash,
  sha256,
  verifyCertificates,
  verifyCheckpoint,
  verifyRange,
} from '../../../db/audit/verifier.ts';
import type { Engine } from '../../../db/engine.ts';
import { RealDisk } from '../../../db/io/index.ts';
import { HttpServer } from '../../../db/server/http/http-server.ts';
import type { Role } from '../../../db/server/token-file.ts';
import type { TenantId } from '../../../db/types.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { newToken, type Serving, startServing } from '../support/serving.ts';
import { newDatabase, write } from '../tenancy/support.ts';

const OPTIONS = {
  ...{ host: '127.0.0.1', port: 0, certificate: null, metricsOpen: true },
  ...{ bodyBytesMax: 100_000, connectionsMax: 100 },
};

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(engine: Engine): Promise<{ serving: Serving; base: string }> {
  const serving = await startServing({}, engine);
  const http = new HttpServer(OPTIONS);
  await http.listen();
  http.serve(serving.server.database, serving.tokens);
  open.push(async () => {
    await http.close(200);
    await serving.close();
  });
  return { serving, base: `http://127.0.0.1:${http.port}` };
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & { readonly error?: { readonly code: string } };
}

let engine: Engine;
let base = '';
let serving: Serving;
let rootKey: Uint8Array;
let tenant: TenantId;

beforeEach(async () => {
  const database = newDatabase();
  engine = await database.open({ proofs: { checkpointCommits: 0, checkpointSeconds: 0 } });
  tenant = (await engine.tenants.create('acme', { encrypted: false })).id;
  ({ serving, base } = await serve(engine));
  await engine.proofs!.settle();
  const logId = Buffer.from(engine.status().log.identity.logId).toString('hex');
  rootKey = new SigningKeys(new RealDisk(), database.directory, logId).rootKey!;
});

function tokenOf(role: Role, of: number): string {
  const { token } = serving.tokens.create(newToken(`${role}-${of}`, role, of as TenantId), new Date());
  return token as string;
}

async function get(path: string, token = serving.tcp.token): Promise<Answer> {
  const response = await fetch(base + path, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

async function sign(): Promise<void> {
  await engine.proofs!.ask({ command: 'checkpoint-create' });
}

const unbase64 = (text: unknown): Uint8Array => Uint8Array.from(Buffer.from(text as string, 'base64'));

test('the newest checkpoint is for every token, and holds with the root key alone', async () => {
  expect(await get('/v1/proofs/checkpoint')).toMatchObject({ status: 404 });
  await write(engine, 0 as TenantId, 's', 'an event');
  await sign();
  for (const token of [serving.tcp.token, tokenOf('reader', tenant), tokenOf('auditor', 0)]) {
    const { status, body } = await get('/v1/proofs/checkpoint', token);
    expect(status).toBe(200);
    const certificates = verifyCertificates(rootKey, (body['certificates'] as string[]).map(unbase64));
    const checkpoint = verifyCheckpoint(certificates, unbase64(body['bytes']));
    expect(body).toMatchObject({ size: checkpoint.size, root: checkpoint.root, erased: 0 });
    expect(parseCheckpointText(body['text'] as string).checkpoint).toEqual(unbase64(body['bytes']));
  }
  expect((await get('/v1/proofs/checkpoint', 'no-such-token')).status).toBe(401);
});

test('an entry is shown in the tree over all, what it holds only where that is asked for and may be read', async () => {
  const at = await write(engine, 0 as TenantId, 's', 'an event');
  await sign();
  const { body } = await get(`/v1/proofs/${at}?payload=true`);
  const { entries, checkpoint } = verifyBundle(rootKey, unbase64(body['bundle']));
  expect(entries).toHaveLength(1);
  expect(entries[0]).toMatchObject({ sequence: at, form: 'payload' });
  expect(Buffer.from(entries[0]!.payload!).includes('an event')).toBe(true);
  expect(body).toMatchObject({ position: at, kind: 'entries', signed: checkpoint.size });
  const leaf = leafHash(entries[0]!.header!, sha256(entries[0]!.payload!));
  verifyRange(at - 1, [leaf], checkpoint.size, (body['path'] as string[]).map(unbase64), checkpoint.root);
  const form = async (path: string, token?: string) =>
    verifyBundle(rootKey, unbase64((await get(path, token)).body['bundle'])).entries[0]!.form;
  expect(await form(`/v1/proofs/${at}`)).toBe('hash');
  expect(await form(`/v1/proofs/${at}?payload=true`, tokenOf('auditor', 0))).toBe('hash');
});

test('a tenant is shown its own entries and told nothing of others', async () => {
  const other = await write(engine, 0 as TenantId, 's', 'of the first tenant');
  const own = await write(engine, tenant, 's', 'of acme');
  await write(engine, tenant, 's', 'of acme too');
  await sign();
  const owner = tokenOf('owner', tenant);
  const { body } = await get(`/v1/proofs/${own}?payload=true`, owner);
  const bundle = verifyBundle(rootKey, unbase64(body['bundle']));
  expect(bundle).toMatchObject({ kind: 'tenant', tenant, from: own, to: own });
  expect(bundle.entries.map(({ sequence, form }) => ({ sequence, form }))).toEqual([
    { sequence: own, form: 'payload' },
  ]);
  expect(Buffer.from(unbase64(body['bundle'])).includes('of the first tenant')).toBe(false);
  expect(await get(`/v1/proofs/${other}`, owner)).toMatchObject({ status: 404 });
  expect(await get(`/v1/proofs/${own}`, tokenOf('reader', tenant))).toMatchObject({ status: 403 });
});

test('what is not signed, no position, or kept nowhere is refused and says why', async () => {
  const at = await write(engine, 0 as TenantId, 's', 'first');
  await sign();
  const later = await write(engine, 0 as TenantId, 's', 'later');
  expect((await get(`/v1/proofs/${at}`)).status).toBe(200);
  expect(await get(`/v1/proofs/${later}`)).toMatchObject({
    status: 404,
    body: { error: { code: 'NOT_FOUND' } },
  });
  for (const path of ['0', '-1', 'x', '1e3', '9'.repeat(17), `${at}?payload=maybe`, `${at}?payloads=true`])
    expect(await get(`/v1/proofs/${path}`), path).toMatchObject({ status: 400 });
  const copy = await serve(new MemoryEngine());
  const answer = await fetch(`${copy.base}/v1/proofs/1`, {
    headers: { authorization: `Bearer ${copy.serving.tcp.token}` },
  });
  expect(answer.status).toBe(503);
  expect(await (await fetch(`${copy.base}/metrics`)).text()).not.toMatch(/^truthdb_proofs_\w+ /m);
});

test('measurements tell how far signatures are and how much they are behind', async () => {
  await write(engine, 0 as TenantId, 's', 'first');
  await sign();
  const value = async (name: string): Promise<number> => {
    const text = await (await fetch(`${base}/metrics`)).text();
    return Number(new RegExp(`^truthdb_proofs_${name} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const signed = await value('signed_position');
  expect(signed).toBeGreaterThan(0);
  expect(await value('checkpoints')).toBe(1);
  const before = await value('unsigned_entries');
  await write(engine, 0 as TenantId, 's', 'later');
  expect(await value('unsigned_entries')).toBeGreaterThan(before);
  expect(await value('signed_position')).toBe(signed);
  expect(await value('failed')).toBe(0);
  await sign();
  expect(await value('signed_position')).toBeGreaterThan(signed);
  const document = (await (await fetch(`${base}/openapi.json`)).json()) as { paths: Record<string, object> };
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining(['/v1/proofs/checkpoint', '/v1/proofs/{position}']),
  );
});
