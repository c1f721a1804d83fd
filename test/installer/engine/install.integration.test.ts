import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseApplianceConfig } from '../../../installer/appliance-config.ts';
import { PARTITIONS, slotPartitionUuids } from '../../../installer/partition-types.ts';
import { SSH_KEY } from '../examples.ts';
import type { TestClient } from './client.ts';
import { confirm, ended, PASSWORD, useLoopEngine, walkToConfirm } from './loop-engine.ts';
import { diskContains, readEsp, run, TOKEN, VERSION, withPartition } from './loop-machine.ts';

const loop = useLoopEngine();

describe('an installation through the protocol', () => {
  let client: TestClient;

  beforeAll(async () => {
    loop.machine.reset();
    client = await loop.start();
    await walkToConfirm(client);
    confirm(client);
    await ended(client);
  });

  afterAll(loop.stop);

  it('ends on the page that shows the connection string once, with the fingerprint', () => {
    expect(client.view.page).toBe('done');
    expect(client.view.text.join('\n')).toContain(`truthdb://${TOKEN}@192.0.2.10:9650?fp=sha256-abcdef`);
    expect(client.view.text.join('\n')).toMatch(/SSH host key: SHA256:/);
  });

  it('writes the seven partitions with their types, names and sizes, and the slot named by the root hash', () => {
    const { partitions } = loop.readTable();
    expect(partitions.map(({ type, name }) => [type, name])).toEqual(
      PARTITIONS.map(({ typeGuid, label }) => [typeGuid, label]),
    );
    const uuids = slotPartitionUuids(loop.machine.rootHash);
    expect([partitions[1]?.uuid.toLowerCase(), partitions[2]?.uuid.toLowerCase()]).toEqual([
      uuids.root,
      uuids.verity,
    ]);
    expect(run('sfdisk', ['--verify', loop.machine.image])).toContain('No errors');
  });

  it('puts loader, kernel image and configuration on the ESP, and nothing under a temporary name', () => {
    const esp = readEsp(loop.machine);
    const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    const loader = digest(join(loop.machine.payload, 'systemd-bootx64.efi'));
    expect(digest(join(esp, 'EFI/BOOT/BOOTX64.EFI'))).toBe(loader);
    expect(digest(join(esp, 'EFI/systemd/systemd-bootx64.efi'))).toBe(loader);
    const kernel = `truthdb_${VERSION}.efi`;
    expect(digest(join(esp, 'EFI/Linux', kernel))).toBe(digest(join(loop.machine.payload, kernel)));
    expect(readFileSync(join(esp, 'loader/loader.conf'), 'utf8')).toContain('editor no');
    expect(existsSync(join(esp, 'EFI/BOOT/BOOTX64.NEW'))).toBe(false);
  });

  it('writes a system whose hash tree verifies', () => {
    run('veritysetup', [
      'verify',
      `${loop.machine.device}p2`,
      `${loop.machine.device}p3`,
      loop.machine.rootHash,
    ]);
  });

  it('writes settings, machine id, host key, the enabled database and the log to the state partition', () => {
    withPartition(loop.machine, 6, (state) => {
      const config = parseApplianceConfig(readFileSync(join(state, 'config.json'), 'utf8'));
      expect(config).toMatchObject({
        ok: true,
        config: {
          hostname: 'db1',
          network: { address: '192.0.2.10/24', gateway: '192.0.2.1' },
          ssh: { authorizedKeys: [SSH_KEY] },
        },
      });
      expect(readFileSync(join(state, 'machine-id'), 'utf8')).toMatch(/^[0-9a-f]{32}\n$/);
      expect(readFileSync(join(state, 'ssh/ssh_host_ed25519_key.pub'), 'utf8')).toMatch(/^ssh-ed25519 /);
      expect(statSync(join(state, 'ssh/ssh_host_ed25519_key')).mode & 0o777).toBe(0o600);
      expect(readlinkSync(join(state, 'units/truthdb.service'))).toBe(
        '/usr/lib/systemd/system/truthdb.service',
      );
      expect(readFileSync(join(state, 'install.log'), 'utf8')).toContain('step 11/13 log: Store the log');
    });
  });

  it('leaves the data partition to the database and its user', () => {
    withPartition(loop.machine, 7, (data) => {
      for (const folder of ['.', 'wal', 'snapshots', 'metadata', 'views']) {
        const { uid, gid } = statSync(join(data, folder));
        expect([uid, gid]).toEqual([991, 991]);
      }
    });
  });

  it('leaves no secret in clear text anywhere: not on the disk, not in the log', () => {
    expect(diskContains(loop.machine, 'config.json')).toBe(true);
    for (const secret of [PASSWORD, TOKEN]) {
      expect(diskContains(loop.machine, secret)).toBe(false);
      expect(readFileSync(join(loop.machine.folder, 'install.log'), 'utf8')).not.toContain(secret);
    }
  });

  it('shows the token to the console that drove and to no other', async () => {
    const watcher = await loop.another('tty1');
    expect(JSON.stringify(watcher.replies)).not.toContain(TOKEN);
    expect(watcher.view.page).toBe('done');
  });

  it('asks the firmware for one entry', () => {
    const calls = readFileSync(join(loop.machine.folder, 'efibootmgr.log'), 'utf8').trim().split('\n');
    expect(calls.filter((call) => call.includes('--create'))).toEqual([
      `efibootmgr --quiet --create --disk ${loop.machine.device} --part 1 --label TruthDB --loader \\EFI\\systemd\\systemd-bootx64.efi`,
    ]);
  });
});

describe('a disk with a database', () => {
  beforeAll(() => loop.machine.reset());
  afterEach(loop.stop);

  it('is erased only when ERASE DATA is typed as well', async () => {
    const first = await loop.start();
    await walkToConfirm(first);
    confirm(first);
    expect(await ended(first)).toBe('done');
    await loop.stop();
    const before = loop.readTable().partitions.map(({ uuid }) => uuid);

    const second = await loop.start();
    await walkToConfirm(second);
    confirm(second);
    expect(await second.refused()).toMatchObject({ code: 'WRONG_TOKEN' });
    expect(loop.readTable().partitions.map(({ uuid }) => uuid)).toEqual(before);
    confirm(second, { data: 'ERASE DATA' });
    expect(await ended(second)).toBe('done');
    expect(loop.readTable().partitions.map(({ uuid }) => uuid)[0]).not.toBe(before[0]);
  });
});

describe('a disk with blocks of 4096 bytes', () => {
  const loop = useLoopEngine({ sectorBytes: 4096 });

  afterAll(loop.stop);

  it('gets the same partitions in its own blocks, and file systems that mount', async () => {
    const client = await loop.start();
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('done');
    const table = loop.readTable();
    expect(table.sectorsize).toBe(4096);
    expect(table.partitions.map(({ type }) => type)).toEqual(PARTITIONS.map(({ typeGuid }) => typeGuid));
    withPartition(loop.machine, 7, (data) => expect(existsSync(join(data, 'wal'))).toBe(true));
    expect(existsSync(join(readEsp(loop.machine), 'EFI/BOOT/BOOTX64.EFI'))).toBe(true);
  });
});
