/** Small disks in every state that a cut may leave, and in those that it must not. */
import { execFile } from 'node:child_process';
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ESP_TYPE_GUID, UNCOMMITTED_TYPE_GUID } from '../../installer/partition-types.ts';
import { createRawDisk } from '../../scripts/vm/index.ts';
import { phaseOf, type Verdict } from '../vm/harness/installation-phase.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const SECTOR = 512;
const DISK_BYTES = 64 * MIB;
const ESP = { start: 1 * MIB, bytes: 40 * MIB };
const DATA = { start: 41 * MIB, bytes: 20 * MIB };
const LAST_SECTOR = DISK_BYTES - SECTOR;

let folder = '';
let before = '';
let after = '';
let disk = '';

beforeAll(async () => {
  folder = mkdtempSync(join(os.tmpdir(), 'truthdb-phase-'));
  [before, after, disk] = ['before', 'after', 'disk'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  createRawDisk(before, DISK_BYTES);
  await partition(before, 'AAAAAAAA-0000-4000-8000-000000000000', ESP_TYPE_GUID);
  put(before, DATA.start + 5 * MIB, 'old data');
  createRawDisk(after, DISK_BYTES);
  await partition(after, 'BBBBBBBB-0000-4000-8000-000000000000', UNCOMMITTED_TYPE_GUID);
  await makeEsp(after, { 'EFI/BOOT/BOOTX64.NEW': 'loader', 'EFI/Linux/kernel.efi': 'kernel '.repeat(1000) });
  put(after, DATA.start + 5 * MIB, 'new data');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function partition(path: string, id: string, type: string): Promise<void> {
  const part = ({ start, bytes }: typeof ESP, of: string, uuid: number): string =>
    `start=${start / SECTOR}, size=${bytes / SECTOR}, type=${of}, uuid=${id.slice(0, -1)}${uuid}`;
  const script = ['label: gpt', `label-id: ${id}`, part(ESP, type, 1), part(DATA, UNCOMMITTED_TYPE_GUID, 2)];
  const running = run('sfdisk', ['--quiet', '--wipe', 'never', path]);
  running.child.stdin?.end(`${script.join('\n')}\n`);
  await running;
}

async function makeEsp(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  const at = ['-F', '32', '-s', '1', '--offset', String(ESP.start / SECTOR)];
  await run('mkfs.vfat', [...at, path, String(ESP.bytes / 1024)]);
  await run('mmd', ['-i', `${path}@@${ESP.start}`, '::EFI', '::EFI/BOOT', '::EFI/Linux']);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, 'file'), content);
    await run('mcopy', ['-i', `${path}@@${ESP.start}`, join(folder, 'file'), `::${name}`]);
  }
}

/** The first half of the commit record; the other is `mark`. */
function rename(path: string): Promise<unknown> {
  return run('mren', ['-i', `${path}@@${ESP.start}`, '::EFI/BOOT/BOOTX64.NEW', 'BOOTX64.EFI']);
}

function mark(path: string): Promise<unknown> {
  return run('sfdisk', ['--quiet', '--part-type', path, '1', ESP_TYPE_GUID]);
}

function put(path: string, offset: number, bytes: string | Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from(bytes), 0, Buffer.from(bytes).length, offset);
  closeSync(fd);
}

function judged(): Promise<Verdict> {
  return phaseOf(disk, { before, after, folder });
}

describe('an installation that was cut off', () => {
  beforeEach(() => copyFileSync(before, disk));

  test('has not begun while the old table stands over the old content', async () => {
    expect(await judged()).toEqual({ phase: 'untouched', why: 'as it was' });
    put(disk, SECTOR, new Uint8Array(SECTOR));
    expect(await judged()).toEqual({ phase: 'untouched', why: 'one copy of the old table is left' });
    put(disk, 0, new Uint8Array(SECTOR));
    expect(await judged()).toMatchObject({ phase: 'untouched', dependsOnFirmware: true });
  });

  test('leaves nothing to start once both tables are gone, be it by one sector of their entries', async () => {
    put(disk, SECTOR, new Uint8Array(SECTOR));
    put(disk, LAST_SECTOR - 32 * SECTOR, new Uint8Array(SECTOR));
    expect(await judged()).toEqual({ phase: 'not bootable', why: 'no partition table' });
  });

  test('is forbidden to change content while a copy of the old table is there', async () => {
    put(disk, SECTOR, new Uint8Array(SECTOR));
    put(disk, DATA.start + 5 * MIB, 'new data');
    expect(await judged()).toMatchObject({
      phase: 'forbidden',
      why: expect.stringContaining('the old table, but'),
    });
  });

  test('is forbidden to leave a boot record that other firmware starts from', async () => {
    put(disk, 446 + 4, Uint8Array.of(0xef));
    expect(await judged()).toMatchObject({ phase: 'forbidden', why: expect.stringContaining('boot record') });
  });
});

describe('an installation that was cut off late', () => {
  let finished = '';
  beforeEach(async () => {
    finished = join(folder, 'finished');
    copyFileSync(after, finished);
    await rename(finished);
    await mark(finished);
    copyFileSync(after, disk);
  });

  function judgedAgainstFinished(): Promise<Verdict> {
    return phaseOf(disk, { before, after: finished, folder });
  }

  test('leaves nothing to start before the loader has its name', async () => {
    expect(await judgedAgainstFinished()).toEqual({ phase: 'not bootable', why: 'no EFI system partition' });
  });

  test('is complete with its last sector only', async () => {
    await rename(disk);
    expect(await judgedAgainstFinished()).toMatchObject({ phase: 'not bootable', dependsOnFirmware: true });
    await mark(disk);
    expect(await judgedAgainstFinished()).toEqual({ phase: 'complete', why: 'both tables' });
    put(disk, SECTOR, new Uint8Array(SECTOR));
    expect(await judgedAgainstFinished()).toEqual({ phase: 'complete', why: 'one table' });
  });

  test('is forbidden to mark an ESP without its loader', async () => {
    await mark(disk);
    expect(await judgedAgainstFinished()).toMatchObject({
      phase: 'forbidden',
      why: expect.stringContaining('an EFI system partition before everything was written'),
    });
  });

  test('is forbidden to mark an ESP of which half is missing, or before the data is there', async () => {
    await rename(disk);
    await mark(disk);
    put(disk, DATA.start + 5 * MIB, 'not data');
    expect(await judgedAgainstFinished()).toMatchObject({ phase: 'forbidden' });
    copyFileSync(finished, disk);
    put(disk, ESP.start + ESP.bytes / 2, 'half');
    expect(await judgedAgainstFinished()).toMatchObject({ phase: 'forbidden' });
  });

  test('is forbidden to name the loader before what it starts is there', async () => {
    await rename(disk);
    put(disk, DATA.start + 5 * MIB, 'not data');
    expect(await judgedAgainstFinished()).toMatchObject({
      phase: 'forbidden',
      why: expect.stringContaining('a loader before everything was written'),
    });
    copyFileSync(after, disk);
    await rename(disk);
    await run('mdel', ['-i', `${disk}@@${ESP.start}`, '::EFI/Linux/kernel.efi']);
    expect(await judgedAgainstFinished()).toEqual({
      phase: 'forbidden',
      why: 'a loader, but not the right /EFI/Linux/kernel.efi',
    });
  });

  test('is forbidden to leave a copy of the old table beside the new', async () => {
    copyFileSync(before, disk);
    await run('dd', [`if=${after}`, `of=${disk}`, 'bs=512', 'count=34', 'conv=notrunc', 'status=none']);
    expect(await judgedAgainstFinished()).toEqual({
      phase: 'forbidden',
      why: 'the old table beside another',
    });
  });
});
