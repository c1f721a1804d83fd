/** Which disks may be offered, and for each that may not, every reason. */

import { DISK_BYTES_MIN } from '../partition-types.ts';
import type { Disk, IneligibleReason } from './disk.ts';
import { formatDiskSize } from './disk.ts';

/** Volume id of our own installation medium. */
const MEDIUM_VOLUME_ID = 'TRUTHDB_INSTALL';

/** Block sizes the partition plan and the file systems are made for. */
const BLOCK_BYTES = [512, 4096];

/** A disk before it has been judged. */
export type UnjudgedDisk = Omit<Disk, 'ineligible'>;

/**
 * All reasons against each disk, in the order given.
 *
 * `removable` is no reason: hot-plug bays say so of good disks, and USB SSDs deny it.
 *
 * @param bootPartitionUuid Partition the running system was started from, '' when unknown.
 */
export function judge(disks: readonly UnjudgedDisk[], bootPartitionUuid: string): readonly Disk[] {
  return disks.map((disk) => ({
    ...disk,
    ineligible: [
      ...ownMedium(disk, bootPartitionUuid),
      ...unusable(disk),
      ...inUse(disk),
      ...duplicates(
        disk,
        disks.filter((other) => other !== disk),
      ),
    ],
  }));
}

/** The payload runs from memory and nothing of the medium is mounted, so no rule about mounts would protect it. */
function ownMedium(disk: UnjudgedDisk, bootPartitionUuid: string): readonly IneligibleReason[] {
  if (disk.contents.isoVolumes.includes(MEDIUM_VOLUME_ID)) {
    return [{ code: 'OWN_MEDIUM', text: `installation medium (volume ${MEDIUM_VOLUME_ID})` }];
  }
  if (bootPartitionUuid !== '' && disk.contents.partitions.some(({ uuid }) => uuid === bootPartitionUuid)) {
    return [{ code: 'OWN_MEDIUM', text: 'this installer was started from it' }];
  }
  return [];
}

function unusable(disk: UnjudgedDisk): readonly IneligibleReason[] {
  if (disk.bytes === 0) return [{ code: 'NO_MEDIUM', text: 'no medium in the drive' }];
  const reasons: IneligibleReason[] = [];
  if (disk.readOnly) reasons.push({ code: 'READ_ONLY', text: 'read-only' });
  if (disk.bytes < DISK_BYTES_MIN) {
    reasons.push({
      code: 'TOO_SMALL',
      text: `too small: ${formatDiskSize(disk.bytes)}, needed are ${formatDiskSize(DISK_BYTES_MIN)}`,
    });
  }
  if (!BLOCK_BYTES.includes(disk.logicalBlockBytes)) {
    reasons.push({
      code: 'BLOCK_SIZE',
      text: `blocks of ${disk.logicalBlockBytes} bytes, supported are 512 and 4096`,
    });
  }
  if (disk.contents.state === 'unreadable')
    reasons.push({ code: 'UNREADABLE', text: 'reading from it failed' });
  return reasons;
}

function inUse(disk: UnjudgedDisk): readonly IneligibleReason[] {
  return [
    ...disk.mounts.map(
      ({ node, path }) => ({ code: 'MOUNTED', text: `in use: ${node} is mounted on ${path}` }) as const,
    ),
    ...disk.swaps.map((node) => ({ code: 'SWAP', text: `in use: ${node} is swap space` }) as const),
    ...disk.holders.map(
      ({ node, holder }) => ({ code: 'HELD', text: `in use: ${node} is held by ${holder}` }) as const,
    ),
  ];
}

/** Two paths to one disk, or two disks nobody can tell apart by what is printed on them. */
function duplicates(disk: UnjudgedDisk, others: readonly UnjudgedDisk[]): readonly IneligibleReason[] {
  const named = (identity: (other: UnjudgedDisk) => string) =>
    others.filter(
      (other) => identity(disk) !== '' && identity(other).toLowerCase() === identity(disk).toLowerCase(),
    );
  return [
    ...named((other) => other.serial).map(
      (other) =>
        ({ code: 'DUPLICATE_SERIAL', text: `${other.name} has the same serial ${disk.serial}` }) as const,
    ),
    ...named((other) => other.wwn).map(
      (other) => ({ code: 'DUPLICATE_WWN', text: `${other.name} has the same WWN ${disk.wwn}` }) as const,
    ),
  ];
}
