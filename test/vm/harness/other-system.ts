/** A disk with another system on it: a boot loader with one entry, and files. What is lost when an installation goes wrong. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createRawDisk } from '../../../scripts/vm/index.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const SECTOR = 512;
/** Of the Debian package systemd-boot-efi, which the image takes its loader from too. */
const LOADER = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';

/** What its boot loader shows on every console. */
export const OTHER_SYSTEM = 'The system that was here before';

/** The ESP begins where an installation's does and ends elsewhere; so does what follows. */
const ESP = { start: 1 * MIB, bytes: 256 * MIB };
const ROOT = { start: 257 * MIB, bytes: 1500 * MIB };

/** Replaces what was at `path`. `folder` is for files on their way. */
export async function makeOtherSystem(path: string, bytes: number, folder: string): Promise<void> {
  createRawDisk(path, bytes);
  const part = ({ start, bytes: size }: typeof ESP) => `start=${start / SECTOR}, size=${size / SECTOR}`;
  const table = [
    'label: gpt',
    `${part(ESP)}, type=U, name=other-esp`,
    `${part(ROOT)}, type=L, name=other-root`,
  ];
  await runWithInput('sfdisk', ['--quiet', path], `${table.join('\n')}\n`);
  await makeEsp(path, folder);
  const files = join(folder, 'other-root');
  mkdirSync(files, { recursive: true });
  writeFileSync(join(files, 'precious'), 'not written down anywhere else\n'.repeat(50_000));
  await run('mkfs.ext4', [
    ...['-q', '-F', '-L', 'other-root', '-d', files, '-E', `offset=${ROOT.start}`],
    ...[path, `${ROOT.bytes / 1024}k`],
  ]);
}

async function makeEsp(path: string, folder: string): Promise<void> {
  await run('mkfs.vfat', [
    ...['-F', '32', '-s', '4', '-n', 'OTHER-ESP', '--offset', String(ESP.start / SECTOR)],
    ...[path, String(ESP.bytes / 1024)],
  ]);
  const entry = join(folder, 'other.conf');
  writeFileSync(entry, `title ${OTHER_SYSTEM}\nefi /EFI/other/system.efi\n`);
  const settings = join(folder, 'loader.conf');
  writeFileSync(settings, 'timeout menu-force\n');
  const image = `${path}@@${ESP.start}`;
  const folders = ['EFI', 'EFI/BOOT', 'EFI/other', 'loader', 'loader/entries'].map((name) => `::${name}`);
  await run('mmd', ['-i', image, ...folders]);
  for (const [from, to] of [
    [LOADER, 'EFI/BOOT/BOOTX64.EFI'],
    [LOADER, 'EFI/other/system.efi'],
    [settings, 'loader/loader.conf'],
    [entry, 'loader/entries/other.conf'],
  ] as const) {
    await run('mcopy', ['-i', image, from, `::${to}`]);
  }
}

function runWithInput(program: string, args: readonly string[], input: string): Promise<unknown> {
  const running = run(program, args);
  running.child.stdin?.end(input);
  return running;
}
