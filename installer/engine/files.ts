/** What is written into the file systems of the new disk: boot files on the ESP, settings on state, the database on data. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  lchown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { formatApplianceConfig } from '../appliance-config.ts';
import { InstallError } from '../errors.ts';
import type { Host } from '../host.ts';
import type { Payload, PayloadFile } from '../payload.ts';
import type { InstallPlan, InstallSettings } from '../plan.ts';

/** User and group of the database in the root image. */
const DATABASE_ID = 991;
const INIT_TIMEOUT_MS = 300_000;

/** Where firmware looks when it has no boot entry. Until the last step the loader lies beside it under another name. */
const LOADER = 'EFI/BOOT/BOOTX64.EFI';
const LOADER_UNCOMMITTED = 'EFI/BOOT/BOOTX64.NEW';

/**
 * The image takes state/units for the folder of what multi-user.target wants: this link enables the database, and later
 * `systemctl disable` removes it.
 */
const DATABASE_UNIT = 'units/truthdb.service';
const DATABASE_UNIT_TARGET = '/usr/lib/systemd/system/truthdb.service';

/**
 * No `default`: systemd-boot then takes the newest image that still has tries left, which is what updates rely on. The editor
 * stays off, or anybody at the keyboard could add to the kernel's command line.
 */
const LOADER_CONF = ['timeout 3', 'console-mode keep', 'editor no', 'auto-firmware yes', ''].join('\n');

interface BootFile {
  readonly path: string;
  readonly source: PayloadFile;
}

function bootFiles(payload: Payload, loader: string): readonly BootFile[] {
  return [
    { path: loader, source: payload.bootLoader },
    { path: 'EFI/systemd/systemd-bootx64.efi', source: payload.bootLoader },
    { path: `EFI/Linux/${payload.kernelImage.name}`, source: payload.kernelImage },
  ];
}

export async function writeBootFiles(root: string, payload: Payload): Promise<void> {
  for (const { path, source } of bootFiles(payload, LOADER_UNCOMMITTED)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await copyFile(source.path, join(root, path));
    await syncPath(join(root, path));
  }
  await writeDurably(join(root, 'loader/loader.conf'), LOADER_CONF, 0o644);
}

/** @throws InstallError VERIFY_FAILED. */
export async function compareBootFiles(root: string, payload: Payload): Promise<void> {
  for (const { path, source } of bootFiles(payload, LOADER_UNCOMMITTED)) {
    const digest = createHash('sha256')
      .update(await readFile(join(root, path)))
      .digest('hex');
    if (digest !== source.sha256) {
      throw new InstallError(
        'VERIFY_FAILED',
        `${path} on the ESP reads back as ${digest}, ${source.name} is ${source.sha256}`,
      );
    }
  }
  await compareText(join(root, 'loader/loader.conf'), LOADER_CONF);
}

/** First half of the commit record; the other is the type of the partition. */
export async function renameLoader(root: string): Promise<void> {
  await rename(join(root, LOADER_UNCOMMITTED), join(root, LOADER));
  await syncPath(join(root, LOADER));
  await syncPath(join(root, dirname(LOADER)));
}

/** @returns The SSH host key's fingerprint when a key was made. */
export async function writeState(
  root: string,
  settings: InstallSettings,
  machineId: string,
  host: Host,
): Promise<string | undefined> {
  for (const folder of ['journal', 'systemd', 'units', 'ssh']) {
    await mkdir(join(root, folder), { mode: folder === 'ssh' ? 0o700 : 0o755 });
  }
  await symlink(DATABASE_UNIT_TARGET, join(root, DATABASE_UNIT));
  await writeDurably(join(root, 'machine-id'), `${machineId}\n`, 0o444);
  await writeDurably(join(root, 'config.json'), formatApplianceConfig(settings.config), 0o600);
  if (settings.config.ssh.authorizedKeys.length === 0) return undefined;
  const key = join(root, 'ssh/ssh_host_ed25519_key');
  await host.run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', settings.config.hostname, '-f', key]);
  await Promise.all([key, `${key}.pub`].map(syncPath));
  const { stdout } = await host.run('ssh-keygen', ['-l', '-f', `${key}.pub`]);
  return stdout.split(' ')[1];
}

/** @throws InstallError VERIFY_FAILED. */
export async function compareState(
  root: string,
  settings: InstallSettings,
  machineId: string,
): Promise<void> {
  await compareText(join(root, 'config.json'), formatApplianceConfig(settings.config));
  await compareText(join(root, 'machine-id'), `${machineId}\n`);
  await lstat(join(root, DATABASE_UNIT));
}

const initReply = z.object({ fingerprint: z.string().min(1), adminToken: z.string().optional() });

export interface DatabaseAccess {
  readonly fingerprint: string;
  readonly adminToken: string | undefined;
}

/** Lets the database make its own files, then gives them to its user. Its answer holds the token: it is never logged. */
export async function initializeDatabase(
  root: string,
  plan: InstallPlan,
  host: Host,
): Promise<DatabaseAccess> {
  const { config, adminTokenHash } = plan.settings;
  const names = [
    config.hostname,
    ...(config.network.mode === 'static' ? [config.network.address.split('/')[0] ?? ''] : []),
  ];
  const args = ['init', '--data', root, '--json', '--host-names', names.join(',')];
  if (adminTokenHash !== undefined) args.push('--admin-token-hash', adminTokenHash);
  const { stdout } = await host.run('truthdb', args, { timeoutMs: INIT_TIMEOUT_MS });
  const reply = initReply.safeParse(jsonOf(stdout));
  if (!reply.success || (reply.data.adminToken === undefined) !== (adminTokenHash !== undefined)) {
    throw new InstallError(
      'PROGRAM_FAILED',
      'truthdb init did not answer with a fingerprint and, unless its hash was given, a token',
    );
  }
  await chownTree(root);
  await chmod(root, 0o750);
  await syncPath(root);
  return { fingerprint: reply.data.fingerprint, adminToken: reply.data.adminToken };
}

async function chownTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await chownTree(join(path, entry.name));
    else await lchown(join(path, entry.name), DATABASE_ID, DATABASE_ID);
  }
  await lchown(path, DATABASE_ID, DATABASE_ID);
}

export async function storeLog(root: string, lines: readonly string[]): Promise<void> {
  await writeDurably(join(root, 'install.log'), `${lines.join('\n')}\n`, 0o600);
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode });
  await syncPath(path);
  await syncPath(dirname(path));
}

async function syncPath(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function compareText(path: string, expected: string): Promise<void> {
  if ((await readFile(path, 'utf8')) !== expected) {
    throw new InstallError(
      'VERIFY_FAILED',
      `${path} does not read back as it was written; the disk does not keep what is written`,
    );
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
