/**
 * Two disks installed from the same medium in one machine: their roots carry the same PARTUUIDs, so only the firmware's
 * word on which disk it started can keep them apart. Whichever it starts, the other is not even written to.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { installedFixture } from '../../scripts/appliance/fixture.ts';
import { freePort } from '../../scripts/vm/index.ts';
import { artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { expectUntouched, watchedOverlay } from './harness/writes.ts';

const READY_SECONDS = 300;

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
  const port = await freePort();
  const vm = await testVm({
    name: `two disks, ${chosen} started`,
    folder,
    // The other disk stands first in the machine, as it would if order decided.
    disks: [otherDisk, await overlay(started, 'started', 0)],
    firmwareVariables,
    network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
  });
  const client = await connectWhenReady(
    vm,
    connectionString(started.secrets.adminToken, port, started.fingerprint),
    READY_SECONDS,
  );
  await client.append('which', { type: 'disk', data: { chosen } }, { expected: 'none' });
  await client.close();
  expect(vm.serial.plainText()).toContain(`${started.hostname} login:`);
  await expectUntouched(vm, [otherDisk]);
});
