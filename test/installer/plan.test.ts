import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Disk } from '../../installer/disks/disk.ts';
import { checkWords, planInstall, requiredWords, tokenName } from '../../installer/plan.ts';
import { diskOf, disksOf, machineNames } from './disks/machines.ts';
import { config, payload } from './examples.ts';

const settings = { config, adminTokenHash: undefined };
const hashOf = (disk: Disk) => planInstall(disk, payload, settings).hash;
const disk = diskOf('sata', 'sda');
const words = (token: string, array = '', data = '') => ({ token, array, data });

describe('a plan', () => {
  it('has the same hash for the same disk, image and settings', () => {
    expect(hashOf(disk)).toBe(hashOf(diskOf('sata', 'sda')));
  });

  it.each([
    ['path', { path: '/dev/sdz' }],
    ['device number', { majorMinor: '8:96' }],
    ['sequence', { diskSequence: disk.diskSequence + 1 }],
    ['size', { bytes: disk.bytes + 512 }],
    ['blocks', { logicalBlockBytes: 4096 }],
    ['model', { model: 'another' }],
    ['serial', { serial: 'S45PNA0M812346' }],
    ['WWN', { wwn: '5002538e09a1b2c4' }],
    ['content', { contents: { ...disk.contents, fingerprint: `c1-${'0'.repeat(32)}` } }],
    ['token', { token: { source: 'serial', text: '12345' } }],
  ] as const)('has another hash when the %s changes', (_name, change) => {
    expect(hashOf({ ...disk, ...change })).not.toBe(hashOf(disk));
  });

  it('has another hash for another image, other settings, another token hash', () => {
    const others = [
      planInstall(disk, { ...payload, version: '1.0.1' }, settings),
      planInstall(disk, { ...payload, rootHash: 'ff'.repeat(32) }, settings),
      planInstall(disk, payload, { ...settings, config: { ...config, hostname: 'db2' } }),
      planInstall(disk, payload, { ...settings, adminTokenHash: 'ab'.repeat(32) }),
    ];
    expect(new Set([hashOf(disk), ...others.map(({ hash }) => hash)]).size).toBe(5);
  });

  it('exists for eligible disks only', () => {
    for (const candidate of machineNames.flatMap(disksOf)) {
      if (candidate.ineligible.length === 0) expect(hashOf(candidate)).toMatch(/^[0-9a-f]{64}$/);
      else expect(() => hashOf(candidate)).toThrow(expect.objectContaining({ code: 'NOT_ELIGIBLE' }));
    }
  });

  it('is refused when an image does not fit its partition', () => {
    const large = { ...payload, verity: { ...payload.verity, bytes: 65 * 1024 * 1024 } };
    expect(() => planInstall(disk, large, settings)).toThrow(
      'root.verity has 68157440 bytes, its partition 67108864',
    );
  });

  it('is refused with settings that break their schema', () => {
    const broken = { ...config, hostname: 'db1\nroot' };
    expect(() => planInstall(disk, payload, { ...settings, config: broken })).toThrow(
      expect.objectContaining({ code: 'BAD_FIELD' }),
    );
  });
});

describe('the words that confirm', () => {
  it('are the token alone for an ordinary disk', () => {
    expect(requiredWords(disk)).toEqual({ token: '2345', array: undefined, data: undefined });
    expect(() => checkWords(disk, words('2345'))).not.toThrow();
    expect(() => checkWords(disk, words('345'))).toThrow(expect.objectContaining({ code: 'WRONG_TOKEN' }));
  });

  it('are the name of the array as well for a disk that belongs to one', () => {
    const member = diskOf('members', 'sda');
    expect(requiredWords(member).array).toBe('vg_store');
    expect(() => checkWords(member, words(member.token?.text ?? '', 'vg_store'))).not.toThrow();
    for (const array of ['', 'vg', 'VG_STORE']) {
      expect(() => checkWords(member, words(member.token?.text ?? '', array))).toThrow(
        expect.objectContaining({ code: 'WRONG_TOKEN' }),
      );
    }
  });

  it('are ERASE DATA as well for a disk with a database, in capitals and in full', () => {
    const database = diskOf('truthdb', 'vda');
    expect(() => checkWords(database, words('sk-1', '', 'ERASE DATA'))).not.toThrow();
    for (const data of ['', 'erase data', 'ERASE']) {
      expect(() => checkWords(database, words('sk-1', '', data))).toThrow(
        expect.objectContaining({ code: 'WRONG_TOKEN' }),
      );
    }
  });

  it('are the token alone for an installation that was cut short', () => {
    expect(requiredWords(diskOf('truthdb', 'vdb'))).toMatchObject({ array: undefined, data: undefined });
  });

  it('are asked for by what they are on the disk', () => {
    expect(tokenName(disk)).toBe('the last 4 characters of its serial number');
    expect(tokenName(diskOf('no-serial', 'sda'))).toBe('the last 4 characters of its WWN');
    expect(tokenName(diskOf('no-serial', 'vda'))).toBe('the code shown on its row');
  });

  it('are never met by anything but themselves', () => {
    const eligible = machineNames.flatMap(disksOf).filter(({ ineligible }) => ineligible.length === 0);
    fc.assert(
      fc.property(
        fc.constantFrom(...eligible),
        fc.string(),
        fc.string(),
        fc.string(),
        (candidate, token, array, data) => {
          const needed = requiredWords(candidate);
          const right =
            token.trim().toLowerCase() === needed.token.toLowerCase() &&
            (needed.array === undefined || array.trim() === needed.array) &&
            (needed.data === undefined || data.trim() === needed.data);
          if (!right)
            expect(() => checkWords(candidate, { token, array, data })).toThrow(
              expect.objectContaining({ code: 'WRONG_TOKEN' }),
            );
        },
      ),
    );
  });

  it('never appear in the refusal', () => {
    expect(() => checkWords(disk, words('wrong'))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('2345') }),
    );
  });
});
