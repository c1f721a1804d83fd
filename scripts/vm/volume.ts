/** Small volumes with files, as an operator would prepare a stick. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { VmDisk } from './command-line.ts';
import { createRawDisk } from './disk.ts';

const run = promisify(execFile);
const VOLUME_BYTES = 2 ** 24;

/** A FAT volume without partition table on a USB stick; `files` is name → content. */
export async function usbVolume(
  path: string,
  label: string,
  files: Readonly<Record<string, string>>,
): Promise<VmDisk> {
  createRawDisk(path, VOLUME_BYTES);
  await run('mkfs.vfat', ['-n', label, path]);
  const staged = mkdtempSync(`${path}-files-`);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(staged, name), content);
  await run('mcopy', ['-i', path, ...Object.keys(files).map((name) => join(staged, name)), '::/']);
  rmSync(staged, { recursive: true });
  return { id: 'stick', path, format: 'raw', bus: 'usb', removable: true };
}
