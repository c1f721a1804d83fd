/** Where everything lies on the disk: pure arithmetic from the table of partitions and the size of the disk, in bytes. */

import { InstallError } from './errors.ts';
import {
  DISK_BYTES_MIN,
  PARTITIONS,
  type PartitionName,
  type PartitionType,
  slotPartitionUuids,
} from './partition-types.ts';

const MIB = 1024 * 1024;

/**
 * Start and end of every partition fall on this, a multiple of every block size and of the erase blocks of flash. The primary GPT
 * fits in front of the first partition and the backup behind the last with blocks of 512 and of 4096 bytes alike.
 */
const ALIGNMENT_BYTES = MIB;

/** How much of both ends of each partition is erased: old superblocks, and the labels ZFS and md keep at the end. */
const ERASED_EDGE_BYTES = 16 * MIB;

export interface PlannedPartition {
  readonly name: PartitionName;
  readonly number: number;
  readonly label: string;
  readonly typeGuid: string;
  /** PARTUUID where it is part of the plan; the others are drawn at random when the table is written. */
  readonly uuid: string | undefined;
  readonly startBytes: number;
  readonly bytes: number;
}

export interface ByteRange {
  readonly startBytes: number;
  readonly bytes: number;
}

export interface Layout {
  readonly diskBytes: number;
  readonly logicalBlockBytes: number;
  readonly partitions: readonly PlannedPartition[];
}

/**
 * @param rootHash Verity root hash of the image that goes into slot A.
 * @throws InstallError NOT_ELIGIBLE when the disk is too small or has blocks of another size.
 */
export function planLayout(
  disk: { readonly bytes: number; readonly logicalBlockBytes: number },
  rootHash: string,
): Layout {
  const { bytes: diskBytes, logicalBlockBytes } = disk;
  if (diskBytes < DISK_BYTES_MIN || ALIGNMENT_BYTES % logicalBlockBytes !== 0) {
    throw new InstallError(
      'NOT_ELIGIBLE',
      `a disk of ${diskBytes} bytes in blocks of ${logicalBlockBytes}: needed are ${DISK_BYTES_MIN} bytes in blocks of 512 or 4096`,
    );
  }
  const uuids = slotPartitionUuids(rootHash);
  const end = alignDown(diskBytes - ALIGNMENT_BYTES);
  let startBytes = ALIGNMENT_BYTES;
  const partitions = PARTITIONS.map((type) => {
    const bytes = type.bytes === 'rest' ? end - startBytes : type.bytes;
    const planned = { ...planPartition(type, uuids), startBytes, bytes };
    startBytes += bytes;
    return planned;
  });
  return { diskBytes, logicalBlockBytes, partitions };
}

function planPartition(type: PartitionType, uuids: { readonly root: string; readonly verity: string }) {
  const { name, number, label, typeGuid } = type;
  const uuid = name === 'root-a' ? uuids.root : name === 'verity-a' ? uuids.verity : undefined;
  return { name, number, label, typeGuid, uuid };
}

/** Both GPTs and all that lies around them: what is zeroed first, and again after any failure. */
export function tableRanges(layout: Layout): readonly ByteRange[] {
  const first = layout.partitions[0]?.startBytes ?? ALIGNMENT_BYTES;
  const last = layout.partitions.at(-1);
  const end = last === undefined ? layout.diskBytes - ALIGNMENT_BYTES : last.startBytes + last.bytes;
  return [
    { startBytes: 0, bytes: first },
    { startBytes: end, bytes: layout.diskBytes - end },
  ];
}

/** First and last 16 MiB of every partition. */
export function edgeRanges(layout: Layout): readonly ByteRange[] {
  return layout.partitions.flatMap(({ startBytes, bytes }) => [
    { startBytes, bytes: ERASED_EDGE_BYTES },
    { startBytes: startBytes + bytes - ERASED_EDGE_BYTES, bytes: ERASED_EDGE_BYTES },
  ]);
}

/**
 * The table as sfdisk(8) reads it. Its unit is the logical block.
 *
 * @param firstTypeGuid Type of partition 1: not the ESP's before the commit record.
 */
export function sfdiskScript(layout: Layout, firstTypeGuid: string): string {
  const blocks = (bytes: number) => bytes / layout.logicalBlockBytes;
  const lines = layout.partitions.map(({ number, startBytes, bytes, typeGuid, uuid, label }) =>
    [
      `${number} : start=${blocks(startBytes)}`,
      `size=${blocks(bytes)}`,
      `type=${number === 1 ? firstTypeGuid : typeGuid}`,
      ...(uuid === undefined ? [] : [`uuid=${uuid.toUpperCase()}`]),
      `name="${label}"`,
    ].join(', '),
  );
  return `${['label: gpt', 'unit: sectors', `first-lba: ${blocks(ALIGNMENT_BYTES)}`, '', ...lines].join('\n')}\n`;
}

/** Kernel's name of a partition: a 'p' goes between where the disk's own name ends in a digit. */
export function partitionPath(diskPath: string, number: number): string {
  return /\d$/.test(diskPath) ? `${diskPath}p${number}` : `${diskPath}${number}`;
}

function alignDown(bytes: number): number {
  return bytes - (bytes % ALIGNMENT_BYTES);
}
