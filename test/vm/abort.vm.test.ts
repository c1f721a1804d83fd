/** Leaving the installer on every page, and typing the wrong words: no disk is ever touched. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DISK_BYTES } from '../../scripts/appliance/disk.ts';
import { installedFixture } from '../../scripts/appliance/fixture.ts';
import { makeSecrets } from '../../scripts/appliance/secrets.ts';
import type { VmDisk } from '../../scripts/vm/index.ts';
import { Installer } from './harness/installer.ts';
import { artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { expectUntouched, watchedEmptyDisk, watchedOverlay } from './harness/writes.ts';

const START_SECONDS = 300;

/** Its end holds no letter that stands for an action of the page before the confirmation. */
const EMPTY_DISK = 'EMPTY-7F31';
const TOKEN = 'Type the last';
const DATA = 'It holds a database';

const { operatorPassword } = makeSecrets();

interface Stage {
  readonly page: string;
  /** Text that stands on the page once there is nothing more to wait for. */
  readonly complete: string;
  /** Leads to the next page. */
  readonly goOn: (installer: Installer, serial: string) => Promise<void>;
}

const next = (installer: Installer): Promise<void> => installer.choose('[N]ext');

const WAY: readonly Stage[] = [
  { page: 'menu', complete: 'Version', goOn: (installer) => installer.choose('[I]nstall') },
  { page: 'hardware', complete: 'Installation medium is intact', goOn: next },
  {
    page: 'disk',
    complete: EMPTY_DISK,
    goOn: async (installer, serial) => {
      await installer.chooseRow(serial);
      installer.press('enter');
    },
  },
  { page: 'contents', complete: 'serial', goOn: next },
  { page: 'network', complete: 'Host name', goOn: next },
  {
    page: 'access',
    complete: 'No password is set yet.',
    goOn: async (installer) => {
      await installer.fill('Password:', operatorPassword, 'stars');
      await installer.fill('Password again:', operatorPassword, 'stars');
      await next(installer);
    },
  },
  {
    page: 'review',
    complete: 'serial',
    goOn: async (installer) => {
      await installer.focusOn('[C]ontinue');
      // Typed ahead of the page that asks for it: must not count there.
      installer.type(`\r${EMPTY_DISK.slice(-4)}`);
    },
  },
  { page: 'confirm', complete: TOKEN, goOn: async () => undefined },
];

/** Walks from the menu to a page, choosing the disk of that serial on the way. */
async function walkTo(installer: Installer, target: string, serial = EMPTY_DISK): Promise<void> {
  for (const { page, complete, goOn } of WAY) {
    await installer.waitForPage(page);
    await installer.waitForText(complete);
    if (page === target) return;
    await goOn(installer, serial);
  }
}

/** Types each set of words (by the labels of their fields) and calls for the installation, which must be refused. */
async function typeWrongWords(
  installer: Installer,
  attempts: readonly Readonly<Record<string, string>>[],
): Promise<void> {
  await installer.waitUntilAwake(TOKEN);
  for (const words of attempts) {
    for (const [label, text] of Object.entries(words)) await installer.fill(label, text);
    await installer.choose('[E]rase and install');
    // Only a refusal leads back from the action to the first field, and everything has to be typed again.
    await installer.vm.waitFor(
      `${JSON.stringify(words)} to be refused`,
      START_SECONDS,
      () => installer.shownIn(TOKEN) === '',
    );
    await installer.waitForText('[WRONG_TOKEN]');
    expect(installer.page()).toBe('confirm');
  }
}

/** Another console takes over while the right words stand on the page: they are void, and so is the hand on Enter. */
async function takeOver(installer: Installer): Promise<void> {
  await installer.fill(TOKEN, EMPTY_DISK.slice(-4));
  await installer.focusOn('[E]rase and install');
  await installer.vm.typeOnScreen('t');
  await installer.waitForPage('review');
  await installer.waitForText('Driven from tty1.');
  // Where this console drove, Enter would lead from here to the page before.
  installer.press('enter');
  installer.type('t');
  await installer.waitForText('[C]ontinue');
  expect(installer.page()).toBe('review');
}

/** By turns the ways a person may call for the end. */
const CALLS: readonly ((installer: Installer) => Promise<void>)[] = [
  async (installer) => installer.press('ctrl-c'),
  async (installer) => installer.press('f9'),
  (installer) => installer.choose('[A]bort'),
];

async function leave(installer: Installer, turn: number): Promise<void> {
  await CALLS[turn % CALLS.length]!(installer);
  await installer.waitForPage('abort');
  await installer.choose('[Y]es');
  await installer.waitForPage('menu');
}

describe('the installer, left on every page', () => {
  test('comes back to its menu and has written to no disk', async () => {
    const fixture = await installedFixture(artefacts(), tell);
    const folder = testFolder('abort');
    const disks: readonly VmDisk[] = [
      await watchedEmptyDisk(join(folder, 'disk0.qcow2'), DISK_BYTES, {
        id: 'disk0',
        bus: 'nvme',
        serial: EMPTY_DISK,
      }),
      await watchedOverlay(
        join(folder, 'disk1.qcow2'),
        { path: fixture.disk, format: 'raw' },
        { id: 'disk1', bus: fixture.bus, serial: fixture.serial },
      ),
    ];
    const vm = await testVm({
      name: 'abort everywhere',
      folder,
      disks,
      medium: { path: artefacts().iso, as: 'cdrom', bootIndex: 0 },
    });
    const installer = new Installer(vm);
    await installer.waitForPage('menu', START_SECONDS);

    for (const [turn, { page }] of WAY.entries()) {
      if (page === 'menu') continue;
      await walkTo(installer, page);
      if (page === 'confirm') {
        const [right, another] = [EMPTY_DISK.slice(-4), fixture.serial.slice(-4)];
        await typeWrongWords(installer, [
          {},
          { [TOKEN]: another },
          { [TOKEN]: right.slice(1) },
          { [TOKEN]: `${right.slice(0, -1)}2` },
        ]);
        await takeOver(installer);
      }
      await leave(installer, turn);
      tell(`abort everywhere: left on "${page}", ${vm.seconds().toFixed(0)} s`);
    }

    await walkTo(installer, 'confirm', fixture.serial);
    const [right, another] = [fixture.serial.slice(-4), EMPTY_DISK.slice(-4)];
    await typeWrongWords(installer, [
      { [TOKEN]: right },
      { [DATA]: 'ERASE DATA' },
      { [TOKEN]: right, [DATA]: 'erase data' },
      { [TOKEN]: another, [DATA]: 'ERASE DATA' },
    ]);
    await leave(installer, 0);
    tell(`abort everywhere: left on the confirmation for a database, ${vm.seconds().toFixed(0)} s`);

    await installer.choose('[P]ower off');
    await installer.waitForPage('power');
    await installer.choose('[B]ack');
    await installer.waitForPage('menu');
    await expectUntouched(vm, disks);
  });
});
