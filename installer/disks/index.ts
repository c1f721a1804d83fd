/**
 * Disks: which there are, what lies on each, and which may be erased.
 *
 * probe.ts reads the machine into a {@link RawInventory} of plain text; everything else here is pure and works from that text, so
 * any machine can be put into a fixture. The result is a list of {@link Disk}, all of them: those that may not be chosen carry
 * their reasons. This folder imports nothing of the installer but the partition table and, in probe.ts alone, the host.
 */

import { readContents } from './contents.ts';
import type { Disk, DiskPartition, Signature } from './disk.ts';
import { judge, type UnjudgedDisk } from './eligibility.ts';
import { readHardware } from './hardware.ts';
import { nodeName, parseBlkid, parseMountinfo, parseSwaps, parseUdevDatabase, parseWipefs } from './parse.ts';
import type { RawInventory } from './raw-inventory.ts';
import { confirmationTokens } from './token.ts';

/** The kernel counts sizes and positions in units of 512 bytes, whatever the disk's own blocks are. */
const SYSFS_SECTOR_BYTES = 512;

/**
 * Block devices that are no disks: memory, files, optical and floppy drives, and what is built on top of disks. The boot areas of
 * an eMMC carry the serial of the whole, and would make it look like a duplicate of itself.
 */
const NOT_A_DISK =
  /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|rbd|drbd|zd|bcache|mtdblock|ubiblock)\d|^mmcblk\d+(?:boot\d+|rpmb|gp\d+)$/;

/** Whether a name under /sys/block is shown as a disk at all. */
export function isDiskName(name: string): boolean {
  return !NOT_A_DISK.test(name);
}

/**
 * All disks of the machine in the order of their names, each with what it contains and why it may not be chosen.
 *
 * @param random Bytes for the codes of disks without serial and WWN.
 */
export function inventory(raw: RawInventory, random: (count: number) => Uint8Array): readonly Disk[] {
  const names = raw.disks.filter((name) => raw.sys.get(`${name}/hidden`) !== '1').toSorted(compareNames);
  const parsed = parseAll(raw);
  const disks = names.map((name) => readDisk(name, raw, parsed));
  const tokens = confirmationTokens(disks, random);
  return judge(
    disks.map((disk, index) => ({ ...disk, token: tokens[index] })),
    raw.bootPartitionUuid,
  );
}

interface Parsed {
  readonly udev: ReturnType<typeof parseUdevDatabase>;
  readonly blkid: ReturnType<typeof parseBlkid>;
  readonly signatures: readonly Signature[];
  readonly mounts: ReturnType<typeof parseMountinfo>;
  readonly swaps: ReturnType<typeof parseSwaps>;
}

function parseAll(raw: RawInventory): Parsed {
  return {
    udev: parseUdevDatabase(raw.udev),
    blkid: parseBlkid(raw.blkid),
    signatures: raw.wipefs.flatMap((document) => parseWipefs(document)),
    mounts: parseMountinfo(raw.mountinfo),
    swaps: parseSwaps(raw.swaps),
  };
}

function readDisk(name: string, raw: RawInventory, parsed: Parsed): UnjudgedDisk {
  const sys = (path: string) => raw.sys.get(`${name}/${path}`) ?? '';
  const udev = parsed.udev.get(name);
  const partitions = readPartitions(name, raw, parsed);
  const nodes = [name, ...partitions.map(({ node }) => node)];
  const bytes = numberOf(sys('size')) * SYSFS_SECTOR_BYTES;
  return {
    name,
    path: `/dev/${name.replaceAll('!', '/')}`,
    majorMinor: sys('dev'),
    diskSequence: numberOf(sys('diskseq')) || numberOf(udev?.properties.get('DISKSEQ') ?? ''),
    bytes,
    logicalBlockBytes: numberOf(sys('queue/logical_block_size')),
    ...readHardware(name, sys, udev),
    readOnly: sys('ro') === '1',
    removable: sys('removable') === '1',
    rotational: sys('queue/rotational') === '1',
    ...readUses(name, nodes, raw, parsed),
    contents: readContents({
      name,
      bytes,
      probe: parsed.blkid.get(name) ?? new Map(),
      partitions,
      signatures: parsed.signatures.filter(({ node }) => node === name),
      edges: raw.edges.get(name),
      volumeGroups: raw.volumeGroups,
      unreadable: nodes.some((node) => raw.unreadable.has(node)),
    }),
    token: undefined,
  };
}

function readPartitions(name: string, raw: RawInventory, parsed: Parsed): readonly DiskPartition[] {
  return [...raw.sys.keys()]
    .map((path) => /^[^/]+\/([^/]+)\/partition$/.exec(path))
    .filter((match) => match?.[0].startsWith(`${name}/`))
    .map((match) => {
      const node = match?.[1] ?? '';
      const sys = (path: string) => raw.sys.get(`${name}/${node}/${path}`) ?? '';
      const probe = parsed.blkid.get(node);
      return {
        node,
        number: numberOf(sys('partition')),
        startBytes: numberOf(sys('start')) * SYSFS_SECTOR_BYTES,
        bytes: numberOf(sys('size')) * SYSFS_SECTOR_BYTES,
        type: (probe?.get('PART_ENTRY_TYPE') ?? '').toLowerCase(),
        uuid: (probe?.get('PART_ENTRY_UUID') ?? '').toLowerCase(),
        label: probe?.get('PART_ENTRY_NAME') ?? '',
        signatures: parsed.signatures.filter((signature) => signature.node === node),
      };
    })
    .sort((a, b) => a.number - b.number);
}

function readUses(
  name: string,
  nodes: readonly string[],
  raw: RawInventory,
  parsed: Parsed,
): Pick<Disk, 'mounts' | 'swaps' | 'holders'> {
  const sysPath = (node: string) => (node === name ? name : `${name}/${node}`);
  const numbers = new Map(nodes.map((node) => [raw.sys.get(`${sysPath(node)}/dev`) ?? '', node]));
  const links = new Map(
    nodes.flatMap((node) => (parsed.udev.get(node)?.links ?? []).map((link) => [`/dev/${link}`, node])),
  );
  const nodeOf = (path: string) => links.get(path) ?? nodes.find((node) => node === nodeName(path));
  const holders = [...raw.sys.keys()].flatMap((path) =>
    nodes
      .filter((node) => path.startsWith(`${sysPath(node)}/holders/`))
      .map((node) => ({ node, holder: holderName(path.split('/').at(-1) ?? '', parsed) })),
  );
  return {
    // Btrfs and overlays show an anonymous device number, so the source's name counts as well.
    mounts: parsed.mounts.flatMap(({ majorMinor, path, source }) => {
      const node = (majorMinor !== '' ? numbers.get(majorMinor) : undefined) ?? nodeOf(source);
      return node === undefined ? [] : [{ node, path }];
    }),
    swaps: parsed.swaps.flatMap((path) => nodeOf(path) ?? []),
    holders,
  };
}

/** "dm-0" says nothing; the name device-mapper knows it by does. */
function holderName(holder: string, parsed: Parsed): string {
  const mapped = parsed.udev.get(holder)?.properties.get('DM_NAME');
  return mapped === undefined ? holder : `${holder} (${mapped})`;
}

/** sdb before sdaa, nvme2n1 before nvme10n1. */
function compareNames(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

function numberOf(text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
