import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { writeSmallFile } from '../../../db/io/index.ts';
import { type KekSource, type KeyId, KeyRing, moveKek } from '../../../db/tenancy/keys/index.ts';
import { openKeys, sealKeys } from '../../../db/tenancy/keys/recovery.ts';
import type { Epoch, TenantId } from '../../../db/types.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { pickFrom, randomFrom } from '../wal/support.ts';

const LOG_ID = new Uint8Array(16).fill(7);
const FILE: KekSource = { from: 'file', path: '/secrets/kek' };
const PASSPHRASE: KekSource = { from: 'passphrase', passphrase: 'correct horse battery staple' };
const A = 0 as TenantId;
const B = 7 as TenantId;

function newDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const path of ['/data', '/data/metadata', '/secrets']) disk.mkdir(path);
  return disk;
}

let seeds = 0;

function openRing(disk: MemoryDisk, source: KekSource | null = FILE, logId = LOG_ID): KeyRing {
  return new KeyRing({ disk, directory: '/data', logId, source, random: randomFrom(++seeds) });
}

/** Stands for the key itself, which the ring never shows. */
function print(ring: KeyRing, id: KeyId): string {
  return Buffer.from(ring.entryKey(id, 1 as Epoch, new Uint8Array(32))).toString('hex');
}

describe.each([FILE, PASSPHRASE])('keys under a $from', (source) => {
  test('are the same after a restart, each its own, and only wrapped on disk', () => {
    const disk = newDisk();
    const ring = openRing(disk, source);
    expect(ring.empty).toBe(true);
    expect(disk.paths().filter((path) => path.startsWith('/data/metadata/'))).toEqual([]);
    const ids = [ring.create(A), ring.create(B), ring.rotate(B), ring.subjectKey(B, ring.handle(B, 'alice'))];
    const prints = ids.map((id) => print(ring, id));
    expect(new Set(prints).size).toBe(ids.length);
    const again = openRing(disk, source);
    expect(ids.map((id) => print(again, id))).toEqual(prints);
    expect([again.dataKey(A), again.dataKey(B)]).toEqual([ids[0], ids[2]]);
    expect(again.subjectKey(B, again.handle(B, 'alice'))).toBe(ids[3]);
    expect(again.handle(B, 'alice')).toBe(ring.handle(B, 'alice'));
    expect(again.handle(A, 'alice')).not.toBe(ring.handle(B, 'alice'));
  });

  test('go on under another key-encryption key; destroyed ones are gone, also for whoever kept a copy of the files', () => {
    const disk = newDisk();
    const ring = openRing(disk, source);
    const kept = ring.create(B);
    const gone = ring.subjectKey(B, ring.handle(B, 'alice'));
    const before = print(ring, kept);
    const stale = disk.copy();
    ring.replaceKek();
    ring.destroy([gone]);
    for (const each of [ring, openRing(disk, source)]) {
      expect(print(each, kept)).toBe(before);
      expect(each.state(gone)).toBe('erased');
      expect(() => print(each, gone)).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
      expect(each.subjectKeyOf(B, each.handle(B, 'alice'))).toBeNull();
      expect(each.keysOf(B)).not.toContain(gone);
    }
    if (source.from !== 'file') return;
    // Somebody kept metadata/keys, and the key file of today is all there is.
    for (const path of disk.paths().filter((each) => each.startsWith('/secrets/')))
      writeSmallFile(stale, path, disk.bytesOf(path).slice());
    expect(() => openRing(stale, source)).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
  });

  test('are refused to whoever has no key, another key, or another log', () => {
    const disk = newDisk();
    openRing(disk, source).create(B);
    const other: KekSource =
      source.from === 'file'
        ? { from: 'file', path: '/secrets/other' }
        : { ...source, passphrase: 'something else' };
    if (source.from === 'file')
      writeSmallFile(disk, '/secrets/other', Buffer.from(`${Buffer.alloc(32, 3).toString('base64')}\n`));
    for (const open of [
      () => openRing(disk, null),
      () => openRing(disk, other),
      () =>
        openRing(
          disk,
          source,
          LOG_ID.map(() => 9),
        ),
    ]) {
      expect(open).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    }
  });
});

test('a machine that stops at any write while keys are replaced or destroyed loses none that should be there', () => {
  for (let operations = 0; ; operations++) {
    const disk = newDisk();
    const ring = openRing(disk);
    const kept = [ring.create(A), ring.create(B), ring.subjectKey(B, ring.handle(B, 'bob'))];
    const gone = ring.subjectKey(B, ring.handle(B, 'alice'));
    const prints = kept.map((id) => print(ring, id));
    disk.crashBefore = disk.operations + operations;
    let finished = true;
    try {
      ring.destroy([gone]);
    } catch {
      finished = false;
    }
    const crashed = disk.crash(pickFrom(operations));
    const again = openRing(crashed);
    expect(kept.map((id) => print(again, id))).toEqual(prints);
    again.destroy([gone]);
    expect(kept.map((id) => print(openRing(crashed), id))).toEqual(prints);
    expect(openRing(crashed).state(gone)).toBe('erased');
    if (finished) break;
  }
});

test('moved from one file to another at any write, keys need both files until they are at the other', () => {
  const to: KekSource = { from: 'file', path: '/secrets/other' };
  for (let operations = 0; ; operations++) {
    const disk = newDisk();
    const ring = openRing(disk);
    const kept = [ring.create(A), ring.create(B), ring.subjectKey(B, ring.handle(B, 'bob'))];
    const prints = kept.map((id) => print(ring, id));
    const move = (on: MemoryDisk) =>
      moveKek({ disk: on, directory: '/data', logId: LOG_ID, random: randomFrom(++seeds) }, FILE, to);
    disk.crashBefore = disk.operations + operations;
    let finished = true;
    try {
      move(disk);
    } catch {
      finished = false;
    }
    const crashed = disk.crash(pickFrom(operations));
    expect(move(crashed)).toBe(true);
    expect(kept.map((id) => print(openRing(crashed, to), id))).toEqual(prints);
    expect(crashed.paths().filter((path) => path.startsWith('/secrets/'))).toEqual(['/secrets/other']);
    expect(() => openRing(crashed)).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    if (finished) break;
  }
});

test('a passphrase is changed for another, and the old one opens nothing any more', () => {
  const disk = newDisk();
  const after: KekSource = { from: 'passphrase', passphrase: 'another horse, another battery' };
  const ring = openRing(disk, PASSPHRASE);
  const kept = ring.create(B);
  const options = { disk, directory: '/data', logId: LOG_ID, random: randomFrom(++seeds) };
  expect(moveKek(options, PASSPHRASE, after)).toBe(true);
  expect(print(openRing(disk, after), kept)).toBe(print(ring, kept));
  expect(() => openRing(disk, PASSPHRASE)).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
  expect(moveKek({ ...options, disk: newDisk() }, PASSPHRASE, after)).toBe(false);
});

test('keys of many persons are one write: all of them are there behind a power failure, or none', () => {
  const outcomes = new Set<number>();
  for (let operations = 0; ; operations++) {
    const disk = newDisk();
    const ring = openRing(disk);
    const kept = ring.create(B);
    const expected = print(ring, kept);
    const bob = ring.subjectKey(B, ring.handle(B, 'bob'));
    const handles = new Set(Array.from({ length: 100 }, (_, at) => ring.handle(B, `person ${at}`)));
    handles.add(ring.handle(B, 'bob'));
    disk.crashBefore = disk.operations + operations;
    let finished = true;
    try {
      ring.makeSubjectKeys(B, handles);
    } catch {
      finished = false;
    }
    const again = openRing(disk.crash(pickFrom(operations)));
    expect([print(again, kept), again.subjectKeyOf(B, again.handle(B, 'bob'))]).toEqual([expected, bob]);
    const there = [...handles].filter((handle) => again.subjectKeyOf(B, handle) !== null).length;
    outcomes.add(there);
    if (!finished) continue;
    expect([...handles].map((handle) => again.subjectKeyOf(B, handle))).toEqual(
      [...handles].map((handle) => ring.subjectKeyOf(B, handle)),
    );
    // One key behind them is a line of its own again, and rewriting makes lines of all.
    again.subjectKey(B, again.handle(B, 'carol'));
    again.destroy([bob]);
    expect([...handles].filter((handle) => again.subjectKeyOf(B, handle) !== null)).toHaveLength(100);
    break;
  }
  expect([...outcomes].sort()).toEqual([1, 101]);
});

test('a key whose line was being written when the machine stopped was never used, and the file goes on', () => {
  const disk = newDisk();
  const ring = openRing(disk);
  ring.create(B);
  const path = '/data/metadata/keys/0000000007.keys';
  const whole = disk.bytesOf(path).slice();
  ring.subjectKey(B, ring.handle(B, 'alice'));
  const cut = disk
    .bytesOf(path)
    .slice()
    .slice(0, whole.length + 40);
  writeSmallFile(disk, path, cut);
  const again = openRing(disk);
  expect(again.subjectKeyOf(B, again.handle(B, 'alice'))).toBeNull();
  const id = again.subjectKey(B, again.handle(B, 'alice'));
  expect(openRing(disk).subjectKeyOf(B, again.handle(B, 'alice'))).toBe(id);
  writeSmallFile(
    disk,
    path,
    whole.map((byte, at) => (at === 60 ? byte ^ 1 : byte)),
  );
  expect(() => openRing(disk)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
});

test('keys leave only sealed to a recovery key and come back with its other half', () => {
  const pem = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const;
  const recovery = generateKeyPairSync('x25519', pem);
  const other = generateKeyPairSync('x25519', pem);
  const ring = openRing(newDisk());
  const ids = [ring.create(A), ring.create(B), ring.subjectKey(B, ring.handle(B, 'alice'))];
  const text = sealKeys(ring.bareKeys(), LOG_ID, recovery.publicKey);
  const elsewhere = openRing(newDisk(), PASSPHRASE);
  expect(elsewhere.adopt(openKeys(text, LOG_ID, recovery.privateKey))).toBe(5);
  expect(elsewhere.adopt(openKeys(text, LOG_ID, recovery.privateKey))).toBe(0);
  expect(ids.map((id) => print(elsewhere, id))).toEqual(ids.map((id) => print(ring, id)));
  expect(elsewhere.handle(B, 'alice')).toBe(ring.handle(B, 'alice'));
  for (const wrong of [
    () => openKeys(text, LOG_ID, other.privateKey),
    () => openKeys(text, new Uint8Array(16), recovery.privateKey),
    () => openKeys('{}', LOG_ID, recovery.privateKey),
    () => sealKeys(ring.bareKeys(), LOG_ID, 'x'),
  ]) {
    expect(wrong).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  }
});

test('an export tells what was destroyed, and its keys stay destroyed wherever it is taken over', () => {
  const pem = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const;
  const recovery = generateKeyPairSync('x25519', pem);
  const ring = openRing(newDisk());
  ring.create(B);
  const [alice, bob] = ['alice', 'bob'].map((name) => ring.subjectKey(B, ring.handle(B, name)));
  const before = sealKeys(ring.bareKeys(), LOG_ID, recovery.publicKey);
  ring.destroy([alice!]);
  const after = sealKeys(ring.bareKeys(), LOG_ID, recovery.publicKey);
  const disk = newDisk();
  for (const [text, count] of [
    [before, 4],
    [after, 0],
    [before, 0],
  ] as const) {
    expect(openRing(disk).adopt(openKeys(text, LOG_ID, recovery.privateKey))).toBe(count);
  }
  const empty = newDisk();
  expect(openRing(empty).adopt(openKeys(after, LOG_ID, recovery.privateKey))).toBe(3);
  for (const copy of [openRing(disk), openRing(empty)]) {
    expect(copy.state(alice!)).toBe('erased');
    expect(copy.subjectKeyOf(B, ring.handle(B, 'alice'))).toBeNull();
    expect(print(copy, bob!)).toEqual(print(ring, bob!));
  }
});
