/** What a client is told of a text that is no UTF-8: PostgreSQL's words, with the bytes that are to blame. */
import { Buffer, isUtf8 } from 'node:buffer';
import { TruthError } from '../../errors.ts';

/** What one sequence that is broken can look whole for, and one character before it, in bytes. */
const BEFORE_FAULT_BYTES = 8;
const CONTINUATION_MASK = 0xc0;
const CONTINUATION = 0x80;

/** `bytes` are not UTF-8. INVALID_ARGUMENT (22021): the statement fails, the session goes on. */
export function invalidText(bytes: Uint8Array): TruthError {
  const shown = Array.from(firstFault(bytes), (byte) => `0x${byte.toString(16).padStart(2, '0')}`);
  return new TruthError('INVALID_ARGUMENT', `invalid byte sequence for encoding "UTF8": ${shown.join(' ')}`, {
    sqlstate: '22021',
  });
}

function firstFault(bytes: Uint8Array): Uint8Array {
  let at = boundaryBefore(bytes, firstDifference(bytes));
  for (;;) {
    const character = bytes.subarray(at, at + lengthSaid(bytes[at] ?? 0));
    if (character.length === 0 || !isUtf8(character)) return character;
    at += character.length;
  }
}

/** Where the bytes stop being what their text is written as; at most two bytes behind the beginning of the fault. */
function firstDifference(bytes: Uint8Array): number {
  const written = Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'));
  let at = 0;
  while (at < bytes.length && bytes[at] === written[at]) at += 1;
  return at;
}

/** A place where a character begins, not behind the fault. */
function boundaryBefore(bytes: Uint8Array, difference: number): number {
  if (difference < BEFORE_FAULT_BYTES) return 0;
  let at = difference - BEFORE_FAULT_BYTES;
  while (((bytes[at] ?? 0) & CONTINUATION_MASK) === CONTINUATION) at += 1;
  return at;
}

/** Bytes of a character by its first one; 1 where no character begins so, as PostgreSQL counts. */
function lengthSaid(first: number): number {
  if (first >= 0xf0 && first < 0xf8) return 4;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xc0 && first < 0xe0 ? 2 : 1;
}
