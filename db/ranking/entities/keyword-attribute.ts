import type { AttributeType, AttributeValue } from '../schema/model.ts';
import {
  type AttributeStore,
  type AttributeTest,
  absentNumbers,
  NO_TEST,
  type PreparedTest,
} from './attribute-store.ts';
import { CodedIndex } from './coded-index.ts';
import { Column, words } from './column.ts';
import { corruptEntities } from './corrupt.ts';
import { KeyTable } from './key-table.ts';
import type { Piece } from './piece.ts';

/** One keyword of a dictionary that grows by first appearance, for each entity. Codes count from 1; 0 is "none". */
export class KeywordAttribute implements AttributeStore {
  readonly type: AttributeType = 'keyword';
  readonly #dictionary = new KeyTable();
  readonly #codes = new Column(words, 0);
  #index: CodedIndex | null;

  constructor(filter: boolean) {
    this.#index = filter ? new CodedIndex() : null;
  }

  set(entity: number, value: AttributeValue | null): void {
    const code = typeof value === 'string' ? this.#dictionary.numberOf(value) : 0;
    const before = this.#codes.get(entity);
    if (before === code) return;
    this.#codes.set(entity, code);
    const index = this.#index;
    if (index === null) return;
    if (before !== 0) index.postings.remove(before, entity);
    else index.present.add(entity);
    if (code !== 0) index.postings.add(code, entity);
    else index.present.remove(entity);
  }

  get(entity: number): AttributeValue | null {
    const code = this.#codes.get(entity);
    return code === 0 ? null : this.#dictionary.text(code);
  }

  /** Code of a keyword, or 0. */
  codeOf(keyword: string): number {
    return this.#dictionary.find(keyword);
  }

  keywordOf(code: number): string {
    return this.#dictionary.text(code);
  }

  numbers(_: Uint32Array, count: number, out: Float64Array): void {
    absentNumbers(count, out);
  }

  keywords(entities: Uint32Array, count: number, out: Int32Array): void {
    for (let index = 0; index < count; index++) out[index] = this.#codes.get(entities[index]!) - 1;
  }

  prepare(test: AttributeTest): PreparedTest {
    const index = this.#index;
    if (index === null || test.test === 'between') return NO_TEST;
    if (test.test === 'has' && test.value === null) return index.any();
    const texts = test.test === 'in' ? test.values : [test.value];
    const codes = texts.map((text) => this.#dictionary.find(String(text)));
    const wanted = new Set(codes);
    const has = (entity: number): boolean => {
      const code = this.#codes.get(entity);
      return code !== 0 && wanted.has(code);
    };
    if (test.test !== 'compare' || test.operator === '=') return index.anyOf([...wanted], has);
    return test.operator === '<>' ? index.allBut(codes[0]!, has) : NO_TEST;
  }

  indexed(filter: boolean): void {
    if (!filter) this.#index = null;
    else if (this.#index === null) this.#reindex();
  }

  pieces(name: string): readonly Piece[] {
    return [...this.#dictionary.pieces(`${name}.dictionary`), ...this.#codes.pieces(`${name}.codes`)];
  }

  *digestAhead(): Generator<void> {
    yield* this.#dictionary.digestAhead();
    yield* this.#codes.digestAhead();
  }

  restore(place: string, bytes: Uint8Array): void {
    const [part, ...rest] = place.split('.');
    if (part === 'dictionary') this.#dictionary.restore(rest.join('.'), bytes);
    else this.#codes.restore(Number(rest[0]), bytes);
  }

  restored(filter: boolean): void {
    this.#dictionary.restored();
    this.#codes.each(0, Number.MAX_SAFE_INTEGER, (_, code) => {
      if (code !== 0 && !this.#dictionary.has(code)) throw corruptEntities(`a keyword has the code ${code}`);
    });
    this.#index = null;
    this.indexed(filter);
  }

  get bytes(): number {
    return this.#dictionary.bytes + this.#codes.bytes + (this.#index?.bytes ?? 0);
  }

  #reindex(): void {
    const index = new CodedIndex();
    this.#codes.each(0, Number.MAX_SAFE_INTEGER, (entity, code) => {
      if (code === 0) return;
      index.postings.add(code, entity);
      index.present.add(entity);
    });
    this.#index = index;
  }
}
