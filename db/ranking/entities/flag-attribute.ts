import type { AttributeType, AttributeValue } from '../schema/model.ts';
import {
  type AttributeStore,
  type AttributeTest,
  absentKeywords,
  NO_TEST,
  type PreparedTest,
} from './attribute-store.ts';
import { CodedIndex } from './coded-index.ts';
import { bytes as byteColumn, Column } from './column.ts';
import type { Piece } from './piece.ts';

const NONE = 0;
const FALSE = 1;
const TRUE = 2;

/** True, false or nothing, a byte an entity. */
export class FlagAttribute implements AttributeStore {
  readonly type: AttributeType = 'boolean';
  readonly #codes = new Column(byteColumn, NONE);
  #index: CodedIndex | null;

  constructor(filter: boolean) {
    this.#index = filter ? new CodedIndex() : null;
  }

  set(entity: number, value: AttributeValue | null): void {
    const code = typeof value === 'boolean' ? codeOf(value) : NONE;
    const before = this.#codes.get(entity);
    if (before === code) return;
    this.#codes.set(entity, code);
    const index = this.#index;
    if (index === null) return;
    if (before !== NONE) index.postings.remove(before, entity);
    else index.present.add(entity);
    if (code !== NONE) index.postings.add(code, entity);
    else index.present.remove(entity);
  }

  get(entity: number): AttributeValue | null {
    const code = this.#codes.get(entity);
    return code === NONE ? null : code === TRUE;
  }

  numbers(entities: Uint32Array, count: number, out: Float64Array): void {
    for (let index = 0; index < count; index++) {
      const code = this.#codes.get(entities[index]!);
      out[index] = code === NONE ? Number.NaN : code - FALSE;
    }
  }

  keywords(_: Uint32Array, count: number, out: Int32Array): void {
    absentKeywords(count, out);
  }

  prepare(test: AttributeTest): PreparedTest {
    const index = this.#index;
    if (index === null || test.test === 'between' || test.test === 'in') return NO_TEST;
    if (test.test === 'has') return index.any();
    const code = codeOf(test.value === true);
    const has = (entity: number): boolean => this.#codes.get(entity) === code;
    if (test.operator === '=') return index.anyOf([code], has);
    return test.operator === '<>' ? index.allBut(code, has) : NO_TEST;
  }

  indexed(filter: boolean): void {
    if (!filter) this.#index = null;
    else if (this.#index === null) this.#reindex();
  }

  pieces(name: string): readonly Piece[] {
    return this.#codes.pieces(name);
  }

  digestAhead(): Iterable<void> {
    return this.#codes.digestAhead();
  }

  restore(place: string, saved: Uint8Array): void {
    this.#codes.restore(Number(place), saved);
  }

  restored(filter: boolean): void {
    this.#index = null;
    this.indexed(filter);
  }

  get bytes(): number {
    return this.#codes.bytes + (this.#index?.bytes ?? 0);
  }

  #reindex(): void {
    const index = new CodedIndex();
    this.#codes.each(0, Number.MAX_SAFE_INTEGER, (entity, code) => {
      if (code === NONE) return;
      index.postings.add(code, entity);
      index.present.add(entity);
    });
    this.#index = index;
  }
}

function codeOf(value: boolean): number {
  return value ? TRUE : FALSE;
}
