/** Loads the machines under fixtures/machines: what /sys, udev, blkid and wipefs said, one file each. */

import { readdirSync, readFileSync } from 'node:fs';
import type { Disk } from '../../../installer/disks/disk.ts';
import { inventory, isDiskName } from '../../../installer/disks/index.ts';
import type { DiskEdges, RawInventory } from '../../../installer/disks/raw-inventory.ts';

const FOLDER = new URL('../fixtures/machines/', import.meta.url);

export const machineNames: readonly string[] = readdirSync(FOLDER).sort();

interface Rest {
  readonly volumeGroups: Record<string, string>;
  readonly unreadable: Record<string, string>;
  readonly bootPartitionUuid: string;
}

export function loadMachine(name: string): RawInventory {
  const text = (file: string) => readFileSync(new URL(`${name}/${file}`, FOLDER), 'utf8');
  const sys = new Map(
    text('sys.txt')
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => [
        line.split(': ')[0]?.replace(/:$/, '') ?? '',
        line.slice(line.indexOf(': ') + 2).trimEnd(),
      ]),
  );
  const rest = JSON.parse(text('rest.json')) as Rest;
  const edges = Object.entries(JSON.parse(text('edges.json')) as Record<string, string>);
  return {
    disks: [...new Set([...sys.keys()].map((path) => path.split('/')[0] ?? ''))].filter(isDiskName),
    sys,
    udev: text('udev.txt'),
    blkid: text('blkid.txt'),
    wipefs: [text('wipefs.json')],
    mountinfo: text('mountinfo.txt'),
    swaps: text('swaps.txt'),
    edges: new Map(
      edges.map(([disk, digest]): [string, DiskEdges] => [disk, { zero: digest === 'zero', digest }]),
    ),
    volumeGroups: new Map(Object.entries(rest.volumeGroups)),
    unreadable: new Map(Object.entries(rest.unreadable)),
    bootPartitionUuid: rest.bootPartitionUuid,
  };
}

/** Bytes that count up, so that codes are the same in every run. */
export function countingRandom(start = 0): (count: number) => Uint8Array {
  let next = start;
  return (count) => Uint8Array.from({ length: count }, () => next++ & 255);
}

export function disksOf(machine: string): readonly Disk[] {
  return inventory(loadMachine(machine), countingRandom());
}

export function diskOf(machine: string, name: string): Disk {
  const disk = disksOf(machine).find((candidate) => candidate.name === name);
  if (disk === undefined) throw new Error(`fixture ${machine} has no disk ${name}`);
  return disk;
}
