/** By which rules an answer names the one disk that may be erased without anybody looking. Every doubt is a refusal. */

import { type Disk, formatDiskSize } from '../disks/disk.ts';
import { normalizeWwn } from '../disks/hardware.ts';
import { InstallError } from '../errors.ts';
import type { Answer } from './index.ts';

/**
 * All keys given must match, and a key the disk lacks is a mismatch. Matches are counted over all disks, eligible or not: a second
 * match is a sign that the answer is not as precise as its author thought, even if that disk could not be erased.
 *
 * @throws InstallError ANSWER_DISK.
 */
export function matchDisk(answer: Answer, disks: readonly Disk[]): Disk {
  const matches = disks.filter((disk) => matchesAll(answer.disk, disk));
  const [disk] = matches;
  if (disk === undefined) {
    throw refusal(
      `no disk matches ${wanted(answer.disk)}; disks: ${disks.map(nameDisk).join(', ') || 'none'}`,
    );
  }
  if (matches.length > 1)
    throw refusal(
      `${matches.length} disks match ${wanted(answer.disk)}: ${matches.map(nameDisk).join(', ')}`,
    );
  if (disk.ineligible.length > 0) {
    throw refusal(
      `${nameDisk(disk)} may not be erased: ${disk.ineligible.map(({ text }) => text).join('; ')}`,
    );
  }
  if (disk.shared)
    throw refusal(`${nameDisk(disk)} is reached over ${disk.bus}: a shared disk is never erased unattended`);
  checkContent(answer.disk.contentFingerprint, disk);
  return disk;
}

/** An empty disk needs no fingerprint; one that is given must fit nevertheless. */
function checkContent(fingerprint: string | undefined, disk: Disk): void {
  if (fingerprint === undefined && disk.contents.state === 'empty') return;
  if (fingerprint === disk.contents.fingerprint) return;
  const found = `${nameDisk(disk)} is not empty (${disk.contents.summary})`;
  if (fingerprint === undefined) {
    throw refusal(
      `${found}: it is erased only if the answer names its contentFingerprint, which "truthdb-installer disks --json" prints`,
    );
  }
  throw refusal(
    `${nameDisk(disk)} (${disk.contents.summary}) has not the content ${fingerprint} that the answer names (was it installed already?)`,
  );
}

type Wanted = Answer['disk'];

function matchesAll({ serial, wwn, byId }: Wanted, disk: Disk): boolean {
  return (
    (serial === undefined || (disk.serial !== '' && disk.serial === serial)) &&
    (wwn === undefined || (disk.wwn !== '' && disk.wwn === normalizeWwn(wwn))) &&
    (byId === undefined || disk.byId.includes(byId.replace(/^\/dev\/disk\/by-id\//, '')))
  );
}

function wanted({ serial, wwn, byId }: Wanted): string {
  const keys = Object.entries({ serial, wwn, byId }).filter(([, value]) => value !== undefined);
  return keys.map(([key, value]) => `${key} "${value}"`).join(' and ');
}

function nameDisk(disk: Disk): string {
  return `${disk.path} (${formatDiskSize(disk.bytes)}, serial ${disk.serial || 'none'})`;
}

function refusal(text: string): InstallError {
  return new InstallError('ANSWER_DISK', `${text}; nothing was written`);
}
