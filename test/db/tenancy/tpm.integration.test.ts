/** Keys under a TPM, with a real one in software: swtpm, from the Debian package of that name. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type KekSource, type KeyId, KeyRing, moveKek } from '../../../db/tenancy/keys/index.ts';
import { parseTpmAddress, tpmSeal, tpmUnseal } from '../../../db/tenancy/keys/tpm/index.ts';
import type { Epoch, TenantId } from '../../../db/types.ts';
import { runCommand } from '../support/command.ts';
import { isSwtpmThere, Swtpm } from '../support/swtpm.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { pickFrom, randomFrom } from '../wal/support.ts';
import { newDatabase, texts, write } from './support.ts';

const LOG_ID = new Uint8Array(16).fill(7);
const A = 0 as TenantId;
const B = 7 as TenantId;
const SECRET = Buffer.from('a key of thirty-two whole bytes!');
const FILE: KekSource = { from: 'file', path: '/secrets/kek' };
const random = randomFrom(1);

function newDisk(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const path of ['/data', '/data/metadata', '/secrets']) disk.mkdir(path);
  return disk;
}

let seeds = 0;

function options(disk: MemoryDisk) {
  return { disk, directory: '/data', logId: LOG_ID, random: randomFrom(++seeds) };
}

function openRing(disk: MemoryDisk, source: KekSource | null): KeyRing {
  return new KeyRing({ ...options(disk), source });
}

function print(ring: KeyRing, id: KeyId): string {
  return Buffer.from(ring.entryKey(id, 1 as Epoch, new Uint8Array(32))).toString('hex');
}

function fromTpm({ place }: Swtpm, pcrs: readonly number[] = []): KekSource {
  return { from: 'tpm', tpm: place, pcrs };
}

const unavailable = (words: RegExp) =>
  expect.objectContaining({ code: 'KEY_UNAVAILABLE', message: expect.stringMatching(words) });

describe.runIf(isSwtpmThere())('a TPM', () => {
  test.each(['unix', 'tcp'] as const)(
    'gives back what it sealed, over a %s socket and after it was off',
    async (kind) => {
      const tpm = await Swtpm.start(kind);
      const sealed = tpmSeal(tpm.place, SECRET, [], random);
      expect(Buffer.from(JSON.stringify(sealed)).includes(SECRET)).toBe(false);
      expect(Buffer.from(sealed.private, 'base64').includes(SECRET)).toBe(false);
      expect(Buffer.from(tpmUnseal(tpm.place, sealed, random))).toEqual(SECRET);
      await tpm.off();
      await tpm.on();
      expect(Buffer.from(tpmUnseal(tpm.place, sealed, random))).toEqual(SECRET);
    },
  );

  test('has room for as many as one likes, one after the other: it keeps nothing', async () => {
    const tpm = await Swtpm.start();
    for (let turn = 0; turn < 12; turn++) {
      const sealed = tpmSeal(tpm.place, SECRET, turn % 2 === 0 ? [] : [7], random);
      expect(Buffer.from(tpmUnseal(tpm.place, sealed, random))).toEqual(SECRET);
    }
  });

  test('does not open what another has sealed, what was changed, or what was sealed for what another program measures', async () => {
    const [tpm, other] = [await Swtpm.start(), await Swtpm.start()];
    const sealed = tpmSeal(tpm.place, SECRET, [], random);
    expect(() => tpmUnseal(other.place, sealed, random)).toThrow(
      unavailable(/did not seal the key, or was cleared/),
    );
    const bytes = Buffer.from(sealed.private, 'base64');
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    const changed = { ...sealed, private: bytes.toString('base64') };
    expect(() => tpmUnseal(tpm.place, changed, random)).toThrow(unavailable(/did not seal the key/));
    const cut = { ...sealed, private: bytes.subarray(0, 20).toString('base64') };
    expect(() => tpmUnseal(tpm.place, cut, random)).toThrow(unavailable(/refused to take the sealed key/));
  });

  test('opens what is bound to PCRs only while they are as they were', async () => {
    const tpm = await Swtpm.start();
    const bound = tpmSeal(tpm.place, SECRET, [7], random);
    const free = tpmSeal(tpm.place, SECRET, [], random);
    tpm.extend(10);
    expect(Buffer.from(tpmUnseal(tpm.place, bound, random))).toEqual(SECRET);
    tpm.extend(7);
    expect(() => tpmUnseal(tpm.place, bound, random)).toThrow(unavailable(/PCRs.*key import/));
    // Whoever says that nothing is bound does not get around it.
    expect(() => tpmUnseal(tpm.place, { ...bound, pcrs: [] }, random)).toThrow(
      unavailable(/refused to unseal/),
    );
    expect(() => tpmUnseal(tpm.place, { ...bound, pcrs: [10] }, random)).toThrow(unavailable(/PCRs/));
    expect(Buffer.from(tpmUnseal(tpm.place, free, random))).toEqual(SECRET);
    await tpm.off();
    await tpm.on();
    expect(Buffer.from(tpmUnseal(tpm.place, bound, random))).toEqual(SECRET);
  });

  test('that is not there says so', async () => {
    const tpm = await Swtpm.start();
    await tpm.off();
    expect(() => tpmSeal(tpm.place, SECRET, [], random)).toThrow(
      unavailable(/cannot be used: .*(none|nothing listens)/),
    );
    const none = parseTpmAddress('/dev/no-such-tpm');
    expect(() => tpmSeal(none, SECRET, [], random)).toThrow(
      unavailable(/no-such-tpm cannot be used: there is none/),
    );
    const file = join(tpm.folder, 'no-tpm');
    writeFileSync(file, 'x'.repeat(64));
    expect(() => tpmSeal(parseTpmAddress(file), SECRET, [], random)).toThrow(unavailable(/cannot be used/));
  });
});

describe.runIf(isSwtpmThere())('keys under a TPM', () => {
  test('are the same after a restart, go on under another key, and destroyed ones are gone', async () => {
    const tpm = await Swtpm.start();
    const [disk, source] = [newDisk(), fromTpm(tpm)];
    const ring = openRing(disk, source);
    const kept = ring.create(B);
    const gone = ring.subjectKey(B, ring.handle(B, 'alice'));
    const before = print(ring, kept);
    await tpm.off();
    await tpm.on();
    expect(print(openRing(disk, source), kept)).toBe(before);
    ring.replaceKek();
    ring.destroy([gone]);
    expect(ring.kekFate).toContain('the same TPM');
    for (const each of [ring, openRing(disk, source)]) {
      expect(print(each, kept)).toBe(before);
      expect(each.state(gone)).toBe('erased');
      expect(() => print(each, gone)).toThrow(expect.objectContaining({ code: 'KEY_UNAVAILABLE' }));
    }
  });

  test('are refused to whoever has none, another one, a file, or another log', async () => {
    const [tpm, other] = [await Swtpm.start(), await Swtpm.start()];
    const disk = newDisk();
    openRing(disk, fromTpm(tpm)).create(B);
    expect(() => openRing(disk, null)).toThrow(unavailable(/encryption\.tpm/));
    expect(() => openRing(disk, fromTpm(other))).toThrow(unavailable(/did not seal/));
    expect(() => openRing(disk, FILE)).toThrow(/comes from a TPM, not from a file/);
    const elsewhere = { ...options(disk), logId: LOG_ID.map(() => 9), source: fromTpm(tpm) };
    expect(() => new KeyRing(elsewhere)).toThrow(unavailable(/does not open/));
  });

  test('can be bound to what was measured, and loosened again before firmware is changed', async () => {
    const tpm = await Swtpm.start();
    const disk = newDisk();
    const kept = openRing(disk, fromTpm(tpm)).create(B);
    const before = print(openRing(disk, fromTpm(tpm)), kept);
    expect(moveKek(options(disk), fromTpm(tpm), fromTpm(tpm, [7]))).toBe(true);
    expect(print(openRing(disk, fromTpm(tpm, [7])), kept)).toBe(before);
    tpm.extend(7);
    expect(() => openRing(disk, fromTpm(tpm, [7]))).toThrow(unavailable(/PCRs/));
    await tpm.off();
    await tpm.on();
    expect(moveKek(options(disk), fromTpm(tpm, [7]), fromTpm(tpm))).toBe(true);
    tpm.extend(7);
    expect(print(openRing(disk, fromTpm(tpm)), kept)).toBe(before);
  });

  test.each([
    ['a file to a TPM', (tpm: Swtpm) => [FILE, fromTpm(tpm)] as const],
    ['a TPM to a file', (tpm: Swtpm) => [fromTpm(tpm), FILE] as const],
  ])('moved from %s survive a machine that stops at any write, with both at hand', async (_, sources) => {
    const tpm = await Swtpm.start();
    const [from, to] = sources(tpm);
    let inBetween = 0;
    for (let operations = 0; ; operations++) {
      const disk = newDisk();
      const ring = openRing(disk, from);
      const kept = [ring.create(A), ring.create(B), ring.subjectKey(B, ring.handle(B, 'bob'))];
      const prints = kept.map((id) => print(ring, id));
      disk.crashBefore = disk.operations + operations;
      let finished = true;
      try {
        moveKek(options(disk), from, to);
      } catch {
        finished = false;
      }
      const crashed = disk.crash(pickFrom(operations));
      const opened = [from, to].filter((source) => {
        try {
          return kept.every((id, at) => print(openRing(crashed.copy(), source), id) === prints[at]);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(CONFIG|KEY_UNAVAILABLE)$/) });
          return false;
        }
      });
      if (opened.length === 0) inBetween += 1;
      expect(moveKek(options(crashed), from, to)).toBe(true);
      expect(kept.map((id) => print(openRing(crashed, to), id))).toEqual(prints);
      const keyFile = crashed.paths().filter((path) => path.startsWith('/secrets/'));
      expect(keyFile).toEqual(to.from === 'file' ? ['/secrets/kek'] : []);
      if (finished) break;
    }
    expect(inBetween).toBeGreaterThan(0);
  });
});

test.runIf(isSwtpmThere())(
  'a database runs under a TPM, rotates, and is taken to a file by the command',
  async () => {
    const tpm = await Swtpm.start();
    const database = newDatabase();
    const keys = fromTpm(tpm);
    const engine = await database.open({ keys });
    const { id } = await engine.tenants.create('a', { encrypted: true });
    await write(engine, id, 's', 'sealed', 'alice');
    await engine.tenants.replaceKek();
    await engine.close();
    const again = await database.open({ keys });
    expect(await texts(again, id)).toEqual(['sealed']);
    await again.close();
    await expect(database.open()).rejects.toMatchObject({ code: 'CONFIG' });

    const file = join(tpm.folder, 'kek');
    const common = ['key', 'change', '--data', database.directory];
    const neither = ['--key-file', file, '--to-key-file', join(tpm.folder, 'other')] as const;
    const wrong = await runCommand(...common, ...neither);
    expect(wrong.err).toContain('comes from a TPM');
    const there = ['--tpm', tpm.place.name, '--to-key-file', file] as const;
    expect(await runCommand(...common, ...there)).toMatchObject({
      code: 0,
      out: expect.stringContaining('wrapped anew'),
    });
    expect(Buffer.from(readFileSync(file, 'utf8'), 'base64')).toHaveLength(32);
    const inFile = await database.open({ keys: { from: 'file', path: file } });
    expect(await texts(inFile, id)).toEqual(['sealed']);
    await inFile.close();
    const back = ['--key-file', file, '--to-tpm', tpm.place.name, '--to-tpm-pcrs', '7'] as const;
    expect(await runCommand(...common, ...back)).toMatchObject({ code: 0 });
    expect(existsSync(file)).toBe(false);
    const bound = await database.open({ keys: fromTpm(tpm, [7]) });
    expect(await texts(bound, id)).toEqual(['sealed']);
  },
);
