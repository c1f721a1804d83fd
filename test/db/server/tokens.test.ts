import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealDisk } from '../../../db/io/index.ts';
import { hashToken, TokenStore } from '../../../db/server/tokens.ts';
import type { TenantId } from '../../../db/types.ts';
import { newToken, temporaryDirectory } from '../support/serving.ts';

let directory = '';
let path = '';

beforeEach(() => {
  directory = temporaryDirectory();
  mkdirSync(join(directory, 'metadata'));
  path = join(directory, 'metadata', 'tokens.json');
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(): TokenStore {
  return new TokenStore(new RealDisk(), path, randomBytes);
}

const NEW = newToken('app', 'writer');
const NOW = new Date('2026-01-02T03:04:05.678Z');

test('a token works from the moment it is made, also after a restart, and only its hash is kept', () => {
  const { token, record } = open().create(NEW, NOW);
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(open().verify(token as string, NOW)).toEqual(record);
  const file = readFileSync(path, 'utf8');
  expect(file).not.toContain(token);
  expect(file).toContain(hashToken(token as string));
});

test('anything but a known token is nobody', () => {
  const store = open();
  const { token } = store.create(NEW, NOW);
  for (const wrong of ['', 'x', `${token}x`, (token as string).slice(1)])
    expect(store.verify(wrong, NOW)).toBeNull();
});

test('a token made elsewhere is known by its hash', () => {
  const store = open();
  const { token } = store.create({ ...NEW, hash: hashToken('made elsewhere') }, NOW);
  expect(token).toBeNull();
  expect(store.verify('made elsewhere', NOW)).toMatchObject({ name: 'app' });
});

test('revoking, by name or id, is at once and for good, and tells who listens', () => {
  const store = open();
  const { token, record } = store.create(NEW, NOW);
  const revoked: string[] = [];
  store.onEnded((id) => revoked.push(id));
  store.revoke('app', null);
  expect(revoked).toEqual([record.id]);
  expect(store.verify(token as string, NOW)).toBeNull();
  expect(open().verify(token as string, NOW)).toBeNull();
  expect(() => store.revoke(record.id, null)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('names and hashes must be usable and not taken', () => {
  const store = open();
  store.create(NEW, NOW);
  expect(() => store.create(NEW, NOW)).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  expect(() => store.create({ ...NEW, name: 'a b' }, NOW)).toThrow(/no name for a token/);
  expect(() => store.create({ ...NEW, name: 'b', hash: 'abc' }, NOW)).toThrow(/64 lowercase/);
});

test('a file that is not ours stops the start instead of meaning no tokens', () => {
  for (const content of ['', '{', '[]', '{"version":3,"tokens":[]}', '{"version":1,"tokens":[],"more":1}']) {
    writeFileSync(path, content);
    expect(open).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  }
});

test('a token ends at its time, is told of once, and lets nobody in afterwards, also not by its verifier', () => {
  const store = open();
  const expiresAt = new Date(NOW.getTime() + 60_000);
  const { token, record } = store.create({ ...NEW, expiresAt }, NOW);
  const before = new Date(expiresAt.getTime() - 1);
  const ended: string[] = [];
  store.onEnded((id) => ended.push(id));
  store.expire(before);
  expect(open().verify(token as string, before)).toEqual(record);
  expect(store.find(record.tenant, 'app', before)).toEqual(record);
  expect(ended).toEqual([]);
  store.expire(expiresAt);
  store.expire(new Date(expiresAt.getTime() + 1));
  expect(ended).toEqual([record.id]);
  expect(open().verify(token as string, expiresAt)).toBeNull();
  expect(store.find(record.tenant, 'app', expiresAt)).toBeNull();
  expect(() => store.create({ ...NEW, name: 'late', expiresAt: NOW }, NOW)).toThrow(/never let anybody in/);
});

test('tenants do not see each other: the same name twice, revoked and listed apart', () => {
  const store = open();
  const other = 7 as TenantId;
  const mine = store.create(NEW, NOW);
  const theirs = store.create({ ...NEW, tenant: other }, NOW);
  expect(open().verify(theirs.token as string, NOW)?.tenant).toBe(other);
  expect(store.find(other, 'app', NOW)?.id).toBe(theirs.record.id);
  expect(() => store.revoke('app', null)).toThrow(new RegExp(`${mine.record.id}, ${theirs.record.id}`));
  expect(() => store.revoke(mine.record.id, other)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  expect(store.revokeTenant(other).map(({ id }) => id)).toEqual([theirs.record.id]);
  expect(store.list().map(({ id }) => id)).toEqual([mine.record.id]);
});
