import { describe, expect, it } from 'vitest';
import { inventory } from '../../../installer/disks/index.ts';
import { countingRandom, diskOf, disksOf, loadMachine, machineNames } from './machines.ts';

const codes = (machine: string, name: string) => diskOf(machine, name).ineligible.map(({ code }) => code);
const texts = (machine: string, name: string) => diskOf(machine, name).ineligible.map(({ text }) => text);

describe('the list of disks', () => {
  it('shows every disk of the machine and nothing that is not a disk', () => {
    expect(
      Object.fromEntries(
        machineNames.map((machine) => [
          machine,
          disksOf(machine)
            .map(({ name }) => name)
            .join(' '),
        ]),
      ),
    ).toEqual({
      '4kn': 'nvme0n1',
      'duplicate-serials': 'sda sdb sdc sdd sde',
      emmc: 'sda mmcblk0',
      'foreign-iso': 'sda',
      held: 'sda sdb',
      'hot-plug-bay': 'sda',
      'in-use': 'sda sdb sdaa nvme0n1',
      'iscsi-fc': 'sda sdb sdc',
      members: 'sda sdb sdc sdd',
      multipath: 'sda sdb',
      'no-serial': 'sda sdb vda',
      nvme: 'nvme0n1',
      'nvme-fabrics': 'nvme0n1 nvme1n1',
      'own-medium': 'sda sdb sdc',
      sata: 'sda sdb',
      'small-read-only': 'sda sdb sdc',
      truthdb: 'vda vdb',
      unreadable: 'sda sdb sdc',
      'usb-ssd': 'sda sdb',
      virtio: 'vda vdb',
    });
  });

  it.each([
    ['nvme', 'nvme0n1', 'nvme', 'Samsung SSD 980 PRO 1TB', 'S5GXNX0R812345K', '002538b811b0c1d2'],
    ['sata', 'sdb', 'sata', 'WDC WD40EFRX-68N', 'WD-WCC7K0ABCDEF', '50014ee2b7654321'],
    ['usb-ssd', 'sdb', 'usb', 'Samsung PSSD T7', 'S5SXNS0T812399', ''],
    ['emmc', 'mmcblk0', 'mmc', 'DG4064', '0x1ac3f7e2', ''],
    ['virtio', 'vda', 'virtio', 'virtio disk', 'truthdb-disk-1', ''],
    ['virtio', 'vdb', 'virtio', 'virtio disk', '', ''],
    [
      'iscsi-fc',
      'sdb',
      'iscsi',
      'LIO-ORG disk01',
      'a1b2c3d4-e5f6-0718-293a-4b5c6d7e8f90',
      '6001405a1b2c3d4e5f60718293a4b5c6',
    ],
    ['iscsi-fc', 'sdc', 'fc', 'NETAPP LUN C-Mode', '81KZLZk2', '600a098038314b2f5a3f4c5a6b7c8d9e'],
    ['nvme-fabrics', 'nvme1n1', 'nvme-fabrics', 'Linux', 'a1b2c3d4e5f60718', '0123456789abcdef'],
    ['small-read-only', 'sdc', 'sas', 'SEAGATE ST300MP0005', 'S7K0A1B20000M6501XYZ', '5000c5009a1b2c3f'],
  ])('reads who the disk of machine %s, %s, is', (machine, name, bus, model, serial, wwn) => {
    expect(diskOf(machine, name)).toMatchObject({ bus, model, serial, wwn });
  });

  it('knows which disks other machines may reach too', () => {
    const shared = machineNames.flatMap((machine) =>
      disksOf(machine)
        .filter(({ shared }) => shared)
        .map(({ name }) => `${machine}/${name}`),
    );
    expect(shared).toEqual([
      'iscsi-fc/sdb',
      'iscsi-fc/sdc',
      'multipath/sda',
      'multipath/sdb',
      'nvme-fabrics/nvme1n1',
    ]);
  });

  it('takes the size in the unit of the kernel, not of the disk', () => {
    expect(diskOf('4kn', 'nvme0n1')).toMatchObject({ bytes: 6251233968 * 512, logicalBlockBytes: 4096 });
  });
});

describe('eligibility', () => {
  it.each([
    'nvme',
    'sata',
    'usb-ssd',
    'hot-plug-bay',
    'virtio',
    'iscsi-fc',
    'members',
    '4kn',
    'foreign-iso',
    'no-serial',
    'truthdb',
  ])('offers every disk of machine %s', (machine) => {
    expect(disksOf(machine).flatMap(({ ineligible }) => ineligible)).toEqual([]);
  });

  it.each([
    ['own-medium', 'sdb', ['OWN_MEDIUM'], ['installation medium (volume TRUTHDB_INSTALL)']],
    ['own-medium', 'sdc', ['OWN_MEDIUM'], ['this installer was started from it']],
    ['own-medium', 'sda', [], []],
    ['emmc', 'sda', ['NO_MEDIUM'], ['no medium in the drive']],
    ['emmc', 'mmcblk0', [], []],
    ['small-read-only', 'sda', ['TOO_SMALL'], ['too small: 8.0 GB, needed are 17.2 GB']],
    ['small-read-only', 'sdb', ['READ_ONLY'], ['read-only']],
    ['small-read-only', 'sdc', ['BLOCK_SIZE'], ['blocks of 520 bytes, supported are 512 and 4096']],
    ['held', 'sda', ['HELD'], ['in use: sda1 is held by dm-0 (vg_store-lv_data)']],
    ['held', 'sdb', ['HELD'], ['in use: sdb is held by md127']],
    ['in-use', 'sda', ['MOUNTED'], ['in use: sda2 is mounted on /mnt/old data']],
    ['in-use', 'sdb', ['MOUNTED'], ['in use: sdb is mounted on /mnt/pool']],
    ['in-use', 'nvme0n1', ['SWAP'], ['in use: nvme0n1p1 is swap space']],
    ['in-use', 'sdaa', [], []],
    ['duplicate-serials', 'sda', ['DUPLICATE_SERIAL'], ['sdb has the same serial 0123456789ABCDEF']],
    ['duplicate-serials', 'sdb', ['DUPLICATE_SERIAL'], ['sda has the same serial 0123456789abcdef']],
    ['duplicate-serials', 'sdd', ['DUPLICATE_WWN'], ['sdc has the same WWN 5000c500a1b2c3d4']],
    ['duplicate-serials', 'sde', [], []],
    ['unreadable', 'sda', ['UNREADABLE'], ['reading from it failed']],
    ['unreadable', 'sdb', [], []],
  ])('of machine %s, %s: %j', (machine, name, expectedCodes, expectedTexts) => {
    expect(codes(machine, name)).toEqual(expectedCodes);
    expect(texts(machine, name)).toEqual(expectedTexts);
  });

  it('gives every reason against a disk, not only the first', () => {
    expect(codes('multipath', 'sda')).toEqual(['HELD', 'DUPLICATE_SERIAL', 'DUPLICATE_WWN']);
    expect(texts('multipath', 'sda')[0]).toBe('in use: sda is held by dm-0 (mpatha)');
  });
});

describe('the contents of a disk', () => {
  it.each([
    ['nvme', 'nvme0n1', 'empty', 'empty'],
    ['sata', 'sda', 'recognised', "vfat, ext4 'backup', 2 partitions"],
    ['usb-ssd', 'sdb', 'recognised', "exfat 'T7', 1 partition"],
    ['members', 'sda', 'recognised', "LVM volume group 'vg_store', 1 partition"],
    ['members', 'sdb', 'recognised', "md array 'nas:0'"],
    ['members', 'sdc', 'recognised', "ZFS pool 'tank', 2 partitions"],
    ['members', 'sdd', 'recognised', "md array '0a1b2c3d', ext4 'old'"],
    ['foreign-iso', 'sda', 'recognised', "ISO image 'Debian 12.11.0 amd64 n', vfat 'TRUTHDB', 2 partitions"],
    ['truthdb', 'vda', 'recognised', 'TruthDB with its data'],
    ['truthdb', 'vdb', 'recognised', 'unfinished TruthDB installation'],
    ['unreadable', 'sda', 'unreadable', 'cannot be read'],
    ['unreadable', 'sdb', 'unrecognised', 'data of unknown kind'],
    ['unreadable', 'sdc', 'recognised', "ext4 '?[2Jempty?'"],
  ])('of machine %s, %s, are %s: %s', (machine, name, state, summary) => {
    expect(diskOf(machine, name).contents).toMatchObject({ state, summary });
  });

  it('name the arrays a disk belongs to, by the word that has to be typed', () => {
    const names = disksOf('members').map(({ contents }) =>
      contents.memberships.map(({ kind, name }) => `${kind}: ${name}`),
    );
    expect(names).toEqual([
      ['LVM volume group: vg_store'],
      ['md array: nas:0'],
      ['ZFS pool: tank'],
      ['md array: 0a1b2c3d'],
    ]);
  });

  it('tell a disk with data from an installation cut short', () => {
    expect(disksOf('truthdb').map(({ contents }) => contents.truthdb)).toEqual(['data', 'interrupted']);
  });

  it('keep their fingerprint between two readings', () => {
    for (const machine of machineNames) {
      const fingerprints = (start: number) =>
        inventory(loadMachine(machine), countingRandom(start)).map(({ contents }) => contents.fingerprint);
      expect(fingerprints(0)).toEqual(fingerprints(100));
    }
  });

  it('have another fingerprint when a partition, a file system or unrecognised bytes change', () => {
    const raw = loadMachine('sata');
    const fingerprint = (changed: Partial<typeof raw>, disk = 0) =>
      inventory({ ...raw, ...changed }, countingRandom())[disk]?.contents.fingerprint;
    const before = fingerprint({});
    expect(fingerprint({ blkid: raw.blkid.replace('PTUUID=00000001', 'PTUUID=00000009') })).not.toBe(before);
    expect(
      fingerprint({ wipefs: raw.wipefs.map((text) => text.replace('"00000004-', '"00000009-')) }),
    ).not.toBe(before);
    expect(fingerprint({ sys: new Map([...raw.sys, ['sda/sda2/size', '899999999']]) })).not.toBe(before);
    expect(
      fingerprint({ edges: new Map([...raw.edges, ['sdb', { zero: false, digest: 'aa' }]]) }, 1),
    ).not.toBe(fingerprint({}, 1));
    expect(fingerprint({ edges: new Map([...raw.edges, ['sda', { zero: false, digest: 'aa' }]]) })).toBe(
      before,
    );
  });
});
