import { expect, test } from 'vitest';
import { type Address, formatConnectionString, parseConnectionString } from '../../../db/protocol/index.ts';

const FP = 'ab'.repeat(32);

test.each<[string, Address]>([
  [
    `truthdb://tok-en_1@db.example.org:9000?fp=${FP}`,
    { kind: 'tls', host: 'db.example.org', port: 9000, token: 'tok-en_1', fingerprint: FP },
  ],
  ['truthdb://t@10.0.0.1:1', { kind: 'tls', host: '10.0.0.1', port: 1, token: 't', fingerprint: null }],
  [
    `truthdb://t@[fe80::1]:9650?fp=${FP}`,
    { kind: 'tls', host: 'fe80::1', port: 9650, token: 't', fingerprint: FP },
  ],
  ['truthdb://t@127.0.0.1:9650?tls=off', { kind: 'tcp', host: '127.0.0.1', port: 9650, token: 't' }],
  ['truthdb+unix:/run/truthdb/truthdb.sock', { kind: 'unix', path: '/run/truthdb/truthdb.sock' }],
])('%s is read and written back', (text, address) => {
  expect(parseConnectionString(text)).toEqual(address);
  expect(formatConnectionString(address)).toBe(text);
});

test('the port may be left out, and the fingerprint may have colons and capitals', () => {
  const colons = FP.toUpperCase().replace(/(..)(?=.)/g, '$1:');
  expect(parseConnectionString(`truthdb://t@h?fp=${colons}`)).toEqual({
    kind: 'tls',
    host: 'h',
    port: 9650,
    token: 't',
    fingerprint: FP,
  });
});

test.each([
  ['not a url', /not a URL/],
  ['http://t@h', /scheme is "http"/],
  ['truthdb://t@', /no host|not a URL/],
  ['truthdb://t@h/orders', /has a path/],
  ['truthdb://a:b@h', /":" before/],
  ['truthdb://t@h?pf=1', /unknown parameter "pf"/],
  ['truthdb://t@h?fp=abc', /64 hexadecimal/],
  ['truthdb://t@h?tls=maybe', /on or off/],
  [`truthdb://t@h?tls=off&fp=${FP}`, /both tls=off/],
  ['truthdb+unix:relative', /absolute|not a URL/],
])('%s is refused and says why', (text, why) => {
  expect(() => parseConnectionString(text)).toThrow(why);
});

test('a refusal never shows the token', () => {
  expect(() => parseConnectionString('truthdb://SECRET@h?x=1')).toThrow(
    expect.not.stringContaining('SECRET'),
  );
});
