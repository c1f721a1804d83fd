/** What the installer knows about a disk: plain data, made by {@link import('./index.ts')} from one reading of the machine. */

/** How a disk is attached. `iscsi`, `fc` and `nvme-fabrics` are reached over a network that other machines may share. */
export type Bus =
  | 'nvme'
  | 'nvme-fabrics'
  | 'sata'
  | 'ata'
  | 'sas'
  | 'scsi'
  | 'raid'
  | 'usb'
  | 'mmc'
  | 'virtio'
  | 'iscsi'
  | 'fc'
  | 'other';

/** One recognised magic number, as `wipefs` finds them: a device may carry several. */
export interface Signature {
  /** Kernel name of the disk or partition it lies on. */
  readonly node: string;
  /** libblkid's name: ext4, LVM2_member, gpt, … */
  readonly type: string;
  readonly uuid: string;
  readonly label: string;
}

export interface DiskPartition {
  readonly node: string;
  readonly number: number;
  readonly startBytes: number;
  readonly bytes: number;
  /** Partition type: a GUID on GPT, 0x.. on DOS, '' when unknown. Lower case. */
  readonly type: string;
  /** PARTUUID, lower case, '' when unknown. */
  readonly uuid: string;
  readonly label: string;
  readonly signatures: readonly Signature[];
}

/** A part of an array or volume group that this machine has not assembled: the rest of it may lie on other disks. */
export interface Membership {
  readonly node: string;
  /** 'LVM volume group', 'md array', … as shown to people. */
  readonly kind: string;
  /** The array's own name, or the start of its UUID: the word that has to be typed. */
  readonly name: string;
}

export interface Contents {
  /**
   * `empty`: no table, no signature, and both ends of the disk read as zeros. `unrecognised`: bytes that no probe knows.
   * `unreadable`: probing failed, so nothing can be said.
   */
  readonly state: 'empty' | 'recognised' | 'unrecognised' | 'unreadable';
  /** Partition table, '' when there is none. */
  readonly tableType: string;
  readonly tableUuid: string;
  readonly partitions: readonly DiskPartition[];
  /** File systems and memberships on the bare disk, without a partition. */
  readonly signatures: readonly Signature[];
  readonly memberships: readonly Membership[];
  /** `data`: a TruthDB data partition. `interrupted`: an installation that never reached its commit record. */
  readonly truthdb: 'none' | 'data' | 'interrupted';
  /** Volume ids of iso9660 file systems on the disk. */
  readonly isoVolumes: readonly string[];
  /**
   * Names the present content by its table, partitions and file systems with their UUIDs; every installation changes it. Mounting
   * a file system does not.
   */
  readonly fingerprint: string;
  /** One line for people: "ext4 'backup', 2 partitions". */
  readonly summary: string;
}

/** Why a disk is not offered. The codes are stable; tests and answer files' errors name them. */
export type IneligibleCode =
  | 'OWN_MEDIUM'
  | 'READ_ONLY'
  | 'NO_MEDIUM'
  | 'TOO_SMALL'
  | 'BLOCK_SIZE'
  | 'MOUNTED'
  | 'SWAP'
  | 'HELD'
  | 'DUPLICATE_SERIAL'
  | 'DUPLICATE_WWN'
  | 'UNREADABLE';

export interface IneligibleReason {
  readonly code: IneligibleCode;
  readonly text: string;
}

/** What has to be typed to confirm that this disk may be erased. */
export interface ConfirmationToken {
  readonly source: 'serial' | 'wwn' | 'code';
  readonly text: string;
}

export interface Disk {
  /** Kernel name, valid until the next boot or hot-plug: never an identity. */
  readonly name: string;
  readonly path: string;
  readonly majorMinor: string;
  /** Kernel's sequence number of the block device: another disk under the same name has another. 0 when the kernel has none. */
  readonly diskSequence: number;
  readonly bytes: number;
  readonly logicalBlockBytes: number;
  readonly model: string;
  /** '' when the disk has none. */
  readonly serial: string;
  /** World Wide Name without its prefix, '' when the disk has none. */
  readonly wwn: string;
  /** Names under /dev/disk/by-id, without the folder. */
  readonly byId: readonly string[];
  readonly bus: Bus;
  /** Reached over a network that other machines may share. */
  readonly shared: boolean;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly rotational: boolean;
  readonly mounts: readonly { readonly node: string; readonly path: string }[];
  readonly swaps: readonly string[];
  readonly holders: readonly { readonly node: string; readonly holder: string }[];
  readonly contents: Contents;
  /** Absent for disks that cannot be told apart. */
  readonly token: ConfirmationToken | undefined;
  /** Empty: eligible. */
  readonly ineligible: readonly IneligibleReason[];
}

/** Makes text from a disk safe to show on a terminal and to put on one line: anything but printable ASCII becomes '?'. */
export function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, '?').trim();
}

/** Decimal units, as the maker prints them on the disk. */
export function formatDiskSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit < 2 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
