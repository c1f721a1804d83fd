/** Keys as they lie in the file: the space, four bytes big-endian, then the key. */
import { TruthError } from '../../errors.ts';
import type { KeyRange, Space } from './contract.ts';

const SPACE_BYTES = 4;
/** The one above is what the last space ends before. */
const SPACE_MAX = 0xffff_fffe;
/** Longest key of a space, in bytes. */
export const KEY_BYTES_MAX = 65_535;

/** Errors: INVALID_ARGUMENT (no such space), TOO_LARGE. */
export function spaceKey(space: Space, key: Uint8Array): Uint8Array {
  if (key.length > KEY_BYTES_MAX)
    throw new TruthError('TOO_LARGE', `a key has ${key.length} bytes; at most ${KEY_BYTES_MAX} are kept`);
  const whole = spaceStart(space, key.length);
  whole.set(key, SPACE_BYTES);
  return whole;
}

/** Above every stored key. */
export const EVERY_KEY_END: Uint8Array = new Uint8Array([0xff, 0xff, 0xff, 0xff]);

export interface StoredRange {
  /** Inclusive. */
  readonly from: Uint8Array;
  /** Exclusive. */
  readonly to: Uint8Array;
}

/** A range of a space as a range of stored keys. */
export function storedRange(space: Space, { from, to }: KeyRange): StoredRange {
  return {
    from: from === null ? spaceStart(space, 0) : spaceKey(space, from),
    to: to === null ? spaceStart((space + 1) as Space, 0) : spaceKey(space, to),
  };
}

/** The smallest key above a stored one. */
export function successor(stored: Uint8Array): Uint8Array {
  const next = new Uint8Array(stored.length + 1);
  next.set(stored);
  return next;
}

/** The key within its space: shares the memory of the stored one. */
export function keyOf(stored: Uint8Array): Uint8Array {
  return stored.subarray(SPACE_BYTES);
}

export function spaceOf(stored: Uint8Array): Space {
  return (stored[0]! * 0x100_0000 + (stored[1]! << 16) + (stored[2]! << 8) + stored[3]!) as Space;
}

function spaceStart(space: number, more: number): Uint8Array {
  if (!Number.isInteger(space) || space < 0 || space > SPACE_MAX + 1)
    throw new TruthError(
      'INVALID_ARGUMENT',
      `${space} is no space: use a whole number from 0 to ${SPACE_MAX}`,
    );
  const bytes = new Uint8Array(SPACE_BYTES + more);
  bytes[0] = space >>> 24;
  bytes[1] = space >>> 16;
  bytes[2] = space >>> 8;
  bytes[3] = space;
  return bytes;
}
