/** Functions over text and bytes. Places and lengths count characters, which are code points. */
import { createHash } from 'node:crypto';
import { sqlError } from '../types/sql-error.ts';
import { checkInteger } from './arithmetic.ts';
import { type FunctionTable, from1, from2, from3, pure } from './function-table.ts';
import { lowerCase, upperCase } from './letter-case.ts';
import { BOOLEAN, BYTES, INTEGER, TEXT } from './operand.ts';
import { checkLength, checkSteps } from './result-limits.ts';

const SURROGATES = /[\ud800-\udbff]/;

export const TEXT_FUNCTIONS: FunctionTable = {
  lower: [from1(TEXT, TEXT, lowerCase)],
  upper: [from1(TEXT, TEXT, upperCase)],
  length: [from1(TEXT, INTEGER, characterCount), from1(BYTES, INTEGER, (bytes: Uint8Array) => bytes.length)],
  char_length: [from1(TEXT, INTEGER, characterCount)],
  character_length: [from1(TEXT, INTEGER, characterCount)],
  octet_length: [
    from1(TEXT, INTEGER, (text: string) => Buffer.byteLength(text, 'utf8')),
    from1(BYTES, INTEGER, (bytes: Uint8Array) => bytes.length),
  ],
  substring: substrings(),
  substr: substrings(),
  left: [from2(TEXT, INTEGER, TEXT, left)],
  right: [from2(TEXT, INTEGER, TEXT, right)],
  trim: trims(true, true),
  btrim: trims(true, true),
  ltrim: trims(true, false),
  rtrim: trims(false, true),
  strpos: [from2(TEXT, TEXT, INTEGER, position)],
  position: [
    from2(TEXT, TEXT, INTEGER, position),
    from2(
      BYTES,
      BYTES,
      INTEGER,
      (bytes: Uint8Array, part: Uint8Array) => Buffer.from(bytes).indexOf(part) + 1,
    ),
  ],
  overlay: [
    from3(TEXT, TEXT, INTEGER, TEXT, (text: string, over: string, from: number) =>
      overlay(text, over, from, null),
    ),
    pure([TEXT, TEXT, INTEGER, INTEGER], TEXT, ([text, over, from, length]) =>
      overlay(text as string, over as string, from as number, length as number),
    ),
    from3(BYTES, BYTES, INTEGER, BYTES, (bytes: Uint8Array, over: Uint8Array, from: number) =>
      overlayBytes(bytes, over, from, over.length),
    ),
    pure([BYTES, BYTES, INTEGER, INTEGER], BYTES, ([bytes, over, from, length]) =>
      overlayBytes(bytes as Uint8Array, over as Uint8Array, from as number, length as number),
    ),
  ],
  lpad: pads('left'),
  rpad: pads('right'),
  split_part: [from3(TEXT, TEXT, INTEGER, TEXT, splitPart)],
  replace: [from3(TEXT, TEXT, TEXT, TEXT, replace)],
  starts_with: [from2(TEXT, TEXT, BOOLEAN, (text: string, prefix: string) => text.startsWith(prefix))],
  repeat: [from2(TEXT, INTEGER, TEXT, repeat)],
  reverse: [from1(TEXT, TEXT, (text: string) => [...text].reverse().join(''))],
  md5: [from1(TEXT, TEXT, md5), from1(BYTES, TEXT, md5)],
  sha256: [
    from1(BYTES, BYTES, (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())),
  ],
};

function md5(value: string | Uint8Array): string {
  return createHash('md5').update(value).digest('hex');
}

function characterCount(text: string): number {
  if (!SURROGATES.test(text)) return text.length;
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function substrings() {
  const whole = (text: string, from: number) => cut(text, from, null);
  const bytesFrom = (bytes: Uint8Array, from: number) => cutBytes(bytes, from, null);
  return [
    from2(TEXT, INTEGER, TEXT, whole),
    from3(TEXT, INTEGER, INTEGER, TEXT, cut),
    from2(BYTES, INTEGER, BYTES, bytesFrom),
    from3(BYTES, INTEGER, INTEGER, BYTES, cutBytes),
  ];
}

/** Counting from 1; what would stand before the beginning counts into the length. */
function cut(text: string, from: number, length: number | null): string {
  const { start, end } = stretch(from, length);
  if (!SURROGATES.test(text)) return text.slice(start, end);
  return [...text].slice(start, end).join('');
}

function cutBytes(bytes: Uint8Array, from: number, length: number | null): Uint8Array {
  const { start, end } = stretch(from, length);
  return bytes.slice(start, end);
}

function stretch(from: number, length: number | null): { start: number; end: number } {
  if (length !== null && length < 0) throw sqlError('22011', 'negative substring length not allowed');
  const start = Math.max(from - 1, 0);
  const end = length === null ? Number.POSITIVE_INFINITY : Math.max(from - 1 + length, 0);
  return { start, end };
}

/** Negative: all but that many at the other end. */
function left(text: string, count: number): string {
  const characters = [...text];
  return characters.slice(0, count < 0 ? Math.max(characters.length + count, 0) : count).join('');
}

function right(text: string, count: number): string {
  const characters = [...text];
  const skipped = count < 0 ? -count : Math.max(characters.length - count, 0);
  return characters.slice(skipped).join('');
}

function trims(atStart: boolean, atEnd: boolean) {
  const trimmed = (text: string, set: string) => {
    const away = new Set(set);
    const characters = [...text];
    let start = 0;
    let end = characters.length;
    while (atStart && start < end && away.has(characters[start]!)) start++;
    while (atEnd && end > start && away.has(characters[end - 1]!)) end--;
    return characters.slice(start, end).join('');
  };
  // Bytes have the first 256 characters, one for one.
  const trimmedBytes = (bytes: Uint8Array, set: Uint8Array) =>
    new Uint8Array(Buffer.from(trimmed(letters(bytes), letters(set)), 'latin1'));
  return [
    from1(TEXT, TEXT, (text: string) => trimmed(text, ' ')),
    from2(TEXT, TEXT, TEXT, trimmed),
    from2(BYTES, BYTES, BYTES, trimmedBytes),
  ];
}

function letters(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** The characters from a place on give way to others, as many as those are when nothing is said. */
function overlay(text: string, over: string, from: number, length: number | null): string {
  if (from <= 0) throw sqlError('22011', 'negative substring length not allowed');
  const count = length ?? characterCount(over);
  return cut(text, 1, from - 1) + over + cut(text, checkInteger(from + count), null);
}

function overlayBytes(bytes: Uint8Array, over: Uint8Array, from: number, length: number): Uint8Array {
  if (from <= 0) throw sqlError('22011', 'negative substring length not allowed');
  const rest = cutBytes(bytes, checkInteger(from + length), null);
  return new Uint8Array(Buffer.concat([cutBytes(bytes, 1, from - 1), over, rest]));
}

function pads(side: 'left' | 'right') {
  const padded = (text: string, length: number, fill: string) => {
    const characters = [...text];
    const wanted = Math.max(length, 0);
    const missing = wanted - characters.length;
    if (missing <= 0 || fill === '') return characters.slice(0, wanted).join('');
    checkLength(wanted);
    const pieces = [...fill];
    const padding =
      fill.repeat(Math.floor(missing / pieces.length)) + pieces.slice(0, missing % pieces.length).join('');
    return side === 'left' ? padding + text : text + padding;
  };
  return [
    from2(TEXT, INTEGER, TEXT, (text: string, length: number) => padded(text, length, ' ')),
    from3(TEXT, INTEGER, TEXT, TEXT, padded),
  ];
}

/** Counting from 1, or from the end when negative. */
function splitPart(text: string, separator: string, place: number): string {
  if (place === 0) throw sqlError('22023', 'field position must not be zero');
  checkSteps(text.length * separator.length);
  const parts = separator === '' ? [text] : text.split(separator);
  return parts.at(place > 0 ? place - 1 : place) ?? '';
}

function position(text: string, part: string): number {
  checkSteps(text.length * part.length);
  const at = text.indexOf(part);
  return at < 0 ? 0 : characterCount(text.slice(0, at)) + 1;
}

function replace(text: string, from: string, to: string): string {
  if (from === '') return text;
  checkSteps(text.length * from.length);
  const parts = text.split(from);
  checkLength(text.length + (parts.length - 1) * Math.max(to.length - from.length, 0));
  return parts.join(to);
}

function repeat(text: string, count: number): string {
  if (count <= 0) return '';
  checkLength(text.length * count);
  return text.repeat(count);
}
