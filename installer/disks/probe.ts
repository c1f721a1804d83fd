/** Reads the machine into a {@link RawInventory}: files below /sys and /proc, and the answers of udevadm, blkid and wipefs. */

import { createHash } from 'node:crypto';
import { open, readdir, readFile, realpath } from 'node:fs/promises';
import { withDeadline } from '../deadline.ts';
import { asInstallError } from '../errors.ts';
import type { Host } from '../host.ts';
import { isDiskName } from './index.ts';
import { parseEfiString, parseVolumeGroupName, parseWipefs } from './parse.ts';
import type { DiskEdges, RawInventory } from './raw-inventory.ts';

const MIB = 1024 * 1024;
const PROBE_TIMEOUT_MS = 20_000;
const SETTLE_SECONDS = 15;
const BOOT_PARTITION_VARIABLE =
  '/sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';

const DISK_FILES = [
  'dev',
  'size',
  'ro',
  'removable',
  'hidden',
  'diskseq',
  'wwid',
  'serial',
  'queue/logical_block_size',
  'queue/rotational',
  'device/model',
  'device/vendor',
  'device/name',
  'device/serial',
  'device/wwid',
];
const PARTITION_FILES = ['partition', 'start', 'size', 'dev', 'ro'];

export interface ProbeOptions {
  readonly host: Host;
  /**
   * Wait for udev first. Not while a disk is locked: udev leaves a locked disk alone, its queue does not empty, and the wait would
   * last to its limit.
   */
  readonly settle: boolean;
  /** Which names under /sys/block are disks; tests put others in. */
  readonly isDisk?: (name: string) => boolean;
}

/** One reading. A disk that cannot be probed does not keep the others from being read. */
export async function probe({ host, settle, isDisk = isDiskName }: ProbeOptions): Promise<RawInventory> {
  if (settle) await settleUdev(host);
  const disks = (await readdir('/sys/block')).filter(isDisk);
  const sys = new Map<string, string>();
  for (const disk of disks) await readSys(disk, sys);
  const nodes = disks.flatMap((disk) => [disk, ...partitionsOf(disk, sys)]);
  const unreadable = new Map<string, string>();
  const signatures = await probeNodes(nodes, host, unreadable);
  const edges = new Map<string, DiskEdges>();
  await Promise.all(
    disks.map((disk) => readEdges(disk, Number(sys.get(`${disk}/size`) ?? 0) * 512, edges, unreadable)),
  );
  const udev = await host.run('udevadm', ['info', '--export-db'], { quiet: true }).catch(() => undefined);
  return {
    disks,
    sys,
    udev: udev?.stdout ?? '',
    blkid: signatures.map(({ blkid }) => blkid).join('\n\n'),
    wipefs: signatures.map(({ wipefs }) => wipefs),
    mountinfo: await readText('/proc/self/mountinfo'),
    swaps: await readText('/proc/swaps'),
    edges,
    volumeGroups: await readVolumeGroups(signatures.map(({ wipefs }) => wipefs)),
    unreadable,
    bootPartitionUuid: await readFile(BOOT_PARTITION_VARIABLE).then(parseEfiString, () => ''),
  };
}

/**
 * What was written or plugged in a moment ago is still on its way through udev. A queue that never empties (a dying disk) must not
 * keep the list from appearing.
 */
async function settleUdev(host: Host): Promise<void> {
  const options = { accept: [1], quiet: true };
  await host.run('udevadm', ['settle', `--timeout=${SETTLE_SECONDS}`], options).catch(() => undefined);
}

async function readSys(disk: string, sys: Map<string, string>): Promise<void> {
  const root = `/sys/block/${disk}`;
  const devpath = await realpath(root).catch(() => root);
  sys.set(`${disk}/devpath`, devpath.replace(/^\/sys/, ''));
  await readFiles(root, disk, DISK_FILES, sys);
  sys.set(`${disk}/transports`, await readTransports(root));
  sys.set(`${disk}/driver`, await readDriver(devpath));
  await readHolders(root, disk, sys);
  for (const entry of await readdir(root).catch(() => [])) {
    if (!entry.startsWith(disk)) continue;
    await readFiles(`${root}/${entry}`, `${disk}/${entry}`, PARTITION_FILES, sys);
    await readHolders(`${root}/${entry}`, `${disk}/${entry}`, sys);
  }
}

async function readFiles(
  folder: string,
  prefix: string,
  files: readonly string[],
  sys: Map<string, string>,
): Promise<void> {
  for (const file of files) {
    const text = await readText(`${folder}/${file}`, undefined);
    if (text !== undefined) sys.set(`${prefix}/${file}`, text.trimEnd());
  }
}

async function readHolders(folder: string, prefix: string, sys: Map<string, string>): Promise<void> {
  for (const holder of await readdir(`${folder}/holders`).catch(() => []))
    sys.set(`${prefix}/holders/${holder}`, '');
}

/** An NVMe namespace hangs below one controller, or below a subsystem with several; each says how it is reached. */
async function readTransports(root: string): Promise<string> {
  const controllers = (await readdir(`${root}/device/`).catch(() => [])).filter((entry) =>
    /^nvme\d+$/.test(entry),
  );
  const files = [
    `${root}/device/transport`,
    ...controllers.map((controller) => `${root}/device/${controller}/transport`),
  ];
  const transports = await Promise.all(files.map((file) => readText(file)));
  return [
    ...new Set(transports.map((transport) => transport.trim()).filter((transport) => transport !== '')),
  ].join(' ');
}

async function readDriver(devpath: string): Promise<string> {
  const host = /\/(host\d+)\//.exec(devpath)?.[1];
  return host === undefined ? '' : (await readText(`/sys/class/scsi_host/${host}/proc_name`)).trim();
}

function partitionsOf(disk: string, sys: ReadonlyMap<string, string>): readonly string[] {
  return [...sys.keys()]
    .map((path) => path.split('/'))
    .flatMap(([first, node, file]) =>
      first === disk && file === 'partition' && node !== undefined ? [node] : [],
    );
}

interface NodeSignatures {
  readonly blkid: string;
  readonly wipefs: string;
}

/** blkid answers what a device is, wipefs what it may be taken for: blkid gives up where two file systems left their marks. */
async function probeNodes(
  nodes: readonly string[],
  host: Host,
  unreadable: Map<string, string>,
): Promise<readonly NodeSignatures[]> {
  return Promise.all(
    nodes.map(async (node) => {
      const device = `/dev/${node.replaceAll('!', '/')}`;
      const options = { timeoutMs: PROBE_TIMEOUT_MS, quiet: true };
      try {
        // 2: nothing found, 8: ambivalent.
        const blkid = await host.run('blkid', ['--probe', '--output', 'export', device], {
          ...options,
          accept: [2, 8],
        });
        const wipefs = await host.run('wipefs', ['--no-act', '--json', device], options);
        return { blkid: blkid.stdout, wipefs: wipefs.stdout };
      } catch (error) {
        unreadable.set(node, asInstallError(error).message);
        return { blkid: '', wipefs: '' };
      }
    }),
  );
}

async function readEdges(
  disk: string,
  bytes: number,
  edges: Map<string, DiskEdges>,
  unreadable: Map<string, string>,
): Promise<void> {
  if (bytes === 0) return;
  try {
    const head = await readRange(disk, 0, Math.min(MIB, bytes));
    const tail = await readRange(disk, Math.max(0, bytes - MIB), Math.min(MIB, bytes));
    const digest = createHash('sha256').update(head).update(tail).digest('hex');
    edges.set(disk, { zero: [head, tail].every((edge) => edge.every((byte) => byte === 0)), digest });
  } catch (error) {
    unreadable.set(disk, asInstallError(error).message);
  }
}

async function readRange(node: string, position: number, length: number): Promise<Uint8Array> {
  const path = `/dev/${node.replaceAll('!', '/')}`;
  const file = await withDeadline(`opening ${path}`, PROBE_TIMEOUT_MS, open(path, 'r'));
  try {
    const read = file.read(new Uint8Array(length), 0, length, position);
    const { bytesRead, buffer } = await withDeadline(`reading ${path}`, PROBE_TIMEOUT_MS, read);
    return buffer.subarray(0, bytesRead);
  } finally {
    // Not waited for: after a read that hangs, closing hangs too.
    file.close().catch(() => undefined);
  }
}

async function readVolumeGroups(wipefs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const volumes = wipefs
    .flatMap((document) => parseWipefs(document))
    .filter(({ type }) => type.startsWith('LVM'));
  const groups = new Map<string, string>();
  for (const { node } of volumes) {
    const name = await readRange(node, 0, MIB).then(parseVolumeGroupName, () => '');
    if (name !== '') groups.set(node, name);
  }
  return groups;
}

async function readText(path: string): Promise<string>;
async function readText(path: string, missing: undefined): Promise<string | undefined>;
async function readText(path: string, missing: string | undefined = ''): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => missing);
}
