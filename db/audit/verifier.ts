/**
 * Checks what TruthDB signs and proves: certificates, checkpoints, Merkle proofs. It imports SHA-256 and Ed25519 and nothing
 * else, trusts nothing but the root key it is given, and is short enough to be written again in another language
 * (docs/proofs.md says how; test/db/audit/fixtures has vectors). Every function either returns what it checked or throws a
 * ProofError that says what is wrong. Bundles are checked by the file beside it, bundle-verifier.ts, from these parts alone.
 *
 *     keys           verifyCertificates → verifyCheckpoint
 *     trees          RFC 6962: leafHash, nodeHash, verifyConsistency, verifyRange (inclusion is a range of one)
 *     bytes          Reader: strict, one encoding for each content
 */
import { createPublicKey, hash, verify } from 'node:crypto';

export class ProofError extends Error {
  override readonly name = 'ProofError';
}

const HASH = 32;
const SIGNATURE = 64;
const CHECKPOINT_BODY = 248;
const CERTIFICATE_BODY = 104;
export const CHECKPOINT_SIZE = CHECKPOINT_BODY + SIGNATURE;
export const CERTIFICATE_SIZE = CERTIFICATE_BODY + SIGNATURE;

/** Hashes are hex wherever they are compared or shown, bytes wherever they are hashed. */
export interface Checkpoint {
  /** 2 names the erasures up to its size; 1, of older releases, does not. */
  readonly version: 1 | 2;
  readonly logId: string;
  readonly epoch: number;
  /** Leaves of the tree over all entries = sequence of the commit. */
  readonly size: number;
  readonly ordinal: number;
  /** Nanoseconds since 1970. */
  readonly recordedAt: bigint;
  readonly chain: string;
  readonly root: string;
  readonly tenants: number;
  readonly tenantsRoot: string;
  /** Erasures up to `size`, and root of the tree over their entries' leaves; in version 1 none, whatever there were. */
  readonly erased: number;
  readonly erasures: string;
  readonly previous: string;
  readonly keyId: string;
  /** SHA-256 of the body: what the next one names as `previous`. */
  readonly hash: string;
}

export interface Certificate {
  readonly logId: string;
  readonly serial: number;
  readonly fromSize: number;
  readonly issuedAt: bigint;
  readonly publicKey: string;
  readonly keyId: string;
  readonly rootKeyId: string;
}

// ---- keys ----------------------------------------------------------------------------------------------------------

/** First 16 bytes of the SHA-256 of a public key of 32 bytes, hex. */
export function keyIdOf(publicKey: Uint8Array): string {
  return sha256Hex(publicKey).slice(0, 32);
}

/** Reads a certificate without checking its signature. */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const read = new Reader(bytes, 'a certificate');
  read.expect('TRUTHCRT', CERTIFICATE_BODY, 1);
  const logId = read.hex(16);
  const [serial, fromSize, issuedAt] = [read.count(), read.count(), read.u64()];
  const key = read.bytes(HASH);
  const rootKeyId = read.hex(16);
  read.bytes(SIGNATURE);
  read.end();
  return { logId, serial, fromSize, issuedAt, publicKey: hex(key), keyId: keyIdOf(key), rootKeyId };
}

/** `rootKey`: the pinned public key, 32 bytes. */
function verifyCertificate(rootKey: Uint8Array, bytes: Uint8Array): Certificate {
  const certificate = decodeCertificate(bytes);
  if (certificate.rootKeyId !== keyIdOf(rootKey)) {
    throw new ProofError(
      `certificate ${certificate.serial} is signed by root key ${certificate.rootKeyId}, the pinned one is ${keyIdOf(rootKey)}`,
    );
  }
  if (!signedBy(rootKey, bytes, CERTIFICATE_BODY))
    throw new ProofError(`the signature of certificate ${certificate.serial} is wrong`);
  return certificate;
}

/** All certificates of a log, in any order; serials must be 1, 2, 3 … */
export function verifyCertificates(rootKey: Uint8Array, all: readonly Uint8Array[]): Certificate[] {
  const certificates = all.map((bytes) => verifyCertificate(rootKey, bytes));
  certificates.sort((a, b) => a.serial - b.serial);
  for (const [at, { serial, logId }] of certificates.entries()) {
    if (serial !== at + 1) throw new ProofError(`certificate ${at + 1} is missing or there twice`);
    if (logId !== certificates[0]!.logId) throw new ProofError('the certificates are of different logs');
  }
  return certificates;
}

/** Reads a checkpoint without checking its signature. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const read = new Reader(bytes, 'a checkpoint');
  const version = read.expect('TRUTHCKP', CHECKPOINT_BODY, 2) === 1 ? 1 : 2;
  const logId = read.hex(16);
  const [epoch, erased] = [read.u32(), read.u32()];
  if (version === 1 && erased !== 0)
    throw new ProofError('a checkpoint has reserved bytes that are not zero');
  const [size, ordinal, recordedAt] = [read.count(), read.count(), read.u64()];
  const [chain, root] = [read.hex(HASH), read.hex(HASH)];
  const tenants = read.count();
  const [tenantsRoot, erasures, previous] = [read.hex(HASH), read.hex(HASH), read.hex(HASH)];
  const keyId = read.hex(16);
  read.bytes(SIGNATURE);
  read.end();
  const named = { version, logId, epoch, size, ordinal, recordedAt, chain, root } as const;
  return {
    ...named,
    tenants,
    tenantsRoot,
    erased,
    erasures,
    previous,
    keyId,
    hash: sha256Hex(bytes.subarray(0, CHECKPOINT_BODY)),
  };
}

/**
 * The key that may sign a checkpoint is the one of the certificate with the highest serial whose `fromSize` is not above the
 * checkpoint's size: a key that has been replaced signs nothing beyond its time.
 */
export function verifyCheckpoint(certificates: readonly Certificate[], bytes: Uint8Array): Checkpoint {
  const checkpoint = decodeCheckpoint(bytes);
  const { size } = checkpoint;
  const publicKey = rightfulKey(certificates, { ...checkpoint, what: `the checkpoint of size ${size}` });
  if (!signedBy(publicKey, bytes, CHECKPOINT_BODY))
    throw new ProofError(`the signature of the checkpoint of size ${size} is wrong`);
  return checkpoint;
}

/** The public key that counts at a size, when it is the one that `what` says to be signed by. */
export function rightfulKey(
  certificates: readonly Certificate[],
  { what, logId, size, keyId }: { what: string; logId: string; size: number; keyId: string },
): Uint8Array {
  const rightful = certificates.findLast(({ fromSize }) => fromSize <= size);
  if (rightful === undefined || rightful.keyId !== keyId) {
    const known = certificates.some((certificate) => certificate.keyId === keyId);
    throw new ProofError(
      `${what} is signed by key ${keyId}, which ${known ? 'is not the one that counts there' : 'no certificate knows'}`,
    );
  }
  if (rightful.logId !== logId)
    throw new ProofError(`${what} is of log ${logId}, the key of log ${rightful.logId}`);
  return unhex(rightful.publicKey);
}

/** SubjectPublicKeyInfo of Ed25519 up to the key's 32 bytes (RFC 8410). */
const SPKI = unhex('302a300506032b6570032100');

function signedBy(publicKey: Uint8Array, bytes: Uint8Array, bodyBytes: number): boolean {
  return isSignature(publicKey, bytes.subarray(0, bodyBytes), bytes.subarray(bodyBytes));
}

/** Whether `signature` is Ed25519's of `message` by the key of 32 bytes. */
export function isSignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}

// ---- trees ---------------------------------------------------------------------------------------------------------

/** Leaf of an entry: `header` is the 40 bytes before the checksum, `payloadHash` the SHA-256 of the payload. */
export function leafHash(header: Uint8Array, payloadHash: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), header, payloadHash);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right);
}

/** Leaf of every sequence of a range that was lost before its leaves were computed. */
export function gapLeafHash(from: number, to: number): Uint8Array {
  return sha256(Uint8Array.of(2), u64(from), u64(to));
}

export function tenantLeafHash(tenant: number, size: number, root: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), u64(tenant), u64(size), root);
}

/** Root of the tree of no leaves. */
export const EMPTY_ROOT = sha256Hex(new Uint8Array());

/** Throws unless the leaves from index `first` on are those of the tree with `size` leaves and that root. */
export function verifyRange(
  first: number,
  leaves: readonly Uint8Array[],
  size: number,
  path: readonly Uint8Array[],
  root: string,
): void {
  const end = first + leaves.length;
  if (leaves.length === 0 || end > size) throw new ProofError('the range shown does not lie in the tree');
  let used = 0;
  const subtree = (low: number, high: number): Uint8Array => {
    if (high <= first || low >= end) {
      const given = path[used++];
      if (given === undefined) throw new ProofError('the proof is too short');
      return given;
    }
    if (high - low === 1) return leaves[low - first]!;
    const middle = low + splitOf(high - low);
    const left = subtree(low, middle);
    return nodeHash(left, subtree(middle, high));
  };
  const computed = hex(subtree(0, size));
  if (used !== path.length) throw new ProofError('the proof is too long');
  if (computed !== root) throw new ProofError('the leaves shown do not lead to the root that was signed');
}

/** RFC 9162, section 2.1.4.2: the tree of `newSize` leaves begins with the tree of `oldSize` leaves. */
export function verifyConsistency(
  [oldSize, oldRoot]: readonly [number, string],
  [newSize, newRoot]: readonly [number, string],
  path: readonly Uint8Array[],
): void {
  if (oldSize > newSize)
    throw new ProofError(`a tree of ${newSize} leaves does not extend one of ${oldSize}`);
  if (oldSize === 0 || oldSize === newSize) {
    if (path.length > 0) throw new ProofError('the proof is too long');
    const expected = oldSize === 0 ? EMPTY_ROOT : newRoot;
    if (oldRoot !== expected) throw new ProofError('two trees of the same size have different roots');
    return;
  }
  let rest = path;
  let node = oldSize - 1;
  let last = newSize - 1;
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let first: Uint8Array;
  if (node === 0) first = unhex(oldRoot);
  else [first, rest] = taken(rest);
  let [oldHash, newHash] = [first, first];
  while (last > 0) {
    if (node % 2 === 1 || node === last) {
      const [sibling, others] = taken(rest);
      rest = others;
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      const [sibling, others] = taken(rest);
      rest = others;
      newHash = nodeHash(newHash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  if (rest.length > 0) throw new ProofError('the proof is too long');
  if (hex(oldHash) !== oldRoot) throw new ProofError('the proof does not lead to the earlier root');
  if (hex(newHash) !== newRoot)
    throw new ProofError('the proof does not lead to the later root: the history was rewritten');
}

function taken(path: readonly Uint8Array[]): [Uint8Array, readonly Uint8Array[]] {
  const [first, ...rest] = path;
  if (first === undefined) throw new ProofError('the proof is too short');
  return [first, rest];
}

/** Leaves of the left side of a tree of `size` leaves: the largest power of two below it. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

/** What an entry's header says; offsets as in docs/wal-format.md. */
export function headerOf(header: Uint8Array) {
  const read = new Reader(header, 'an entry header');
  const [version, type] = [read.u16(), read.u16()];
  const payloadBytes = read.u32();
  const [sequence, ordinal] = [read.count(), read.count()];
  const [partitionKey, tenant, flags] = [read.u64(), read.u32(), read.u32()];
  if (version !== 1) throw new ProofError(`an entry of format ${version}`);
  return { type, payloadBytes, sequence, ordinal, partitionKey, tenant, flags };
}

// ---- bytes ---------------------------------------------------------------------------------------------------------

/** Reads fields in order; throws ProofError where bytes are missing, left over or not what they must be. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new ProofError(`${this.#what} is too short`);
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return found;
  }

  u16(): number {
    return this.#view.getUint16(this.#next(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#next(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#next(8), true);
  }

  /** A u64 that must be exact as a number. */
  count(): number {
    const value = Number(this.u64());
    if (!Number.isSafeInteger(value)) throw new ProofError(`${this.#what} holds a number that is too large`);
    return value;
  }

  hex(length: number): string {
    return hex(this.bytes(length));
  }

  zero(): void {
    if (this.u32() !== 0) throw new ProofError(`${this.#what} has reserved bytes that are not zero`);
  }

  /** Bytes followed by zeros up to a multiple of 8. */
  padded(length: number): Uint8Array {
    const found = this.bytes(length);
    if (this.bytes((8 - (length % 8)) % 8).some((byte) => byte !== 0))
      throw new ProofError(`${this.#what} has padding that is not zero`);
    return found;
  }

  list(count: number, size: number): Uint8Array[] {
    if (count * size > this.#bytes.length - this.#at) throw new ProofError(`${this.#what} is too short`);
    return Array.from({ length: count }, () => this.bytes(size));
  }

  /** Magic, a version from 1 to `newest`, which it returns, and, unless null, the length of the body. */
  expect(magic: string, bodyBytes: number | null, newest: number): number {
    const found = Buffer.from(this.bytes(8)).toString('latin1');
    if (found !== magic) throw new ProofError(`this is not ${this.#what}: it does not begin with ${magic}`);
    const version = this.u32();
    if (version < 1 || version > newest)
      throw new ProofError(`${this.#what} of format ${version}; this program reads up to format ${newest}`);
    if (bodyBytes !== null && this.u32() !== bodyBytes)
      throw new ProofError(`${this.#what} gives a length that is not its own`);
    return version;
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new ProofError(`${this.#what} has bytes after its end`);
  }

  #next(length: number): number {
    this.bytes(length);
    return this.#at - length;
  }
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  // As text because that is several times faster for short input; latin1 keeps every byte.
  return Buffer.from(hash('sha256', Buffer.concat(parts), 'latin1'), 'latin1');
}

export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function unhex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}
