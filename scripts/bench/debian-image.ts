/**
 * A plain Debian bookworm disk to compare with: Debian's own kernel, initramfs and service set, ext4, systemd-boot,
 * nothing tuned. One unit is added, which says on the serial line that multi-user.target has been reached.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cacheDirectory } from '../vm/folders.ts';
import { createRawDisk } from '../vm/index.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
const ESP_MIB = 256;
const ROOT_MIB = 2048;
const ROOT_UUID = 'f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f';
const LOADER = '/usr/lib/systemd/boot/efi/systemd-bootx64.efi';
/** What a Debian server has before anything is added to it. */
const PACKAGES = [
  'linux-image-amd64',
  'initramfs-tools',
  'systemd-sysv',
  'udev',
  'dbus',
  'libpam-systemd',
  'systemd-resolved',
  'systemd-timesyncd',
  'openssh-server',
];
/** The consoles of our own image, so that both print to the same places. */
const COMMAND_LINE = `root=PARTUUID=${ROOT_UUID} ro quiet console=ttyS0,115200 console=tty0`;
export const MULTI_USER_MARK = 'PLAIN-DEBIAN-MULTI-USER';
const MARK_UNIT = `[Unit]
Description=Say that multi-user.target has been reached
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo ${MULTI_USER_MARK} >/dev/ttyS0'
[Install]
WantedBy=graphical.target
`;
const FSTAB = `PARTUUID=${ROOT_UUID} / ext4 errors=remount-ro 0 1\n`;
const NETWORK = '[Match]\nName=en*\n[Network]\nDHCP=yes\n';

/** Path of the raw disk; made on the first call (about two minutes), then kept until the recipe changes or a month has passed. */
export async function debianImage(progress: (line: string) => void): Promise<string> {
  const month = new Date().toISOString().slice(0, 7);
  const recipe = JSON.stringify([
    PACKAGES,
    COMMAND_LINE,
    MARK_UNIT,
    NETWORK,
    FSTAB,
    ESP_MIB,
    ROOT_MIB,
    month,
  ]);
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const disk = join(cacheDirectory('debian-image'), key, 'disk.raw');
  if (existsSync(disk)) return disk;
  mkdirSync(dirname(disk), { recursive: true });
  const work = mkdtempSync(join(dirname(disk), 'work-'));
  try {
    progress(`making a plain Debian image with ${PACKAGES.join(', ')}`);
    await makeRoot(join(work, 'root'));
    progress('laying it out as a disk');
    await makeDisk(work);
    renameSync(join(work, 'disk.raw'), disk);
    return disk;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function makeRoot(root: string): Promise<void> {
  const hooks = [
    'echo debian >"$1/etc/hostname"',
    'systemctl --root="$1" enable multi-user-mark.service systemd-networkd.service',
    'passwd --root "$1" --delete root',
  ];
  mkdirSync(`${root}.overlay/etc/systemd/system`, { recursive: true });
  mkdirSync(`${root}.overlay/etc/systemd/network`, { recursive: true });
  writeFileSync(`${root}.overlay/etc/systemd/system/multi-user-mark.service`, MARK_UNIT);
  writeFileSync(`${root}.overlay/etc/fstab`, FSTAB);
  writeFileSync(`${root}.overlay/etc/systemd/network/80-dhcp.network`, NETWORK);
  await run(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=important',
      `--include=${PACKAGES.join(',')}`,
      `--customize-hook=copy-in "${root}.overlay/etc" /`,
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      'bookworm',
      root,
    ],
    { maxBuffer: 64 * MIB },
  );
}

async function makeDisk(work: string): Promise<void> {
  const [root, disk] = [join(work, 'root'), join(work, 'disk.raw')];
  createRawDisk(disk, (ESP_MIB + ROOT_MIB + 2) * MIB);
  const table = [
    'label: gpt',
    `start=${MIB / 512}, size=${(ESP_MIB * MIB) / 512}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B`,
    `size=${(ROOT_MIB * MIB) / 512}, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=${ROOT_UUID}`,
  ].join('\n');
  await run('sh', ['-c', 'printf "%s\\n" "$1" | sfdisk --quiet "$2"', 'sh', table, disk]);
  await fillEsp(work, root, disk);
  const image = join(work, 'root.ext4');
  createRawDisk(image, ROOT_MIB * MIB);
  await run('mke2fs', ['-q', '-t', 'ext4', '-d', root, image]);
  await run('dd', [
    `if=${image}`,
    `of=${disk}`,
    'bs=1M',
    `seek=${1 + ESP_MIB}`,
    'conv=notrunc,sparse',
    'status=none',
  ]);
}

async function fillEsp(work: string, root: string, disk: string): Promise<void> {
  const boot = readdirSync(join(root, 'boot'));
  const [kernel, initrd] = [
    boot.find((name) => name.startsWith('vmlinuz-')),
    boot.find((name) => name.startsWith('initrd.img-')),
  ];
  if (kernel === undefined || initrd === undefined)
    throw new Error(`the plain Debian image has no kernel or initramfs: ${boot.join(', ')}`);
  const tree = join(work, 'esp');
  mkdirSync(join(tree, 'EFI/BOOT'), { recursive: true });
  mkdirSync(join(tree, 'loader/entries'), { recursive: true });
  copyFileSync(LOADER, join(tree, 'EFI/BOOT/BOOTX64.EFI'));
  copyFileSync(join(root, 'boot', kernel), join(tree, 'vmlinuz'));
  copyFileSync(join(root, 'boot', initrd), join(tree, 'initrd'));
  writeFileSync(join(tree, 'loader/loader.conf'), 'timeout 0\n');
  writeFileSync(
    join(tree, 'loader/entries/debian.conf'),
    `title Debian\nlinux /vmlinuz\ninitrd /initrd\noptions ${COMMAND_LINE}\n`,
  );
  const image = join(work, 'esp.fat');
  createRawDisk(image, ESP_MIB * MIB);
  await run('mkfs.vfat', ['-F', '32', image]);
  await run('mcopy', [
    '-i',
    image,
    '-s',
    join(tree, 'EFI'),
    join(tree, 'loader'),
    join(tree, 'vmlinuz'),
    join(tree, 'initrd'),
    '::/',
  ]);
  await run('dd', [`if=${image}`, `of=${disk}`, 'bs=1M', 'seek=1', 'conv=notrunc,sparse', 'status=none']);
}
