import { TruthError } from '../../../errors.ts';
import { xxh64Low } from '../../../hash/index.ts';
import type { Micros } from '../../ground.ts';
import type { Cursor } from '../query.ts';

/** Version, position, now, seed as doubles, offset as 32 bits, then 32 bits of a hash of these; little-endian. */
const CONTENT = 1 + 3 * 8 + 4;
const BYTES = CONTENT + 4;
const VERSION = 1;

/** A cursor as people carry it from page to page. */
export function encodeCursor({ position, now, seed, offset }: Cursor): string {
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt8(VERSION, 0);
  bytes.writeDoubleLE(position, 1);
  bytes.writeDoubleLE(now, 9);
  bytes.writeDoubleLE(seed, 17);
  bytes.writeUInt32LE(offset, 25);
  bytes.writeUInt32LE(xxh64Low(bytes, 0, CONTENT), CONTENT);
  return bytes.toString('base64url');
}

/** Errors: INVALID_ARGUMENT for a text that `encodeCursor` has not made. */
export function decodeCursor(text: string): Cursor {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length !== BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== text)
    throw invalid(text);
  if (bytes.readUInt32LE(CONTENT) !== xxh64Low(bytes, 0, CONTENT)) throw invalid(text);
  const cursor = {
    position: bytes.readDoubleLE(1),
    now: bytes.readDoubleLE(9) as Micros,
    seed: bytes.readDoubleLE(17),
    offset: bytes.readUInt32LE(25),
  };
  const whole = [cursor.position, cursor.now, cursor.seed].every(Number.isSafeInteger);
  if (!whole || cursor.position < 0) throw invalid(text);
  return cursor;
}

function invalid(text: string): TruthError {
  const given = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return new TruthError(
    'INVALID_ARGUMENT',
    `'${given}' is not a cursor: pass on the \`cursor\` of the page before as it is, or leave it out for the first page`,
  );
}
