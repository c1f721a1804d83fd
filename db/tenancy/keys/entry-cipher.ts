/**
 * What seals an entry. Its key is HKDF-SHA256 over the tenant's or subject's key, salted with the epoch's random bytes: an
 * epoch writes each sequence once, so with the sequence as nonce no key ever meets a nonce twice, whatever was torn off,
 * restored or forked. AES-256-GCM, which node:crypto does in hardware.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { Sequence } from '../../types.ts';
import { KEY_BYTES } from './kek.ts';

export const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const U32 = 0x1_0000_0000;
const INFO = 'truthdb entry key 1';

export function entryKey(key: Uint8Array, epochRandom: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, epochRandom, INFO, KEY_BYTES));
}

/** Seals one message. */
export function seal(
  key: Uint8Array,
  nonce: Sequence,
  associated: Uint8Array,
  message: Uint8Array,
): { readonly sealed: Uint8Array; readonly tag: Uint8Array } {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(nonce));
  cipher.setAAD(associated);
  const sealed = cipher.update(message);
  cipher.final();
  return { sealed, tag: cipher.getAuthTag() };
}

/** The message, or null when anything about it has changed. */
export function open(
  key: Uint8Array,
  nonce: Sequence,
  associated: Uint8Array,
  sealed: Uint8Array,
  tag: Uint8Array,
): Uint8Array | null {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(nonce), { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(tag);
  const message = decipher.update(sealed);
  try {
    decipher.final();
    return message;
  } catch {
    return null;
  }
}

function nonceOf(sequence: Sequence): Uint8Array {
  const nonce = Buffer.allocUnsafe(NONCE_BYTES);
  nonce.writeUInt32BE(0);
  nonce.writeUInt32BE(Math.floor(sequence / U32), NONCE_BYTES - 8);
  nonce.writeUInt32BE(sequence % U32, NONCE_BYTES - 4);
  return nonce;
}
