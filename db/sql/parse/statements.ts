/** A text as its statements, each bounded in size and nesting before anything else looks at it. */

import { refuseDeepNesting } from './nesting.ts';
import { syntaxError, tooLarge } from './refusal.ts';
import { nextToken, type Token } from './tokens.ts';

const STATEMENT_BYTES_MAX = 64 * 1024;
/** Several statements sent as one text. */
const TEXT_BYTES_MAX = 1024 * 1024;
const STATEMENTS_MAX = 1000;

export interface StatementSource {
  /** The whole text; offsets of tokens count in it. */
  readonly text: string;
  /** From the first token to behind the last, without the semicolon. */
  readonly start: number;
  readonly end: number;
  /** At least one. */
  readonly tokens: readonly Token[];
}

/** Empty statements are left out. Errors: TOO_LARGE (54000, 54001), INVALID_ARGUMENT (42601, 22021). */
export function statementsOf(text: string): readonly StatementSource[] {
  refuseUnreadable(text);
  const statements: StatementSource[] = [];
  for (let at = 0; ; ) {
    const { tokens, next } = tokensOfStatement(text, at);
    if (tokens.length > 0) {
      if (statements.length === STATEMENTS_MAX) {
        throw tooLarge(
          text,
          tokens[0]!.start,
          `one text has at most ${STATEMENTS_MAX} statements; send several`,
          '54000',
        );
      }
      statements.push(statement(text, tokens));
    }
    if (next === null) return statements;
    at = next;
  }
}

/** Up to a semicolon outside brackets; `next` is null at the text's end. */
function tokensOfStatement(text: string, from: number): { tokens: Token[]; next: number | null } {
  const tokens: Token[] = [];
  let depth = 0;
  for (let at = from; ; ) {
    const token = nextToken(text, at);
    if (token === null) return { tokens, next: null };
    at = token.end;
    if (token.word === '(' || token.word === '[') depth += 1;
    if (token.word === ')' || token.word === ']') depth -= 1;
    if (token.word === ';' && depth <= 0) return { tokens, next: at };
    tokens.push(token);
    refuseLong(text, tokens[0]!.start, at);
  }
}

function statement(text: string, tokens: readonly Token[]): StatementSource {
  const start = tokens[0]!.start;
  const end = tokens.at(-1)!.end;
  if (Buffer.byteLength(text.slice(start, end)) > STATEMENT_BYTES_MAX) throw longStatement(text, start);
  refuseDeepNesting(text, tokens);
  return { text, start, end, tokens };
}

/** Before its tokens take memory: a text of one UTF-16 unit a byte is the shortest in bytes. */
function refuseLong(text: string, start: number, end: number): void {
  if (end - start > STATEMENT_BYTES_MAX) throw longStatement(text, start);
}

function longStatement(text: string, start: number): Error {
  return tooLarge(
    text,
    start,
    `a statement has at most ${STATEMENT_BYTES_MAX} bytes; use parameters or several statements`,
    '54000',
  );
}

function refuseUnreadable(text: string): void {
  if (text.length > TEXT_BYTES_MAX || Buffer.byteLength(text) > TEXT_BYTES_MAX) {
    throw tooLarge(
      text,
      0,
      `a text of statements has at most ${TEXT_BYTES_MAX} bytes; send several`,
      '54000',
    );
  }
  const zero = text.indexOf('\0');
  if (zero >= 0) throw syntaxError(text, zero, 'a character with code 0', 'leave it out', '22021');
  if (!text.isWellFormed()) {
    throw syntaxError(
      text,
      loneSurrogate(text),
      'half of a surrogate pair',
      'send well-formed Unicode',
      '22021',
    );
  }
}

function loneSurrogate(text: string): number {
  return text.search(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
}
