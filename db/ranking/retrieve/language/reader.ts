/** What all parts of the grammar read with: words, names, numbers, values, and lists of them. */
import type { Micros } from '../../ground.ts';
import type { WindowName } from '../../schema/model.ts';
import { WINDOWS } from '../../schema/model-shapes.ts';
import { timestampOf } from '../../schema/timestamp-text.ts';
import type { KeyOperand, NumberOperand, Parameter, TextOperand, TimeOperand } from './ast.ts';
import { Lexer, UNITS, type Unit } from './lexer.ts';
import { invalid, quoted, tooLarge, unknownWord } from './refusal.ts';
import { isFreeWord } from './words.ts';

/** Levels within each other of conditions and arithmetic, chains such as 1 + 1 + 1 included. */
export const NESTING_MAX = 64;

const WINDOW_MICROS = new Map<number, WindowName>([
  [UNITS.h, '1h'],
  [24 * UNITS.h, '24h'],
  [7 * UNITS.d, '7d'],
  [30 * UNITS.d, '30d'],
]);

export class Reader extends Lexer {
  /** Where an opened bracket begins arithmetic rather than a condition, by the place of the bracket; null until one is met. */
  arithmetic: Map<number, boolean> | null = null;
  #depth = 0;
  #parameterRead: string | null = null;

  /** Takes the word if it stands there. */
  accept(word: string): boolean {
    if (!this.is(word)) return false;
    this.next();
    return true;
  }

  expect(word: string): void {
    if (!this.accept(word)) this.fail(word.toUpperCase());
  }

  acceptSign(sign: string): boolean {
    if (!this.isSign(sign)) return false;
    this.next();
    return true;
  }

  expectSign(sign: string): void {
    if (!this.acceptSign(sign)) this.fail(`"${sign}"`);
  }

  /** Whether this word comes behind the one the reader stands at. */
  isNext(word: string): boolean {
    const { start } = this;
    this.next();
    const found = this.is(word);
    this.rewind(start);
    return found;
  }

  isNextSign(sign: string): boolean {
    const { start } = this;
    this.next();
    const found = this.isSign(sign);
    this.rewind(start);
    return found;
  }

  /** Any word: no word of the language is reserved where a name must stand. `what`: "the name of a signal". */
  name(what: string): string {
    if (!this.isA('word')) this.fail(what);
    const name = this.spelling();
    this.next();
    return name;
  }

  /** A name where one may stand and something else as well. */
  nameIfAny(): string | null {
    if (!this.isA('word')) return null;
    const name = this.spelling();
    if (!this.isQuoted && !isFreeWord(name)) return null;
    this.next();
    return name;
  }

  /** One of these words, in small letters. `what`: "metric". */
  oneOf<Word extends string>(what: string, words: readonly Word[]): Word {
    if (!this.isA('word')) this.fail(...words.map((word) => word.toUpperCase()));
    const written = this.spelling();
    const word = words.find((known) => known === written.toLowerCase());
    if (word === undefined) throw unknownWord(this.text, this.start, what, written, words);
    this.next();
    return word;
  }

  signed(what: string): number {
    const isNegative = this.acceptSign('-');
    if (!isNegative) this.acceptSign('+');
    if (!this.isA('number')) this.fail(what);
    const value = isNegative ? -this.number : this.number;
    this.next();
    return value + 0;
  }

  /** A whole number from `least` to `most`. */
  whole(what: string, least: number, most: number): number {
    const { start } = this;
    const value = this.signed(what);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw invalid(this.text, start, `${value} is not ${what}: a whole number from ${least} to ${most}`);
    }
    return value;
  }

  numberOperand(what: string): NumberOperand {
    return this.isA('parameter') ? this.parameter() : this.signed(what);
  }

  textOperand(what: string): TextOperand {
    if (this.isA('parameter')) return this.parameter();
    if (!this.isA('text')) this.fail(what, '$parameter');
    const { value } = this;
    this.next();
    return value;
  }

  key(what: string): KeyOperand {
    if (this.isA('parameter')) return this.parameter();
    if (!this.isA('key')) this.fail(what, '$parameter');
    const { value } = this;
    this.next();
    return value;
  }

  parameter(): Parameter {
    const { value } = this;
    this.#parameterRead = value;
    this.next();
    return { parameter: value };
  }

  /** A bare name that stands for a parameter. */
  namedParameter(): Parameter {
    const parameter = this.name('the name of a parameter');
    this.#parameterRead = parameter;
    return { parameter };
  }

  forgetParameter(): void {
    this.#parameterRead = null;
  }

  /** Name of the parameter that was read last, since it was told to forget. */
  lastParameter(): string | null {
    return this.#parameterRead;
  }

  /** Micros, at least so many. */
  duration(least: number): number {
    if (!this.isA('duration')) this.fail('a duration such as 90s, 24h or 7d');
    const micros = this.number * UNITS[this.value as Unit];
    if (!Number.isSafeInteger(micros) || micros < least) {
      const message = `${quoted(this.text.slice(this.start, this.end))} is not a duration: at least ${least}us, whole microseconds, at most 285 years`;
      throw invalid(this.text, this.start, message);
    }
    this.next();
    return micros;
  }

  isWindow(): boolean {
    return this.isA('duration') || this.is('all');
  }

  window(): WindowName {
    if (this.accept('all')) return 'all';
    const { start, end } = this;
    if (!this.isA('duration')) this.fail(...WINDOWS);
    const window = WINDOW_MICROS.get(this.duration(1));
    if (window === undefined) {
      throw unknownWord(this.text, start, 'window', this.text.slice(start, end), WINDOWS);
    }
    return window;
  }

  /** '2026-01-31T12:30:00Z', or a time since 1970 with its unit: 1700000000s. */
  time(): TimeOperand {
    if (this.isA('parameter')) return this.parameter();
    const { start, end } = this;
    if (this.isA('duration')) return this.duration(0) as Micros;
    if (!this.isA('text')) this.fail("a time such as '2026-01-31T12:30:00Z' or 1700000000s", '$parameter');
    const micros = timeIn(this.value);
    if (micros === null) {
      const message = `${this.text.slice(start, end).slice(0, 40)} is not a time; write '2026-01-31', '2026-01-31T12:30:00Z' or 1700000000s`;
      throw invalid(this.text, start, message);
    }
    this.next();
    return micros;
  }

  /** One or more, with commas between them. */
  list<Item>(item: () => Item): Item[] {
    const items = [item()];
    while (this.acceptSign(',')) items.push(item());
    return items;
  }

  /** In brackets. */
  enclosed<Content>(open: '(' | '[', content: () => Content): Content {
    this.expectSign(open);
    const result = content();
    const close = open === '(' ? ')' : ']';
    if (!this.acceptSign(close)) this.fail('","', `"${close}"`);
    return result;
  }

  /** In brackets, with nothing between them allowed. */
  enclosedOrNone<Item>(open: '(' | '[', item: () => Item): Item[] {
    const close = open === '(' ? ')' : ']';
    if (this.isNextSign(close)) {
      this.expectSign(open);
      this.expectSign(close);
      return [];
    }
    return this.enclosed(open, () => this.list(item));
  }

  /** Errors: TOO_LARGE. `leave` as often as it was entered. */
  enter(): void {
    this.#depth += 1;
    if (this.#depth > NESTING_MAX) {
      const message = `a statement nests at most ${NESTING_MAX} levels deep, operators in a row included; split it`;
      throw tooLarge(this.text, this.start, message);
    }
  }

  leave(levels = 1): void {
    this.#depth -= levels;
  }
}

/** Null where it is no time, or one that a number of microseconds cannot hold. */
function timeIn(text: string): Micros | null {
  try {
    const micros = timestampOf(text, 'time');
    return Number.isSafeInteger(micros) ? micros : null;
  } catch {
    return null;
  }
}
