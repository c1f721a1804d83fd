/**
 * One installed disk for everything that only wants an installed disk: tests and benchmarks boot overlays of it.
 * Installed once per image, unattended; whoever comes first does it, the others wait.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VmDisk } from '../vm/index.ts';
import { createOverlay, VM_FOLDERS } from '../vm/index.ts';
import { withLock } from '../vm/lock.ts';
import { type Artefacts, fileDigest } from './artefacts.ts';
import { DISK_SERIAL, installedDisk, installedVariables, newDisk } from './disk.ts';
import { answerText, installUnattended } from './install.ts';
import { makeSecrets, type Secrets } from './secrets.ts';

export interface InstalledFixture {
  /** Raw disk as the installation left it. Never boot it: boot an overlay. */
  readonly disk: string;
  /** EFI variables as the installation left them: copy before use. */
  readonly variables: string;
  readonly secrets: Secrets;
  readonly fingerprint: string;
  /** What the installer said, and how long it took. */
  readonly log: string;
  readonly seconds: number;
}

export const FIXTURE_HOSTNAME = 'truthdb-test';

/** Gives the installed disk for these artefacts, installing when there is none yet. */
export function installedFixture(
  artefacts: Artefacts,
  progress: (line: string) => void,
): Promise<InstalledFixture> {
  const root = join(VM_FOLDERS, 'installed');
  return withLock(join(VM_FOLDERS, 'installed.lock'), async () => {
    const folder = join(root, (await fileDigest(artefacts.unattendedIso)).slice(0, 16));
    if (!existsSync(folder)) {
      // Disks of earlier images are of no use to anybody any more.
      rmSync(root, { recursive: true, force: true });
      await installInto(folder, artefacts, progress);
    }
    return JSON.parse(readFileSync(join(folder, 'fixture.json'), 'utf8')) as InstalledFixture;
  });
}

/** An overlay of the installed disk, as the disk of a machine. */
export async function overlayOf(fixture: InstalledFixture, path: string): Promise<VmDisk> {
  await createOverlay(path, fixture.disk, 'raw');
  return { id: 'disk0', path, format: 'qcow2', bus: 'virtio', serial: DISK_SERIAL, bootIndex: 0 };
}

async function installInto(
  folder: string,
  artefacts: Artefacts,
  progress: (line: string) => void,
): Promise<void> {
  const work = `${folder}.new`;
  mkdirSync(work, { recursive: true });
  const secrets = makeSecrets();
  progress('installing the disk that tests share');
  const { fingerprint, log, seconds } = await installUnattended({
    unattendedIso: artefacts.unattendedIso,
    folder: work,
    disks: [newDisk(work)],
    answer: answerText({ disk: { serial: DISK_SERIAL }, secrets, hostname: FIXTURE_HOSTNAME }),
    progress: (line) => progress(`installer: ${line}`),
  });
  progress(`installed in ${seconds.toFixed(0)} s`);
  const fixture: InstalledFixture = {
    disk: installedDisk(folder).path,
    variables: installedVariables(folder),
    secrets,
    fingerprint,
    log,
    seconds,
  };
  writeFileSync(join(work, 'fixture.json'), JSON.stringify(fixture), { mode: 0o600 });
  // Only a complete installation gets its final name.
  renameSync(work, folder);
}
