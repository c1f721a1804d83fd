/**
 * Finds values within JSON text without building it, so that what comes out is what was written, digit for digit. The text is
 * valid: it was checked when it became a value.
 */
import { sqlError } from '../types/sql-error.ts';
import { checkSteps } from './result-limits.ts';

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

const NOWHERE = -1;
/** Looking for the end of a value takes about so much longer than comparing units. */
const STEPS_PER_UNIT = 10;
const BLANKS = /[ \t\n\r]*/y;
/** Up to the next quote, bracket or brace. */
const STRUCTURE = /[^"[\]{}]*/y;
const SCALAR = /[^ \t\n\r,\]}]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;

/** The text of the value at a path of keys and places (negative ones count from the end), or null when there is none. Of a key that is there twice the last one counts. */
export function jsonAt(text: string, path: readonly string[]): string | null {
  let at = skipBlanks(text, 0);
  let passed = 0;
  for (const key of path) {
    passed += text.length - at;
    checkSteps(passed * STEPS_PER_UNIT);
    if (text[at] === '{') at = memberAt(text, at, key);
    else if (text[at] === '[') at = elementAt(text, at, key);
    else return null;
    if (at === NOWHERE) return null;
  }
  return text.slice(at, valueEnd(text, at));
}

/** As `->>` gives it: strings without quotes, null as NULL, the rest as it was written. Errors: 22P02, 22P05 for escapes that are no text. */
export function jsonText(value: string): string | null {
  const kind = jsonKind(value);
  if (kind === 'null') return null;
  return kind === 'string' ? unquoted(value) : value;
}

export function jsonKind(text: string): JsonKind {
  switch (text[skipBlanks(text, 0)]) {
    case '{':
      return 'object';
    case '[':
      return 'array';
    case '"':
      return 'string';
    case 't':
    case 'f':
      return 'boolean';
    case 'n':
      return 'null';
    default:
      return 'number';
  }
}

/** Errors: 22023 when it is no array. */
export function jsonArrayLength(text: string): number {
  const kind = jsonKind(text);
  if (kind !== 'array') {
    throw sqlError('22023', `cannot get array length of a ${kind === 'object' ? 'non-array' : 'scalar'}`);
  }
  return elementsOf(text, skipBlanks(text, 0)).length;
}

function unquoted(value: string): string {
  const text = JSON.parse(value) as string;
  if (text.includes('\0')) {
    throw sqlError('22P05', 'unsupported Unicode escape sequence: \\u0000 cannot be converted to text');
  }
  if (!text.isWellFormed()) {
    throw sqlError('22P02', 'invalid input syntax for type json: half of a Unicode surrogate pair');
  }
  return text;
}

function memberAt(text: string, open: number, key: string): number {
  let found = NOWHERE;
  for (let at = skipBlanks(text, open + 1); text[at] === '"'; ) {
    const nameEnd = endOf(STRING, text, at);
    // Behind the name stands a colon.
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    if (JSON.parse(text.slice(at, nameEnd)) === key) found = start;
    at = nextItem(text, valueEnd(text, start));
  }
  return found;
}

function elementAt(text: string, open: number, place: string): number {
  if (!/^[ \t\n\v\f\r]*[+-]?\d{1,9}$/.test(place)) return NOWHERE;
  const index = Number(place);
  return (index < 0 ? elementsOf(text, open).at(index) : elementsOf(text, open, index).at(index)) ?? NOWHERE;
}

/** Where they begin; `last`: the place of the last one that matters. */
function elementsOf(text: string, open: number, last = Number.POSITIVE_INFINITY): number[] {
  const starts: number[] = [];
  for (let at = skipBlanks(text, open + 1); at < text.length && text[at] !== ']'; ) {
    starts.push(at);
    if (starts.length > last) break;
    at = nextItem(text, valueEnd(text, at));
  }
  return starts;
}

/** Behind the comma, or where the container is closed. */
function nextItem(text: string, end: number): number {
  const at = skipBlanks(text, end);
  return text[at] === ',' ? skipBlanks(text, at + 1) : at;
}

function valueEnd(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOf(STRING, text, start);
  if (first !== '{' && first !== '[') return endOf(SCALAR, text, start);
  let depth = 0;
  let at = start;
  do {
    const character = text[at];
    if (character === '"') {
      at = endOf(STRING, text, at);
    } else {
      depth += character === '{' || character === '[' ? 1 : -1;
      at++;
    }
    if (depth > 0) at = endOf(STRUCTURE, text, at);
  } while (depth > 0 && at < text.length);
  return at;
}

function skipBlanks(text: string, at: number): number {
  return endOf(BLANKS, text, at);
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}
