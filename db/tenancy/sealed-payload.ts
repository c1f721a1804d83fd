/**
 * The payload of a sealed entry. Little-endian, a header of 32 bytes, the ciphertext, and in the last entry of a message the
 * tag. Entries of one tenant and no subject in one command are sealed as one message, because a cipher object costs more than
 * the bytes of a small entry; `index` and `count` say which of the message's entries one is, and its nonce is the sequence of
 * the first. What stands outside the ciphertext is bound to it as associated data.
 *
 *     0   u8         version, 1
 *     1   u8         zero
 *     2   u16        index within the message
 *     4   u16        entries of the message
 *     6   u16        zero
 *     8   bytes 8    name of the key
 *     16  bytes 16   handle of the subject; zeros without one
 *     32             ciphertext
 */
import { TruthError } from '../errors.ts';
import type { Sequence, TenantId } from '../types.ts';
import { TAG_BYTES } from './keys/entry-cipher.ts';
import type { KeyId } from './keys/index.ts';

const VERSION = 1;
export const SEALED_HEADER_BYTES = 32;
/** Of what is about nobody, hex. */
export const NO_HANDLE = '00'.repeat(16);
/** What sealing adds to a payload at most. */
export const SEALED_OVERHEAD_BYTES = SEALED_HEADER_BYTES + TAG_BYTES;
/** What of each entry is bound: type u16, length u32. */
const BOUND_BYTES = 6;
const AT = { index: 2, count: 4, key: 8, handle: 16 } as const;

export interface SealedHeader {
  readonly key: KeyId;
  /** Hex. */
  readonly handle: string;
  readonly index: number;
  readonly count: number;
}

/** Of an entry what is bound to its ciphertext. */
export interface BoundEntry {
  readonly type: number;
  /** Of the ciphertext. */
  readonly bytes: number;
}

/** The header of a message's first entry. */
export function sealedHeader({ key, handle, count }: Omit<SealedHeader, 'index'>): Uint8Array {
  // Not `alloc`, here and below: memory of its own for each costs as much as sealing a small row.
  const header = Buffer.allocUnsafe(SEALED_HEADER_BYTES).fill(0, 0, AT.key);
  header[0] = VERSION;
  header.writeUInt16LE(count, AT.count);
  header.write(key, AT.key, 'hex');
  header.write(handle, AT.handle, 'hex');
  return header;
}

/** Makes the header of the message's entry with that index out of the first one's. */
export function writeSealedHeader(payload: Uint8Array, header: Uint8Array, index: number): void {
  payload.set(header);
  payload[AT.index] = index;
  payload[AT.index + 1] = index >>> 8;
}

/** Errors: UNSUPPORTED_VERSION, CORRUPT. */
export function readSealedHeader(payload: Uint8Array, at: Sequence): SealedHeader {
  const buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (payload[0] !== VERSION) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the entry at ${at} is sealed in version ${payload[0] ?? 'none'}, this release opens ${VERSION}: use the release that wrote it, or a newer one`,
      { sequence: at },
    );
  }
  const [index, count] =
    payload.length < SEALED_HEADER_BYTES
      ? [0, 0]
      : [buffer.readUInt16LE(AT.index), buffer.readUInt16LE(AT.count)];
  const tagged = index === count - 1;
  if (index >= count || payload.length < SEALED_HEADER_BYTES + (tagged ? TAG_BYTES : 0)) throw notSealed(at);
  return {
    key: buffer.toString('hex', AT.key, AT.handle) as KeyId,
    handle: buffer.toString('hex', AT.handle, SEALED_HEADER_BYTES),
    index,
    count,
  };
}

export function associatedData(
  logId: Uint8Array,
  tenant: TenantId,
  { key, handle }: Pick<SealedHeader, 'key' | 'handle'>,
  entries: readonly BoundEntry[],
): Uint8Array {
  const fixed = logId.length + 4 + 8 + 16;
  const bytes = Buffer.allocUnsafe(fixed + entries.length * BOUND_BYTES);
  bytes.set(logId);
  bytes.writeUInt32LE(tenant, logId.length);
  bytes.write(key, logId.length + 4, 'hex');
  bytes.write(handle, logId.length + 12, 'hex');
  let at = fixed;
  for (const entry of entries) {
    bytes.writeUInt16LE(entry.type, at);
    bytes.writeUInt32LE(entry.bytes, at + 2);
    at += BOUND_BYTES;
  }
  return bytes;
}

export function notSealed(at: Sequence): TruthError {
  return new TruthError(
    'CORRUPT',
    `the sealed entry at ${at} does not open: its bytes, or what stands around them, are not what was sealed`,
    { sequence: at },
  );
}
