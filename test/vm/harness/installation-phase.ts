/**
 * What a disk is on which an installation was cut off: the old one, one that nothing starts from, or a complete one.
 * Everything else is forbidden, because a machine would start it and go wrong later.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ESP_TYPE_GUID } from '../../../installer/partition-types.ts';
import { type CopiedPartition, readTables, type TableCopy, type Tables } from './gpt-copies.ts';
import { copyFromEsp, findDifference, listEsp, type Span } from './offline.ts';

/** In the order in which an installation goes through them. */
export const PHASES = ['untouched', 'not bootable', 'complete'] as const;
export type Phase = (typeof PHASES)[number];

export interface Verdict {
  readonly phase: Phase | 'forbidden';
  readonly why: string;
  /** True where firmware differ in whether they start the disk; none of them may find anything but a whole system. */
  readonly dependsOnFirmware?: true;
}

/** The recorded installation: raw disks before and after it. */
export interface Installation {
  readonly before: string;
  readonly after: string;
  /** For files taken out of ESPs. */
  readonly folder: string;
}

/** What each end of the disk holds besides partitions: a table and the space around it. */
const TABLE_BYTES = 2 ** 20;
const LOADER = '/EFI/BOOT/BOOTX64.EFI';

export async function phaseOf(disk: string, installation: Installation): Promise<Verdict> {
  const tables = tablesOf(disk);
  const copies = copiesOf(tables);
  const [before, after] = [tablesOf(installation.before).primary, tablesOf(installation.after).primary];
  if (before === undefined || after === undefined)
    throw new Error('the disks before and after the installation need a table each');
  if (tables.bootRecord === 'partitions') return forbidden('a boot record with partitions of its own');
  if (copies.length === 0) return { phase: 'not bootable', why: 'no partition table' };
  if (copies.some(({ id }) => id === before.id)) return oldDisk(disk, tables, before, installation);
  if (copies.some(startsFrom)) return newDisk(disk, tables, after, installation);
  return unmarkedDisk(disk, copies, installation);
}

/** The old table is there: then all of the old disk has to be, and no other table. */
async function oldDisk(
  disk: string,
  { bootRecord, primary, backup }: Tables,
  before: TableCopy,
  { before: original }: Installation,
): Promise<Verdict> {
  const copies = copiesOf({ primary, backup });
  if (!copies.every((copy) => sameTable(copy, before))) return forbidden('the old table beside another');
  const changed = await findDifference(disk, original, betweenTables(disk));
  if (changed !== undefined) return forbidden(`the old table, but other content at byte ${changed}`);
  if (bootRecord === 'none')
    return {
      phase: 'untouched',
      why: 'a copy of the old table without its boot record',
      dependsOnFirmware: true,
    };
  return { phase: 'untouched', why: copies.length === 2 ? 'as it was' : 'one copy of the old table is left' };
}

/** A table with an ESP is there: then everything has to be. */
async function newDisk(
  disk: string,
  { primary, backup }: Tables,
  after: TableCopy,
  { after: finished }: Installation,
): Promise<Verdict> {
  const starting = copiesOf({ primary, backup }).filter(startsFrom);
  if (!starting.every((copy) => sameTable(copy, after)))
    return forbidden('an EFI system partition in a table that is not the finished one');
  const missing = await findDifference(disk, finished, betweenTables(disk));
  if (missing !== undefined)
    return forbidden(`an EFI system partition before everything was written: byte ${missing} differs`);
  const used = primary ?? backup;
  return used !== undefined && startsFrom(used)
    ? { phase: 'complete', why: primary && backup ? 'both tables' : 'one table' }
    : { phase: 'not bootable', why: 'complete, the mark only in the second table', dependsOnFirmware: true };
}

/**
 * No table has an ESP. There is firmware that starts a loader from any FAT file system, whatever its type says: once
 * the loader has its final name, all that it starts has to be there.
 */
async function unmarkedDisk(
  disk: string,
  copies: readonly TableCopy[],
  installation: Installation,
): Promise<Verdict> {
  const esp = copies[0]?.partitions.find(({ number }) => number === 1);
  if (esp === undefined || !(await filesOf(disk, esp)).includes(LOADER))
    return { phase: 'not bootable', why: 'no EFI system partition' };
  const behind = { start: esp.offset + esp.bytes, end: betweenTables(disk).end };
  const missing = await findDifference(disk, installation.after, behind);
  if (missing !== undefined)
    return forbidden(`a loader before everything was written: byte ${missing} differs`);
  for (const path of await filesOf(installation.after, esp)) {
    if (!(await sameFile(disk, esp, path, installation)))
      return forbidden(`a loader, but not the right ${path}`);
  }
  return {
    phase: 'not bootable',
    why: 'all but the type of the EFI system partition',
    dependsOnFirmware: true,
  };
}

/** A half-made file system shows no files. */
function filesOf(disk: string, esp: CopiedPartition): Promise<string[]> {
  return listEsp(disk, esp).catch(() => []);
}

async function sameFile(
  disk: string,
  esp: CopiedPartition,
  path: string,
  { after, folder }: Installation,
): Promise<boolean> {
  const [found, wanted] = [join(folder, 'found-file'), join(folder, 'wanted-file')];
  await copyFromEsp(after, esp, path, wanted);
  return copyFromEsp(disk, esp, path, found).then(
    () => readFileSync(found).equals(readFileSync(wanted)),
    () => false,
  );
}

function tablesOf(disk: string): Tables {
  const fd = openSync(disk, 'r');
  try {
    return readTables((offset, length) => {
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, offset);
      return bytes;
    }, statSync(disk).size);
  } finally {
    closeSync(fd);
  }
}

function copiesOf({ primary, backup }: Pick<Tables, 'primary' | 'backup'>): TableCopy[] {
  return [primary, backup].filter((copy) => copy !== undefined);
}

function startsFrom({ partitions }: TableCopy): boolean {
  return partitions.some(({ type }) => type === ESP_TYPE_GUID);
}

function sameTable(a: TableCopy, b: TableCopy): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function betweenTables(disk: string): Span {
  return { start: TABLE_BYTES, end: statSync(disk).size - TABLE_BYTES };
}

function forbidden(why: string): Verdict {
  return { phase: 'forbidden', why };
}
