/**
 * The partitions of a TruthDB disk: number, label, type GUID, size and content, in the order they lie on the disk.
 *
 * This table is the one place these constants live: the installer plans from it, the image's initramfs and updater find
 * partitions by it, and the offline inspection of installed disks checks against it. Root and verity carry the GUIDs of the
 * Discoverable Partitions Specification (https://uapi-group.org/specifications/specs/discoverable_partitions_specification/);
 * state and data carry our own, so that no other installer and no generator of systemd ever touches them.
 */

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

/** Names of the partitions, used as keys wherever code speaks about one of them. */
export type PartitionName = 'esp' | 'root-a' | 'verity-a' | 'root-b' | 'verity-b' | 'state' | 'data';

/** What lies inside a partition once the installation is complete. */
export type PartitionContent = 'fat32' | 'squashfs' | 'verity' | 'empty' | 'ext4' | 'xfs';

export interface PartitionType {
  readonly name: PartitionName;
  /** GPT entry, counted from 1. */
  readonly number: number;
  /** GPT partition name (PARTLABEL). */
  readonly label: string;
  /** GPT partition type GUID, upper case. */
  readonly typeGuid: string;
  /** Bytes, or 'rest' for the one partition that takes what is left. */
  readonly bytes: number | 'rest';
  readonly content: PartitionContent;
}

/** Type GUID of an EFI System Partition. */
export const ESP_TYPE_GUID = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

/**
 * Type GUID partition 1 carries from the first write until the very last one ("Linux filesystem data"). Setting
 * {@link ESP_TYPE_GUID} in its place is the commit record: the installed system asks for it too, because there is firmware that
 * starts a loader from any FAT file system.
 */
export const UNCOMMITTED_TYPE_GUID = '0FC63DAF-8483-4772-8E79-3D69D8477DE4';

/** Linux root on x86-64. */
export const ROOT_TYPE_GUID = '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709';

/** dm-verity hash tree of a Linux root on x86-64. */
export const VERITY_TYPE_GUID = '2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5';

/** TruthDB state: configuration, host keys, journal. */
export const STATE_TYPE_GUID = '5D1E9A3C-2F0B-4B52-9C2E-7472757468A1';

/** TruthDB data: the log and everything derived from it. */
export const DATA_TYPE_GUID = 'A2C4E6B1-93D7-4F18-8E55-7472757468B2';

/** The seven partitions in the order of their numbers; data is last so that it can grow. */
export const PARTITIONS: readonly PartitionType[] = [
  { name: 'esp', number: 1, label: 'truthdb-esp', typeGuid: ESP_TYPE_GUID, bytes: GIB, content: 'fat32' },
  {
    name: 'root-a',
    number: 2,
    label: 'truthdb-root-a',
    typeGuid: ROOT_TYPE_GUID,
    bytes: 2 * GIB,
    content: 'squashfs',
  },
  {
    name: 'verity-a',
    number: 3,
    label: 'truthdb-verity-a',
    typeGuid: VERITY_TYPE_GUID,
    bytes: 64 * MIB,
    content: 'verity',
  },
  {
    name: 'root-b',
    number: 4,
    label: 'truthdb-root-b',
    typeGuid: ROOT_TYPE_GUID,
    bytes: 2 * GIB,
    content: 'empty',
  },
  {
    name: 'verity-b',
    number: 5,
    label: 'truthdb-verity-b',
    typeGuid: VERITY_TYPE_GUID,
    bytes: 64 * MIB,
    content: 'empty',
  },
  {
    name: 'state',
    number: 6,
    label: 'truthdb-state',
    typeGuid: STATE_TYPE_GUID,
    bytes: 2 * GIB,
    content: 'ext4',
  },
  { name: 'data', number: 7, label: 'truthdb-data', typeGuid: DATA_TYPE_GUID, bytes: 'rest', content: 'xfs' },
];

/** File system labels, as `blkid` shows them. FAT allows eleven characters, ext4 sixteen, XFS twelve. */
export const FILESYSTEM_LABELS = {
  esp: 'TRUTHDB-ESP',
  state: 'truthdb-state',
  data: 'truthdb-data',
} as const;

/** Smallest disk an installation is planned for: 16 GiB, which leaves about 8.8 GiB of data. */
export const DISK_BYTES_MIN = 16 * GIB;

/**
 * PARTUUIDs of a root slot, taken from the verity root hash as the Discoverable Partitions Specification rules: first half for the
 * root, second half for its hash tree. The kernel's command line names the root hash, so image and slot are bound by content.
 *
 * @param rootHash 64 hexadecimal digits.
 * @throws RangeError when it is anything else.
 */
export function slotPartitionUuids(rootHash: string): { readonly root: string; readonly verity: string } {
  if (!/^[0-9a-f]{64}$/i.test(rootHash)) {
    throw new RangeError(`root hash "${rootHash}" is not 64 hexadecimal digits; take it from payload.json`);
  }
  return { root: uuidOf(rootHash.slice(0, 32)), verity: uuidOf(rootHash.slice(32)) };
}

function uuidOf(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
    .join('-')
    .toLowerCase();
}
