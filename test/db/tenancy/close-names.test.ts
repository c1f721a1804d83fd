import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closeNames } from '../../../db/tenancy/close-names.ts';
import { encodeErasure } from '../../../db/tenancy/erasure-entry.ts';
import { findTenant, tenantsInLog } from '../../../db/tenancy/index.ts';
import { encodeTenantChange } from '../../../db/tenancy/tenant-entry.ts';
import type { RecordedAt, TenantId } from '../../../db/types.ts';
import { DIRECTORY, draft, newDisk, open } from '../wal/support.ts';

const NAMES = ['acme', 'acme-test', 'zenith', 'north_wind', 'a'];

test.each([
  ['acne', ['acme']],
  ['amce', ['acme']],
  ['acm', ['acme', 'acme-test']],
  ['ACME', ['acme', 'acme-test']],
  ['zeniht', ['zenith']],
  ['northwind', ['north_wind']],
  ['north', ['north_wind']],
  ['something', []],
  ['', []],
])('of "%s" somebody may have meant %j', (given, meant) => {
  expect(closeNames(given, NAMES).slice(0, 2)).toEqual(meant);
});

test('one mistake is always forgiven, and never more than three names are shown', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{3,20}$/);
  fc.assert(
    fc.property(name, fc.nat(), fc.constantFrom('drop', 'add', 'change', 'swap'), (text, where, how) => {
      const at = where % (text.length - 1);
      const [before, letter, after] = [text.slice(0, at), text[at]!, text.slice(at + 1)];
      const typed = {
        drop: before + after,
        add: `${before}_${letter}${after}`,
        change: `${before}_${after}`,
        swap: before + after[0]! + letter + after.slice(1),
      }[how];
      expect(closeNames(typed, [text, 'wholly-different-name'])).toEqual([text]);
    }),
  );
  expect(closeNames('abcd', ['abc1', 'abc2', 'abc3', 'abc4'])).toEqual(['abc1', 'abc2', 'abc3']);
});

describe('the tenants of a log without a server', () => {
  test('are those that its entries say, by the names they have at the end', async () => {
    const disk = newDisk();
    const { log } = await open(disk);
    const say = (tenant: number, type: number, payload: Uint8Array): void => {
      log.append([{ ...draft(payload, type), tenant: tenant as TenantId }], 0n as RecordedAt);
      log.flush();
    };
    const create = (name: string) => encodeTenantChange({ change: 'created', name, partition: 0, key: null });
    say(1, 48, create('acme'));
    say(1, 16, Buffer.from('an event'));
    say(2, 48, create('zenith'));
    say(1, 48, encodeTenantChange({ change: 'renamed', name: 'north_wind' }));
    say(3, 48, create('gone'));
    say(3, 50, encodeErasure({ of: 'tenant', keys: [] }));
    await log.close();
    const tenants = tenantsInLog(disk, DIRECTORY, log.stable);
    expect(findTenant(tenants, 'north_wind').id).toBe(1);
    expect(findTenant(tenants, 'zenith').id).toBe(2);
    expect(findTenant(tenants, 'default').id).toBe(0);
    expect(() => findTenant(tenants, 'acme')).toThrow(/no tenant named "acme"; truthdb tenant list/);
    expect(() => findTenant(tenants, 'zenit')).toThrow(/did you mean "zenith"\?/);
    expect(() => findTenant(tenants, 'gone')).toThrow(/was shredded.*number, 3/);
    expect(() => findTenant(tenants, 'gon')).toThrow(/truthdb tenant list/);
  });
});
