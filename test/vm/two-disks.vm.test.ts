/**
 * Two disks installed from the same medium in one machine: their roots carry the same PARTUUIDs, so only the firmware's
 * word on which disk it started can keep them apart. Whichever it starts, the other is not even written to. The second was
 * installed with an SSH key: what that opens is tried on the way.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { type InstalledFixture, installedFixture } from '../../scripts/appliance/fixture.ts';
import { freePort, type Vm } from '../../scripts/vm/index.ts';
import { artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { overSsh } from './harness/remote-login.ts';
import { expectUntouched, watchedOverlay } from './harness/writes.ts';

const READY_SECONDS = 300;
const SSH_PORT = 22;

/** With a key among the settings the operator comes in by it, and nobody by anything else. */
async function expectKeysOnly(
  vm: Vm,
  port: number,
  { hostname }: InstalledFixture,
  key: string,
): Promise<void> {
  const withKey = ['IdentitiesOnly=yes', `IdentityFile=${key}`];
  const name = 'cat /proc/sys/kernel/hostname';
  expect(await overSsh(vm, port, 'operator', withKey, name)).toMatchObject({
    output: `${hostname}\n`,
    status: 0,
  });
  for (const [user, options] of [
    ['operator', ['PubkeyAuthentication=no']],
    ['root', withKey],
  ] as const) {
    const { complaint, status } = await overSsh(vm, port, user, options, name);
    expect({ user, status, complaint }).toMatchObject({
      user,
      status: 255,
      // The server names what it would take: keys, and nothing else.
      complaint: expect.stringContaining('Permission denied (publickey).'),
    });
  }
}

test.each(['first', 'second'] as const)('of two installed disks, the %s one starts alone', async (chosen) => {
  const folder = testFolder(`two-disks-${chosen}`);
  const started = await installedFixture(artefacts(), tell, chosen);
  const other = await installedFixture(artefacts(), tell, chosen === 'first' ? 'second' : 'first');
  const overlay = (fixture: typeof started, id: string, bootIndex: number) =>
    watchedOverlay(
      join(folder, `${id}.qcow2`),
      { path: fixture.disk, format: 'raw' },
      { id, bus: fixture.bus, serial: fixture.serial, bootIndex },
    );
  const otherDisk = await overlay(other, 'other', 1);
  const firmwareVariables = join(folder, 'variables.fd');
  copyFileSync(started.variables, firmwareVariables);
  const [port, sshPort] = [await freePort(), await freePort()];
  const vm = await testVm({
    name: `two disks, ${chosen} started`,
    folder,
    // The other disk stands first in the machine, as it would if order decided.
    disks: [otherDisk, await overlay(started, 'started', 0)],
    firmwareVariables,
    network: {
      isolated: true,
      forwards: [
        { hostPort: port, guestPort: WIRE_PORT },
        { hostPort: sshPort, guestPort: SSH_PORT },
      ],
    },
  });
  const client = await connectWhenReady(
    vm,
    connectionString(started.secrets.adminToken, port, started.fingerprint),
    READY_SECONDS,
  );
  await client.append('which', { type: 'disk', data: { chosen } }, { expected: 'none' });
  await client.close();
  if (started.sshKey !== undefined) await expectKeysOnly(vm, sshPort, started, started.sshKey);
  // The database may answer before the prompt is there.
  await expect
    .poll(() => vm.serial.plainText(), { interval: 500, timeout: READY_SECONDS * 1000 })
    .toContain(`${started.hostname} login:`);
  await expectUntouched(vm, [otherDisk]);
});
