/**
 * A machine to install on without a virtual one: a sparse file behind a loop device as its only disk, a small payload with a real
 * squashfs and hash tree, and the real sfdisk, mkfs, mount and veritysetup. Loop devices are disks here only because the inventory
 * is handed to the engine; no switch of the product makes them so.
 *
 * Four programs are stood in for, by scripts put in front of the PATH: `mount` where this kernel lacks vfat (mtools does it),
 * `truthdb` (the database has its own tests), `efibootmgr` (no firmware here), `systemctl`.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Disk } from '../../../installer/disks/disk.ts';
import { inventory } from '../../../installer/disks/index.ts';
import { probe } from '../../../installer/disks/probe.ts';
import type { Host } from '../../../installer/host.ts';

const GIB = 1024 ** 3;
export const VERSION = '0.0.1-test';
export const TOKEN = 'tdb-secret-token-0123456789';
export const DISK_BYTES = 20 * GIB;

export interface LoopMachine {
  readonly folder: string;
  readonly device: string;
  readonly image: string;
  readonly payload: string;
  readonly rootHash: string;
  /** PATH with the stand-ins in front. */
  readonly path: string;
  readDisks(host: Host, settle: boolean): Promise<readonly Disk[]>;
  /** Throws the disk's content away. */
  reset(): void;
  remove(): void;
}

/** Whether this machine can do it: root, loop devices, and the programs. */
export function loopMachinePossible(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/dev/loop-control')) return false;
  return ['losetup', 'sfdisk', 'partx', 'mkfs.vfat', 'mkfs.xfs', 'mksquashfs', 'veritysetup', 'mcopy'].every(
    (program) => which(program),
  );
}

export function createLoopMachine(options: { readonly sectorBytes?: number } = {}): LoopMachine {
  const folder = mkdtempSync(join(tmpdir(), 'truthdb-installer-'));
  const image = join(folder, 'disk.img');
  writeFileSync(image, '');
  truncateSync(image, DISK_BYTES);
  const device = run('losetup', [
    '--find',
    '--show',
    '--sector-size',
    String(options.sectorBytes ?? 512),
    image,
  ]).trim();
  const payload = join(folder, 'payload');
  const rootHash = makePayload(folder, payload);
  const bin = makeStandIns(folder);
  return {
    folder,
    device,
    image,
    payload,
    rootHash,
    path: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`,
    readDisks: async (host, settle) => {
      const name = basename(device);
      const raw = await probe({ host, settle, isDisk: (candidate) => candidate === name });
      // A loop device has no serial; the machine gives it one, as QEMU would.
      const sys = new Map([...raw.sys, [`${name}/serial`, 'LOOP-0042']]);
      return inventory({ ...raw, sys }, (count) => new Uint8Array(count));
    },
    reset: () => {
      run('partx', ['--delete', device], true);
      run('losetup', ['--detach', device]);
      truncateSync(image, 0);
      truncateSync(image, DISK_BYTES);
      run('losetup', ['--sector-size', String(options.sectorBytes ?? 512), device, image]);
    },
    remove: () => {
      run('partx', ['--delete', device], true);
      run('losetup', ['--detach', device], true);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @returns The verity root hash. */
function makePayload(folder: string, payload: string): string {
  const tree = join(folder, 'tree');
  mkdirSync(join(tree, 'etc'), { recursive: true });
  mkdirSync(payload);
  writeFileSync(join(tree, 'etc/os-release'), `ID=truthdb\nVERSION_ID=${VERSION}\n`);
  writeFileSync(join(tree, 'filler'), Buffer.alloc(3_000_001, 'not only zeros'));
  run('mksquashfs', [
    tree,
    join(payload, 'root.squashfs'),
    '-quiet',
    '-no-progress',
    '-noappend',
    '-comp',
    'zstd',
  ]);
  const format = run('veritysetup', ['format', join(payload, 'root.squashfs'), join(payload, 'root.verity')]);
  const rootHash = /Root hash:\s+([0-9a-f]{64})/.exec(format)?.[1] ?? '';
  writeFileSync(join(payload, `truthdb_${VERSION}.efi`), Buffer.alloc(1_234_567, 'kernel'));
  writeFileSync(join(payload, 'systemd-bootx64.efi'), Buffer.alloc(98_765, 'loader'));
  const names = ['root.squashfs', 'root.verity', `truthdb_${VERSION}.efi`, 'systemd-bootx64.efi'];
  const files = names.map((name) => {
    const bytes = readFileSync(join(payload, name));
    return [name, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }];
  });
  writeFileSync(
    join(payload, 'payload.json'),
    JSON.stringify({ version: VERSION, rootHash, files: Object.fromEntries(files) }),
  );
  return rootHash;
}

function makeStandIns(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const script = (name: string, lines: readonly string[]) => {
    writeFileSync(join(bin, name), `${['#!/bin/sh', 'set -eu', ...lines].join('\n')}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  if (!readFileSync('/proc/filesystems', 'utf8').includes('vfat')) {
    // The folder stands for the mounted volume: filled from it by mount, written back to it by umount.
    const note = join(folder, 'vfat-device');
    script('mount', [
      'case "$*" in *vfat*) ;; *) exec /bin/mount "$@" ;; esac',
      'device=; for last in "$@"; do before=$device; device=$last; done',
      'folder=$device; device=$before',
      'rm -rf "$folder"; mkdir -p "$folder"',
      'mcopy -s -n -i "$device" "::*" "$folder/" 2>/dev/null || true',
      `echo "$device" >"${note}"`,
    ]);
    script('umount', [
      'for folder in "$@"; do :; done',
      `case "$folder" in */esp) ;; *) exec /bin/umount "$@" ;; esac`,
      `[ -e "${note}" ] || exit 32`,
      `device=$(cat "${note}"); rm "${note}"`,
      'mdeltree -i "$device" "::EFI" "::loader" 2>/dev/null || true',
      'for entry in "$folder"/*; do if [ -e "$entry" ]; then mcopy -s -o -i "$device" "$entry" ::; fi; done',
      'rm -rf "$folder"; mkdir "$folder"',
    ]);
  }
  script('truthdb', [
    'data=; hash=',
    'while [ $# -gt 0 ]; do case "$1" in --data) data=$2 ;; --admin-token-hash) hash=$2 ;; esac; shift; done',
    'mkdir "$data/wal" "$data/snapshots" "$data/metadata" "$data/views"',
    `if [ -n "$hash" ]; then echo '{"logId":"0a","fingerprint":"sha256-abcdef"}'; else echo '{"logId":"0a","fingerprint":"sha256-abcdef","adminToken":"${TOKEN}"}'; fi`,
  ]);
  script('efibootmgr', [`echo "efibootmgr $*" >>"${join(folder, 'efibootmgr.log')}"`]);
  script('systemctl', [`echo "$*" >>"${join(folder, 'systemctl.log')}"`]);
  script('udevadm', ['exit 0']);
  return bin;
}

/** Copies everything on the ESP into a folder. */
export function readEsp(machine: LoopMachine): string {
  const folder = mkdtempSync(join(machine.folder, 'esp-'));
  run('mcopy', ['-s', '-n', '-i', `${machine.device}p1`, '::*', folder]);
  return folder;
}

/** Mounts a partition read-only for as long as `use` looks at it. */
export function withPartition<T>(machine: LoopMachine, number: number, use: (root: string) => T): T {
  const mountPoint = mkdtempSync(join(machine.folder, 'mnt-'));
  run('/bin/mount', ['-o', 'ro', `${machine.device}p${number}`, mountPoint]);
  try {
    return use(mountPoint);
  } finally {
    run('/bin/umount', [mountPoint]);
  }
}

/** Whether the bytes occur anywhere on the disk. tar leaves the holes of the sparse file out, so only what was written is read. */
export function diskContains(machine: LoopMachine, text: string): boolean {
  const script = `tar --create --sparse --file - --directory "${machine.folder}" disk.img | grep --count --text --fixed-strings -e "$1"`;
  return Number(run('sh', ['-c', `${script} || true`, 'sh', text]).trim()) > 0;
}

export function run(program: string, args: readonly string[], mayFail = false): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if (mayFail) return '';
    throw error;
  }
}

function which(program: string): boolean {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => existsSync(join(folder, program)));
}
