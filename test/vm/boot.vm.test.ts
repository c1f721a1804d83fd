/** The installed disk without the medium: what a machine room and a client on the network see. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Importer } from '../../db/cli/importer.ts';
import { type Client, connect } from '../../db/client/index.ts';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { type InstalledFixture, installedFixture, overlayOf } from '../../scripts/appliance/fixture.ts';
import { compareWithSample } from '../../scripts/sample/compare.ts';
import { makeSample } from '../../scripts/sample/index.ts';
import { freePort, REPOSITORY, startVm, type Vm } from '../../scripts/vm/index.ts';
import { artefacts, tell, testFolder } from './harness/machine.ts';
import { Operator } from './harness/operator.ts';

const READY_SECONDS = 240;

let fixture: InstalledFixture;
let folder: string;
let port: number;
let vm: Vm;
let client: Client;
let operator: Operator;

beforeAll(async () => {
  fixture = await installedFixture(artefacts(), tell);
  folder = testFolder('boot');
  port = await freePort();
  const firmwareVariables = join(folder, 'variables.fd');
  copyFileSync(fixture.variables, firmwareVariables);
  vm = await startVm({
    name: 'installed disk',
    folder,
    disks: [await overlayOf(fixture, join(folder, 'disk.qcow2'))],
    firmwareVariables,
    network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
  });
  client = await connectWhenReady(vm, connection(), READY_SECONDS);
  tell(`${vm.name}: answers ${vm.seconds().toFixed(1)} s after power-on`);
  operator = new Operator(vm, fixture.secrets.operatorPassword);
  await operator.login();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail' && vm.running) {
    process.stderr.write(
      `${(await vm.failure(`"${task.name}" failed; this is how the machine looked`)).message}\n`,
    );
  }
});

afterAll(async () => {
  await client?.close();
  await vm?.kill();
  tell(`${vm?.name}: ran ${vm?.seconds().toFixed(0)} s`);
});

function connection(): string {
  return connectionString(fixture.secrets.adminToken, port, fixture.fingerprint);
}

describe('the services', () => {
  test('run: the database is enabled and active, nothing has failed, nothing waits for itself', async () => {
    expect(await operator.output('systemctl is-enabled truthdb')).toBe('enabled');
    expect(await operator.output('systemctl is-active truthdb')).toBe('active');
    expect(await operator.output('systemctl is-system-running --wait')).toBe('running');
    expect(await operator.output('systemctl --failed --no-legend --plain')).toBe('');
    expect(await operator.output('journalctl -b --no-pager | grep -c "ordering cycle" || true')).toBe('0');
  });

  test('listen where they should and nowhere else', async () => {
    const listening = await operator.output("ss -Hltun | awk '{print $1, $5}' | sort -u", 'root');
    const outside = listening.split('\n').filter((line) => !/ (127\.|\[::1\])/.test(line));
    const ports = outside.map((line) => line.replace(/^(\w+) .*:(\d+)$/, '$1 $2'));
    // The DHCP client of systemd-networkd holds UDP port 68 of its own address.
    expect([...new Set(ports)].sort()).toEqual(['tcp 9650', 'tcp 9651', 'tcp 9652', 'udp 68']);
  });

  test('are reached only where the firewall lets them be', async () => {
    const rules = await operator.output('nft list chain inet appliance input', 'root');
    expect(rules).toContain('policy drop');
    expect(rules.match(/dport .*accept/g)).toEqual(['dport 546 accept', 'dport { 9650, 9651, 9652 } accept']);
  });

  test('do not include a remote log-in, because no key was given', async () => {
    expect((await operator.run('systemctl is-active ssh')).output.trim()).toBe('inactive');
  });
});

describe('the root', () => {
  test('is the verified image', async () => {
    expect(await operator.output('findmnt -no FSTYPE /')).toBe('squashfs');
    const [, device] = /\/dev\/(?:mapper\/)?(\S+)/.exec(await operator.output('findmnt -no SOURCE /'))!;
    const status = await operator.output(`veritysetup status ${device}`, 'root');
    expect(status).toMatch(/status:\s+verified/);
    expect(status).toMatch(/mode:\s+readonly/);
  });

  test.each(['/', '/etc', '/usr'])('cannot be written by root at %s', async (directory) => {
    const { output, status } = await operator.root(`touch ${directory}/probe`);
    expect(status).not.toBe(0);
    expect(output).toContain('Read-only file system');
  });
});

describe('the data directory', () => {
  test('is a mount of XFS with its four folders, without programs, devices or set-uid files', async () => {
    expect(await operator.output('findmnt -no FSTYPE /var/lib/truthdb')).toBe('xfs');
    const options = (await operator.output('findmnt -no OPTIONS /var/lib/truthdb')).split(',');
    expect(options).toEqual(expect.arrayContaining(['rw', 'noatime', 'nodev', 'nosuid', 'noexec']));
    const folders = await operator.output(
      "find /var/lib/truthdb -mindepth 1 -maxdepth 1 -type d -printf '%f\\n'",
      'root',
    );
    expect(folders.split('\n').sort()).toEqual(['metadata', 'snapshots', 'views', 'wal']);
  });

  test('belongs to the database alone', async () => {
    expect(
      await operator.output("stat -c '%U %a' /var/lib/truthdb/wal /var/lib/truthdb/metadata", 'root'),
    ).toMatch(/^truthdb 700\ntruthdb 700$/);
  });
});

describe('the network', () => {
  test('has its address by DHCP and the name it was given', async () => {
    expect(await operator.output('ip -4 -o addr show scope global')).toMatch(
      /inet 10\.0\.2\.15\/24 .*dynamic/,
    );
    expect(await operator.output('cat /proc/sys/kernel/hostname')).toBe(fixture.hostname);
  });
});

describe('a client', () => {
  test('imports the sample over TLS and reads it back', async () => {
    const sample = await makeSample(REPOSITORY, folder);
    const importer = new Importer(client);
    for (const { stream, event } of sample.events) await importer.add(stream, event);
    await importer.finish();
    expect(importer.counts).toMatchObject({ done: sample.events.length, known: 0 });
    const { events } = await compareWithSample(client.readAll(), sample.events);
    expect(events).toBe(sample.events.length);
  });

  test('is turned away without the token, and turns away another certificate', async () => {
    const stranger = connectionString('A'.repeat(43), port, fixture.fingerprint);
    await expect(connect(stranger)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const elsewhere = connectionString(fixture.secrets.adminToken, port, 'ab'.repeat(32));
    await expect(connect(elsewhere)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('finds everything again after the power button and another start', async () => {
    const before: string[] = [];
    for await (const event of client.readAll()) before.push(event.id);
    await client.close();
    await vm.powerdown(60);
    const firmwareVariables = join(folder, 'variables.fd');
    vm = await startVm({
      name: 'installed disk, second start',
      folder,
      disks: [
        { id: 'disk0', path: join(folder, 'disk.qcow2'), format: 'qcow2', bus: 'virtio', bootIndex: 0 },
      ],
      firmwareVariables,
      network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
    });
    client = await connectWhenReady(vm, connection(), READY_SECONDS);
    const after: string[] = [];
    for await (const event of client.readAll()) after.push(event.id);
    expect(after).toEqual(before);
  });
});
