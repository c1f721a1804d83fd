/**
 * The keys that vouch for a log, in `metadata/signing/`: a root key, which clients pin and which belongs somewhere else than
 * on the machine, and below it the key that signs checkpoints, replaced by a new certificate whenever one likes.
 *
 *     root.public        the root's public key, hex: what clients pin
 *     root.key           its private key, PKCS#8 PEM; only rotation needs it, and takes it from wherever it is kept
 *     certificates       one after the other, serial 1 first (verifier.ts)
 *     <key id>.key       private key that signs now, PKCS#8 PEM
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import { metadataDirectory } from '../wal/metadata.ts';
import { signCertificate } from './checkpoint.ts';
import {
  CERTIFICATE_SIZE,
  type Certificate,
  hex,
  keyIdOf,
  ProofError,
  unhex,
  verifyCertificates,
} from './verifier.ts';

const ROOT_PUBLIC = 'root.public';
const ROOT_KEY = 'root.key';
const CERTIFICATES = 'certificates';

export interface Signer {
  readonly keyId: string;
  readonly key: KeyObject;
}

export class SigningKeys {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #logId: string;

  constructor(disk: Disk, directory: string, logId: string) {
    this.#disk = disk;
    this.#folder = join(metadataDirectory(directory), 'signing');
    this.#logId = logId;
  }

  /** The public root key, 32 bytes; null where there are no keys yet. */
  get rootKey(): Uint8Array | null {
    const text = this.#text(ROOT_PUBLIC)?.trim();
    if (text === undefined) return null;
    if (!/^[0-9a-f]{64}$/.test(text)) throw this.#unreadable(ROOT_PUBLIC);
    return unhex(text);
  }

  /** Whether the root's private key lies here, and not only where it belongs. */
  get hasRootKey(): boolean {
    return this.#text(ROOT_KEY) !== null;
  }

  /** Serial 1 first. */
  get certificates(): readonly Uint8Array[] {
    const bytes = readSmallFile(this.#disk, this.#path(CERTIFICATES));
    if (bytes === null) return [];
    if (bytes.length % CERTIFICATE_SIZE !== 0) throw this.#unreadable(CERTIFICATES);
    return Array.from({ length: bytes.length / CERTIFICATE_SIZE }, (_, at) =>
      bytes.slice(at * CERTIFICATE_SIZE, (at + 1) * CERTIFICATE_SIZE),
    );
  }

  /** Makes root key, signing key and first certificate where there are none. `nowNanos`: since 1970. */
  prepare(nowNanos: bigint): void {
    if (this.certificates.length > 0) return;
    this.#disk.mkdir(this.#folder);
    if (this.rootKey === null) {
      const root = this.#privateKey(ROOT_KEY) ?? this.#make(ROOT_KEY);
      this.#write(ROOT_PUBLIC, `${hex(rawPublicKey(root))}\n`);
    }
    const root = this.#privateKey(ROOT_KEY);
    if (root === null) throw this.#rootIsAway();
    this.#certify(root, 0, nowNanos);
  }

  /**
   * Replaces the signing key: checkpoints of `fromSize` entries and more are signed by the new one and by no other. `rootPem`:
   * the root's private key; null to take the one that lies here. Errors: NOT_FOUND, INVALID_ARGUMENT.
   */
  rotate(options: { readonly rootPem: string | null; readonly fromSize: number; readonly nowNanos: bigint }) {
    const { rootPem, fromSize, nowNanos } = options;
    const { rootKey } = this;
    if (rootKey === null) {
      throw new TruthError('NOT_FOUND', `${this.#folder} has no keys yet: the first checkpoint makes them`);
    }
    const root = rootPem === null ? this.#privateKey(ROOT_KEY) : parseKey(rootPem);
    if (root === null) throw this.#rootIsAway();
    if (Buffer.compare(rawPublicKey(root), rootKey) !== 0) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `the key given is not the root key of this log, whose public part is ${hex(rootKey)}`,
      );
    }
    const before = this.verified();
    const certificate = this.#certify(root, fromSize, nowNanos);
    for (const { keyId } of before) this.#remove(`${keyId}.key`);
    return certificate;
  }

  /** Runs with nobody else signing or rotating; null when somebody does. */
  alone<T>(work: () => T): T | null {
    this.#disk.mkdir(this.#folder);
    const lock = this.#disk.lock(this.#folder);
    if (lock === null) return null;
    try {
      return work();
    } finally {
      lock.release();
    }
  }

  /** All certificates, checked against the root key that lies here. Errors: CORRUPT. */
  verified(): readonly Certificate[] {
    const { rootKey } = this;
    if (rootKey === null) return [];
    try {
      return verifyCertificates(rootKey, this.certificates);
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      throw new TruthError('CORRUPT', `${this.#path(CERTIFICATES)}: ${error.message}`);
    }
  }

  /** The key that counts for a checkpoint of that size. Errors: NOT_FOUND where its private part is not here. */
  signerFor(size: number): Signer {
    const rightful = this.verified().findLast(({ fromSize }) => fromSize <= size);
    const key = rightful === undefined ? null : this.#privateKey(`${rightful.keyId}.key`);
    if (rightful !== undefined && key !== null) return { keyId: rightful.keyId, key };
    throw new TruthError(
      'NOT_FOUND',
      `${this.#folder} has no private key for checkpoints of size ${size}; restore it, or certify a new one: truthdb signing rotate`,
    );
  }

  #certify(root: KeyObject, fromSize: number, issuedAt: bigint): Certificate {
    const pair = generateKeyPairSync('ed25519');
    const publicKey = rawPublicKey(pair.privateKey);
    const { certificates } = this;
    const bytes = signCertificate(
      {
        logId: this.#logId,
        serial: certificates.length + 1,
        fromSize,
        issuedAt,
        publicKey: hex(publicKey),
        rootKeyId: keyIdOf(rawPublicKey(root)),
      },
      root,
    );
    this.#write(`${keyIdOf(publicKey)}.key`, pemOf(pair.privateKey));
    this.#write(CERTIFICATES, Buffer.concat([...certificates, bytes]));
    return this.verified().at(-1)!;
  }

  #make(name: string): KeyObject {
    const { privateKey } = generateKeyPairSync('ed25519');
    this.#write(name, pemOf(privateKey));
    return privateKey;
  }

  #privateKey(name: string): KeyObject | null {
    const pem = this.#text(name);
    return pem === null ? null : parseKey(pem);
  }

  #rootIsAway(): TruthError {
    return new TruthError(
      'NOT_FOUND',
      `the root key is not in ${this.#folder}; bring it from where it is kept: truthdb signing rotate --root FILE`,
    );
  }

  #unreadable(name: string): TruthError {
    return new TruthError(
      'CORRUPT',
      `${this.#path(name)} is not what was written there; restore it from a backup`,
    );
  }

  #text(name: string): string | null {
    const bytes = readSmallFile(this.#disk, this.#path(name));
    return bytes === null ? null : Buffer.from(bytes).toString();
  }

  #write(name: string, content: string | Uint8Array): void {
    writeSmallFile(this.#disk, this.#path(name), Buffer.from(content));
  }

  #remove(name: string): void {
    try {
      this.#disk.unlink(this.#path(name));
      this.#disk.fsyncDirectory(this.#folder);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function parseKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // The answer below serves for whatever is not one.
  }
  throw new TruthError('INVALID_ARGUMENT', 'this is not a private Ed25519 key in PKCS#8 PEM');
}

/** The 32 bytes that RFC 8032 calls the public key, of a private or public key. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const { x } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  return Buffer.from(x as string, 'base64url');
}
