/** A place among a statement's tokens, for the clauses that are ours and that we therefore read ourselves. */
import { invalid, syntaxError } from './refusal.ts';
import type { StatementSource } from './statements.ts';
import type { Token } from './tokens.ts';

export class Cursor {
  readonly source: StatementSource;
  index: number;

  constructor(source: StatementSource, index = 0) {
    this.source = source;
    this.index = index;
  }

  get token(): Token | null {
    return this.source.tokens[this.index] ?? null;
  }

  /** Offset of the token here, or of the statement's end. */
  get at(): number {
    return this.token?.start ?? this.source.end;
  }

  /** Whether these words and signs come next. */
  sees(...words: readonly string[]): boolean {
    return words.every((word, ahead) => isBare(this.source.tokens[this.index + ahead], word));
  }

  /** Goes past them if they come next. */
  take(...words: readonly string[]): boolean {
    if (!this.sees(...words)) return false;
    this.index += words.length;
    return true;
  }

  /** Errors: 42601. */
  expect(word: string): void {
    if (!this.take(word)) throw this.unexpected(word.toUpperCase());
  }

  /** A name, folded or without its quotes; `public.` before it is the same. Errors: 42601, 3F000. */
  name(what: string): string {
    const first = this.#identifier(what);
    if (!this.take('.')) return first;
    if (first !== 'public') {
      throw invalid(
        this.source.text,
        this.at,
        `there is no schema "${first}": everything stands in schema public`,
        '3F000',
      );
    }
    return this.#identifier(what);
  }

  /** Errors: 42601 unless the statement ends here. */
  end(): void {
    if (this.token !== null) throw this.unexpected('the end of the statement');
  }

  unexpected(expected: string): Error {
    const { token, source } = this;
    const found =
      token === null ? 'the end of the statement' : `"${source.text.slice(token.start, token.end)}"`;
    return syntaxError(source.text, this.at, `found ${found}`, `expected ${expected}`);
  }

  #identifier(what: string): string {
    const { token } = this;
    if (token === null || (token.kind !== 'word' && token.kind !== 'quoted')) throw this.unexpected(what);
    this.index += 1;
    if (token.kind === 'word') return token.word;
    const written = this.source.text.slice(token.start, token.end);
    if (!written.startsWith('"')) {
      throw syntaxError(this.source.text, token.start, 'a name with U&', 'write the characters themselves');
    }
    return written.slice(1, -1).replaceAll('""', '"');
  }
}

/** Whether a token is this word without quotes, or this sign. */
export function isBare(token: Token | undefined, word: string): boolean {
  return token !== undefined && token.word === word && (token.kind === 'word' || token.kind === 'sign');
}
