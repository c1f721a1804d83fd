/** Unattended installation: what it takes, and what it refuses without writing a byte. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DISK_BYTES } from '../../scripts/appliance/disk.ts';
import { installedFixture } from '../../scripts/appliance/fixture.ts';
import { ANSWER_ITEM, answerText } from '../../scripts/appliance/install.ts';
import { makeSecrets } from '../../scripts/appliance/secrets.ts';
import type { VmDisk } from '../../scripts/vm/index.ts';
import { usbVolume } from '../../scripts/vm/volume.ts';
import { artefacts, tell, testFolder, testVm } from './harness/machine.ts';
import { expectUntouched, watchedEmptyDisk, watchedOverlay } from './harness/writes.ts';

/** Longest way to the installer's first words under emulation on a busy machine. */
const START_SECONDS = 240;

function emptyDisk(folder: string, name: string, serial: string): Promise<VmDisk> {
  return watchedEmptyDisk(join(folder, `${name}.qcow2`), DISK_BYTES, { id: name, bus: 'virtio', serial });
}

describe('the unattended medium', () => {
  test('installs what the answer says, tells its steps, and turns the machine off', async () => {
    const { log, seconds, fingerprint } = await installedFixture(artefacts(), tell);
    tell(`the installation took ${seconds.toFixed(0)} s`);
    expect(log).toMatch(/\[progress\] +\d+ ?% +step 1\/\d+/);
    expect(log).toContain('[done] TruthDB is installed');
    expect(log).toContain(`Certificate fingerprint: ${fingerprint}`);
    expect(log).not.toContain('[error]');
  });

  test('left in the machine, finds a disk that is not empty any more and leaves it alone', async () => {
    const fixture = await installedFixture(artefacts(), tell);
    const folder = testFolder('unattended-again');
    const base = { path: fixture.disk, format: 'raw' } as const;
    const disk = await watchedOverlay(join(folder, 'disk.qcow2'), base, {
      id: 'disk0',
      bus: 'virtio',
      serial: fixture.serial,
    });
    const vm = await testVm({
      name: 'the same medium again',
      folder,
      disks: [disk],
      medium: { path: artefacts().unattendedIso, as: 'cdrom', bootIndex: 0 },
      fwCfg: { [ANSWER_ITEM]: answerText({ disk: { serial: fixture.serial }, secrets: fixture.secrets }) },
    });
    await vm.waitForLog(
      /\[error\] .*\n\[ANSWER_DISK\] .*is not empty \(.*\).*nothing was written/s,
      START_SECONDS,
    );
    await expectUntouched(vm, [disk]);
  });

  test('refuses an answer that fits two disks and names both', async () => {
    const folder = testFolder('unattended-two');
    const disks = [await emptyDisk(folder, 'disk0', 'TWIN'), await emptyDisk(folder, 'disk1', 'TWIN')];
    const answer = answerText({ disk: { serial: 'TWIN' }, secrets: makeSecrets() });
    const vm = await testVm({
      name: 'two matches',
      folder,
      disks: [...disks, await usbVolume(join(folder, 'stick.img'), 'TRUTHDB-ANS', { 'answer.json': answer })],
      medium: { path: artefacts().unattendedIso, as: 'cdrom', bootIndex: 0 },
    });
    const [refusal] = await vm.waitForLog(
      /\[error\] .*\n\[ANSWER_DISK\].*nothing was written/s,
      START_SECONDS,
    );
    expect(refusal.replaceAll(/\s+/g, ' ')).toMatch(/2 disks match serial "TWIN": .*\/dev\/vda .*\/dev\/vdb/);
    await expectUntouched(vm, disks);
  });
});

describe('the interactive medium', () => {
  test('asks, whatever answers lie about: by fw_cfg and on a labelled volume', async () => {
    const folder = testFolder('unattended-gate');
    const disk = await emptyDisk(folder, 'disk0', 'GATE');
    const answer = answerText({ disk: { serial: 'GATE' }, secrets: makeSecrets() });
    const vm = await testVm({
      name: 'missing gate',
      folder,
      disks: [disk, await usbVolume(join(folder, 'stick.img'), 'TRUTHDB-ANS', { 'answer.json': answer })],
      medium: { path: artefacts().iso, as: 'usb', bootIndex: 0 },
      fwCfg: { [ANSWER_ITEM]: answer },
    });
    await vm.waitForScreen(/TruthDB installer/, START_SECONDS);
    await vm.waitForScreen(/Install/, 10);
    expect(vm.serial.plainText()).not.toMatch(/\[unattended\]|\[progress\]/);
    await expectUntouched(vm, [disk]);
  });
});
