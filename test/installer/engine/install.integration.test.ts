import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FoundAnswer } from '../../../installer/answers/source.ts';
import { parseApplianceConfig } from '../../../installer/appliance-config.ts';
import { type Engine, type EngineOptions, startEngine } from '../../../installer/engine/index.ts';
import { createHost } from '../../../installer/host.ts';
import { PARTITIONS, slotPartitionUuids } from '../../../installer/partition-types.ts';
import type { StepName } from '../../../installer/steps/index.ts';
import { attach, type TestClient } from './client.ts';
import {
  createLoopMachine,
  DISK_BYTES,
  diskContains,
  type LoopMachine,
  loopMachinePossible,
  readEsp,
  run,
  TOKEN,
  VERSION,
  withPartition,
} from './loop-machine.ts';

const PASSWORD = 'correct horse battery staple';
const SSH_KEY = `ssh-ed25519 ${Buffer.concat([blob('ssh-ed25519'), blob(Buffer.alloc(32, 7))]).toString('base64')} somebody@example.org`;

function blob(bytes: string | Buffer): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

let machine: LoopMachine;
let engine: Engine | undefined;
const clients: TestClient[] = [];

// No skipping: where this cannot run, the suite says what is missing.
beforeAll(() => {
  if (!loopMachinePossible())
    throw new Error('this test needs root, loop devices, sfdisk, mkfs, mksquashfs, veritysetup and mtools');
  machine = createLoopMachine();
});

afterAll(() => machine?.remove());

async function stop(): Promise<void> {
  for (const client of clients.splice(0)) client.close();
  await engine?.close();
  engine = undefined;
}

async function start(changes: Partial<EngineOptions> = {}, on: LoopMachine = machine): Promise<TestClient> {
  engine = await startEngine({
    socketPath: join(machine.folder, 'engine.sock'),
    payloadFolder: on.payload,
    mountRoot: join(on.folder, 'mounts'),
    logFile: join(on.folder, 'install.log'),
    createHost: (log) => createHost({ path: on.path, log }),
    readDisks: on.readDisks,
    readFacts: async () => ({
      uefi: true,
      efiVariables: true,
      memoryBytes: 4 * 1024 ** 3,
      year: 2026,
      interfaces: [],
    }),
    unattendedAllowed: async () => false,
    findAnswer: async (): Promise<FoundAnswer> => ({ source: 'nowhere', text: '' }),
    random: (count) => new Uint8Array(count).fill(7),
    // The guard of the confirm page is tested with the dialogue; here its second passes in a hundredth.
    nowMs: () => performance.now() * 100,
    ...changes,
  });
  return another('ttyS0');
}

async function another(console: string): Promise<TestClient> {
  const client = await attach(join(machine.folder, 'engine.sock'), console);
  clients.push(client);
  return client;
}

/** Leads from the menu to the confirm page and past its guard. */
async function walkToConfirm(client: TestClient): Promise<void> {
  await client.page('menu');
  client.act('install');
  await client.until('checked medium', () =>
    client.view.actions.some(({ name, enabled }) => name === 'next' && enabled) ? true : undefined,
  );
  client.act('next');
  const row = await client.until('disk', () => client.view.list?.rows[0]);
  client.act('next', {}, row.key);
  await client.page('contents');
  client.act('next');
  await client.page('network');
  client.act('next', {
    hostname: 'db1',
    mode: 'static',
    address: '192.0.2.10/24',
    gateway: '192.0.2.1',
    dns: '192.0.2.53',
  });
  await client.page('access');
  client.act('next', { password: PASSWORD, repeat: PASSWORD, key: SSH_KEY });
  await client.page('review');
  client.act('next');
  await client.page('confirm');
  await sleep(20);
}

function confirm(
  client: TestClient,
  typed: Partial<{ token: string; array: string; data: string }> = {},
): void {
  client.send({
    type: 'install',
    planHash: client.view.planHash ?? '',
    typed: { token: '0042', array: '', data: '', ...typed },
  });
}

function ended(client: TestClient): Promise<string> {
  return client.until('end', () =>
    ['done', 'error'].includes(client.view.page) ? client.view.page : undefined,
  );
}

interface TablePartition {
  readonly type: string;
  readonly uuid: string;
  readonly name: string;
  readonly start: number;
  readonly size: number;
}

function readTable(): { readonly partitions: readonly TablePartition[] } {
  return (
    JSON.parse(run('sfdisk', ['--json', machine.image])) as {
      partitiontable: { partitions: TablePartition[] };
    }
  ).partitiontable;
}

/** Neither GPT nor protective MBR: both ends of the disk are zeros. */
function hasNoTable(): boolean {
  const file = openSync(machine.image, 'r');
  const edges = [0, DISK_BYTES - 1024 * 1024].map((position) => {
    const bytes = Buffer.alloc(1024 * 1024);
    readSync(file, bytes, 0, bytes.length, position);
    return bytes.every((byte) => byte === 0);
  });
  closeSync(file);
  return edges.every((zero) => zero);
}

/** Whether any byte was ever written to the disk: a sparse file says so by its blocks. */
function isUntouched(): boolean {
  return statSync(machine.image).blocks === 0;
}

describe('an installation through the protocol', () => {
  let client: TestClient;

  beforeAll(async () => {
    machine.reset();
    client = await start();
    await walkToConfirm(client);
    confirm(client);
    await ended(client);
  });

  afterAll(stop);

  it('ends on the page that shows the connection string once, with the fingerprint', () => {
    expect(client.view.page).toBe('done');
    expect(client.view.text.join('\n')).toContain(`truthdb://${TOKEN}@192.0.2.10:9650?fp=sha256-abcdef`);
    expect(client.view.text.join('\n')).toMatch(/SSH host key: SHA256:/);
  });

  it('writes the seven partitions with their types, names and sizes, and the slot named by the root hash', () => {
    const { partitions } = readTable();
    expect(partitions.map(({ type, name }) => [type, name])).toEqual(
      PARTITIONS.map(({ typeGuid, label }) => [typeGuid, label]),
    );
    const uuids = slotPartitionUuids(machine.rootHash);
    expect([partitions[1]?.uuid.toLowerCase(), partitions[2]?.uuid.toLowerCase()]).toEqual([
      uuids.root,
      uuids.verity,
    ]);
    expect(run('sfdisk', ['--verify', machine.image])).toContain('No errors');
  });

  it('puts loader, kernel image and configuration on the ESP, and nothing under a temporary name', () => {
    const esp = readEsp(machine);
    const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
    const loader = digest(join(machine.payload, 'systemd-bootx64.efi'));
    expect(digest(join(esp, 'EFI/BOOT/BOOTX64.EFI'))).toBe(loader);
    expect(digest(join(esp, 'EFI/systemd/systemd-bootx64.efi'))).toBe(loader);
    const kernel = `truthdb_${VERSION}.efi`;
    expect(digest(join(esp, 'EFI/Linux', kernel))).toBe(digest(join(machine.payload, kernel)));
    expect(readFileSync(join(esp, 'loader/loader.conf'), 'utf8')).toContain('editor no');
    expect(existsSync(join(esp, 'EFI/BOOT/BOOTX64.NEW'))).toBe(false);
  });

  it('writes a system whose hash tree verifies', () => {
    run('veritysetup', ['verify', `${machine.device}p2`, `${machine.device}p3`, machine.rootHash]);
  });

  it('writes settings, machine id, host key, the enabled database and the log to the state partition', () => {
    withPartition(machine, 6, (state) => {
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
    withPartition(machine, 7, (data) => {
      for (const folder of ['.', 'wal', 'snapshots', 'metadata', 'views']) {
        const { uid, gid } = statSync(join(data, folder));
        expect([uid, gid]).toEqual([991, 991]);
      }
    });
  });

  it('leaves no secret in clear text anywhere: not on the disk, not in the log', () => {
    expect(diskContains(machine, 'config.json')).toBe(true);
    for (const secret of [PASSWORD, TOKEN]) {
      expect(diskContains(machine, secret)).toBe(false);
      expect(readFileSync(join(machine.folder, 'install.log'), 'utf8')).not.toContain(secret);
    }
  });

  it('shows the token to the console that drove and to no other', async () => {
    const watcher = await another('tty1');
    expect(JSON.stringify(watcher.replies)).not.toContain(TOKEN);
    expect(watcher.view.page).toBe('done');
  });

  it('asks the firmware for one entry', () => {
    const calls = readFileSync(join(machine.folder, 'efibootmgr.log'), 'utf8').trim().split('\n');
    expect(calls.filter((call) => call.includes('--create'))).toEqual([
      `efibootmgr --quiet --create --disk ${machine.device} --part 1 --label TruthDB --loader \\EFI\\systemd\\systemd-bootx64.efi`,
    ]);
  });
});

describe('a disk with blocks of 4096 bytes', () => {
  let big: LoopMachine;

  beforeAll(() => {
    big = createLoopMachine({ sectorBytes: 4096 });
  });

  afterAll(async () => {
    await stop();
    big.remove();
  });

  it('gets the same partitions in its own blocks, and file systems that mount', async () => {
    const client = await start({}, big);
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('done');
    const table = JSON.parse(run('sfdisk', ['--json', big.device])) as {
      partitiontable: { sectorsize: number; partitions: TablePartition[] };
    };
    expect(table.partitiontable.sectorsize).toBe(4096);
    expect(table.partitiontable.partitions.map(({ type }) => type)).toEqual(
      PARTITIONS.map(({ typeGuid }) => typeGuid),
    );
    withPartition(big, 7, (data) => expect(existsSync(join(data, 'wal'))).toBe(true));
    expect(existsSync(join(readEsp(big), 'EFI/BOOT/BOOTX64.EFI'))).toBe(true);
  });
});

describe('a refused confirmation', () => {
  let client: TestClient;

  beforeAll(async () => {
    machine.reset();
    client = await start();
    await walkToConfirm(client);
  });

  afterAll(stop);

  it('writes nothing for the wrong token', async () => {
    confirm(client, { token: '0043' });
    expect(await client.refused()).toMatchObject({ code: 'WRONG_TOKEN' });
    expect(client.view.page).toBe('confirm');
    expect(isUntouched()).toBe(true);
  });

  it('writes nothing for the hash of another plan', async () => {
    client.send({ type: 'install', planHash: 'f'.repeat(64), typed: { token: '0042', array: '', data: '' } });
    expect(await client.refused()).toMatchObject({ code: 'PLAN_CHANGED' });
    expect(isUntouched()).toBe(true);
  });

  it('takes nothing from a console that does not drive', async () => {
    const other = await another('tty1');
    other.send({
      type: 'install',
      planHash: client.view.planHash ?? '',
      typed: { token: '0042', array: '', data: '' },
    });
    expect(await other.refused()).toMatchObject({ code: 'NOT_DRIVER' });
    expect(isUntouched()).toBe(true);
  });

  it('is void once another console has taken over', async () => {
    const hash = client.view.planHash ?? '';
    const other = await another('tty2');
    other.send({ type: 'drive' });
    await other.page('review');
    other.send({ type: 'install', planHash: hash, typed: { token: '0042', array: '', data: '' } });
    expect(await other.refused()).toMatchObject({ code: 'STALE_PAGE' });
    expect(isUntouched()).toBe(true);
  });

  it('survives nonsense on the socket', async () => {
    const other = await another('tty3');
    other.sendRaw('{"v":2}\nnot json\n{"v":1,"type":"act","page":"disk"}\n');
    for (let count = 0; count < 3; count += 1)
      expect(await other.refused()).toMatchObject({ code: 'BAD_MESSAGE' });
    expect(isUntouched()).toBe(true);
  });
});

describe('the last look at the disk', () => {
  beforeAll(() => machine.reset());
  afterEach(stop);

  it('finds a disk that changed after it was confirmed, and writes nothing to it', async () => {
    let readings = 0;
    const client = await start({
      readDisks: async (host, settle) => {
        readings += 1;
        return (await machine.readDisks(host, settle)).map((disk) => ({
          ...disk,
          diskSequence: disk.diskSequence + readings,
        }));
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toMatch(/^\[DISK_CHANGED\]/);
    expect(client.view.text).toContain('Nothing was written to the disk.');
    expect(isUntouched()).toBe(true);
  });

  it('finds that another program holds the lock', async () => {
    const holder = await createHost({ path: machine.path, log: () => undefined }).lock(machine.device);
    const client = await start();
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toMatch(/^\[DISK_BUSY\]/);
    expect(isUntouched()).toBe(true);
    await holder.release();
  });
});

describe('a failure', () => {
  // The last action of each step: everything before it in the step has been done.
  const faults: readonly (readonly [StepName, number])[] = [
    ['check', 0],
    ['erase', 0],
    ['erase', 1],
    ['erase', 4],
    ['partition', 0],
    ['partition', 2],
    ['root', 0],
    ['verity', 0],
    ['format', 2],
    ['boot', 0],
    ['state', 0],
    ['database', 0],
    ['verify', 3],
    ['verify', 5],
    ['log', 0],
    ['commit', 0],
    ['commit', 2],
    ['commit', 3],
  ];

  beforeAll(() => machine.reset());
  afterEach(stop);

  it.each(faults)('in step %s, action %i, leaves no partition table', async (step, action) => {
    const client = await start({
      beforeAction: (name, number) => {
        if (name === step && number === action) throw new Error('fault put in by the test');
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('error');
    expect(client.view.text[0]).toBe('[IO] fault put in by the test');
    expect(hasNoTable()).toBe(true);
    expect(run('losetup', ['--list', '--noheadings', '--output', 'NAME', machine.device]).trim()).toBe(
      machine.device,
    );
  });

  it('in telling the firmware is a warning, and the installation complete', async () => {
    const client = await start({
      beforeAction: (name) => {
        if (name === 'firmware') throw new Error('no NVRAM left');
      },
    });
    await walkToConfirm(client);
    confirm(client);
    expect(await ended(client)).toBe('done');
    expect(client.view.text).toContain('Warning: Tell the firmware: no NVRAM left');
    expect(readTable().partitions[0]?.type).toBe(PARTITIONS[0]?.typeGuid);
  });

  it('of the payload keeps the installation from starting', async () => {
    const client = await start({ payloadFolder: join(machine.folder, 'tree') });
    await client.page('menu');
    client.act('install');
    await client.until('failure', () =>
      client.view.text.some((line) => line.includes('PAYLOAD_INVALID')) ? true : undefined,
    );
    client.act('next');
    expect(await client.refused()).toMatchObject({ code: 'NO_SUCH_ACTION' });
  });
});

describe('a disk with a database', () => {
  beforeAll(() => machine.reset());
  afterEach(stop);

  it('is erased only when ERASE DATA is typed as well', async () => {
    const first = await start();
    await walkToConfirm(first);
    confirm(first);
    expect(await ended(first)).toBe('done');
    await stop();
    const before = readTable().partitions.map(({ uuid }) => uuid);

    const second = await start();
    await walkToConfirm(second);
    confirm(second);
    expect(await second.refused()).toMatchObject({ code: 'WRONG_TOKEN' });
    expect(readTable().partitions.map(({ uuid }) => uuid)).toEqual(before);
    confirm(second, { data: 'ERASE DATA' });
    expect(await ended(second)).toBe('done');
    expect(readTable().partitions.map(({ uuid }) => uuid)[0]).not.toBe(before[0]);
  });
});

describe('an unattended installation', () => {
  const answer = (disk: Record<string, string>) =>
    JSON.stringify({
      version: 1,
      disk,
      operator: { passwordHash: `$6$saltsaltsalt$${'A'.repeat(86)}` },
      adminTokenHash: 'ab'.repeat(32),
      after: 'poweroff',
    });
  const unattended = async (disk: Record<string, string>, changes: Partial<EngineOptions> = {}) => {
    const client = await start({
      unattendedAllowed: async () => true,
      findAnswer: async () => ({ source: 'the test', text: answer(disk) }),
      ...changes,
    });
    client.send({ type: 'unattended' });
    return { client, page: await ended(client) };
  };

  beforeAll(() => machine.reset());
  afterEach(stop);

  it('is refused on a medium without the gate', async () => {
    const { client, page } = await unattended(
      { serial: 'LOOP-0042' },
      { unattendedAllowed: async () => false },
    );
    expect([page, client.view.text[0]]).toEqual(['error', expect.stringMatching(/^\[UNATTENDED_GATE\]/)]);
    expect(isUntouched()).toBe(true);
  });

  it('stops at a machine it cannot install on', async () => {
    const facts = {
      uefi: false,
      efiVariables: false,
      memoryBytes: 4 * 1024 ** 3,
      year: 2026,
      interfaces: [],
    };
    const { client, page } = await unattended({ serial: 'LOOP-0042' }, { readFacts: async () => facts });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/^\[HARDWARE\] Started without UEFI/),
    ]);
    expect(isUntouched()).toBe(true);
  });

  it('stops at a disk it does not find', async () => {
    const { client, page } = await unattended({ serial: 'LOOP-0043' });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/^\[ANSWER_DISK\] no disk matches serial "LOOP-0043"/),
    ]);
    expect(isUntouched()).toBe(true);
  });

  it('installs on the empty disk it names, once', async () => {
    expect((await unattended({ serial: 'LOOP-0042' })).page).toBe('done');
    await stop();
    const before = readTable().partitions.map(({ uuid }) => uuid);
    const { client, page } = await unattended({ serial: 'LOOP-0042' });
    expect([page, client.view.text[0]]).toEqual([
      'error',
      expect.stringMatching(/is not empty \(TruthDB with its data\)/),
    ]);
    expect(readTable().partitions.map(({ uuid }) => uuid)).toEqual(before);
  });
});
