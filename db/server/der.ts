/** The few forms of DER (ITU-T X.690) an X.509 certificate is made of. Each function returns one complete element. */
import { Buffer } from 'node:buffer';

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONTEXT = 0x80;
const CONSTRUCTED = 0x20;
const SHORT_LENGTH_MAX = 0x7f;

export function sequence(...elements: readonly Buffer[]): Buffer {
  return element(TAG.sequence, Buffer.concat(elements));
}

export function set(...elements: readonly Buffer[]): Buffer {
  return element(TAG.set, Buffer.concat(elements));
}

/** A non-negative integer given as big-endian bytes. */
export function integer(bigEndian: Uint8Array): Buffer {
  let start = 0;
  while (start < bigEndian.length - 1 && bigEndian[start] === 0) start++;
  const digits = bigEndian.subarray(start);
  // A set top bit would make it negative.
  const sign = ((digits[0] ?? 0) & 0x80) === 0 ? [] : [0];
  return element(TAG.integer, Buffer.from([...sign, ...digits]));
}

export function boolean(value: boolean): Buffer {
  return element(TAG.boolean, Buffer.from([value ? 0xff : 0]));
}

/** `unusedBits` are the trailing bits of the last byte that do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.from([unusedBits, ...bytes]));
}

export function octetString(bytes: Uint8Array): Buffer {
  return element(TAG.octetString, bytes);
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text));
}

/** YYMMDDHHMMSSZ. RFC 5280 wants this form for years before 2050. */
export function utcTime(text: string): Buffer {
  return element(TAG.utcTime, Buffer.from(text));
}

/** YYYYMMDDHHMMSSZ. */
export function generalizedTime(text: string): Buffer {
  return element(TAG.generalizedTime, Buffer.from(text));
}

/** An object identifier in dotted form, e.g. "1.2.840.10045.4.3.2". */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** [number] around whole elements. */
export function explicit(number: number, content: Buffer): Buffer {
  return element(CONTEXT | CONSTRUCTED | number, content);
}

/** [number] in place of a primitive element's own tag. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return element(CONTEXT | number, content);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) {
    digits.unshift((left & 0x7f) | 0x80);
  }
  return digits;
}

function element(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

function lengthBytes(length: number): number[] {
  if (length <= SHORT_LENGTH_MAX) return [length];
  const digits: number[] = [];
  for (let left = length; left > 0; left >>>= 8) digits.unshift(left & 0xff);
  return [0x80 | digits.length, ...digits];
}
