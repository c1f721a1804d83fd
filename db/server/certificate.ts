/**
 * The server's own certificate: self-signed, ECDSA on P-256, made at `init` without asking anybody. Clients pin its
 * SHA-256 fingerprint, so it needs no authority and no renewal; whoever wants to check it as a root of their own can.
 *
 * node:crypto makes the key and the signature but no certificate; the X.509 around them (RFC 5280) is the page below.
 */
import { Buffer } from 'node:buffer';
import { createHash, createPrivateKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';
import { TruthError } from '../errors.ts';
import * as der from './der.ts';

export interface Certificate {
  readonly keyPem: string;
  readonly certificatePem: string;
  /** SHA-256 of the certificate's DER, as 64 lowercase hexadecimal digits. */
  readonly fingerprint: string;
}

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

// Fixed dates: the clock of a machine being installed proves nothing, and a pinned certificate is replaced, not renewed.
// The second is RFC 5280's "no well-defined expiration date" (4.1.2.5).
const NOT_BEFORE = '200101000000Z';
const NOT_AFTER = '99991231235959Z';

const VERSION_3 = Buffer.from([2]);
const KEY_USAGE_DIGITAL_SIGNATURE = Buffer.from([0x80]);
const KEY_USAGE_UNUSED_BITS = 7;
const SAN_DNS = 2;
const SAN_IP = 7;
const SERIAL_BYTES = 16;
const HOST_NAMES_MAX = 100;

/** `random(n)` gives n random bytes; `hostNames` are DNS names and IP addresses clients may use. */
export function makeCertificate(
  hostNames: readonly string[],
  random: (bytes: number) => Uint8Array,
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const algorithm = der.sequence(der.oid(OID.ecdsaWithSha256));
  const body = toBeSigned(hostNames, spki, algorithm, random(SERIAL_BYTES));
  const signature = sign('sha256', body, { key: privateKey, dsaEncoding: 'der' });
  const certificate = der.sequence(body, algorithm, der.bitString(signature));
  return {
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificatePem: pem(certificate),
    fingerprint: fingerprintOf(certificate),
  };
}

function toBeSigned(
  hostNames: readonly string[],
  spki: Buffer,
  algorithm: Buffer,
  serial: Uint8Array,
): Buffer {
  const name = der.sequence(der.set(der.sequence(der.oid(OID.commonName), der.utf8String('TruthDB'))));
  return der.sequence(
    der.explicit(0, der.integer(VERSION_3)),
    der.integer(serial),
    algorithm,
    name,
    der.sequence(der.utcTime(NOT_BEFORE), der.generalizedTime(NOT_AFTER)),
    name,
    spki,
    der.explicit(3, extensions(hostNames)),
  );
}

function extensions(hostNames: readonly string[]): Buffer {
  const critical = der.boolean(true);
  const extension = (id: string, value: Buffer, ...flags: Buffer[]) =>
    der.sequence(der.oid(id), ...flags, der.octetString(value));
  return der.sequence(
    // Not an authority: whoever trusts this certificate trusts this one server.
    extension(OID.basicConstraints, der.sequence(), critical),
    extension(OID.keyUsage, der.bitString(KEY_USAGE_DIGITAL_SIGNATURE, KEY_USAGE_UNUSED_BITS), critical),
    extension(OID.extendedKeyUsage, der.sequence(der.oid(OID.serverAuth))),
    extension(OID.subjectAltName, der.sequence(...alternativeNames(hostNames))),
  );
}

function alternativeNames(hostNames: readonly string[]): Buffer[] {
  if (hostNames.length < 1 || hostNames.length > HOST_NAMES_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${hostNames.length} host names for the certificate; 1 to ${HOST_NAMES_MAX} are allowed`,
    );
  }
  return hostNames.map((name) =>
    isIP(name) === 0
      ? der.implicit(SAN_DNS, Buffer.from(dnsName(name), 'ascii'))
      : der.implicit(SAN_IP, addressBytes(name)),
  );
}

function dnsName(name: string): string {
  if (!/^(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*$/.test(name)) {
    throw new TruthError('INVALID_ARGUMENT', `"${name}" is neither a DNS name nor an IP address`);
  }
  return name.toLowerCase();
}

/** 4 or 16 bytes in network order. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The canonical form has at most one "::", which stands for the missing groups.
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address.split('%')[0] as string;
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(groupBytes));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  return Buffer.from([...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back]);
}

function groupBytes(group: string): number[] {
  if (group.includes('.')) return group.split('.').map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}

/** Reads key and certificate back. Errors: CONFIG when one is unreadable or they do not belong together. */
export function parseCertificate(keyPem: string, certificatePem: string): Certificate {
  try {
    const certificate = new X509Certificate(certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) {
      throw new Error('the private key does not belong to the certificate');
    }
    return { keyPem, certificatePem, fingerprint: fingerprintOf(certificate.raw) };
  } catch (cause) {
    throw new TruthError(
      'CONFIG',
      `the TLS key and certificate cannot be used: ${(cause as Error).message}`,
      {},
      { cause },
    );
  }
}

export function fingerprintOf(certificateDer: Uint8Array): string {
  return createHash('sha256').update(certificateDer).digest('hex');
}

function pem(certificateDer: Buffer): string {
  const lines = certificateDer.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
