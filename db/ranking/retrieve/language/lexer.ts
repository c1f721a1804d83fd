/**
 * Text to tokens, one at a time: the lexer holds the one it stands at, `next()` steps on. Nothing is allocated for a token but
 * the value of one that has any, and words stay where they are in the text until somebody asks for them.
 *
 *     word        plain or in backticks: `order`       text       'it''s', "it's"
 *     number      3, 0.5, 1e-3                         duration   90s, 24h, 7d: a number with a unit right behind it
 *     key         @u1, @'any key'                      parameter  $1, $name
 *     sign        ( ) [ ] , : . .. ; = <> < <= > >= + - * /
 *
 * `--` comments out the rest of a line, as in SQL; slash-star pairs comment out what is between them.
 */
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from '../../ground.ts';
import { invalid, quoted, tooLarge, unexpected } from './refusal.ts';

/** Characters of a statement, and of several together. */
const STATEMENT_MAX = 65_536;

export type TokenKind = 'end' | 'word' | 'text' | 'number' | 'duration' | 'key' | 'parameter' | 'sign';

export type Unit = 'us' | 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

/** Micros of each. */
export const UNITS: Readonly<Record<Unit, number>> = {
  us: 1,
  ms: 1_000,
  s: MICROS_PER_SECOND,
  m: MICROS_PER_MINUTE,
  h: MICROS_PER_HOUR,
  d: MICROS_PER_DAY,
  w: 7 * MICROS_PER_DAY,
};

/** What a character begins or goes on with, as bits. */
const BLANK = 1;
const LETTER = 2;
const DIGIT = 4;
/** May stand in a key without quotes. */
const KEY = 8;

const CLASSES = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[\s]/.test(character)) return BLANK;
  if (/[A-Za-z_]/.test(character)) return LETTER | KEY;
  if (/[0-9]/.test(character)) return DIGIT | KEY;
  return /[-.:/+]/.test(character) ? KEY : 0;
});

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const AT = 0x40;
const DOLLAR = 0x24;
const DOT = 0x2e;
const MINUS = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const EQUAL = 0x3d;
const GREATER = 0x3e;

/** By the code of its first character. */
const SIGNS: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const sign = String.fromCharCode(code);
  return '()[],:.;=<>+-*/'.includes(sign) ? sign : undefined;
});
/** Those of two characters, and what they mean. */
const PAIRS: ReadonlyMap<string, string> = new Map([
  ['..', '..'],
  ['<=', '<='],
  ['>=', '>='],
  ['<>', '<>'],
  ['!=', '<>'],
]);

export class Lexer {
  readonly text: string;
  kind: TokenKind = 'end';
  /** Of the token, in the text. */
  start = 0;
  end = 0;
  /** Of a text, key or parameter without its marks, of a word in backticks; the sign; the unit of a duration. */
  value = '';
  /** Of a number; of a duration in its unit. */
  number = 0;
  /** A word that stands in backticks is a name and never a word of the language. */
  isQuoted = false;

  constructor(text: string) {
    this.text = text;
    if (text.length > STATEMENT_MAX) {
      const message = `the text has ${text.length} characters, at most ${STATEMENT_MAX} are read; split it, or give long values as parameters ($1)`;
      throw tooLarge(text, STATEMENT_MAX, message);
    }
    if (!text.isWellFormed()) {
      const at = /\p{Surrogate}/u.exec(text)?.index ?? 0;
      throw invalid(
        text,
        at,
        'half of a character that takes two (a lone surrogate) is not text; send UTF-8',
      );
    }
    this.next();
  }

  next(): void {
    const start = this.#skipBlanks(this.end);
    this.start = start;
    if (start >= this.text.length) {
      this.kind = 'end';
      this.end = start;
      return;
    }
    const code = this.text.charCodeAt(start);
    const shape = code < 128 ? CLASSES[code]! : LETTER;
    if ((shape & LETTER) !== 0) this.#readWord(start);
    else if ((shape & DIGIT) !== 0) this.#readNumber(start);
    else if (code === QUOTE || code === DOUBLE_QUOTE) this.#readQuoted('text', start, start);
    else if (code === BACKTICK) this.#readQuoted('word', start, start);
    else if (code === AT) this.#readKey(start);
    else if (code === DOLLAR) this.#readParameter(start);
    else this.#readSign(start);
  }

  /** Back to a token that began at `start`. */
  rewind(start: number): void {
    this.end = start;
    this.next();
  }

  /** The word the lexer stands at, as written. */
  spelling(): string {
    return this.isQuoted ? this.value : this.text.slice(this.start, this.end);
  }

  /** Whether it stands at this word of the language, written in small letters here and in any there. */
  is(word: string): boolean {
    if (this.kind !== 'word' || this.end - this.start !== word.length || this.isQuoted) return false;
    for (let index = 0; index < word.length; index++) {
      if ((this.text.charCodeAt(this.start + index) | 0x20) !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  isA(kind: TokenKind): boolean {
    return this.kind === kind;
  }

  isSign(sign: string): boolean {
    return this.kind === 'sign' && this.value === sign;
  }

  /** Errors: INVALID_ARGUMENT, always. */
  fail(...expected: readonly string[]): never {
    const found = this.kind === 'end' ? null : this.text.slice(this.start, this.end);
    throw unexpected(this.text, this.start, found, expected);
  }

  #skipBlanks(from: number): number {
    const { text } = this;
    let at = from;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code < 128 && (CLASSES[code]! & BLANK) !== 0) {
        at += 1;
      } else if (code === MINUS && text.charCodeAt(at + 1) === MINUS) {
        const end = text.indexOf('\n', at);
        at = end < 0 ? text.length : end + 1;
      } else if (code === SLASH && text.charCodeAt(at + 1) === STAR) {
        const end = text.indexOf('*/', at + 2);
        if (end < 0) throw invalid(text, at, 'a comment begins here and does not end; close it with */');
        at = end + 2;
      } else if (code > 127 && /\s/.test(text[at]!)) {
        at += 1;
      } else {
        return at;
      }
    }
  }

  #readWord(start: number): void {
    const code = this.text.charCodeAt(start);
    if (code > 127) {
      const found = String.fromCodePoint(this.text.codePointAt(start)!);
      const message = `found ${quoted(found)}; names are letters a to z, digits and "_", any other name or text stands in quotes`;
      throw invalid(this.text, start, message);
    }
    this.kind = 'word';
    this.isQuoted = false;
    this.end = this.#run(start + 1, LETTER | DIGIT);
  }

  /** The first place from `at` on whose character is not of these classes. */
  #run(at: number, classes: number): number {
    const { text } = this;
    let end = at;
    for (; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code > 127 || (CLASSES[code]! & classes) === 0) break;
    }
    return end;
  }

  #readNumber(start: number): void {
    const { text } = this;
    let end = this.#run(start + 1, DIGIT);
    if (text.charCodeAt(end) === DOT && isDigit(text.charCodeAt(end + 1))) end = this.#run(end + 2, DIGIT);
    end = this.#exponent(end);
    const unitEnd = this.#run(end, LETTER | DIGIT);
    this.number = Number(text.slice(start, end));
    this.end = unitEnd;
    if (!Number.isFinite(this.number)) {
      throw invalid(
        text,
        start,
        `${quoted(text.slice(start, end))} is too large for a number; they end at 1.79e308`,
      );
    }
    if (unitEnd === end) {
      this.kind = 'number';
      return;
    }
    const unit = text.slice(end, unitEnd);
    if (!Object.hasOwn(UNITS, unit)) {
      const message = `${quoted(text.slice(start, unitEnd))} is neither a number nor a duration; units are us, ms, s, m, h, d and w, and text stands in quotes`;
      throw invalid(text, start, message);
    }
    this.kind = 'duration';
    this.value = unit;
  }

  #exponent(at: number): number {
    const { text } = this;
    if ((text.charCodeAt(at) | 0x20) !== 0x65) return at;
    const next = text.charCodeAt(at + 1);
    const isSigned = next === MINUS || next === 0x2b;
    const digits = isSigned ? at + 2 : at + 1;
    return isDigit(text.charCodeAt(digits)) ? this.#run(digits, DIGIT) : at;
  }

  /** From the quote at `from` to its counterpart; two of them are one within. `start`: where the token begins. */
  #readQuoted(kind: 'text' | 'word' | 'key', start: number, from: number): void {
    const { text } = this;
    const quote = text[from]!;
    let value = '';
    let at = from + 1;
    for (;;) {
      const end = text.indexOf(quote, at);
      if (end < 0) {
        throw invalid(text, start, `a text begins here and does not end; close it with ${quote}`);
      }
      if (text[end + 1] !== quote) {
        value = value === '' ? text.slice(at, end) : value + text.slice(at, end);
        this.end = end + 1;
        break;
      }
      value += text.slice(at, end + 1);
      at = end + 2;
    }
    this.kind = kind;
    this.value = value;
    this.isQuoted = true;
    if (kind !== 'text' && value === '') {
      throw invalid(text, start, `an empty ${kind === 'key' ? 'key' : 'name'} names nothing`);
    }
  }

  #readKey(start: number): void {
    const code = this.text.charCodeAt(start + 1);
    if (code === QUOTE || code === DOUBLE_QUOTE) {
      this.#readQuoted('key', start, start + 1);
      return;
    }
    const end = this.#run(start + 1, KEY);
    if (end === start + 1) {
      const message = `"@" begins a key and none follows; write @u1, or @'any key' in quotes`;
      throw invalid(this.text, start, message);
    }
    this.kind = 'key';
    this.end = end;
    this.value = this.text.slice(start + 1, end);
  }

  #readParameter(start: number): void {
    const end = this.#run(start + 1, LETTER | DIGIT);
    if (end === start + 1) {
      throw invalid(this.text, start, '"$" begins a parameter and no name follows; write $1 or $name');
    }
    this.kind = 'parameter';
    this.end = end;
    this.value = this.text.slice(start + 1, end);
  }

  #readSign(start: number): void {
    const { text } = this;
    const code = text.charCodeAt(start);
    const next = text.charCodeAt(start + 1);
    // Only "." and ">" and "=" end a sign of two.
    const isPair = next === DOT || next === GREATER || next === EQUAL;
    const pair = isPair ? PAIRS.get(text.slice(start, start + 2)) : undefined;
    const sign = pair ?? SIGNS[code];
    if (sign === undefined) {
      const found = String.fromCodePoint(text.codePointAt(start)!);
      throw unexpected(text, start, found, ['a word', 'a number', "a text in '…'", '@key', '$parameter']);
    }
    this.kind = 'sign';
    this.end = pair === undefined ? start + 1 : start + 2;
    this.value = sign;
  }
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}
