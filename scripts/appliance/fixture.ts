/**
 * Installed disks for everything that only wants an installed disk: tests and benchmarks boot overlays of them.
 * Installed once per image, unattended; whoever comes first does it, the others wait.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { VmDisk } from '../vm/index.ts';
import { createOverlay, createRawDisk, VM_FOLDERS } from '../vm/index.ts';
import { withLock } from '../vm/lock.ts';
import { usbVolume } from '../vm/volume.ts';
import { type Artefacts, fileDigest } from './artefacts.ts';
import { DISK_BYTES, installedVariables } from './disk.ts';
import { ANSWER_ITEM, answerText, installUnattended } from './install.ts';
import { makeSecrets, type Secrets } from './secrets.ts';

const run = promisify(execFile);
const SSH_KEY = 'ssh-key';

export interface InstalledFixture {
  /** Raw disk as the installation left it. Never boot it: boot an overlay. */
  readonly disk: string;
  readonly bus: VmDisk['bus'];
  readonly serial: string;
  readonly hostname: string;
  /** EFI variables as the installation left them: copy before use. */
  readonly variables: string;
  readonly secrets: Secrets;
  readonly fingerprint: string;
  /** Private key that logs the operator in by SSH; undefined where none was given. */
  readonly sshKey?: string;
  /** What the installer said, and how long it took. */
  readonly log: string;
  readonly seconds: number;
}

interface Variant {
  readonly bus: VmDisk['bus'];
  readonly serial: string;
  readonly hostname: string;
  readonly answerBy: 'fw_cfg' | 'volume';
  /** Gives the operator an SSH key, made for this disk alone. */
  readonly remoteLogin?: boolean;
}

/** The second differs from the first in every way that installing offers without anybody at the keyboard. */
const VARIANTS = {
  first: { bus: 'virtio', serial: 'TRUTHDB-FIRST', hostname: 'truthdb-first', answerBy: 'fw_cfg' },
  second: {
    bus: 'nvme',
    serial: 'TRUTHDB-SECOND',
    hostname: 'truthdb-second',
    answerBy: 'volume',
    remoteLogin: true,
  },
} as const satisfies Record<string, Variant>;

/** Gives an installed disk for these artefacts, installing when there is none yet. */
export async function installedFixture(
  artefacts: Artefacts,
  progress: (line: string) => void,
  which: keyof typeof VARIANTS = 'first',
): Promise<InstalledFixture> {
  const image = (await fileDigest(artefacts.unattendedIso)).slice(0, 16);
  const root = join(VM_FOLDERS, 'installed');
  return withLock(join(VM_FOLDERS, `installed-${which}.lock`), async () => {
    const folder = join(root, `${which}-${image}`);
    if (!existsSync(folder)) {
      removeOlder(root, which);
      await installInto(folder, artefacts, VARIANTS[which], progress);
    }
    return JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as InstalledFixture;
  });
}

/** An overlay of an installed disk, as the disk of a machine that boots from it. */
export async function overlayOf(fixture: InstalledFixture, path: string): Promise<VmDisk> {
  await createOverlay(path, fixture.disk, 'raw');
  return { id: 'disk0', path, format: 'qcow2', bus: fixture.bus, serial: fixture.serial, bootIndex: 0 };
}

/** Disks of earlier images are of no use to anybody any more. */
function removeOlder(root: string, which: string): void {
  const older = existsSync(root) ? readdirSync(root).filter((name) => name.startsWith(`${which}-`)) : [];
  for (const name of older) rmSync(join(root, name), { recursive: true });
}

async function installInto(
  folder: string,
  artefacts: Artefacts,
  variant: Variant,
  progress: (line: string) => void,
): Promise<void> {
  const work = `${folder}.new`;
  mkdirSync(work, { recursive: true });
  const secrets = makeSecrets();
  const { bus, serial, hostname, answerBy } = variant;
  const authorizedKeys = variant.remoteLogin === true ? [await makeSshKey(join(work, SSH_KEY))] : undefined;
  progress(`installing the disk ${serial} that tests share`);
  createRawDisk(join(work, 'disk.raw'), DISK_BYTES);
  const disk: VmDisk = {
    id: 'disk0',
    path: join(work, 'disk.raw'),
    format: 'raw',
    bus,
    serial,
    bootIndex: 0,
  };
  const answer = answerText({
    disk: { serial },
    secrets,
    hostname,
    ...(authorizedKeys === undefined ? {} : { authorizedKeys }),
  });
  const { fingerprint, log, seconds } = await installUnattended({
    unattendedIso: artefacts.unattendedIso,
    folder: work,
    progress: (line) => progress(`${serial}: ${line}`),
    ...(answerBy === 'fw_cfg'
      ? { disks: [disk], fwCfg: { [ANSWER_ITEM]: answer } }
      : {
          disks: [disk, await usbVolume(join(work, 'stick.img'), 'TRUTHDB-ANS', { 'answer.json': answer })],
        }),
  });
  progress(`${serial}: installed in ${seconds.toFixed(0)} s`);
  const fixture: InstalledFixture = {
    disk: join(folder, 'disk.raw'),
    bus,
    serial,
    hostname,
    variables: installedVariables(folder),
    secrets,
    fingerprint,
    ...(authorizedKeys === undefined ? {} : { sshKey: join(folder, SSH_KEY) }),
    log,
    seconds,
  };
  writeFileSync(join(work, 'fixture.json'), JSON.stringify(fixture), { mode: 0o600 });
  // Only a complete installation gets its final name.
  renameSync(work, folder);
}

/** Makes a key pair without a passphrase; gives the public half. */
async function makeSshKey(path: string): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', path]);
  return readFileSync(`${path}.pub`, 'utf8').trim();
}
