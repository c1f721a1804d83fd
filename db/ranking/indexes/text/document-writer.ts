/** From what a document was and what is said of it now to the codes of its words. */
import { GrowingU32 } from './growing.ts';
import { Splitter } from './splitter.ts';
import { BREAK, codeOf, FIELD, fieldsOf } from './token-codes.ts';
import type { Vocabulary } from './vocabulary.ts';

/** What an attribute says from now on: one text, several, or none. */
export interface FieldChange {
  readonly attribute: number;
  readonly texts: readonly string[];
}

export class DocumentWriter {
  readonly #vocabulary: Vocabulary;
  readonly #splitter = new Splitter();
  readonly #codes = new GrowingU32();

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  /** Fields in the order of their attributes, so that equal documents have equal codes. Valid until the next call. */
  write(before: Uint32Array | null, changes: readonly FieldChange[]): Uint32Array {
    const fields = before === null ? new Map<number, Uint32Array>() : fieldsOf(before);
    const said = new Map(changes.map(({ attribute, texts }) => [attribute, texts]));
    const attributes = [...new Set([...fields.keys(), ...said.keys()])].sort((one, other) => one - other);
    this.#codes.count = 0;
    for (const attribute of attributes) {
      const texts = said.get(attribute);
      if (texts === undefined) this.#codes.append(fields.get(attribute)!);
      else this.#field(attribute, texts);
    }
    return this.#codes.values;
  }

  #field(attribute: number, texts: readonly string[]): void {
    const codes = this.#codes;
    const start = codes.count;
    codes.push(FIELD);
    codes.push(attribute);
    for (const [index, text] of texts.entries()) {
      if (index > 0) codes.push(BREAK);
      const tokens = this.#splitter.split(text);
      for (let at = 0; at < tokens.count; at++)
        codes.push(codeOf(this.#vocabulary.intern(tokens.words[at]!), tokens.isOverlay(at)));
    }
    // Nothing but signs: as if it were not there.
    if (codes.count <= start + 1 + Math.max(1, texts.length)) codes.count = start;
  }
}
