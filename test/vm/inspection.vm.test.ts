/** Installed disks inspected from outside, without starting them. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { PARTITIONS } from '../../installer/partition-types.ts';
import { type InstalledFixture, installedFixture } from '../../scripts/appliance/fixture.ts';
import { artefacts, tell, testFolder } from './harness/machine.ts';
import {
  copyFromEsp,
  extractPartition,
  findTexts,
  type Gpt,
  type GptPartition,
  listEsp,
  listExt4,
  peSection,
  readExt4,
  readGpt,
} from './harness/offline.ts';

const run = promisify(execFile);

let first: InstalledFixture;
let second: InstalledFixture;
let gpt: Gpt;
let folder: string;
let rootHash: string;

beforeAll(async () => {
  folder = testFolder('inspection');
  first = await installedFixture(artefacts(), tell, 'first');
  second = await installedFixture(artefacts(), tell, 'second');
  gpt = (await readGpt(first.disk))!;
  rootHash = (JSON.parse(readFileSync(join(artefacts().dist, 'root.json'), 'utf8')) as { rootHash: string })
    .rootHash;
});

function partition(label: string): GptPartition {
  const found = gpt.partitions.find(({ name }) => name === label);
  if (found === undefined) throw new Error(`no partition is labelled ${label}`);
  return found;
}

/** `half` of a root hash in the form of a GUID, upper case. */
function asUuid(half: string): string {
  return half.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5').toUpperCase();
}

describe('the partition table', () => {
  test('is valid and has the seven partitions with their types, in order', async () => {
    await run('sfdisk', ['--verify', first.disk]);
    expect(gpt.partitions.map(({ name, type }) => ({ name, type }))).toEqual(
      PARTITIONS.map(({ label, typeGuid }) => ({ name: label, type: typeGuid })),
    );
  });

  test('binds the first slot to the verity root hash', () => {
    expect(partition('truthdb-root-a').uuid).toBe(asUuid(rootHash.slice(0, 32)));
    expect(partition('truthdb-verity-a').uuid).toBe(asUuid(rootHash.slice(32)));
  });
});

describe('the ESP', () => {
  test('holds the boot loader under both its names and one kernel image', async () => {
    const files = await listEsp(first.disk, partition('truthdb-esp'));
    expect(files).toEqual(
      expect.arrayContaining([
        '/EFI/BOOT/BOOTX64.EFI',
        '/EFI/systemd/systemd-bootx64.efi',
        '/loader/loader.conf',
      ]),
    );
    expect(files.filter((file) => file.startsWith('/EFI/Linux/'))).toEqual([
      expect.stringMatching(/^\/EFI\/Linux\/truthdb_[^+]+\.efi$/),
    ]);
  });

  test('carries a kernel image whose root hash is the one of the hash tree on the disk', async () => {
    const esp = partition('truthdb-esp');
    const [name] = (await listEsp(first.disk, esp)).filter((file) => file.startsWith('/EFI/Linux/'));
    const image = await copyFromEsp(first.disk, esp, name!, join(folder, 'kernel.efi'));
    const commandLine = (await peSection(image, '.cmdline', folder)).toString();
    expect(commandLine).toContain(`roothash=${rootHash}`);
    const root = await extractPartition(first.disk, partition('truthdb-root-a'), join(folder, 'root-a'));
    const tree = await extractPartition(first.disk, partition('truthdb-verity-a'), join(folder, 'verity-a'));
    await run('veritysetup', ['verify', root, tree, rootHash]);
    const wrong = `${rootHash.slice(0, -1)}${rootHash.endsWith('0') ? '1' : '0'}`;
    await expect(run('veritysetup', ['verify', root, tree, wrong])).rejects.toThrow();
  });
});

describe('the file systems', () => {
  test('of the data partition is sound', async () => {
    const data = await extractPartition(first.disk, partition('truthdb-data'), join(folder, 'data'));
    await run('xfs_repair', ['-n', '-f', data]);
  });

  test('of the state partition is sound and has the settings', async () => {
    const state = await extractPartition(first.disk, partition('truthdb-state'), join(folder, 'state'));
    await run('e2fsck', ['-fn', state]);
    const config = JSON.parse(await readExt4(state, '/config.json')) as object;
    expect(config).toMatchObject({
      version: 1,
      hostname: first.hostname,
      network: { mode: 'dhcp' },
      ssh: { authorizedKeys: [] },
    });
    expect(await readExt4(state, '/install.log')).toMatch(/./);
  });
});

describe('secrets', () => {
  test('stand nowhere: not on the disk, not in the EFI variables, not in what the installer said', async () => {
    for (const installed of [first, second]) {
      const secrets = [installed.secrets.operatorPassword, installed.secrets.adminToken];
      expect(await findTexts(installed.disk, secrets)).toEqual([]);
      expect(await findTexts(installed.variables, secrets)).toEqual([]);
      for (const secret of secrets) expect(installed.log).not.toContain(secret);
    }
  });

  test('would be found: the search sees the host name, which does stand there', async () => {
    expect(await findTexts(first.disk, [first.hostname])).toEqual([first.hostname]);
  });
});

describe('two installations', () => {
  test('share no identity: machine id, keys and file systems are their own', async () => {
    const identities = await Promise.all([identityOf(first), identityOf(second)]);
    for (const key of Object.keys(identities[0]!)) {
      const [a, b] = identities.map((identity) => identity[key]);
      expect({ key, a }).toEqual({ key, a: expect.stringMatching(/^[0-9a-fA-F-]{32,64}$/) });
      expect({ key, same: a === b }).toEqual({ key, same: false });
    }
  });

  test('make an SSH host key only where a log-in key was given', async () => {
    const [state] = await Promise.all([stateOf(second)]);
    expect(await listExt4(state, '/ssh')).toEqual(
      expect.arrayContaining(['ssh_host_ed25519_key', 'ssh_host_ed25519_key.pub']),
    );
    expect(await readExt4(state, '/ssh/ssh_host_ed25519_key.pub')).toMatch(/^ssh-ed25519 /);
    expect(await listExt4(await stateOf(first), '/ssh').catch(() => [])).not.toContain(
      'ssh_host_ed25519_key',
    );
  });

  test('leave one boot entry with the firmware', () => {
    for (const installed of [first, second]) {
      const variables = readFileSync(installed.variables);
      expect(variables.includes(Buffer.from('TruthDB', 'utf16le'))).toBe(true);
    }
  });
});

async function stateOf(installed: InstalledFixture): Promise<string> {
  const table = (await readGpt(installed.disk))!;
  const state = table.partitions.find(({ name }) => name === 'truthdb-state')!;
  return extractPartition(installed.disk, state, join(folder, `state-${installed.serial}`));
}

async function identityOf(installed: InstalledFixture): Promise<Record<string, string>> {
  const table = (await readGpt(installed.disk))!;
  const state = await stateOf(installed);
  const superblock = await run('dumpe2fs', ['-h', state]);
  return {
    disk: table.id,
    esp: table.partitions.find(({ name }) => name === 'truthdb-esp')!.uuid,
    stateFileSystem: /Filesystem UUID:\s+(\S+)/.exec(superblock.stdout)![1]!,
    machineId: (await readExt4(state, '/machine-id')).trim(),
    certificate: installed.fingerprint,
  };
}
