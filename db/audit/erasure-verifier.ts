/**
 * Checks certificates of erasure: JSON that says what was erased, where the log says so and who may still have a copy, signed by
 * the key that signs checkpoints. Built from verifier.ts and nothing else. What is signed is not the text but its canonical form
 * (RFC 8785), so that spaces and line breaks mean nothing; a text that says anything twice is refused.
 */
import {
  type Certificate,
  isSignature,
  ProofError,
  rightfulKey,
  unhex,
  verifyCertificates,
} from './verifier.ts';

/** Before the canonical form, so that nothing else that is signed can be taken for one. */
const DOMAIN = 'truthdb erasure 2\n';

/** Hashes and keys' names are hex. */
export interface ErasureContent {
  readonly format: 2;
  readonly logId: string;
  readonly of: 'tenant' | 'subject';
  readonly tenant: number;
  readonly name: string;
  /** Of a person: what stood for them in the log. */
  readonly handle: string | null;
  /** Sequence of the entry that says so, and its leaf in the trees. */
  readonly position: number;
  readonly leaf: string;
  /** Last sequence of the log when this was issued: the key that counts there signs. */
  readonly size: number;
  /** ISO 8601. */
  readonly at: string;
  readonly destroyed: {
    readonly keys: readonly string[];
    /** What became of the key that they were wrapped under. */
    readonly keyEncryptionKey: string;
    readonly snapshots: readonly string[];
    readonly views: readonly string[];
  };
  /** Who may still have a copy, or keys to one. */
  readonly unconfirmed: readonly { readonly holder: string; readonly why: string }[];
}

export interface ErasureSignature {
  readonly keyId: string;
  /** Those of the log when it was signed, hex, serial 1 first. */
  readonly certificates: readonly string[];
  /** Ed25519 over the canonical form of everything but `signed`, hex. */
  readonly signature: string;
}

export interface SignedErasure extends ErasureContent {
  readonly signed: ErasureSignature | null;
}

/** What is signed. */
export function erasureMessage(content: ErasureContent): Uint8Array {
  return Buffer.from(DOMAIN + canonicalJson(content));
}

/** Whether the text is one of format 1, of older releases, which are not signed. */
export function isUnsignedErasure(text: string): boolean {
  return (jsonOf(text) as { format?: unknown } | null)?.format === 1;
}

/** Reads a certificate without checking its signature. */
export function decodeErasure(text: string): SignedErasure {
  const value = jsonOf(text);
  // Written again it must be the same text: nothing is said twice.
  const same = [JSON.stringify(value), JSON.stringify(value, null, 2)].includes(text.trimEnd());
  if (!same || !isErasure(value)) throw new ProofError('this is not a certificate of erasure of format 2');
  return value;
}

/** The certificate, when the key that counts where it was issued has signed it. */
export function verifyErasure(certificates: readonly Certificate[], text: string): SignedErasure {
  const erasure = decodeErasure(text);
  const { signed, ...content } = erasure;
  const what = `the certificate of the erasure at ${content.position}`;
  if (signed === null) throw new ProofError(`${what} is not signed`);
  const publicKey = rightfulKey(certificates, { what, ...content, keyId: signed.keyId });
  if (!isSignature(publicKey, erasureMessage(content), unhex(signed.signature)))
    throw new ProofError(`the signature of ${what} is wrong`);
  return erasure;
}

/** The same with the pinned root key and the certificates that it carries. */
export function verifyErasureAlone(rootKey: Uint8Array, text: string): SignedErasure {
  const { signed } = decodeErasure(text);
  return verifyErasure(verifyCertificates(rootKey, (signed?.certificates ?? []).map(unhex)), text);
}

/** RFC 8785: names in the order of their UTF-16 code units, no spaces. Numbers are whole ones here. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonicalJson(each)}`).join(',')}}`;
}

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === 'string' && value.isWellFormed();
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isHex =
  (bytes: number): Check =>
  (value) =>
    typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);
const isAnyHex: Check = (value) => typeof value === 'string' && /^([0-9a-f]{2})*$/.test(value);
const listOf =
  (each: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(each);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const record =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === Object.keys(checks).length &&
    Object.entries(checks).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const isWhole = record({
  format: (value) => value === 2,
  logId: isHex(16),
  of: (value) => value === 'tenant' || value === 'subject',
  tenant: isCount,
  name: isText,
  handle: orNull(isHex(16)),
  position: isCount,
  leaf: isHex(32),
  size: isCount,
  at: isText,
  destroyed: record({
    keys: listOf(isHex(8)),
    keyEncryptionKey: isText,
    snapshots: listOf(isText),
    views: listOf(isText),
  }),
  unconfirmed: listOf(record({ holder: isText, why: isText })),
  signed: orNull(record({ keyId: isHex(16), certificates: listOf(isAnyHex), signature: isHex(64) })),
});

function isErasure(value: unknown): value is SignedErasure {
  return isWhole(value) && (value as SignedErasure).size >= (value as SignedErasure).position;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
