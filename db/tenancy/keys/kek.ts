/** A key-encryption key: 32 bytes that wrap other keys with AES-256-GCM, and the name by which a file says which one it needs. */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { TruthError } from '../../errors.ts';

export const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface Kek {
  /** Hex, 16 digits: says nothing of the key. */
  readonly id: string;
  readonly key: Uint8Array;
}

export function kekOf(key: Uint8Array): Kek {
  if (key.length !== KEY_BYTES)
    throw new TruthError('CONFIG', `a key-encryption key of ${key.length} bytes was given, not ${KEY_BYTES}`);
  const id = createHash('sha256').update('truthdb key-encryption key').update(key).digest('hex').slice(0, 16);
  return { id, key };
}

/** `context` says what the key is for: unwrapping it for anything else fails. */
export function wrapKey(
  kek: Kek,
  key: Uint8Array,
  context: string,
  random: (bytes: number) => Uint8Array,
): string {
  const iv = random(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', kek.key, iv);
  cipher.setAAD(Buffer.from(context));
  const wrapped = Buffer.concat([iv, cipher.update(key), cipher.final(), cipher.getAuthTag()]);
  return wrapped.toString('base64');
}

/** Errors: KEY_UNAVAILABLE when it was wrapped under another key, for something else, or has changed. */
export function unwrapKey(kek: Kek, wrapped: string, context: string): Uint8Array {
  const bytes = Buffer.from(wrapped, 'base64');
  try {
    const decipher = createDecipheriv('aes-256-gcm', kek.key, bytes.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    return Buffer.concat([
      decipher.update(bytes.subarray(IV_BYTES, bytes.length - TAG_BYTES)),
      decipher.final(),
    ]);
  } catch (cause) {
    throw new TruthError(
      'KEY_UNAVAILABLE',
      `a wrapped key (${context}) does not open under the key-encryption key ${kek.id}: one of the two has changed; restore both from the same copy`,
      {},
      { cause },
    );
  }
}
