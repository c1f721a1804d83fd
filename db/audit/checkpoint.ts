/** Checkpoints and certificates as bytes, and as text for people. The other way is verifier.ts. */
import { type KeyObject, sign } from 'node:crypto';
import { TruthError } from '../errors.ts';
import { type Layout, writeCount } from '../wal/layout.ts';
import {
  CERTIFICATE,
  CERTIFICATE_MAGIC,
  CHECKPOINT,
  CHECKPOINT_MAGIC,
  PROOF_VERSION,
  SIGNATURE_BYTES,
} from './format.ts';
import {
  type Certificate,
  type Checkpoint,
  decodeCertificate,
  decodeCheckpoint,
  hex,
  unhex,
} from './verifier.ts';

export type CheckpointFields = Omit<Checkpoint, 'hash'>;
export type CertificateFields = Omit<Certificate, 'keyId'>;

export function signCheckpoint(fields: CheckpointFields, key: KeyObject): Uint8Array {
  return signed(checkpointBody(fields), key);
}

function checkpointBody(fields: CheckpointFields): Uint8Array {
  const { bytes, view, put } = bodyOf(CHECKPOINT, CHECKPOINT_MAGIC, fields.version);
  const { at } = CHECKPOINT;
  put(at.logId, fields.logId);
  view.setUint32(at.epoch, fields.epoch, true);
  view.setUint32(at.erased, fields.erased, true);
  writeCount(view, at.size, fields.size);
  writeCount(view, at.ordinal, fields.ordinal);
  view.setBigUint64(at.recordedAt, fields.recordedAt, true);
  put(at.chain, fields.chain);
  put(at.root, fields.root);
  writeCount(view, at.tenants, fields.tenants);
  put(at.tenantsRoot, fields.tenantsRoot);
  put(at.erasures, fields.erasures);
  put(at.previous, fields.previous);
  put(at.keyId, fields.keyId);
  return bytes;
}

export function signCertificate(fields: CertificateFields, rootKey: KeyObject): Uint8Array {
  const { bytes, view, put } = bodyOf(CERTIFICATE, CERTIFICATE_MAGIC, PROOF_VERSION);
  const { at } = CERTIFICATE;
  put(at.logId, fields.logId);
  writeCount(view, at.serial, fields.serial);
  writeCount(view, at.fromSize, fields.fromSize);
  view.setBigUint64(at.issuedAt, fields.issuedAt, true);
  put(at.publicKey, fields.publicKey);
  put(at.rootKeyId, fields.rootKeyId);
  return signed(bytes, rootKey);
}

function bodyOf(layout: Layout<string>, magic: bigint, version: number) {
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, magic, true);
  view.setUint32(8, version, true);
  view.setUint32(12, layout.size, true);
  return { bytes, view, put: (at: number, text: string) => bytes.set(unhex(text), at) };
}

function signed(body: Uint8Array, key: KeyObject): Uint8Array {
  const bytes = new Uint8Array(body.length + SIGNATURE_BYTES);
  bytes.set(body);
  bytes.set(sign(null, body, key), body.length);
  return bytes;
}

/** A checkpoint with the certificates its key rests on: what somebody keeps to compare with later. */
export interface KeptCheckpoint {
  readonly checkpoint: Uint8Array;
  readonly certificates: readonly Uint8Array[];
}

const TITLE = 'truthdb checkpoint';

/** The text form: one line a field, in this order; there is one text for each checkpoint. */
export function checkpointText({ checkpoint, certificates }: KeptCheckpoint): string {
  const fields = decodeCheckpoint(checkpoint);
  const lines: readonly (readonly [string, string | number])[] = [
    ['log', fields.logId],
    ['epoch', fields.epoch],
    ['size', fields.size],
    ['ordinal', fields.ordinal],
    ['recorded', momentText(fields.recordedAt)],
    ['chain', fields.chain],
    ['root', fields.root],
    ['tenants', fields.tenants],
    ['tenants-root', fields.tenantsRoot],
    ...(fields.version === 1 ? [] : [['erased', fields.erased] as const]),
    ['erasures', fields.erasures],
    ['previous', fields.previous],
    ['key', fields.keyId],
    ['signature', hex(checkpoint.subarray(CHECKPOINT.size))],
    ...certificates.map((each) => ['certificate', hex(each)] as const),
  ];
  return [`${TITLE} ${fields.version}`, ...lines.map(([name, value]) => `${name}: ${value}`), ''].join('\n');
}

/** Reads the text form; anything but exactly it is refused. Signatures are not checked. Errors: INVALID_ARGUMENT. */
export function parseCheckpointText(text: string): KeptCheckpoint {
  const lines = text.split('\n').map((line) => line.split(': '));
  const value = (name: string) => lines.find(([found]) => found === name)?.[1] ?? '';
  const number = (name: string) => Number(/^\d{1,16}$/.test(value(name)) ? value(name) : Number.NaN);
  const certificates = lines
    .filter(([name]) => name === 'certificate')
    .map(([, bytes]) => unhex(bytes ?? ''));
  try {
    const first = text.startsWith(`${TITLE} 1\n`);
    const body = checkpointBody({
      version: first ? 1 : 2,
      logId: value('log'),
      epoch: number('epoch'),
      size: number('size'),
      ordinal: number('ordinal'),
      recordedAt: momentOf(value('recorded')),
      chain: value('chain'),
      root: value('root'),
      tenants: number('tenants'),
      tenantsRoot: value('tenants-root'),
      erased: first ? 0 : number('erased'),
      erasures: value('erasures'),
      previous: value('previous'),
      keyId: value('key'),
    });
    const checkpoint = Uint8Array.from([...body, ...unhex(value('signature'))]);
    for (const each of certificates) decodeCertificate(each);
    const kept = { checkpoint, certificates };
    if (checkpointText(kept) === text) return kept;
  } catch {
    // Falls through to the one answer for whatever is not one.
  }
  throw new TruthError(
    'INVALID_ARGUMENT',
    `this is not the text of a checkpoint as \`truthdb checkpoint show\` prints it (it begins with "${TITLE}"); nothing in it may be changed`,
  );
}

/** Nanoseconds since 1970 as ISO 8601 with nine digits. */
export function momentText(nanos: bigint): string {
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, -5);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}

function momentOf(text: string): bigint {
  const match = /^(.{19})\.(\d{9})Z$/.exec(text);
  if (match === null) throw new Error('not a moment');
  return BigInt(Date.parse(`${match[1]}Z`)) * 1_000_000n + BigInt(match[2]!);
}
