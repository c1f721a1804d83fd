/**
 * A machine whose disk loses, refuses and records writes while the product's own binary serves from it: many power cuts in
 * one boot. Everything it runs is in its initramfs; what it reports comes over its second serial line.
 */
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { writeCpio } from '../../../image/cpio.ts';
import { file, put, type Tree } from '../../../image/tree.ts';
import { createRawDisk, REPOSITORY, startVm, type Vm, type VmDisk } from '../../../scripts/vm/index.ts';
import type { CutReport, End, Plan } from '../flakey/plan.ts';
import { flakeyBase, MODULE_LIST } from './flakey-base.ts';
import { artefacts, tell } from './machine.ts';

const MIB = 2 ** 20;
/** By serial number. Sparse; mkfs.xfs makes nothing smaller than 300 MiB. */
const DISK_MIB = { data: 1024, recording: 4096, replayed: 1024 } as const;
/** The initramfs (a quarter of a gigabyte, twice while it is unpacked), the server, the guest's program and their page cache. */
const MEMORY_MIB = 1536;
/** An archive must begin at a multiple of 4; longer than that its end is padded anyway. */
const ARCHIVE_ALIGNMENT = 512;

const INIT = `#!/bin/busybox sh
export PATH=/sbin:/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1 </dev/null
while read -r module; do insmod "$module" || echo "FLAKEY cannot load $module"; done </${MODULE_LIST}
ip link set lo up
# The file system's own writes in the background come so rarely that a moment in which all are refused passes without them.
echo 720000 >/proc/sys/fs/xfs/xfssyncd_centisecs
echo 720000 >/proc/sys/vm/dirty_writeback_centisecs
node /guest.mjs
echo "FLAKEY guest program ended with status $?"
dmesg | tail -n 60
poweroff -f
`;

/** Boots the machine, lets it carry out the plan and gives what it reported. Throws when it could not carry it out. */
export async function cutOnDevices(plan: Plan, folder: string, seconds: number): Promise<CutReport[]> {
  const base = await flakeyBase(tell);
  const vm = await startVm({
    name: 'flakey machine',
    folder,
    uefi: false,
    kernel: {
      image: base.kernel,
      initrd: await makeInitrd(base.archive, plan, folder),
      commandLine: 'console=ttyS0 quiet mitigations=off rdinit=/init panic=-1',
    },
    disks: Object.entries(DISK_MIB).map(([serial, mebibytes]) => makeDisk(folder, serial, mebibytes)),
    // A panic ends the machine, and with it the waiting.
    extraArgs: ['-no-reboot'],
    serialPorts: 2,
    memoryMiB: MEMORY_MIB,
  });
  try {
    return await collectReports(vm, seconds);
  } finally {
    await vm.kill();
    tell(`${vm.name}: ran ${vm.seconds().toFixed(0)} s`);
  }
}

async function collectReports(vm: Vm, seconds: number): Promise<CutReport[]> {
  const cuts: CutReport[] = [];
  const { failure } = await vm.waitFor('the guest to carry out the plan', seconds, () => {
    const { reports, end } = readReports(vm);
    for (const report of reports.slice(cuts.length)) {
      cuts.push(report);
      tell(`cut ${cuts.length}: ${describeCut(report)}`);
    }
    return end;
  });
  if (failure !== null) throw await vm.failure(`the guest could not go on: ${failure}`);
  return cuts;
}

function makeDisk(folder: string, serial: string, mebibytes: number): VmDisk {
  const path = join(folder, `${serial}.raw`);
  createRawDisk(path, mebibytes * MIB);
  return { id: serial, path, format: 'raw', bus: 'virtio', serial };
}

/** Later archives of an initramfs add to the ones before. */
async function makeInitrd(base: string, plan: Plan, folder: string): Promise<string> {
  const tree: Tree = new Map();
  put(tree, 'init', file(INIT, 0o755));
  put(tree, 'plan.json', file(JSON.stringify(plan)));
  put(tree, 'guest.mjs', file(await bundleGuest()));
  put(tree, 'bin/truthdb', file(readFileSync(artefacts().binary), 0o755));
  const initrd = join(folder, 'initrd.cpio');
  copyFileSync(base, initrd);
  appendFileSync(initrd, Buffer.alloc(ARCHIVE_ALIGNMENT - (readFileSync(base).length % ARCHIVE_ALIGNMENT)));
  for (const piece of writeCpio(tree)) appendFileSync(initrd, piece);
  return initrd;
}

async function bundleGuest(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(REPOSITORY, 'test/vm/flakey/guest.ts')],
    absWorkingDir: REPOSITORY,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    logLevel: 'warning',
  });
  return outputFiles[0]!.text;
}

function readReports(vm: Vm): { readonly reports: CutReport[]; readonly end: End | undefined } {
  const whole = vm.serials[1]!.plainText().split('\n').slice(0, -1);
  const lines = whole.map((line) => JSON.parse(line) as CutReport | End);
  return {
    reports: lines.filter((line): line is CutReport => !('end' in line)),
    end: lines.find((line): line is End => 'end' in line),
  };
}

function describeCut(report: CutReport): string {
  const { kind, seed, seconds, issued, acknowledged, promised, found, problem } = report;
  const parts = [
    `${issued} sent, ${acknowledged} acknowledged, ${promised} promised, ${found} there`,
    ...(report.torn ? ['torn tail'] : []),
    ...(report.shutDown ? ['file system shut down'] : []),
    ...(problem === null ? [] : [problem]),
  ];
  return `${kind}, seed ${seed}, ${seconds} s: ${parts.join('; ')}`;
}
