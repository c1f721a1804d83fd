import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { confirmationTokens, TOKEN_LENGTH_MIN, tokenMatches } from '../../../installer/disks/token.ts';
import { countingRandom, diskOf, disksOf, machineNames } from './machines.ts';

const tokens = (...serials: string[]) =>
  confirmationTokens(
    serials.map((serial) => ({ serial, wwn: '' })),
    countingRandom(),
  );

describe('the confirmation token', () => {
  it('is the last four characters of the serial when no other disk ends in them', () => {
    expect(tokens('S45PNA0M812345', 'S45PNA0M812399').map((token) => token?.text)).toEqual(['2345', '2399']);
  });

  it('is longer when serials share their end', () => {
    expect(tokens('A12345', 'B12345').map((token) => token?.text)).toEqual(['A12345', 'B12345']);
  });

  it('is taken from the WWN when the serial is the end of another, or too short', () => {
    const identities = [
      { serial: '12345', wwn: '5000c500a1b2c3d4' },
      { serial: 'XX12345', wwn: '' },
      { serial: '7', wwn: '5000c500a1b2ffff' },
    ];
    expect(confirmationTokens(identities, countingRandom())).toEqual([
      { source: 'wwn', text: 'c3d4' },
      { source: 'serial', text: 'X12345' },
      { source: 'wwn', text: 'ffff' },
    ]);
  });

  it('is four random letters for a disk with neither, and others after a rescan', () => {
    const nameless = { serial: '', wwn: '' };
    const [first] = confirmationTokens([nameless], countingRandom(0));
    const [second] = confirmationTokens([nameless], countingRandom(4));
    expect(first?.source).toBe('code');
    expect(first?.text).toMatch(/^[A-Z]{4}$/);
    expect(second?.text).not.toBe(first?.text);
  });

  it('does not exist for two disks with one serial', () => {
    expect(tokens('0123456789ABCDEF', '0123456789abcdef')).toEqual([undefined, undefined]);
  });

  it('counts ineligible disks among those it must differ from', () => {
    expect(diskOf('own-medium', 'sdb').token).toEqual({ source: 'serial', text: '7391' });
    expect(diskOf('no-serial', 'sda').token).toEqual({ source: 'wwn', text: 'ccdd' });
    expect(diskOf('no-serial', 'sdb').token?.source).toBe('code');
  });

  it('matches whatever the case and the blanks around it, and nothing else', () => {
    const token = { source: 'serial', text: '812A' } as const;
    expect(tokenMatches(token, ' 812a ')).toBe(true);
    for (const typed of ['', '812', '812B', '0812A', 'yes']) expect(tokenMatches(token, typed)).toBe(false);
  });

  it('exists for every eligible disk of every machine', () => {
    for (const disk of machineNames.flatMap(disksOf)) {
      if (disk.ineligible.length === 0)
        expect(disk.token?.text.length).toBeGreaterThanOrEqual(TOKEN_LENGTH_MIN);
    }
  });

  it('is at least four long and the end of no other disk, for any set of disks', () => {
    const identifier = fc.oneof(
      fc.constant(''),
      fc.string({ unit: fc.constantFrom('0', '1', 'a', 'A'), maxLength: 8 }),
    );
    const identity = fc.record({ serial: identifier, wwn: identifier });
    fc.assert(
      fc.property(fc.array(identity, { maxLength: 8 }), fc.integer({ min: 0, max: 255 }), (disks, seed) => {
        const result = confirmationTokens(disks, countingRandom(seed));
        result.forEach((token, index) => {
          if (token === undefined) return;
          expect(token.text.length).toBeGreaterThanOrEqual(TOKEN_LENGTH_MIN);
          const others = disks.flatMap(({ serial, wwn }, other) =>
            other === index ? [] : [serial, wwn, result[other]?.text ?? ''],
          );
          for (const other of others)
            expect(other.toLowerCase().endsWith(token.text.toLowerCase())).toBe(false);
        });
      }),
    );
  });
});
