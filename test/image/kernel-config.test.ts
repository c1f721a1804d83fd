import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  declaredSymbols,
  driverDifferences,
  formatConfig,
  mergeFragments,
  missingOptions,
  optionsOn,
  parseConfig,
} from '../../image/kernel-config.ts';

const fragment = (text: string, file = 'a.config') => ({ file, text });

describe('a .config', () => {
  const config = parseConfig(
    [
      '#',
      '# Automatically generated file; DO NOT EDIT.',
      'CONFIG_64BIT=y',
      '# CONFIG_MODULES is not set',
      'CONFIG_NR_CPUS=512',
      'CONFIG_LSM="lockdown,yama"',
      '# end of General setup',
      '',
    ].join('\n'),
  );

  test('is read with its values as kconfig writes them', () => {
    expect(Object.fromEntries(config)).toEqual({
      '64BIT': 'y',
      MODULES: 'n',
      NR_CPUS: '512',
      LSM: '"lockdown,yama"',
    });
  });

  test('counts what is on', () => {
    expect(optionsOn(config)).toBe(3);
  });
});

describe('fragments', () => {
  test('join to one wish list in the order of the files', () => {
    const wanted = mergeFragments([
      fragment('# why\nCONFIG_A=y\n\n# CONFIG_B is not set\n'),
      fragment('CONFIG_C="x y"\nCONFIG_D=n\n', 'b.config'),
    ]);
    expect([...wanted]).toEqual([
      ['A', 'y'],
      ['B', 'n'],
      ['C', '"x y"'],
      ['D', 'n'],
    ]);
  });

  test('may not decide an option twice, and the message names both places', () => {
    expect(() =>
      mergeFragments([fragment('CONFIG_A=y'), fragment('\n# CONFIG_A is not set', 'b.config')]),
    ).toThrow('b.config:2: A is already decided in a.config:1');
  });

  test('may not ask for modules', () => {
    expect(() => mergeFragments([fragment('CONFIG_A=m')])).toThrow('a.config:1: A=m');
  });

  test.each(['CONFIG_A', 'A=y', ' CONFIG_A=y', '# CONFIG_A=y', '# CONFIG_A is not set yet', 'CONFIG_A='])(
    'refuse the line "%s", which kconfig would take for a comment or worse',
    (line) => {
      expect(() => mergeFragments([fragment(line)])).toThrow('a.config:1');
    },
  );

  test('survive being written for kconfig and read back', () => {
    const name = fc.stringMatching(/^[A-Z0-9_]{1,20}$/);
    const value = fc.oneof(
      fc.constantFrom('y', 'n'),
      fc.nat().map(String),
      fc.stringMatching(/^[a-z, ]{0,10}$/).map((text) => `"${text}"`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (entries) => {
        const config = new Map(entries);
        expect(parseConfig(formatConfig(config))).toEqual(config);
        expect(mergeFragments([fragment(formatConfig(config))])).toEqual(config);
      }),
    );
  });
});

describe('a wish that is not granted', () => {
  const final = parseConfig('CONFIG_A=y\nCONFIG_N=64\n# CONFIG_OFF is not set\nCONFIG_SELECTED=y');

  test('is named with what was wanted and what came out', () => {
    const wanted = mergeFragments([
      fragment('CONFIG_A=y\nCONFIG_OFF=y\nCONFIG_GONE=y\nCONFIG_N=512\n# CONFIG_SELECTED is not set'),
    ]);
    expect(missingOptions(wanted, final)).toEqual([
      { option: 'OFF', wanted: 'y', actual: 'n' },
      { option: 'GONE', wanted: 'y', actual: 'n' },
      { option: 'N', wanted: '512', actual: '64' },
      { option: 'SELECTED', wanted: 'n', actual: 'y' },
    ]);
  });

  test('is not one when an unwanted option does not exist at all', () => {
    expect(missingOptions(mergeFragments([fragment('# CONFIG_NEVER_HEARD_OF is not set')]), final)).toEqual(
      [],
    );
  });
});

describe('the hardware menus', () => {
  const hardware = declaredSymbols([
    'menu "Disks"\n\nmenuconfig ATA\n\tbool "ATA"\n\nconfig SATA_AHCI\n\ttristate "AHCI"\n\tdepends on ATA\n',
    'if NET\n  config E1000\n\ttristate "see config help"\nendif\n',
  ]);

  test('are what their Kconfig files declare', () => {
    expect([...hardware].sort()).toEqual(['ATA', 'E1000', 'SATA_AHCI']);
  });

  test('must be answered alike by both kernels, whichever of the two leaves something out', () => {
    const installer = parseConfig('CONFIG_ATA=y\nCONFIG_SATA_AHCI=y\nCONFIG_ISO9660_FS=y');
    const runtime = parseConfig('CONFIG_ATA=y\n# CONFIG_SATA_AHCI is not set\nCONFIG_E1000=y');
    expect(driverDifferences({ installer, runtime }, hardware)).toEqual([
      { option: 'SATA_AHCI', installer: 'y', runtime: 'n' },
      { option: 'E1000', installer: 'n', runtime: 'y' },
    ]);
  });

  test('do not differ when one says "not set" and the other nothing', () => {
    const installer = parseConfig('CONFIG_ATA=y\n# CONFIG_E1000 is not set');
    const runtime = parseConfig('CONFIG_ATA=y');
    expect(driverDifferences({ installer, runtime }, hardware)).toEqual([]);
  });
});
