/** What every translation needs: the statement's text, the way back to it from the grammar's places, and how to say no. */
import { isBare } from './cursor.ts';
import { invalid, notSupported, syntaxError } from './refusal.ts';
import type { Rewritten } from './rewritten.ts';
import type { StatementSource } from './statements.ts';
import type { Tree } from './tree.ts';
import { unsupportedField } from './unsupported.ts';

export class Context {
  readonly source: StatementSource;
  readonly #rewritten: Rewritten;

  constructor(source: StatementSource, rewritten: Rewritten) {
    this.source = source;
    this.#rewritten = rewritten;
  }

  /** Offset in the statement's own text, as the AST has it. */
  at(tree: Tree): number {
    return this.#offset(tree.location) - this.source.start;
  }

  /** Offset in the whole text, as messages have it. */
  #offset(location: number): number {
    return location < 0 ? this.source.start : this.#rewritten.offsetOfByte(location);
  }

  notSupported(tree: Tree, construct: string, instead: string): Error {
    if (tree.location < 0) return this.wordNotSupported(tree, construct, instead);
    return notSupported(this.source.text, this.#offset(tree.location), construct, instead);
  }

  /** The same at the construct's own word, for what the tree does not place: the last of its capital words that is there. */
  wordNotSupported(tree: Tree, construct: string, instead: string): Error {
    const at = this.#wordOf(construct, this.#offset(tree.location)) ?? this.#offset(tree.location);
    return notSupported(this.source.text, at, construct, instead);
  }

  /** At or behind a place, or else anywhere. */
  #wordOf(construct: string, from: number): number | null {
    const words = (construct.match(/[A-Z]{2,}/g) ?? []).map((word) => word.toLowerCase()).toReversed();
    const { tokens } = this.source;
    for (const word of words) {
      const token =
        tokens.find((found) => found.start >= from && isBare(found, word)) ??
        tokens.find((found) => isBare(found, word));
      if (token !== undefined) return token.start;
    }
    return null;
  }

  /** The statement itself, whose node says nothing of its place. */
  statementNotSupported(construct: string, instead: string): Error {
    return notSupported(this.source.text, this.#offset(0), construct, instead);
  }

  /** Of the statement, in capitals: CREATE OPERATOR. */
  firstWords(): string {
    const [first, second] = this.source.tokens;
    const words = [first, second?.kind === 'word' ? second : undefined];
    return words.flatMap((token) => token?.word.toUpperCase() ?? []).join(' ');
  }

  invalid(tree: Tree, message: string, sqlstate: string): Error {
    return invalid(this.source.text, this.#offset(tree.location), message, sqlstate);
  }

  /** A translation ends with this: what of a node was not read is refused by name. `around` is where a node without a place stands. */
  finish(tree: Tree, around: Tree = tree): void {
    const field = tree.unread;
    if (field === null) return;
    const { construct, instead } = unsupportedField(tree.tag, field);
    throw this.wordNotSupported(tree.location < 0 ? around : tree, construct, instead);
  }

  /**
   * `t HISTORY` where the clause cannot stand (in UPDATE, DELETE, a subquery) is an alias to the grammar, and nobody meant it.
   * `AS history` and quotes say that somebody did.
   */
  refuseAccidentalHistory(): void {
    const { text, tokens } = this.source;
    const meant = tokens.some(
      ({ kind, start, end }, index) =>
        text.slice(start, end) === '"history"' ||
        (kind === 'word' &&
          text.slice(start, end).toLowerCase() === 'history' &&
          isBare(tokens[index - 1], 'as')),
    );
    if (meant) return;
    const found = tokens.find((token) => isBare(token, 'history'));
    throw syntaxError(
      text,
      found?.start ?? this.source.start,
      'HISTORY belongs to a SELECT, behind FROM or at its end',
      'an alias of that name is written AS history',
    );
  }

  /** What comes of a field that must be there; the grammar says it is. */
  child(tree: Tree, field: string): Tree {
    const child = tree.child(field);
    if (child === null) throw new Error(`PostgreSQL's grammar left out ${tree.tag}.${field}`);
    return child;
  }
}
