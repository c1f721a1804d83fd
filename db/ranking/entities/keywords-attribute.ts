import type { AttributeType, AttributeValue } from '../schema/model.ts';
import {
  type AttributeStore,
  type AttributeTest,
  absentKeywords,
  absentNumbers,
  NO_TEST,
  type PreparedTest,
} from './attribute-store.ts';
import { CodedIndex } from './coded-index.ts';
import { Column, words } from './column.ts';
import { corruptEntities } from './corrupt.ts';
import { KeyTable } from './key-table.ts';
import type { Piece } from './piece.ts';

const CODE_BYTES = 4;
const KEYWORDS_MAX = 1_024;

/** Several keywords an entity. The same list is kept once, however many have it. Lists and codes count from 1; 0 is "none". */
export class KeywordsAttribute implements AttributeStore {
  readonly type: AttributeType = 'keywords';
  readonly #dictionary = new KeyTable();
  /** Codes behind each other, four bytes each. */
  readonly #lists = new KeyTable();
  readonly #rows = new Column(words, 0);
  #index: CodedIndex | null;

  constructor(filter: boolean) {
    this.#index = filter ? new CodedIndex() : null;
  }

  set(entity: number, value: AttributeValue | null): void {
    const list = Array.isArray(value) ? this.#listOf(value as readonly string[]) : 0;
    const before = this.#rows.get(entity);
    if (before === list) return;
    this.#rows.set(entity, list);
    if (this.#index === null) return;
    this.#unpost(this.#index, entity, before);
    this.#post(this.#index, entity, list);
  }

  get(entity: number): AttributeValue | null {
    const list = this.#rows.get(entity);
    return list === 0 ? null : this.#codesOf(list).map((code) => this.#dictionary.text(code));
  }

  numbers(_: Uint32Array, count: number, out: Float64Array): void {
    absentNumbers(count, out);
  }

  keywords(_: Uint32Array, count: number, out: Int32Array): void {
    absentKeywords(count, out);
  }

  prepare(test: AttributeTest): PreparedTest {
    const index = this.#index;
    if (index === null || test.test !== 'has') return NO_TEST;
    if (test.value === null) return index.any();
    const code = this.#dictionary.find(test.value);
    return index.anyOf(
      [code],
      (entity) => code !== 0 && this.#codesOf(this.#rows.get(entity)).includes(code),
    );
  }

  indexed(filter: boolean): void {
    if (!filter) this.#index = null;
    else if (this.#index === null) this.#reindex();
  }

  pieces(name: string): readonly Piece[] {
    return [
      ...this.#dictionary.pieces(`${name}.dictionary`),
      ...this.#lists.pieces(`${name}.lists`),
      ...this.#rows.pieces(`${name}.rows`),
    ];
  }

  *digestAhead(): Generator<void> {
    yield* this.#dictionary.digestAhead();
    yield* this.#lists.digestAhead();
    yield* this.#rows.digestAhead();
  }

  restore(place: string, bytes: Uint8Array): void {
    const [part, ...rest] = place.split('.');
    if (part === 'dictionary') this.#dictionary.restore(rest.join('.'), bytes);
    else if (part === 'lists') this.#lists.restore(rest.join('.'), bytes);
    else this.#rows.restore(Number(rest[0]), bytes);
  }

  restored(filter: boolean): void {
    this.#dictionary.restored();
    this.#lists.restored();
    for (let list = 1; list <= this.#lists.last; list++) this.#checkList(list);
    this.#rows.each(0, Number.MAX_SAFE_INTEGER, (_, list) => {
      if (list !== 0 && !this.#lists.has(list)) throw corruptEntities(`keywords have the list ${list}`);
    });
    this.#index = null;
    this.indexed(filter);
  }

  get bytes(): number {
    return this.#dictionary.bytes + this.#lists.bytes + this.#rows.bytes + (this.#index?.bytes ?? 0);
  }

  #listOf(keywords: readonly string[]): number {
    for (let index = 0; index < keywords.length; index++)
      scratchCodes.setUint32(index * CODE_BYTES, this.#dictionary.numberOf(keywords[index]!), true);
    return this.#lists.numberOfBytes(scratch, keywords.length * CODE_BYTES);
  }

  #codesOf(list: number): number[] {
    if (list === 0) return [];
    const bytes = this.#lists.bytesOf(list);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: bytes.length / CODE_BYTES }, (_, index) =>
      view.getUint32(index * CODE_BYTES, true),
    );
  }

  #checkList(list: number): void {
    if (!this.#lists.has(list) || this.#lists.bytesOf(list).length % CODE_BYTES !== 0)
      throw corruptEntities(`the list ${list} of keywords is none`);
    for (const code of this.#codesOf(list))
      if (!this.#dictionary.has(code)) throw corruptEntities(`a list of keywords has the code ${code}`);
  }

  #post(index: CodedIndex, entity: number, list: number): void {
    if (list === 0) return;
    index.present.add(entity);
    for (const code of new Set(this.#codesOf(list))) index.postings.add(code, entity);
  }

  #unpost(index: CodedIndex, entity: number, list: number): void {
    if (list === 0) return;
    index.present.remove(entity);
    for (const code of new Set(this.#codesOf(list))) index.postings.remove(code, entity);
  }

  #reindex(): void {
    const index = new CodedIndex();
    this.#rows.each(0, Number.MAX_SAFE_INTEGER, (entity, list) => this.#post(index, entity, list));
    this.#index = index;
  }
}

/** Of one list: what is let in has fewer. */
const scratch = new Uint8Array(KEYWORDS_MAX * CODE_BYTES);
const scratchCodes = new DataView(scratch.buffer);
