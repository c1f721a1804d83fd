import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootSector } from '../../image/boot-sector.ts';
import { buildEsp } from '../../image/esp.ts';
import { buildIso } from '../../image/iso.ts';
import { buildSmallImage, EPOCH } from './small-tree.ts';

const ORDINARY_USER = ['--user', '--map-user=1234', '--map-group=1234', 'true'];
const VOLUME_ID = 'TRUTHDB_INSTALL';
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'truthdb-media-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const output = (program: string, ...args: string[]) => execFileSync(program, args, { encoding: 'utf8' });

describe('the root image', () => {
  test('holds modes, owners and links, and is the same bytes with the same root hash every time', async () => {
    const one = await buildSmallImage(at('cache-1'));
    const two = await buildSmallImage(at('cache-2'));
    const bytes = (image: typeof one, name: string) => readFileSync(join(image.directory, name));
    expect(two.rootHash).toBe(one.rootHash);
    for (const name of ['root.squashfs', 'root.verity'])
      expect(bytes(two, name).equals(bytes(one, name))).toBe(true);
    const listing = output('unsquashfs', '-lln', join(one.directory, 'root.squashfs'));
    expect(listing).toMatch(/^-rwsr-xr-x 0\/0 +1 2025-10-09 .* squashfs-root\/usr\/bin\/sudo$/m);
    expect(listing).toMatch(/^drwx------ 0\/0 .* squashfs-root\/root$/m);
    expect(listing).toMatch(/squashfs-root\/bin -> usr\/bin$/m);
  });

  test('belongs to root', async () => {
    const { directory } = await buildSmallImage(at('cache-1'));
    const listing = output('unsquashfs', '-max-depth', '0', '-lln', join(directory, 'root.squashfs'));
    expect(listing).toMatch(/^drwxr-xr-x 0\/0 /);
  });

  // In a chroot nobody can be mapped, and an ordinary user cannot build an image at all.
  test.runIf(spawnSync('unshare', ORDINARY_USER).status === 0)(
    'is the same bytes when an ordinary user builds it',
    async () => {
      const { directory } = await buildSmallImage(at('cache-1'));
      const program = [process.execPath, join(import.meta.dirname, 'small-tree.ts'), at('cache-3')];
      const other = output('unshare', ...ORDINARY_USER.slice(0, -1), ...program).trim();
      const bytes = (place: string) => readFileSync(join(place, 'root.squashfs'));
      expect(bytes(other).equals(bytes(directory))).toBe(true);
    },
  );

  test('verifies against its hash, and one flipped bit is found', async () => {
    const image = await buildSmallImage(at('cache-1'));
    const squashfs = at('flipped.squashfs');
    const data = readFileSync(join(image.directory, 'root.squashfs'));
    writeFileSync(squashfs, data);
    const verify = () =>
      execFileSync(
        'veritysetup',
        ['verify', squashfs, join(image.directory, 'root.verity'), image.rootHash],
        { stdio: 'pipe' },
      );
    verify();
    data[100] = (data[100] ?? 0) ^ 1;
    writeFileSync(squashfs, data);
    expect(verify).toThrow();
  });
});

describe('the medium', () => {
  test('is found as CD and as stick, carries its file whole, and is the same bytes every time', async () => {
    const uki = at('uki.efi');
    writeFileSync(uki, Buffer.alloc(3_000_000, 'MZ'));
    const build = (cache: string) =>
      buildIso({ cache: { directory: at(cache) }, uki: { path: uki, key: 'k' }, name: 'test', epoch: EPOCH });
    const iso = await build('iso-1');
    expect(readFileSync(await build('iso-2')).equals(readFileSync(iso))).toBe(true);

    const report = output(
      'xorriso',
      '-indev',
      iso,
      '-report_el_torito',
      'plain',
      '-report_system_area',
      'plain',
    );
    expect(report).toMatch(/El Torito boot img : +1 +BIOS +y +none/);
    expect(report).toMatch(/El Torito boot img : +2 +UEFI +y +none/);
    expect(output('blkid', '-p', '-o', 'value', '-s', 'LABEL', iso)).toBe(`${VOLUME_ID}\n`);
    const sector = bootSector();
    expect(readFileSync(iso).subarray(0, sector.length).equals(sector)).toBe(true);

    const partitions = JSON.parse(output('sfdisk', '--json', iso)).partitiontable;
    const esp = partitions.partitions.find(
      (entry: { type: string }) => entry.type === 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
    );
    expect(esp).toBeDefined();
    output('mcopy', '-i', `${iso}@@${esp.start * 512}`, '::/EFI/BOOT/BOOTX64.EFI', at('copy'));
    expect(readFileSync(at('copy')).equals(readFileSync(uki))).toBe(true);
  });

  test('an ESP is a clean FAT32 with its files at their places', async () => {
    writeFileSync(at('a'), 'one');
    const esp = at('esp.img');
    const files = [
      { path: 'EFI/BOOT/BOOTX64.EFI', source: at('a') },
      { path: 'loader/loader.conf', source: at('a') },
    ];
    await buildEsp(esp, 'TEST', files, EPOCH);
    expect(output('mtype', '-i', esp, '::/loader/loader.conf')).toBe('one');
    output('fsck.vfat', '-n', esp);
    expect(output('blkid', '-p', '-o', 'value', '-s', 'VERSION', esp)).toBe('FAT32\n');
    expect(statSync(esp).size % (1024 * 1024)).toBe(0);
  });
});
