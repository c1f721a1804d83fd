import { execFileSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeCertificate, parseCertificate } from '../../../db/server/certificate.ts';
import * as der from '../../../db/server/der.ts';

const NAMES = [
  'db.example.org',
  'localhost',
  '127.0.0.1',
  '::1',
  'fe80::1:2',
  '::ffff:1.2.3.4',
  '2001:db8::',
];

test('node reads the certificate back: names, dates, key, what it may be used for', () => {
  const made = makeCertificate(NAMES, randomBytes);
  const read = new X509Certificate(made.certificatePem);
  for (const name of ['db.example.org', 'localhost']) expect(read.checkHost(name)).toBe(name);
  for (const address of ['127.0.0.1', '::1', 'fe80::1:2', '::ffff:1.2.3.4', '2001:db8::']) {
    expect(read.checkIP(address)).toBe(address);
  }
  expect(read.checkHost('other.example.org')).toBeUndefined();
  expect(read.ca).toBe(false);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(read.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(read.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect(new Date(read.validTo).getUTCFullYear()).toBe(9999);
  expect(new Date(read.validFrom).getUTCFullYear()).toBe(2020);
  expect(read.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(made.fingerprint);
});

test('openssl accepts it strictly as its own root', () => {
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-cert-'));
  try {
    const file = join(directory, 'c.pem');
    // Random serial numbers and signatures have leading zeros now and then, where DER is easy to get wrong.
    for (let round = 0; round < 20; round++) {
      writeFileSync(file, makeCertificate(NAMES, randomBytes).certificatePem);
      const said = execFileSync('openssl', [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        file,
        file,
      ]);
      expect(String(said)).toContain(': OK');
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('each certificate has its own serial number and key', () => {
  const [one, two] = [makeCertificate(['a'], randomBytes), makeCertificate(['a'], randomBytes)];
  const [left, right] = [new X509Certificate(one.certificatePem), new X509Certificate(two.certificatePem)];
  expect(left.serialNumber).not.toBe(right.serialNumber);
  expect(one.fingerprint).not.toBe(two.fingerprint);
});

test('names that are none are refused', () => {
  for (const names of [[], [''], ['a b'], ['-a'], ['a..b'], ['x'.repeat(64)]]) {
    expect(() => makeCertificate(names, randomBytes)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  }
});

test('a key of another certificate is noticed when read back', () => {
  const [one, two] = [makeCertificate(['a'], randomBytes), makeCertificate(['a'], randomBytes)];
  expect(parseCertificate(one.keyPem, one.certificatePem).fingerprint).toBe(one.fingerprint);
  expect(() => parseCertificate(two.keyPem, one.certificatePem)).toThrow(/does not belong/);
  expect(() => parseCertificate('nonsense', one.certificatePem)).toThrow(
    expect.objectContaining({ code: 'CONFIG' }),
  );
});

test.each<[string, Buffer, string]>([
  ['0', der.integer(Buffer.from([0])), '020100'],
  ['127 with leading zeros', der.integer(Buffer.from([0, 0, 127])), '02017f'],
  ['128 (must not turn negative)', der.integer(Buffer.from([128])), '02020080'],
  ['65537', der.integer(Buffer.from([1, 0, 1])), '0203010001'],
  ['an object identifier', der.oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  ['a bit string', der.bitString(Buffer.from([0x80]), 7), '03020780'],
  ['a length of two bytes', der.octetString(Buffer.alloc(256)).subarray(0, 4), '04820100'],
  ['a length of one long byte', der.octetString(Buffer.alloc(200)).subarray(0, 3), '0481c8'],
])('DER writes %s', (_what, bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex);
});
