/** An installed disk looked at from the host, with nobody's help but the standard tools of each format. */
import { execFile } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SECTOR = 512;
const CHUNK = 2 ** 22;

export interface GptPartition {
  readonly name: string;
  /** Type GUID, upper case. */
  readonly type: string;
  /** PARTUUID, upper case. */
  readonly uuid: string;
  /** Bytes from the start of the disk, and of the partition. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Gpt {
  readonly id: string;
  readonly partitions: readonly GptPartition[];
}

/** The partition table; undefined when the disk has none. */
export async function readGpt(disk: string): Promise<Gpt | undefined> {
  const answer = await run('sfdisk', ['--json', disk]).catch((error: { stderr?: string }) => {
    if (/does not contain a recognized partition table/.test(error.stderr ?? '')) return undefined;
    throw error;
  });
  if (answer === undefined) return undefined;
  const { partitiontable: table } = JSON.parse(answer.stdout) as {
    partitiontable: {
      label: string;
      id: string;
      partitions?: { start: number; size: number; type: string; uuid: string; name?: string }[];
    };
  };
  if (table.label !== 'gpt') return undefined;
  const partitions = (table.partitions ?? []).map(({ start, size, type, uuid, name }) => ({
    name: name ?? '',
    type,
    uuid,
    offset: start * SECTOR,
    bytes: size * SECTOR,
  }));
  return { id: table.id, partitions };
}

/** Copies a partition into a sparse file of its own, for tools that take no offset. Holes of the disk stay holes. */
export async function extractPartition(disk: string, partition: GptPartition, to: string): Promise<string> {
  const [from, target] = [openSync(disk, 'r'), openSync(to, 'w')];
  const buffer = Buffer.alloc(CHUNK);
  const partitionEnd = partition.offset + partition.bytes;
  for (const { start, length } of await dataExtents(disk)) {
    const end = Math.min(start + length, partitionEnd);
    for (let at = Math.max(start, partition.offset); at < end; ) {
      const read = readSync(from, buffer, 0, Math.min(CHUNK, end - at), at);
      writeSync(target, buffer, 0, read, at - partition.offset);
      at += read;
    }
  }
  ftruncateSync(target, partition.bytes);
  closeSync(from);
  closeSync(target);
  return to;
}

/** All files of the ESP as paths with a leading slash, sorted. */
export async function listEsp(disk: string, esp: GptPartition): Promise<string[]> {
  const { stdout } = await run('mdir', ['-i', `${disk}@@${esp.offset}`, '-/', '-b', '::/']);
  const paths = stdout.split('\n').map((line) => line.replace(/^::/, ''));
  return paths.filter((path) => path !== '' && !path.endsWith('/')).sort();
}

/** Copies one file of the ESP to the host. */
export async function copyFromEsp(
  disk: string,
  esp: GptPartition,
  path: string,
  to: string,
): Promise<string> {
  await run('mcopy', ['-n', '-i', `${disk}@@${esp.offset}`, `::${path}`, to]);
  return to;
}

/** One section of a PE file, such as `.cmdline` of a unified kernel image. */
export async function peSection(image: string, section: string, folder: string): Promise<Buffer> {
  const file = join(folder, `section${section}`);
  await run('objcopy', ['-O', 'binary', `--only-section=${section}`, image, file]);
  const bytes = Buffer.alloc(statSync(file).size);
  const fd = openSync(file, 'r');
  readSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
  return bytes;
}

/** A file of an ext4 file system, read without mounting it. */
export async function readExt4(image: string, path: string): Promise<string> {
  const { stdout } = await run('debugfs', ['-R', `cat ${path}`, image]);
  return stdout;
}

/** Names in a directory of an ext4 file system. */
export async function listExt4(image: string, path: string): Promise<string[]> {
  const { stdout } = await run('debugfs', ['-R', `ls -p ${path}`, image]);
  return stdout
    .split('\n')
    .flatMap((line) => line.split('/')[5] ?? [])
    .filter((name) => name !== '.' && name !== '..');
}

/** Which of the texts stand anywhere in a file, in UTF-8 or UTF-16: the whole file is read, holes are skipped. */
export async function findTexts(file: string, texts: readonly string[]): Promise<string[]> {
  const needles = texts.flatMap((text) => [
    { text, bytes: Buffer.from(text, 'utf8') },
    { text, bytes: Buffer.from(text, 'utf16le') },
  ]);
  const overlap = Math.max(...needles.map(({ bytes }) => bytes.length));
  const found = new Set<string>();
  const fd = openSync(file, 'r');
  const buffer = Buffer.alloc(CHUNK + overlap);
  for (const { start, length } of await dataExtents(file)) {
    for (let at = start; at < start + length; at += CHUNK) {
      const read = readSync(fd, buffer, 0, buffer.length, at);
      const part = buffer.subarray(0, read);
      for (const { text, bytes } of needles) if (part.includes(bytes)) found.add(text);
    }
  }
  closeSync(fd);
  return [...found];
}

/** From `start` up to, not including, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Place of a byte within `span` in which two raw files differ; undefined when there is none. Holes are zeros. */
export async function findDifference(a: string, b: string, span: Span): Promise<number | undefined> {
  const files = [a, b].map((file) => openSync(file, 'r'));
  try {
    for (const { start, length } of [...(await dataExtents(a)), ...(await dataExtents(b))]) {
      const end = Math.min(start + length, span.end);
      for (let at = Math.max(start, span.start); at < end; at += CHUNK) {
        const [left, right] = files.map((fd) => {
          const bytes = Buffer.alloc(Math.min(CHUNK, end - at));
          readSync(fd, bytes, 0, bytes.length, at);
          return bytes;
        });
        if (left!.equals(right!)) continue;
        return at + left!.findIndex((byte, index) => byte !== right![index]);
      }
    }
    return undefined;
  } finally {
    for (const fd of files) closeSync(fd);
  }
}

/** The parts of a sparse file that are not holes. */
async function dataExtents(file: string): Promise<{ start: number; length: number }[]> {
  const { stdout } = await run('qemu-img', ['map', '-f', 'raw', '--output=json', file], {
    maxBuffer: 2 ** 28,
  });
  const extents = JSON.parse(stdout) as { start: number; length: number; data: boolean }[];
  return extents.filter(({ data }) => data);
}
