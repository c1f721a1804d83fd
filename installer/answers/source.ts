/** Where answer files are looked for: a volume with our label, or the firmware configuration of a virtual machine. */

import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asInstallError, InstallError } from '../errors.ts';
import type { Host } from '../host.ts';
import { ANSWER_BYTES_MAX } from './index.ts';

const ANSWER_LABEL = 'TRUTHDB-ANS';
const ANSWER_FILE = 'answer.json';
const FILE_SYSTEMS = ['vfat', 'ext4', 'iso9660'];
const FW_CFG_ITEM = '/sys/firmware/qemu_fw_cfg/by_name/opt/org.truthdb/answer/raw';
const SYSTEM_VENDOR = '/sys/class/dmi/id/sys_vendor';
const KERNEL_COMMAND_LINE = '/proc/cmdline';
const UNATTENDED_ARGUMENT = 'truthdb.unattended=1';

export interface FoundAnswer {
  /** Where it was found, for the log. */
  readonly source: string;
  readonly text: string;
}

export interface AnswerVolume {
  readonly device: string;
  readonly fileSystem: string;
}

/** The gate: only a medium whose own command line says so installs unattended. */
export async function unattendedAllowed(): Promise<boolean> {
  const line = await readFile(KERNEL_COMMAND_LINE, 'utf8').catch(() => '');
  return line.split(/\s+/).includes(UNATTENDED_ARGUMENT);
}

/**
 * @param volumes All file systems of the machine; parts of one volume seen twice (a disk and its partition) count as two, because
 * nobody can say which was meant.
 * @throws InstallError ANSWER_SOURCE.
 */
export function chooseSource(
  volumes: readonly AnswerVolume[],
  firmwareItem: boolean,
): AnswerVolume | 'fw_cfg' {
  const devices = volumes.map(({ device }) => device).join(' and ');
  if (volumes.length > 1) {
    throw new InstallError(
      'ANSWER_SOURCE',
      `${volumes.length} volumes are labelled ${ANSWER_LABEL}: ${devices}; leave only one connected`,
    );
  }
  const [volume] = volumes;
  if (volume !== undefined && firmwareItem) {
    throw new InstallError(
      'ANSWER_SOURCE',
      `an answer is on ${devices} and another in fw_cfg; leave only one`,
    );
  }
  if (volume !== undefined && !FILE_SYSTEMS.includes(volume.fileSystem)) {
    throw new InstallError(
      'ANSWER_SOURCE',
      `${devices} carries ${volume.fileSystem}; an answer lies on ${FILE_SYSTEMS.join(', ')}`,
    );
  }
  if (volume !== undefined) return volume;
  if (firmwareItem) return 'fw_cfg';
  throw new InstallError(
    'ANSWER_SOURCE',
    `no volume is labelled ${ANSWER_LABEL} and fw_cfg holds no opt/org.truthdb/answer; connect one and start again`,
  );
}

/**
 * fw_cfg is written by whoever runs the virtual machine and by nobody else, so it is believed only where the firmware says that
 * this is QEMU.
 */
async function firmwareItemExists(): Promise<boolean> {
  const vendor = await readFile(SYSTEM_VENDOR, 'utf8').catch(() => '');
  if (vendor.trim() !== 'QEMU') return false;
  return stat(FW_CFG_ITEM).then(
    () => true,
    () => false,
  );
}

/** Volumes with our label, from `blkid --output export` with one block per device. */
export function parseVolumes(text: string): readonly AnswerVolume[] {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
    if (value('LABEL') !== ANSWER_LABEL) return [];
    return [{ device: value('DEVNAME'), fileSystem: value('TYPE') }];
  });
}

/**
 * @param mountPoint Empty folder for the volume.
 * @throws InstallError ANSWER_SOURCE.
 */
export async function findAnswer(host: Host, mountPoint: string): Promise<FoundAnswer> {
  await host.run('udevadm', ['settle', '--timeout=15'], { accept: [1], quiet: true });
  // Exit 2: nothing has that label.
  const blkid = await host.run(
    'blkid',
    ['--cache-file', '/dev/null', '--match-token', `LABEL=${ANSWER_LABEL}`, '--output', 'export'],
    {
      accept: [2],
    },
  );
  const source = chooseSource(parseVolumes(blkid.stdout), await firmwareItemExists());
  if (source === 'fw_cfg') return { source: 'fw_cfg', text: await readAnswer(FW_CFG_ITEM, 'fw_cfg') };
  await mkdir(mountPoint, { recursive: true, mode: 0o700 });
  await host.run('mount', [
    '-t',
    source.fileSystem,
    '-o',
    'ro,nosuid,nodev,noexec',
    source.device,
    mountPoint,
  ]);
  try {
    return { source: source.device, text: await readAnswer(join(mountPoint, ANSWER_FILE), source.device) };
  } finally {
    await host.run('umount', [mountPoint]);
  }
}

async function readAnswer(path: string, source: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > ANSWER_BYTES_MAX) throw new Error(`${size} bytes, at most ${ANSWER_BYTES_MAX} are read`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new InstallError(
      'ANSWER_SOURCE',
      `${ANSWER_FILE} on ${source} cannot be read: ${asInstallError(error).message}`,
    );
  }
}
