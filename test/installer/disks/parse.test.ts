import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inventory } from '../../../installer/disks/index.ts';
import {
  parseBlkid,
  parseEfiString,
  parseMountinfo,
  parseSwaps,
  parseUdevDatabase,
  parseVolumeGroupName,
  parseWipefs,
} from '../../../installer/disks/parse.ts';
import { countingRandom, loadMachine, machineNames } from './machines.ts';

describe('the parsers', () => {
  it('take a label with blanks out of what blkid escapes', () => {
    expect(parseBlkid('DEVNAME=/dev/sda1\nLABEL=my\\ part\nTYPE=ext4\n').get('sda1')?.get('LABEL')).toBe(
      'my part',
    );
  });

  it('count a file system with several magic numbers once', () => {
    const vfat = { device: 'sda1', type: 'vfat', uuid: '8170-8E8A', label: 'FOO' };
    const text = JSON.stringify({
      signatures: ['0x52', '0x0', '0x1fe'].map((offset) => ({ ...vfat, offset })),
    });
    expect(parseWipefs(text)).toEqual([{ node: 'sda1', type: 'vfat', uuid: '8170-8E8A', label: 'FOO' }]);
  });

  it('read the volume group out of LVM metadata', () => {
    const metadata = Buffer.concat([
      Buffer.alloc(512),
      Buffer.from('LABELONE'),
      Buffer.alloc(4096),
      Buffer.from('vg_store {\nid = "dZ3pQk-Yb1s"\nseqno = 4\n'),
    ]);
    expect(parseVolumeGroupName(metadata)).toBe('vg_store');
    expect(parseVolumeGroupName(Buffer.alloc(4096))).toBe('');
  });

  it('read the partition the loader names', () => {
    const variable = Buffer.concat([
      Buffer.from([6, 0, 0, 0]),
      Buffer.from('1B2C3D4E-0000-4000-8000-00000000000A\0', 'utf16le'),
    ]);
    expect(parseEfiString(variable)).toBe('1b2c3d4e-0000-4000-8000-00000000000a');
  });

  it('leave out swap files, which lie on a mounted file system', () => {
    expect(
      parseSwaps(
        'Filename Type Size Used Priority\n/dev/sda3 partition 1 0 -2\n/swap\\040file file 1 0 -3\n',
      ),
    ).toEqual(['/dev/sda3']);
  });

  it('answer anything at all without throwing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        parseUdevDatabase(text);
        parseBlkid(text);
        parseWipefs(text);
        parseMountinfo(text);
        parseSwaps(text);
        parseVolumeGroupName(Buffer.from(text));
        parseEfiString(Buffer.from(text));
      }),
    );
  });
});

describe('the inventory of a machine that answers nonsense', () => {
  const broken = fc.oneof(fc.string(), fc.constantFrom('-1', '1e400', 'NaN', '\u001b[2J', '0x'));

  it('is still a list of all its disks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...machineNames),
        fc.dictionary(
          fc.constantFrom('sda/size', 'sda/sda1/partition', 'sda/dev', 'nvme0n1/size', 'vda/device/model'),
          broken,
        ),
        fc.record({
          udev: broken,
          blkid: broken,
          wipefs: fc.array(broken),
          mountinfo: broken,
          swaps: broken,
        }),
        fc.boolean(),
        (machine, sys, texts, keepTexts) => {
          const raw = loadMachine(machine);
          const disks = inventory(
            { ...raw, ...(keepTexts ? {} : texts), sys: new Map([...raw.sys, ...Object.entries(sys)]) },
            countingRandom(),
          );
          expect(disks.map(({ name }) => name).sort()).toEqual([...raw.disks].sort());
          for (const disk of disks) {
            expect(Number.isSafeInteger(disk.bytes)).toBe(true);
            expect(`${disk.model}${disk.serial}${disk.contents.summary}`).toMatch(/^[\x20-\x7e]*$/);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never offers a disk that is held, mounted, swap or read-only', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...machineNames),
        fc.constantFrom('held', 'mounted', 'swap', 'read-only'),
        fc.nat(),
        (machine, use, pick) => {
          const raw = loadMachine(machine);
          const name = raw.disks[pick % raw.disks.length] ?? '';
          const changed = {
            held: { sys: new Map([...raw.sys, [`${name}/holders/dm-9`, '']]) },
            mounted: {
              mountinfo: `${raw.mountinfo}50 22 ${raw.sys.get(`${name}/dev`)} / /mnt rw - ext4 /dev/root rw\n`,
            },
            swap: { swaps: `${raw.swaps}/dev/${name} partition 1 0 -2\n` },
            'read-only': { sys: new Map([...raw.sys, [`${name}/ro`, '1']]) },
          }[use];
          const disk = inventory({ ...raw, ...changed }, countingRandom()).find(
            (candidate) => candidate.name === name,
          );
          expect(disk?.ineligible.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
