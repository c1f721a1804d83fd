/**
 * Keys sealed to a recovery key: an X25519 public key whose private half somebody keeps elsewhere (`openssl genpkey
 * -algorithm x25519`). An ephemeral key pair, HKDF-SHA256 over what both sides agree on, AES-256-GCM over the keys as JSON.
 */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import type { TenantId } from '../../types.ts';
import type { BareKey, KeyId } from './key-ring.ts';

const INFO = 'truthdb key export 1';
const keysSchema = z.array(
  z.strictObject({
    tenant: z.int().min(0),
    id: z.string().regex(/^[0-9a-f]{16}$/),
    kind: z.enum(['data', 'secret', 'subject', 'destroyed']),
    handle: z.string().nullable(),
    key: z.base64(),
  }),
);
const exportSchema = z.strictObject({
  format: z.literal(1),
  logId: z.string().regex(/^[0-9a-f]{32}$/),
  ephemeral: z.string(),
  sealed: z.base64(),
});

/** `publicKey` in PEM. Errors: INVALID_ARGUMENT. */
export function sealKeys(keys: Iterable<BareKey>, logId: Uint8Array, publicKey: string): string {
  const recovery = x25519(publicKey, 'public');
  const { publicKey: ephemeral, privateKey } = generateKeyPairSync('x25519');
  const id = Buffer.from(logId).toString('hex');
  const key = agreed(privateKey, recovery, id);
  // The key is used once, so the nonce may be fixed.
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
  const rows = [...keys].map((each) => ({ ...each, key: Buffer.from(each.key).toString('base64') }));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(rows)), cipher.final(), cipher.getAuthTag()]);
  const pem = ephemeral.export({ type: 'spki', format: 'pem' }).toString();
  return `${JSON.stringify({ format: 1, logId: id, ephemeral: pem, sealed: sealed.toString('base64') })}\n`;
}

/** `privateKey` in PEM. Errors: INVALID_ARGUMENT: not an export, of another log, sealed to another key. */
export function openKeys(text: string, logId: Uint8Array, privateKey: string): BareKey[] {
  const parsed = exportSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw new TruthError('INVALID_ARGUMENT', 'this is no export of keys of this version');
  const { logId: id, ephemeral, sealed } = parsed.data;
  if (id !== Buffer.from(logId).toString('hex')) {
    throw new TruthError('INVALID_ARGUMENT', `these are keys of the log ${id}, not of this one`);
  }
  const key = agreed(x25519(privateKey, 'private'), x25519(ephemeral, 'public'), id);
  const bytes = Buffer.from(sealed, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.alloc(12));
    decipher.setAuthTag(bytes.subarray(-16));
    const json = Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
    return keysSchema.parse(JSON.parse(json.toString())).map((each) => ({
      ...each,
      tenant: each.tenant as TenantId,
      id: each.id as KeyId,
      key: Buffer.from(each.key, 'base64'),
    }));
  } catch (cause) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      'the export does not open with this recovery key: it was sealed to another one, or has changed',
      {},
      { cause },
    );
  }
}

function agreed(own: KeyObject, other: KeyObject, logId: string): Uint8Array {
  const shared = diffieHellman({ privateKey: own, publicKey: other });
  return new Uint8Array(hkdfSync('sha256', shared, logId, INFO, 32));
}

function x25519(pem: string, half: 'public' | 'private'): KeyObject {
  let key: KeyObject | null = null;
  try {
    key = half === 'public' ? createPublicKey(pem) : createPrivateKey(pem);
  } catch {
    // Falls through to the one answer for anything that is no such key.
  }
  if (key?.asymmetricKeyType === 'x25519') return key;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `that is no ${half} X25519 key in PEM; openssl genpkey -algorithm x25519 makes one`,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
