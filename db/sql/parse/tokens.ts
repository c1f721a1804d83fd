/**
 * PostgreSQL's lexical rules (src/backend/parser/scan.l of version 18, as libpg-query has them), for finding where tokens begin
 * and end: what the values of strings and numbers are stays the grammar's. One deviation: a `?` is always a parameter by itself,
 * never part of an operator, so `a=?` needs no space.
 */
import { syntaxError } from './refusal.ts';

type TokenKind =
  /** A word without quotes: keyword or name. */
  | 'word'
  /** "…" or U&"…". */
  | 'quoted'
  /** Every kind of string constant, its continuations on later lines included. */
  | 'string'
  | 'number'
  /** `$1` or `?`. */
  | 'parameter'
  /** Operators and punctuation; and, alone, any character that begins no token. */
  | 'sign';

export interface Token {
  readonly kind: TokenKind;
  /** Offsets in the text, UTF-16 units; `end` is behind the last. */
  readonly start: number;
  readonly end: number;
  /** Words in lower case (ASCII letters only, as PostgreSQL folds), signs as written, '' for the rest. */
  readonly word: string;
}

/** Bytes of a name; PostgreSQL cuts longer ones off silently, which can make two names one. */
const NAME_BYTES_MAX = 63;

/** The token at or behind an offset, or null at the text's end. Errors: 42601 for what never ends, 42622 for long names. */
export function nextToken(text: string, from: number): Token | null {
  const start = skipBlank(text, from);
  if (start >= text.length) return null;
  const code = text.charCodeAt(start);
  if (isWordStart(code)) return wordOrPrefixed(text, start, code);
  if (isDigit(code)) return number(text, start);
  switch (code) {
    case QUOTE:
      return token('string', start, endOfString(text, start, start, 'plain'));
    case DOUBLE_QUOTE:
      return quotedName(text, start, start);
    case QUESTION_MARK:
      return token('parameter', start, start + 1);
    case DOLLAR:
      return dollar(text, start);
    case DOT:
      if (isDigit(text.charCodeAt(start + 1))) return number(text, start);
      return sign(text, start, text.startsWith('..', start) ? 2 : 1);
    case COLON:
      return sign(text, start, text.startsWith('::', start) || text.startsWith(':=', start) ? 2 : 1);
    default:
      return sign(text, start, OPERATOR.has(code) ? operatorLength(text, start) : 1);
  }
}

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOLLAR = 0x24;
const DOT = 0x2e;
const COLON = 0x3a;
const QUESTION_MARK = 0x3f;
const MINUS = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

const codesOf = (characters: string): ReadonlySet<number> =>
  new Set(Array.from(characters, (character) => character.charCodeAt(0)));

const OPERATOR = codesOf('~!@#^&|`+-*/%<>=');
/** With one of these in it an operator may end in + or -. */
const NOT_STANDARD = codesOf('~!@#^&|`%');

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isWordStart(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;
}

function isWordPart(code: number): boolean {
  return isWordStart(code) || isDigit(code) || code === DOLLAR;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function token(kind: TokenKind, start: number, end: number, word = ''): Token {
  return { kind, start, end, word };
}

function sign(text: string, start: number, length: number): Token {
  return token('sign', start, start + length, text.slice(start, start + length));
}

/** Behind spaces and comments. */
function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) at += 1;
    else if (code === MINUS && text.charCodeAt(at + 1) === MINUS) at = endOfLine(text, at);
    else if (code === SLASH && text.charCodeAt(at + 1) === STAR) at = endOfComment(text, at);
    else return at;
  }
}

function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== NEWLINE && text.charCodeAt(at) !== RETURN) at += 1;
  return at;
}

/** Comments nest. */
function endOfComment(text: string, start: number): number {
  let depth = 1;
  let at = start + 2;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    const next = text.charCodeAt(at + 1);
    const ends = code === STAR && next === SLASH;
    const begins = code === SLASH && next === STAR;
    if (ends) depth -= 1;
    if (begins) depth += 1;
    at += ends || begins ? 2 : 1;
    if (depth === 0) return at;
  }
  throw syntaxError(text, start, 'a comment that begins with /* never ends', 'close it with */');
}

/** A word, unless it is the letter before a string: E'…', B'…', X'…', U&'…', U&"…". (N'…' is a word and a string.) */
function wordOrPrefixed(text: string, start: number, code: number): Token {
  const lower = code | 0x20;
  const next = text.charCodeAt(start + 1);
  if (next === QUOTE) {
    if (lower === 0x65) return token('string', start, endOfString(text, start, start + 1, 'escapes'));
    if (lower === 0x62 || lower === 0x78) {
      return token('string', start, endOfString(text, start, start + 1, 'bits'));
    }
  }
  if (lower === 0x75 && next === 0x26) {
    const quote = text.charCodeAt(start + 2);
    if (quote === QUOTE) return token('string', start, endOfString(text, start, start + 2, 'plain'));
    if (quote === DOUBLE_QUOTE) return quotedName(text, start, start + 2);
  }
  return word(text, start);
}

function word(text: string, start: number): Token {
  let end = start + 1;
  let ascii = text.charCodeAt(start) < 0x80;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (!isWordPart(code)) break;
    ascii &&= code < 0x80;
  }
  const written = text.slice(start, end);
  refuseLongName(text, start, written);
  const folded = ascii
    ? written.toLowerCase()
    : written.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  return token('word', start, end, folded);
}

function quotedName(text: string, start: number, quote: number): Token {
  const end = endOfQuotes(text, quote, DOUBLE_QUOTE, 'plain');
  if (end < 0) {
    throw syntaxError(text, start, 'a quoted name never ends', 'close it with a double quote');
  }
  if (end === quote + 2) {
    throw syntaxError(text, start, 'a quoted name is empty', 'put a name between the double quotes');
  }
  refuseLongName(text, start, text.slice(quote + 1, end - 1).replaceAll('""', '"'));
  return token('quoted', start, end);
}

function refuseLongName(text: string, start: number, name: string): void {
  if (name.length * 3 <= NAME_BYTES_MAX || Buffer.byteLength(name) <= NAME_BYTES_MAX) return;
  throw syntaxError(
    text,
    start,
    `the name "${name.slice(0, 20)}…" is longer than ${NAME_BYTES_MAX} bytes`,
    'choose a shorter one',
    '42622',
  );
}

/** Between quotes: a doubled quote is one inside, but in bits; with escapes a backslash takes the next character along. */
type Quoting = 'plain' | 'escapes' | 'bits';

/** End of a string whose opening quote is at `quote`, with what continues it: another one behind a line break. */
function endOfString(text: string, start: number, quote: number, quoting: Quoting): number {
  let end = endOfQuotes(text, quote, QUOTE, quoting);
  while (end >= 0) {
    const continued = continuation(text, end);
    if (continued < 0) return end;
    end = endOfQuotes(text, continued, QUOTE, quoting);
  }
  throw syntaxError(text, start, 'a quoted string never ends', 'close it with a single quote');
}

/** Behind the closing quote, or -1. */
function endOfQuotes(text: string, quote: number, code: number, quoting: Quoting): number {
  for (let at = quote + 1; at < text.length; at += 1) {
    const here = text.charCodeAt(at);
    if (here === code) {
      if (quoting === 'bits' || text.charCodeAt(at + 1) !== code) return at + 1;
      at += 1;
    } else if (quoting === 'escapes' && here === BACKSLASH) at += 1;
  }
  return -1;
}

/** Where the opening quote of a continuation is, or -1: spaces with a line break between. (libpg-query wants no comments there.) */
function continuation(text: string, end: number): number {
  let at = end;
  let lineBreak = false;
  for (; isSpace(text.charCodeAt(at)); at += 1) {
    lineBreak ||= text[at] === '\n' || text[at] === '\r';
  }
  return lineBreak && text.charCodeAt(at) === QUOTE ? at : -1;
}

const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const DOLLAR_NUMBER = /\$[0-9]+/y;

/** $1, $$…$$, $tag$…$tag$, or a dollar sign that is none of them. */
function dollar(text: string, start: number): Token {
  const parameter = match(DOLLAR_NUMBER, text, start);
  if (parameter > 0) {
    refuseJunk(text, start, start + parameter, 'the parameter');
    return token('parameter', start, start + parameter);
  }
  const tag = match(DOLLAR_TAG, text, start);
  if (tag === 0) return sign(text, start, 1);
  const mark = text.slice(start, start + tag);
  const end = text.indexOf(mark, start + tag);
  if (end < 0)
    throw syntaxError(text, start, `a string that begins with ${mark} never ends`, `close it with ${mark}`);
  return token('string', start, end + tag);
}

const INTEGER = '[0-9](?:_?[0-9])*';
const NUMERIC = `(?:${INTEGER}\\.(?:${INTEGER})?|\\.${INTEGER})`;
const REAL = new RegExp(`(?:${NUMERIC}|${INTEGER})[Ee][-+]?${INTEGER}`, 'y');
const OTHER_BASE = /0(?:[xX](?:_?[0-9A-Fa-f])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)/y;
const DECIMAL = new RegExp(NUMERIC, 'y');
const WHOLE = new RegExp(INTEGER, 'y');

function number(text: string, start: number): Token {
  const whole = match(WHOLE, text, start);
  // 1..10 is a number, two dots and another number.
  const beforeDots = whole > 0 && text.startsWith('..', start + whole) ? whole : 0;
  const length =
    beforeDots ||
    match(REAL, text, start) ||
    match(OTHER_BASE, text, start) ||
    match(DECIMAL, text, start) ||
    whole;
  if (beforeDots === 0) refuseJunk(text, start, start + length, 'the number');
  return token('number', start, start + length);
}

function refuseJunk(text: string, start: number, end: number, what: string): void {
  if (!isWordStart(text.charCodeAt(end))) return;
  throw syntaxError(
    text,
    end,
    `${what} ${text.slice(start, Math.min(end, start + 20))} runs into a word`,
    'put a space between them',
  );
}

/** Length of what the sticky expression matches at an offset, 0 for nothing. */
function match(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at;
  return expression.test(text) ? expression.lastIndex - at : 0;
}

/** An operator ends before a comment, and in + or - only if it has a character that standard SQL's operators have not. */
function operatorLength(text: string, start: number): number {
  let end = start;
  while (OPERATOR.has(text.charCodeAt(end))) {
    const two = text.slice(end, end + 2);
    if (end > start && (two === '--' || two === '/*')) break;
    end += 1;
  }
  let standard = true;
  for (let at = start; at < end - 1; at += 1) standard &&= !NOT_STANDARD.has(text.charCodeAt(at));
  while (standard && end - start > 1 && (text[end - 1] === '+' || text[end - 1] === '-')) end -= 1;
  if (end - start > NAME_BYTES_MAX) {
    throw syntaxError(text, start, `an operator is longer than ${NAME_BYTES_MAX} characters`, 'use spaces');
  }
  return end - start;
}
