/** What the installer would say of a disk, without starting a machine: its own judgement of what the same tools print on the host. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Contents } from '../../../installer/disks/disk.ts';
import { inventory } from '../../../installer/disks/index.ts';
import { extractPartition, readGpt } from './offline.ts';

const run = promisify(execFile);
const SECTOR = 512;
const EDGE_BYTES = 2 ** 20;
/** The name under which the installer is told of the disk. */
const DISK = 'vda';

/** `folder` is for partitions on their way. */
export async function contentsOf(disk: string, folder: string): Promise<Contents> {
  const sys = new Map([[`${DISK}/size`, String(statSync(disk).size / SECTOR)]]);
  const blkid: string[] = [await blkidOf(disk, DISK)];
  const wipefs: string[] = [await wipefsOf(disk, DISK)];
  // Without gaps in the tables this is asked of, the position is the number.
  for (const [index, partition] of ((await readGpt(disk))?.partitions ?? []).entries()) {
    const node = `${DISK}${index + 1}`;
    sys.set(`${DISK}/${node}/partition`, String(index + 1));
    sys.set(`${DISK}/${node}/start`, String(partition.offset / SECTOR));
    sys.set(`${DISK}/${node}/size`, String(partition.bytes / SECTOR));
    const image = await extractPartition(disk, partition, join(folder, node));
    const entry = [
      ['TYPE', partition.type],
      ['UUID', partition.uuid],
      ['NAME', partition.name],
    ].map(([key, value]) => `PART_ENTRY_${key}=${value}`);
    blkid.push([`DEVNAME=/dev/${node}`, ...entry].join('\n'));
    wipefs.push(await wipefsOf(image, node));
    rmSync(image);
  }
  const raw = {
    disks: [DISK],
    sys,
    udev: '',
    blkid: blkid.join('\n\n'),
    wipefs,
    mountinfo: '',
    swaps: '',
    edges: new Map([[DISK, edgesOf(disk)]]),
    volumeGroups: new Map<string, string>(),
    unreadable: new Map<string, string>(),
    bootPartitionUuid: '',
  };
  return inventory(raw, (count) => new Uint8Array(count))[0]!.contents;
}

async function blkidOf(image: string, node: string): Promise<string> {
  const { stdout } = await run('blkid', ['--probe', '--output', 'export', image]).catch(
    (error: { code?: unknown; stdout: string }) => {
      // Nothing found, or ambivalent.
      if (error.code === 2 || error.code === 8) return { stdout: error.stdout };
      throw error;
    },
  );
  const properties = stdout.split('\n').filter((line) => !line.startsWith('DEVNAME='));
  return [`DEVNAME=/dev/${node}`, ...properties].join('\n');
}

async function wipefsOf(image: string, node: string): Promise<string> {
  const { stdout } = await run('wipefs', ['--no-act', '--json', image]);
  if (stdout.trim() === '') return '';
  const { signatures } = JSON.parse(stdout) as { signatures: object[] };
  return JSON.stringify({ signatures: signatures.map((signature) => ({ ...signature, device: node })) });
}

function edgesOf(disk: string): { zero: boolean; digest: string } {
  const fd = openSync(disk, 'r');
  const edges = [0, statSync(disk).size - EDGE_BYTES].map((offset) => {
    const bytes = Buffer.alloc(EDGE_BYTES);
    readSync(fd, bytes, 0, bytes.length, offset);
    return bytes;
  });
  closeSync(fd);
  const hash = createHash('sha256');
  for (const edge of edges) hash.update(edge);
  return { zero: edges.every((edge) => edge.every((byte) => byte === 0)), digest: hash.digest('hex') };
}
