/**
 * The payload of a numbers entry (type 85), 8 bytes, little-endian: u8 version, u8 zero, u16 kind, u32 the largest number of the
 * kind that has been given to somebody. It stands before the persons whose numbers these are, and is not about any of them: when
 * they have been erased, nobody else gets their numbers, which edges and items of others may still have.
 */
import type { EntityNumber, KindId } from '../ground.ts';
import type { NumbersEntry } from './entry.ts';
import { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const VERSION = 1;

const writer = new PayloadWriter();

export function encodeNumbers({ kind, last }: NumbersEntry): Uint8Array {
  writer.u8(VERSION);
  writer.u8(0);
  writer.u16(kind);
  writer.u32(last);
  return writer.finish();
}

/** Errors: CORRUPT, UNSUPPORTED_VERSION. */
export function decodeNumbers(payload: Uint8Array): NumbersEntry {
  const reader = new PayloadReader('numbers entry', payload);
  reader.version(VERSION);
  reader.reserved(1);
  const kind = reader.u16() as KindId;
  const last = reader.u32() as EntityNumber;
  reader.end();
  if (kind === 0 || last === 0) throw reader.corrupt('is about no kind, or gives no number');
  return { entry: 'numbers', kind, last };
}
