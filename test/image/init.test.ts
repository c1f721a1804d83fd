import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { initConstants, renderConstants } from '../../image/initrd.ts';
import { PARTITIONS, slotPartitionUuids } from '../../installer/partition-types.ts';

const SCRIPTS = join(import.meta.dirname, '../../image/initrd');
const ROOT_HASH = '7999ed17619589c4456ba74ebdda242166cd9de744780136ca71b69b3bc62358';

interface FakeDisk {
  readonly name: string;
  /** PARTUUIDs of partitions that differ from disk to disk; the root's come from the hash. */
  readonly esp: string;
  readonly rootHash?: string;
  readonly without?: string;
}

describe('the disk the machine was booted from', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'truthdb-init-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A machine as sysfs shows it, with a partx that answers from files beside it. */
  function machine(disks: readonly FakeDisk[], loaderEsp?: string): void {
    for (const disk of disks) {
      const uuids = slotPartitionUuids(disk.rootHash ?? ROOT_HASH);
      const rows = PARTITIONS.filter(({ name }) => name !== disk.without).map((partition) => {
        const infix = /\d$/.test(disk.name) ? 'p' : '';
        write(
          `sys/class/block/${disk.name}/${disk.name}${infix}${partition.number}/partition`,
          `${partition.number}\n`,
        );
        write(`sys/class/block/${disk.name}${infix}${partition.number}/partition`, `${partition.number}\n`);
        const uuid = { esp: disk.esp, 'root-a': uuids.root, 'verity-a': uuids.verity }[
          partition.name as string
        ];
        return `${partition.number} ${partition.typeGuid.toLowerCase()} ${uuid ?? `${disk.name}-${partition.number}`}\n`;
      });
      write(`dev/${disk.name}`, rows.join(''));
    }
    write('sys/class/block/sr0/size', '0\n');
    write('bin/partx', '#!/bin/sh\nfor last in "$@"; do :; done\nexec cat "$last"\n');
    chmodSync(join(folder, 'bin/partx'), 0o755);
    if (loaderEsp !== undefined) {
      const variable = 'sys/firmware/efi/efivars/LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';
      const text = Buffer.from(`${loaderEsp.toUpperCase()}\0`, 'utf16le');
      write(variable, Buffer.concat([Buffer.from([7, 0, 0, 0]), text]));
    }
  }

  function write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }

  function shell(script: string): string {
    const { root, verity } = slotPartitionUuids(ROOT_HASH);
    const head = [
      'set -u',
      `SYS=${folder}/sys DEV=${folder}/dev PATH=${folder}/bin:$PATH`,
      renderConstants(initConstants()),
      `. ${SCRIPTS}/boot-disk.sh`,
      `root_uuid=${root} verity_uuid=${verity}`,
      'table=$(list_partitions)',
    ];
    return execFileSync('busybox', ['ash', '-c', [...head, script].join('\n')], { encoding: 'utf8' }).trim();
  }

  const find =
    'if find_boot_disk "$table" "$root_uuid" "$(loader_esp)"; then echo "disk $boot_disk"; else echo "none: $problem"; fi';

  test('is the one with the ESP the boot loader names, even beside a twin of the same version', () => {
    machine(
      [
        { name: 'sda', esp: 'aaaaaaaa-0000' },
        { name: 'sdb', esp: 'bbbbbbbb-0000' },
      ],
      'BBBBBBBB-0000',
    );
    expect(shell(find)).toBe('disk sdb');
  });

  test('is found on NVMe and behind controllers whose names hold a slash', () => {
    machine([{ name: 'nvme0n1', esp: 'e-1' }], 'e-1');
    expect(shell(find)).toBe('disk nvme0n1');
    expect(shell('one_partition "$table" nvme0n1 "$STATE_TYPE" any state')).toBe('nvme0n1p6');
  });

  test('is the one with the root hash where the firmware names none', () => {
    machine([
      { name: 'sda', esp: 'e-1' },
      { name: 'sdb', esp: 'e-2', rootHash: 'f'.repeat(64) },
    ]);
    expect(shell(find)).toBe('disk sda');
  });

  test('two candidates without a word from the firmware stop the boot with both names', () => {
    machine([
      { name: 'sda', esp: 'e-1' },
      { name: 'vdb', esp: 'e-2' },
    ]);
    expect(shell(find)).toMatch(
      /^none: there are 2 root partitions .*: on sda and vdb; remove one of these disks$/,
    );
  });

  test('a disk copied block by block stops the boot with both names', () => {
    machine(
      [
        { name: 'sda', esp: 'e-1' },
        { name: 'sdb', esp: 'e-1' },
      ],
      'e-1',
    );
    expect(shell(find)).toMatch(
      /^none: there are 2 ESP partitions .*: on sda and sdb; remove one of these disks$/,
    );
  });

  test('a disk that has not appeared yet is no problem yet', () => {
    machine([{ name: 'sda', esp: 'e-1' }], 'e-9');
    expect(shell(find)).toBe('none:');
    machine([], undefined);
  });

  test('a partition missing on that disk is named, and never taken from another', () => {
    machine(
      [
        { name: 'sda', esp: 'e-1', without: 'data' },
        { name: 'sdb', esp: 'e-2' },
      ],
      'e-1',
    );
    expect(shell('one_partition "$table" sda "$DATA_TYPE" any data 3>&1 || echo stopped')).toBe(
      'disk sda has no data partition\nstopped',
    );
    expect(shell('one_partition "$table" sdb "$DATA_TYPE" any data')).toBe('sdb7');
  });
});

describe('constants of the initramfs', () => {
  test('come from the table of partitions', () => {
    const text = renderConstants(initConstants());
    for (const { typeGuid } of PARTITIONS) expect(text).toContain(`=${typeGuid.toLowerCase()}\n`);
  });

  test.each([
    ['A', 'two words'],
    ['A', '$(reboot)'],
    ['a-b', 'x'],
  ])('%s=%s is no plain assignment and refused', (name, value) => {
    expect(() => renderConstants({ [name]: value })).toThrow('not a plain shell assignment');
  });

  test('every variable in capitals that a script uses is rendered', () => {
    const known = new Set([...Object.keys(initConstants()), 'SYS', 'DEV', 'PATH', 'END']);
    for (const name of ['init-runtime.sh', 'init-installer.sh', 'console.sh', 'boot-disk.sh']) {
      const text = readFileSync(join(SCRIPTS, name), 'utf8');
      const used = [...text.matchAll(/\$\{?([A-Z][A-Z_]+)/g)].map((match) => match[1]!);
      expect(used.filter((variable) => !known.has(variable))).toEqual([]);
    }
  });
});

describe('scripts of the image', () => {
  test.each([
    'initrd/init-runtime.sh',
    'initrd/init-installer.sh',
    'initrd/boot-disk.sh',
    'initrd/console.sh',
    'rootfs/usr/lib/truthdb/consoles',
    'rootfs/usr/lib/truthdb/all-consoles',
    'rootfs/usr/lib/truthdb/ssh-host-key',
    'rootfs/usr/lib/systemd/system-generators/truthdb-installer-generator',
  ])('%s is understood by the shell that runs it', (path) => {
    const shellName = path.startsWith('initrd/') ? ['busybox', 'ash'] : ['dash'];
    const [program, ...args] = [...shellName, '-n', join(import.meta.dirname, '../../image', path)];
    const checked = spawnSync(program!, args, { encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });

  test('a command run on all consoles ends with its own status', () => {
    const path = join(import.meta.dirname, '../../image/rootfs/usr/lib/truthdb/all-consoles');
    const text = readFileSync(path, 'utf8').replace('/usr/lib/truthdb/consoles | sed', 'true | sed');
    const ran = spawnSync(
      'dash',
      ['-c', text, 'all-consoles', 'sh', '-c', 'echo said; echo loud >&2; exit 7'],
      { encoding: 'utf8' },
    );
    expect([ran.status, ran.stdout]).toEqual([7, 'said\nloud\n']);
  });
});
