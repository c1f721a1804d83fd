/** Statements of texts parsed lately: programs say the same few texts again and again, with other parameters. */
import type { ParsedStatement } from '../ast.ts';

/** Of all texts kept. A statement takes up to some fifty times the memory of its text. */
const CHARACTERS_MAX = 128 * 1024;
/** A long text is hardly ever said twice: it has values in it. */
const TEXT_CHARACTERS_MAX = 4 * 1024;

export class RecentTexts {
  /** Least recently used first. */
  readonly #texts = new Map<string, readonly ParsedStatement[]>();
  #characters = 0;

  get(text: string): readonly ParsedStatement[] | undefined {
    const statements = this.#texts.get(text);
    if (statements === undefined) return undefined;
    this.#texts.delete(text);
    this.#texts.set(text, statements);
    return statements;
  }

  /** Of a text that is not kept yet. */
  set(text: string, statements: readonly ParsedStatement[]): void {
    if (text.length > TEXT_CHARACTERS_MAX) return;
    this.#texts.set(text, statements);
    this.#characters += text.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#characters <= CHARACTERS_MAX) return;
      this.#texts.delete(oldest);
      this.#characters -= oldest.length;
    }
  }
}
