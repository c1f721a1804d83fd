/** A stolen backup, and one that its owner brings back. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { createBackup, DirectoryTarget, restoreBackup } from '../../../db/backup/index.ts';
import { initDatabase, openEngine } from '../../../db/engine.ts';
import { KeyRing, openKeys } from '../../../db/tenancy/index.ts';
import { readLogId } from '../../../db/wal/metadata.ts';
import { laterClock } from '../backup/support.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { randomFrom } from '../wal/support.ts';
import { texts, write } from './support.ts';

const SECRET = 'words-in-a-backup';
const KEYS = { from: 'file', path: '/secrets/kek' } as const;
const PEM = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;

test('a backup holds no keys and no plaintext; with exported keys it is read again', async () => {
  const disk = new MemoryDisk();
  for (const folder of ['/secrets', '/elsewhere', '/backups']) disk.mkdir(folder);
  initDatabase({ directory: '/data', disk, segmentBytes: 1 << 20 });
  const engine = await openEngine({ directory: '/data', disk, keys: KEYS, inline: true, ringBytes: 2 << 20 });
  const { id } = await engine.tenants.create('a', { encrypted: true });
  await write(engine, id, 's', SECRET);
  await write(engine, id, 'about', SECRET, 'alice');
  const recovery = generateKeyPairSync('x25519', PEM);
  const exported = engine.tenants.exportKeys(recovery.publicKey);
  await engine.close();
  const common = { clock: laterClock(), random: randomFrom(3), progress: () => {} };
  await createBackup({
    ...{ ...common, disk, directory: '/data', target: new DirectoryTarget(disk, '/backups/one'), base: null },
    ...{ with: { tokens: false, tls: false, signing: false }, made: () => {} },
  });
  const copied = disk.paths().filter((path) => path.startsWith('/backups/one/'));
  expect(copied.length).toBeGreaterThan(1);
  expect(copied.filter((path) => path.includes('/keys'))).toEqual([]);
  for (const path of copied) expect(Buffer.from(disk.bytesOf(path)).includes(SECRET), path).toBe(false);
  await restoreBackup({
    ...common,
    disk,
    from: '/backups/one',
    base: null,
    to: '/restored',
    until: { kind: 'end' },
  });
  const open = (keys: typeof KEYS | null) =>
    openEngine({ directory: '/restored', disk, keys, inline: true, ringBytes: 2 << 20 });
  await expect(open(KEYS)).rejects.toMatchObject({ code: 'KEY_UNAVAILABLE' });
  const logId = Buffer.from(readLogId(disk, '/restored') ?? '', 'hex');
  const elsewhere = { from: 'file', path: '/elsewhere/kek' } as const;
  const ring = new KeyRing({ disk, directory: '/restored', logId, source: elsewhere, random: randomFrom(4) });
  expect(ring.adopt(openKeys(exported, logId, recovery.privateKey))).toBe(3);
  const restored = await openEngine({
    directory: '/restored',
    disk,
    keys: elsewhere,
    inline: true,
    ringBytes: 2 << 20,
  });
  expect(await texts(restored, id)).toEqual([SECRET, SECRET]);
  await write(restored, id, 's', 'goes on');
  expect(await texts(restored, id, 's')).toEqual([SECRET, 'goes on']);
  await restored.close();
});
