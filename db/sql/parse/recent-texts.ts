/**
 * Statements of texts parsed lately: programs say the same few texts again and again, with other parameters. Two generations
 * instead of an order of use: when the younger is full it becomes the older, and what is asked for again moves up.
 */
import type { ParsedStatement } from '../ast.ts';

/** Of all texts in a generation. A statement takes up to some fifty times the memory of its text. */
const CHARACTERS_MAX = 64 * 1024;
/** A long text is hardly ever said twice: it has values in it. */
const TEXT_CHARACTERS_MAX = 4 * 1024;

type Generation = Map<string, readonly ParsedStatement[]>;

export class RecentTexts {
  #younger: Generation = new Map();
  #older: Generation = new Map();
  /** In the younger one. */
  #characters = 0;

  get(text: string): readonly ParsedStatement[] | undefined {
    const statements = this.#younger.get(text);
    if (statements !== undefined) return statements;
    const old = this.#older.get(text);
    if (old !== undefined) this.set(text, old);
    return old;
  }

  /** Of a text that the younger generation does not have. */
  set(text: string, statements: readonly ParsedStatement[]): void {
    if (text.length > TEXT_CHARACTERS_MAX) return;
    if (this.#characters + text.length > CHARACTERS_MAX) {
      this.#older = this.#younger;
      this.#younger = new Map();
      this.#characters = 0;
    }
    this.#younger.set(text, statements);
    this.#characters += text.length;
  }
}
