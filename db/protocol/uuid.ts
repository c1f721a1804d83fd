/** Event ids: UUIDs of version 7 (RFC 9562), whose leading time keeps ids made together close together in an index. */
import { Buffer } from 'node:buffer';
import { randomFillSync } from 'node:crypto';
import { TruthError } from '../errors.ts';

const BYTES = 16;
const POOL_IDS = 256;
const TWO_TO_32 = 0x1_0000_0000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

let pool: Buffer = Buffer.alloc(0);
let used = 0;

export function newUuid(): Uint8Array {
  if (used >= pool.length) {
    // A fresh pool each time: the ids handed out are views into it.
    pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_IDS * BYTES));
    used = 0;
  }
  const id = new Uint8Array(pool.buffer, pool.byteOffset + used, BYTES);
  used += BYTES;
  const millis = Date.now();
  const high = Math.floor(millis / TWO_TO_32);
  id[0] = high >>> 8;
  id[1] = high;
  id[2] = millis >>> 24;
  id[3] = millis >>> 16;
  id[4] = millis >>> 8;
  id[5] = millis;
  id[6] = (id[6]! & 0x0f) | 0x70;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return id;
}

/** Errors: INVALID_ARGUMENT. */
export function parseUuid(text: string): Uint8Array {
  if (!UUID.test(text)) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `"${text}" is not a UUID such as 0190c1a6-5b3e-7c4d-8e2f-1a2b3c4d5e6f`,
    );
  }
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}

export function formatUuid(id: Uint8Array): string {
  const hex = Buffer.from(id.buffer, id.byteOffset, id.length).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
