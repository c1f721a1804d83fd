import type { AttributeType, AttributeValue } from '../schema/model.ts';
import {
  type AttributeStore,
  absentKeywords,
  absentNumbers,
  NO_TEST,
  type PreparedTest,
} from './attribute-store.ts';
import { Column, words } from './column.ts';
import type { Piece } from './piece.ts';
import { RecordArena } from './record-arena.ts';

/** Text that is kept to be shown; what is searched in lies in the text index. */
export class TextAttribute implements AttributeStore {
  readonly type: AttributeType = 'text';
  readonly #arena = new RecordArena();
  readonly #addresses = new Column(words, 0);

  set(entity: number, value: AttributeValue | null): void {
    const before = this.#addresses.get(entity);
    if (typeof value === 'string') {
      const bytes = Buffer.from(value, 'utf8');
      this.#addresses.set(entity, this.#arena.add(bytes, 0, bytes.length, entity));
    } else if (before !== 0) this.#addresses.set(entity, 0);
    if (before !== 0) this.#remove(before);
  }

  get(entity: number): AttributeValue | null {
    const address = this.#addresses.get(entity);
    return address === 0 ? null : this.#arena.textAt(address);
  }

  numbers(_: Uint32Array, count: number, out: Float64Array): void {
    absentNumbers(count, out);
  }

  keywords(_: Uint32Array, count: number, out: Int32Array): void {
    absentKeywords(count, out);
  }

  prepare(): PreparedTest {
    return NO_TEST;
  }

  indexed(): void {}

  pieces(name: string): readonly Piece[] {
    return [...this.#arena.pieces(`${name}.strings`), ...this.#addresses.pieces(`${name}.addresses`)];
  }

  *digestAhead(): Generator<void> {
    yield* this.#arena.digestAhead();
    yield* this.#addresses.digestAhead();
  }

  restore(place: string, bytes: Uint8Array): void {
    const [part, index] = place.split('.');
    if (part === 'strings') this.#arena.restore(index ?? '', bytes);
    else this.#addresses.restore(Number(index), bytes);
  }

  restored(): void {
    this.#addresses.each(0, Number.MAX_SAFE_INTEGER, (entity, address) => {
      if (address !== 0) this.#arena.hold(address, entity);
    });
  }

  get bytes(): number {
    return this.#arena.bytes + this.#addresses.bytes;
  }

  #remove(address: number): void {
    const page = this.#arena.remove(address);
    if (page < 0) return;
    this.#arena.empty(
      page,
      (entity, at) => this.#addresses.get(entity) === at,
      (entity, to) => this.#addresses.set(entity, to),
    );
  }
}
