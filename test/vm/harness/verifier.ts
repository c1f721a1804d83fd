/**
 * A machine that only looks: it starts in seconds with the installed system's kernel and root image, mounts the data
 * partition of any number of disks, lets the product verify each log, and serves each database on a port of its own.
 * Mounting replays the file system's journal and serving runs the database's recovery, as a real start does.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeCpio } from '../../../image/cpio.ts';
import { file } from '../../../image/tree.ts';
import type { Artefacts } from '../../../scripts/appliance/artefacts.ts';
import { createOverlay, freePort, type Vm, type VmDisk } from '../../../scripts/vm/index.ts';
import { testVm } from './machine.ts';

const run = promisify(execFile);
const FIRST_GUEST_PORT = 9700;
const START_SECONDS = 120;
const VERIFY_SECONDS_PER_DISK = 60;
const INITRD_ALIGNMENT = 512;
/** Slot of the data partition in the table. */
const DATA_PARTITION = 7;

/**
 * First program of the verifying machine. Disks are told apart by serial: "root" and "0", "1", … They are copies of one
 * disk, and XFS mounts a second file system of the same UUID only with `nouuid`.
 */
const INIT = `#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t devtmpfs dev /dev 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sys /sys
exec >/dev/ttyS0 2>&1 </dev/null
mkdir -p /image
busybox ip link set lo up
busybox ip link set eth0 up
busybox ip addr add 10.0.2.15/24 dev eth0
disk_with_serial() {
  for block in /sys/block/vd*; do
    [ "$(cat $block/serial)" = "$1" ] && echo /dev/$(basename $block) && return
  done
}
mount -t squashfs -o ro $(disk_with_serial root) /image || echo "VERIFIER cannot mount the root image"
mount -t proc proc /image/proc
mount -t devtmpfs dev /image/dev
mount -t tmpfs run /image/run
number=0
while :; do
  disk=$(disk_with_serial $number)
  [ -n "$disk" ] || break
  data=/run/data-$number
  mkdir /image$data
  if mount -t xfs -o noatime,nouuid "$disk"${DATA_PARTITION} /image$data; then
    chroot /image /usr/bin/truthdb wal verify --data $data --json
    echo "VERIFIER $number verified with status $?"
    chroot /image /usr/bin/truthdb serve --data $data --host 10.0.2.15 --port $((${FIRST_GUEST_PORT} + number)) --http off --pg off --socket off >/served-$number 2>&1 &
    until grep -q 'serving on port' /served-$number; do sleep 0.1; kill -0 $! 2>/dev/null || break; done
    grep -q 'serving on port' /served-$number && kill -0 $! 2>/dev/null && echo "VERIFIER $number serves"
    cat /served-$number
    chroot /image /usr/bin/truthdb wal verify --data $data --json
    echo "VERIFIER $number served, verified with status $?"
  else
    echo "VERIFIER $number cannot be mounted"
  fi
  number=$((number + 1))
done
echo "VERIFIER ready"
while :; do sleep 1000; done
`;

/** Exit statuses of `truthdb wal verify`; undefined when it did not get that far. */
export interface VerifierReport {
  /** Of the log as the power cut left it. */
  readonly found: number | undefined;
  /** Of the log after recovery. */
  readonly recovered: number | undefined;
  /** Whether its database came up. */
  readonly serves: boolean;
}

export interface Verifier {
  readonly vm: Vm;
  /** Port on the host of each disk's database, in the order of the disks. */
  readonly ports: readonly number[];
  /** What became of each disk. */
  readonly reports: readonly VerifierReport[];
}

/** Starts the machine over raw disks and waits until all logs have been verified; the databases are coming up then. */
export async function startVerifier(
  artefacts: Artefacts,
  parent: string,
  disks: readonly string[],
): Promise<Verifier> {
  const folder = join(parent, 'verifier');
  mkdirSync(folder, { recursive: true });
  const ports: number[] = [];
  for (let index = 0; index < disks.length; index += 1) ports.push(await freePort());
  // Looking changes a disk: journals are replayed, logs recovered. The disks themselves stay as they were cut.
  const overlays = disks.map((path) => `${path}.looked-at.qcow2`);
  for (const [index, path] of overlays.entries()) await createOverlay(path, disks[index]!, 'raw');
  const vm = await testVm({
    name: 'verifying machine',
    folder,
    uefi: false,
    kernel: {
      image: artefacts.runtimeKernel,
      initrd: await verifierInitrd(artefacts, folder),
      commandLine: 'console=ttyS0 quiet rdinit=/verify panic=-1',
    },
    disks: [
      { id: 'root', path: artefacts.rootImage, format: 'raw', bus: 'virtio', serial: 'root', readOnly: true },
      ...overlays.map(
        (path, index): VmDisk => ({
          id: `d${index}`,
          path,
          format: 'qcow2',
          bus: 'virtio',
          serial: String(index),
        }),
      ),
    ],
    network: {
      isolated: true,
      forwards: ports.map((hostPort, index) => ({ hostPort, guestPort: FIRST_GUEST_PORT + index })),
    },
    memoryMiB: 1024 + 256 * disks.length,
  });
  await vm.waitForLog(/VERIFIER ready\n/, START_SECONDS + VERIFY_SECONDS_PER_DISK * disks.length);
  const log = vm.serial.plainText();
  const statusOf = (index: number, when: string): number | undefined => {
    const status = new RegExp(`VERIFIER ${index} ${when} with status (\\d+)`).exec(log)?.[1];
    return status === undefined ? undefined : Number(status);
  };
  const reports = disks.map((_, index) => ({
    found: statusOf(index, 'verified'),
    recovered: statusOf(index, 'served, verified'),
    serves: new RegExp(`VERIFIER ${index} serves\n`).test(log),
  }));
  return { vm, ports, reports };
}

/**
 * The installed system's own initramfs (for its shell and tools) with one program more. The program's archive comes
 * first: it is plain, and the kernel takes a plain archive only at an aligned place, which the end of a compressed one
 * need not be.
 */
async function verifierInitrd({ runtimeImage }: Artefacts, folder: string): Promise<string> {
  const section = join(folder, 'installed-initrd');
  await run('objcopy', ['-O', 'binary', '--only-section=.initrd', runtimeImage, section]);
  const program = Buffer.concat([...writeCpio(new Map([['verify', file(INIT, 0o755)]]))]);
  const padding = Buffer.alloc((INITRD_ALIGNMENT - (program.length % INITRD_ALIGNMENT)) % INITRD_ALIGNMENT);
  const initrd = join(folder, 'verifier.cpio');
  writeFileSync(initrd, Buffer.concat([program, padding, readFileSync(section)]));
  return initrd;
}
