/**
 * A person at a serial terminal installs, page by page, while the screen shows the same; then the machine starts from
 * its disk and the connection string the last page showed is all a client needs.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectionString, connectWhenReady, WIRE_PORT } from '../../scripts/appliance/database.ts';
import { DISK_BYTES } from '../../scripts/appliance/disk.ts';
import { findConnection } from '../../scripts/appliance/interactive.ts';
import { makeSecrets } from '../../scripts/appliance/secrets.ts';
import { createRawDisk, freePort, REPOSITORY, type Vm, type VmDisk } from '../../scripts/vm/index.ts';
import { encodePng } from '../../scripts/vm/png.ts';
import { Installer } from './harness/installer.ts';
import { artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { bodyWords, ScreenWitness } from './harness/witness.ts';

const { TRUTHDB_UPDATE_IMAGES: updateImages } = process.env;

/** The README shows it; made anew only when asked for. */
const DISK_PAGE_IMAGE = join(REPOSITORY, 'docs', 'images', 'installer-disk.png');

const START_SECONDS = 300;
const INSTALL_SECONDS = 600;
const READY_SECONDS = 300;
const ROOM_GB = 1e9;

/** Stands where the other consoles are not shown the administrator's token. */
const ELSEWHERE = '(shown on the console that drove the installation)';

function emptyDisk(
  folder: string,
  disk: Pick<VmDisk, 'id' | 'bus'> & { readonly serial: string },
  bytes: number,
): VmDisk {
  const path = join(folder, `${disk.id}.raw`);
  createRawDisk(path, bytes);
  return { ...disk, path, format: 'raw' };
}

/** The pages one after the other, up to the first write: each on both consoles. */
async function walkToConfirmation(
  installer: Installer,
  witness: ScreenWitness,
  operatorPassword: string,
): Promise<void> {
  const visit = async (page: string, ready: string | RegExp = '', seconds = START_SECONDS): Promise<void> => {
    await installer.waitForPage(page, seconds);
    await installer.waitForText(ready, seconds);
    const picture = await witness.sees(page, installer.title());
    if (page === 'disk' && updateImages === '1') writeFileSync(DISK_PAGE_IMAGE, encodePng(picture));
  };
  await visit('menu', 'Version');
  await installer.choose('[I]nstall');
  await visit('hardware', 'Installation medium is intact');
  await installer.choose('[N]ext');

  await visit('disk', 'S4EWNX0R7C21');
  const list = installer.vm.screen.text();
  expect(list).toMatch(/^ {2}- .* usb .*\n +not eligible: installation medium \(volume TRUTHDB_INSTALL\)/m);
  expect(list).toMatch(/^ {2}- .* SMALL-01 .*\n +not eligible: too small/m);
  // Two disks to choose from: none is chosen before the person does it.
  await installer.choose('[N]ext');
  await installer.waitForText('[NO_DISK]');
  await installer.chooseRow('S4EWNX0R7C21');
  installer.press('enter');

  await visit('contents', 'The disk is empty.');
  await installer.choose('[N]ext');
  await visit('network', 'Host name');
  await installer.choose('[N]ext');

  await visit('access', 'No password is set yet.');
  await installer.fill('Password:', operatorPassword, 'stars');
  await installer.fill('Password again:', `${operatorPassword}x`, 'stars');
  await installer.choose('[N]ext');
  await installer.waitForText('the two differ');
  expect(installer.page()).toBe('access');
  await installer.fill('Password:', operatorPassword, 'stars');
  await installer.fill('Password again:', operatorPassword, 'stars');
  await installer.choose('[N]ext');

  await visit('review', 'serial S4EWNX0R7C21');
  // Enter is not the way on here.
  installer.press('enter');
  await installer.waitForPage('access');
  await installer.choose('[N]ext');
  await installer.waitForPage('review');
  await installer.choose('[C]ontinue');
  await visit('confirm', 'Type the last 4 characters of its serial number');
}

/** What the last page shows to everybody: all but the connection string. */
function publicWords(vm: Vm): readonly string[] {
  const words = bodyWords(vm.screen).join(' ');
  return words.replace(/truthdb:\/\/.*(?= ADDRESS is)/, ELSEWHERE).split(' ');
}

describe('the installer, walked through by a person', () => {
  test('installs, and the disk then serves a client that knows only what the last page showed', async () => {
    const folder = testFolder('walkthrough');
    const port = await freePort();
    const vm = await testVm({
      name: 'walkthrough',
      folder,
      disks: [
        emptyDisk(folder, { id: 'disk0', bus: 'sata', serial: 'WD-WX72A91F' }, 500 * ROOM_GB),
        emptyDisk(folder, { id: 'disk1', bus: 'nvme', serial: 'S4EWNX0R7C21' }, DISK_BYTES),
        emptyDisk(folder, { id: 'disk2', bus: 'virtio', serial: 'SMALL-01' }, 8 * ROOM_GB),
      ],
      medium: { path: artefacts().iso, as: 'usb', bootIndex: 9 },
      network: { isolated: true, forwards: [{ hostPort: port, guestPort: WIRE_PORT }] },
    });
    const installer = new Installer(vm);
    const witness = new ScreenWitness(vm);
    await walkToConfirmation(installer, witness, makeSecrets().operatorPassword);

    await installer.waitUntilAwake('Type the last');
    await installer.fill('Type the last', '7C21');
    await installer.choose('[E]rase and install');
    await installer.waitForPage('progress');
    await witness.sees('progress', installer.title(), () => undefined);
    tell(`walkthrough: the first byte is written ${vm.seconds().toFixed(0)} s after power-on`);
    await installer.waitForPage('done', INSTALL_SECONDS);
    await witness.sees('done', installer.title(), () => publicWords(vm));
    tell(`walkthrough: installed ${vm.seconds().toFixed(0)} s after power-on`);
    const connection = findConnection(vm.screen);
    if (connection === undefined) throw await vm.failure('the last page shows no connection string');
    expect(vm.screen.text().replaceAll(/\s/g, '')).toContain(
      `Certificatefingerprint:${connection.fingerprint}`,
    );

    await vm.qmp.execute('device_del', { id: 'medium' });
    await installer.choose('[R]eboot');
    const client = await connectWhenReady(
      vm,
      connectionString(connection.adminToken, port, connection.fingerprint),
      READY_SECONDS,
    );
    tell(`walkthrough: the installed disk answers ${vm.seconds().toFixed(0)} s after power-on`);
    await client.append('first', { type: 'hello', data: { from: 'the walkthrough' } }, { expected: 'none' });
    const events: unknown[] = [];
    for await (const event of client.readStream('first')) events.push(event.json());
    expect(events).toEqual([{ from: 'the walkthrough' }]);
    await client.close();
    await vm.powerdown(120);
  });
});
