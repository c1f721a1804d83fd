import { describe, expect, test } from 'vitest';
import type { VmMachine } from '../../scripts/vm/command-line.ts';
import { qemuArguments } from '../../scripts/vm/command-line.ts';

const bare: VmMachine = {
  name: 'm',
  acceleration: 'tcg',
  memoryMiB: 512,
  cpus: 1,
  disks: [],
  fwCfg: {},
  serialPorts: 1,
  extraArgs: [],
};

/** Values given to one option, in order. */
function values(machine: VmMachine, option: string): string[] {
  const all = qemuArguments(machine);
  return all.flatMap((word, index) => (word === option ? [all[index + 1]!] : []));
}

describe('the command line of a machine', () => {
  test('has no network unless asked for', () => {
    expect(values(bare, '-nic')).toEqual(['none']);
    expect(values(bare, '-netdev')).toEqual([]);
  });

  test('forwards ports from the loopback interface only', () => {
    const network = { isolated: true, forwards: [{ hostPort: 4001, guestPort: 9650 }] };
    expect(values({ ...bare, network }, '-netdev')).toEqual([
      'user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:4001-:9650',
    ]);
  });

  test('gives a recorded disk to the guest through the recorder', () => {
    const disk = {
      id: 'd',
      path: '/x/d.qcow2',
      format: 'qcow2',
      bus: 'virtio',
      recordTo: '/x/d.log',
    } as const;
    expect(values({ ...bare, disks: [disk] }, '-device')).toEqual([
      'virtio-blk-pci,id=d,drive=d-recorded,request-merging=off,discard=off,write-zeroes=off',
    ]);
    expect(values({ ...bare, disks: [disk] }, '-blockdev')).toContain(
      'driver=blklogwrites,node-name=d-recorded,file=d-image,log=d-log,log-sector-size=512',
    );
  });

  test('refuses to record a disk whose requests the recorder would spoil', () => {
    const disk = { id: 'd', path: '/x/d', format: 'raw', bus: 'nvme', recordTo: '/x/log' } as const;
    expect(() => qemuArguments({ ...bare, disks: [disk] })).toThrow('only virtio disks can');
  });

  test('describes a disk as its model, serial, sector size and slot in the boot order say', () => {
    const disk = {
      id: 'd',
      path: '/x/d.raw',
      format: 'raw',
      bus: 'sata',
      serial: 'S1',
      model: 'M',
      wwn: 0x5000c500a1b2c3d4n,
      bootIndex: 1,
      logicalBlockBytes: 4096,
    } as const;
    expect(values({ ...bare, disks: [disk] }, '-device')).toEqual([
      'ide-hd,id=d,drive=d-image,serial=S1,wwn=0x5000c500a1b2c3d4,model=M,bootindex=1,logical_block_size=4096,physical_block_size=4096',
    ]);
  });

  test('keeps zeros as written clusters where a test asks what was written at all', () => {
    const disk = { id: 'd', path: '/x/d', format: 'qcow2', bus: 'virtio', sparse: false } as const;
    expect(values({ ...bare, disks: [disk] }, '-blockdev').join()).not.toMatch(/discard|detect-zeroes/);
  });

  test('attaches a medium as a CD or as a USB stick', () => {
    const medium = { path: '/x/a.iso', as: 'usb', bootIndex: 0 } as const;
    expect(values({ ...bare, medium }, '-device')).toEqual([
      'qemu-xhci,id=usb',
      'usb-storage,id=medium,bus=usb.0,drive=medium,removable=on,bootindex=0',
    ]);
    expect(values({ ...bare, medium: { ...medium, as: 'cdrom' } }, '-device')).toEqual([
      'ide-cd,id=medium,drive=medium,bootindex=0',
    ]);
  });

  test('doubles commas in paths, as QEMU wants', () => {
    expect(values({ ...bare, fwCfg: { 'opt/a': '/x/a,b' } }, '-fw_cfg')).toEqual(['name=opt/a,file=/x/a,,b']);
  });

  test('hands each serial line its own descriptor after the one of the control connection', () => {
    expect(values({ ...bare, serialPorts: 2 }, '-chardev')).toEqual([
      'socket,id=qmp,fd=3',
      'socket,id=serial0,fd=4',
      'socket,id=serial1,fd=5',
    ]);
  });
});
