/**
 * One reading of the machine's block devices, as text the kernel, udev and the probing tools gave it. Taken by probe.ts, parsed
 * by the pure functions beside this file; the fixtures of the tests are files of the same shape.
 */

export interface RawInventory {
  /** Kernel names of the block devices that count as disks. */
  readonly disks: readonly string[];
  /**
   * /sys/block, flattened: path below /sys/block → content without the last line break. A folder's entries that matter by name
   * alone (holders) have empty content; `<disk>/devpath` holds the target of the link /sys/block/<disk>.
   */
  readonly sys: ReadonlyMap<string, string>;
  /** `udevadm info --export-db`, or the part of it about block devices. */
  readonly udev: string;
  /** `blkid --probe --output export`, the answers for every disk and partition one after the other. */
  readonly blkid: string;
  /** `wipefs --no-act --json`, one document for every disk and partition. */
  readonly wipefs: readonly string[];
  /** /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** /proc/swaps. */
  readonly swaps: string;
  /** First and last MiB of each disk, by kernel name. */
  readonly edges: ReadonlyMap<string, DiskEdges>;
  /** Names of LVM volume groups by the node they were read from. */
  readonly volumeGroups: ReadonlyMap<string, string>;
  /** Nodes that could not be probed, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
  /** EFI variable LoaderDevicePartUUID: the partition this system was started from. Lower case; '' when not set. */
  readonly bootPartitionUuid: string;
}

export interface DiskEdges {
  readonly zero: boolean;
  /** SHA-256 of both edges, hexadecimal. */
  readonly digest: string;
}
