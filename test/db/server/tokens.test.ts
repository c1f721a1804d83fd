import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RealDisk } from '../../../db/io/index.ts';
import { hashToken, TokenStore } from '../../../db/server/tokens.ts';
import { temporaryDirectory } from '../support/serving.ts';

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

const NEW = { name: 'app', role: 'writer', hash: null } as const;

test('a token works from the moment it is made, also after a restart, and only its hash is kept', () => {
  const { token, record } = open().create(NEW, new Date());
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(open().verify(token as string)).toEqual(record);
  const file = readFileSync(path, 'utf8');
  expect(file).not.toContain(token);
  expect(file).toContain(hashToken(token as string));
});

test('anything but a known token is nobody', () => {
  const store = open();
  const { token } = store.create(NEW, new Date());
  for (const wrong of ['', 'x', `${token}x`, (token as string).slice(1)])
    expect(store.verify(wrong)).toBeNull();
});

test('a token made elsewhere is known by its hash', () => {
  const store = open();
  const { token } = store.create({ ...NEW, hash: hashToken('made elsewhere') }, new Date());
  expect(token).toBeNull();
  expect(store.verify('made elsewhere')).toMatchObject({ name: 'app' });
});

test('revoking, by name or id, is at once and for good, and tells who listens', () => {
  const store = open();
  const { token, record } = store.create(NEW, new Date());
  const revoked: string[] = [];
  store.onRevoked((id) => revoked.push(id));
  store.revoke('app');
  expect(revoked).toEqual([record.id]);
  expect(store.verify(token as string)).toBeNull();
  expect(open().verify(token as string)).toBeNull();
  expect(() => store.revoke(record.id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('names and hashes must be usable and not taken', () => {
  const store = open();
  store.create(NEW, new Date());
  expect(() => store.create(NEW, new Date())).toThrow(expect.objectContaining({ code: 'ALREADY_EXISTS' }));
  expect(() => store.create({ ...NEW, name: 'a b' }, new Date())).toThrow(/no name for a token/);
  expect(() => store.create({ ...NEW, name: 'b', hash: 'abc' }, new Date())).toThrow(/64 lowercase/);
});

test('a file that is not ours stops the start instead of meaning no tokens', () => {
  for (const content of ['', '{', '[]', '{"version":2,"tokens":[]}', '{"version":1,"tokens":[],"more":1}']) {
    writeFileSync(path, content);
    expect(open).toThrow(expect.objectContaining({ code: 'CONFIG' }));
  }
});
