/** Bytes as text: `\x` and hexadecimal digits out; that, or characters with `\ooo` and `\\`, in. */
import { sqlError } from './sql-error.ts';

export function bytesToText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

/** Throws 22023 for bad hexadecimal, 22P02 for a bad escape. */
export function bytesFromText(text: string): Uint8Array {
  return text.startsWith('\\x') ? fromHexadecimal(text.slice(2)) : fromEscapes(text);
}

function fromHexadecimal(text: string): Uint8Array {
  // Blanks may stand between bytes, not within one.
  const pairs = /^[\s0-9a-fA-F]*$/.test(text) ? text.split(/\s+/) : [text];
  for (const pair of pairs) {
    const bad = /[^0-9a-fA-F]/.exec(pair);
    if (bad !== null) throw sqlError('22023', `invalid hexadecimal digit: "${bad[0]}"`);
  }
  if (pairs.slice(0, -1).some((pair) => pair.length % 2 === 1)) {
    throw sqlError('22023', 'invalid hexadecimal digit: " "');
  }
  const digits = pairs.join('');
  if (digits.length % 2 === 1) throw sqlError('22023', 'invalid hexadecimal data: odd number of digits');
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

function fromEscapes(text: string): Uint8Array {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < text.length) {
    const slash = text.indexOf('\\', at);
    parts.push(Buffer.from(text.slice(at, slash < 0 ? text.length : slash), 'utf8'));
    if (slash < 0) break;
    const octal = /^[0-3][0-7]{2}/.exec(text.slice(slash + 1, slash + 4));
    if (octal === null && text[slash + 1] !== '\\') {
      throw sqlError(
        '22P02',
        'invalid input syntax for type bytea: after a backslash come three octal digits or another one',
      );
    }
    parts.push(Buffer.from([octal === null ? 0x5c : Number.parseInt(octal[0], 8)]));
    at = slash + (octal === null ? 2 : 4);
  }
  return new Uint8Array(Buffer.concat(parts));
}
