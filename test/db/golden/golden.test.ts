/**
 * One committed file of each version of each format, written once and never again: today's code must read what every release
 * has written, and a change of what it writes is a new version, not a new golden file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSmallFile, writeSmallFile } from '../../../db/io/index.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, FORMATS } from './formats.ts';

const VERSIONS = [1, 2];

describe.each(FORMATS)('$file, version $version', ({ version = 1, file, write, read, value }) => {
  const bytes = (): Uint8Array => readFileSync(join(golden(version), file));

  test('written today is what was written then, byte for byte', async () => {
    const disk = emptyDirectory();
    await write(disk);
    expect(Buffer.from(readSmallFile(disk, join(DIRECTORY, file)) ?? []).toString('latin1')).toBe(
      Buffer.from(bytes()).toString('latin1'),
    );
  });

  test('written then is read today', () => {
    const disk = emptyDirectory();
    writeSmallFile(disk, join(DIRECTORY, file), bytes());
    expect(read(disk)).toEqual(value);
  });

  test('with its first letter changed is not taken for one', () => {
    const disk = emptyDirectory();
    const changed = Uint8Array.from(bytes());
    changed[0] = 0x2a;
    writeSmallFile(disk, join(DIRECTORY, file), changed);
    expect(() => read(disk)).toThrow();
  });
});

test.each(VERSIONS)('every golden file of version %i belongs to a format', (version) => {
  const files = readdirSync(golden(version), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(golden(version), join(entry.parentPath, entry.name)));
  const known = FORMATS.filter((format) => (format.version ?? 1) === version);
  expect(files.sort()).toEqual(known.map(({ file }) => file).sort());
});

function golden(version: number): string {
  return join(import.meta.dirname, 'fixtures', `v${version}`);
}

function emptyDirectory(): MemoryDisk {
  const disk = new MemoryDisk();
  for (const path of [
    DIRECTORY,
    ...['metadata', 'metadata/keys', 'snapshots', 'views'].map((each) => join(DIRECTORY, each)),
  ])
    disk.mkdir(path);
  return disk;
}
