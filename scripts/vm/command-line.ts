/** The QEMU command line of a machine: pure, so that every flag has one place and a test can read it. */

export type Acceleration = 'kvm' | 'tcg';
export type DiskBus = 'virtio' | 'nvme' | 'sata' | 'usb' | 'scsi';

export interface VmDisk {
  /** Names the disk in QEMU (`-device id=`) and in diagnostics. */
  readonly id: string;
  readonly path: string;
  readonly format: 'raw' | 'qcow2';
  readonly bus: DiskBus;
  readonly serial?: string;
  readonly wwn?: bigint;
  readonly model?: string;
  readonly readOnly?: boolean;
  /** Hot-plug bays and card readers say so; the flag is known only to SATA and USB disks. */
  readonly removable?: boolean;
  /** Lower is tried earlier by the firmware; without one the disk comes after those that have one. */
  readonly bootIndex?: number;
  /** 4096 makes a 4Kn disk. */
  readonly logicalBlockBytes?: 512 | 4096;
  /** Writes of the guest and its flushes go to this raw file in dm-log-writes form as well. */
  readonly recordTo?: string;
  /** True keeps the guest's flushes up to the host's disk; tests do without, nothing of theirs outlives a host crash. */
  readonly durable?: boolean;
  /** False keeps written zeros as allocated clusters, for tests that ask whether anything at all was written. */
  readonly sparse?: boolean;
}

export interface VmMedium {
  readonly path: string;
  readonly as: 'cdrom' | 'usb';
  readonly bootIndex?: number;
}

/** A TCP port of the guest that the host reaches on 127.0.0.1. */
export interface VmForward {
  readonly hostPort: number;
  readonly guestPort: number;
}

export interface VmNetwork {
  readonly forwards: readonly VmForward[];
  /** True cuts the guest off from everything but DHCP and the forwards. */
  readonly isolated: boolean;
}

export interface VmKernel {
  readonly image: string;
  readonly initrd: string;
  readonly commandLine: string;
}

export interface VmMachine {
  readonly name: string;
  readonly acceleration: Acceleration;
  readonly memoryMiB: number;
  readonly cpus: number;
  /** Read-only code and this machine's own writable variables; absent with a BIOS machine. */
  readonly firmware?: { readonly code: string; readonly variables: string };
  readonly disks: readonly VmDisk[];
  readonly medium?: VmMedium;
  readonly network?: VmNetwork;
  /** fw_cfg items: name (`opt/…`) → host file with the content. */
  readonly fwCfg: Readonly<Record<string, string>>;
  /** Boots this kernel without firmware boot order. */
  readonly kernel?: VmKernel;
  /** How many serial lines: 1 or 2. */
  readonly serialPorts: number;
  readonly extraArgs: readonly string[];
}

/** First descriptor handed to QEMU: QMP; the serial lines follow. */
const QMP_DESCRIPTOR = 3;

/** Arguments of qemu-system-x86_64. The caller passes connected sockets as descriptors 3 (QMP), 4, 5 … (serial lines). */
export function qemuArguments(machine: VmMachine): string[] {
  return [
    ['-name', escaped(machine.name)],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'std'],
    ['-machine', 'q35'],
    machine.acceleration === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host']
      : ['-accel', 'tcg,thread=multi', '-cpu', 'max'],
    ['-smp', String(machine.cpus), '-m', `${machine.memoryMiB}M`],
    ['-rtc', 'base=utc'],
    ['-chardev', `socket,id=qmp,fd=${QMP_DESCRIPTOR}`, '-mon', 'chardev=qmp,mode=control'],
    ...Array.from({ length: machine.serialPorts }, (_, port) => serialArguments(port)),
    ...(machine.firmware ? [firmwareArguments(machine.firmware)] : []),
    ...(machine.disks.some((disk) => disk.bus === 'usb') || machine.medium?.as === 'usb'
      ? [['-device', 'qemu-xhci,id=usb']]
      : []),
    ...(machine.disks.some((disk) => disk.bus === 'scsi') ? [['-device', 'virtio-scsi-pci,id=scsi']] : []),
    ...machine.disks.map(diskArguments),
    ...(machine.medium ? [mediumArguments(machine.medium)] : []),
    machine.network ? networkArguments(machine.network) : ['-nic', 'none'],
    ...Object.entries(machine.fwCfg).map(([name, file]) => ['-fw_cfg', `name=${name},file=${escaped(file)}`]),
    ...(machine.kernel
      ? [
          [
            '-kernel',
            machine.kernel.image,
            '-initrd',
            machine.kernel.initrd,
            '-append',
            machine.kernel.commandLine,
          ],
        ]
      : []),
    machine.extraArgs,
  ].flat();
}

function serialArguments(port: number): string[] {
  return [
    '-chardev',
    `socket,id=serial${port},fd=${QMP_DESCRIPTOR + 1 + port}`,
    '-serial',
    `chardev:serial${port}`,
  ];
}

function firmwareArguments(firmware: NonNullable<VmMachine['firmware']>): string[] {
  return [
    '-drive',
    `if=pflash,format=raw,unit=0,readonly=on,file=${escaped(firmware.code)}`,
    '-drive',
    `if=pflash,format=raw,unit=1,file=${escaped(firmware.variables)}`,
  ];
}

function diskArguments(disk: VmDisk): string[] {
  const flags = [
    `node-name=${disk.id}-file`,
    `cache.no-flush=${disk.durable ? 'off' : 'on'}`,
    ...(disk.readOnly ? ['read-only=on'] : []),
    ...(disk.sparse === false ? [] : ['discard=unmap']),
  ];
  const format = [
    `driver=${disk.format},node-name=${disk.id}-image,file=${disk.id}-file`,
    ...(disk.readOnly ? ['read-only=on'] : []),
    ...(disk.sparse === false ? [] : ['discard=unmap', 'detect-zeroes=unmap']),
  ];
  return [
    '-blockdev',
    `driver=file,filename=${escaped(disk.path)},${flags.join(',')}`,
    '-blockdev',
    format.join(','),
    ...(disk.recordTo === undefined ? [] : recordArguments(disk.id, disk.recordTo)),
    '-device',
    deviceOption(disk),
  ];
}

function recordArguments(id: string, path: string): string[] {
  return [
    '-blockdev',
    `driver=file,filename=${escaped(path)},node-name=${id}-log,cache.no-flush=on`,
    '-blockdev',
    `driver=blklogwrites,node-name=${id}-recorded,file=${id}-image,log=${id}-log,log-sector-size=512`,
  ];
}

function deviceOption(disk: VmDisk): string {
  const drivers: Readonly<Record<DiskBus, string>> = {
    virtio: 'virtio-blk-pci',
    nvme: 'nvme',
    sata: 'ide-hd',
    usb: 'usb-storage,bus=usb.0',
    scsi: 'scsi-hd,bus=scsi.0',
  };
  return [
    drivers[disk.bus],
    `id=${disk.id}`,
    `drive=${disk.id}-${disk.recordTo === undefined ? 'image' : 'recorded'}`,
    ...(disk.recordTo === undefined ? [] : recordedDeviceOptions(disk)),
    ...(disk.serial === undefined ? [] : [`serial=${escaped(disk.serial)}`]),
    ...(disk.wwn === undefined ? [] : [`wwn=0x${disk.wwn.toString(16)}`]),
    ...(disk.model === undefined ? [] : [`model=${escaped(disk.model)}`]),
    ...(disk.removable === undefined ? [] : [`removable=${disk.removable ? 'on' : 'off'}`]),
    ...(disk.bootIndex === undefined ? [] : [`bootindex=${disk.bootIndex}`]),
    ...(disk.logicalBlockBytes === undefined
      ? []
      : [`logical_block_size=${disk.logicalBlockBytes},physical_block_size=${disk.logicalBlockBytes}`]),
  ].join(',');
}

/**
 * What QEMU's recorder cannot take: merged requests, because it adds two segments to each and the host allows 1024 (the
 * guest then sees an I/O error), and requests to write zeros, whose header and data it may store apart from each other.
 */
function recordedDeviceOptions(disk: VmDisk): string[] {
  if (disk.bus !== 'virtio')
    throw new Error(`disk ${disk.id} on ${disk.bus} cannot be recorded: only virtio disks can`);
  return ['request-merging=off', 'discard=off', 'write-zeroes=off'];
}

function mediumArguments(medium: VmMedium): string[] {
  const boot = medium.bootIndex === undefined ? '' : `,bootindex=${medium.bootIndex}`;
  return [
    '-blockdev',
    `driver=file,filename=${escaped(medium.path)},node-name=medium-file,read-only=on`,
    '-blockdev',
    `driver=raw,node-name=medium,file=medium-file,read-only=on`,
    '-device',
    medium.as === 'cdrom'
      ? `ide-cd,id=medium,drive=medium${boot}`
      : `usb-storage,id=medium,bus=usb.0,drive=medium,removable=on${boot}`,
  ];
}

function networkArguments(network: VmNetwork): string[] {
  const forwards = network.forwards.map(
    (forward) => `,hostfwd=tcp:127.0.0.1:${forward.hostPort}-:${forward.guestPort}`,
  );
  return [
    '-netdev',
    `user,id=net0,restrict=${network.isolated ? 'on' : 'off'}${forwards.join('')}`,
    // Without its option ROM the card costs the firmware no time and cannot network-boot.
    '-device',
    'virtio-net-pci,id=nic0,netdev=net0,romfile=',
  ];
}

/** A comma in a QEMU option value is written twice. */
function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}
