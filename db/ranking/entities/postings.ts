/**
 * Entities by a code: of a keyword, a state, a creator. Codes that few entities have keep them in links of a pool, so that an
 * attribute with a value for each entity costs little; others have a bitmap.
 */

import { Bitmap, NO_NUMBERS, SortedNumbers } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';

/** A code with more has a bitmap. */
const LINKED_MAX = 32;
const ROOM_FIRST = 64;

export class Postings {
  /** By code: first link (0: none); entities that have it. */
  #heads = new Uint32Array(ROOM_FIRST);
  #counts = new Uint32Array(ROOM_FIRST);
  /** By link, from 1: the entity, the next link. */
  #entities = new Uint32Array(ROOM_FIRST);
  #nexts = new Uint32Array(ROOM_FIRST);
  #links = 0;
  #freeLink = 0;
  readonly #bitmaps = new Map<number, Bitmap>();

  add(code: number, entity: number): void {
    this.#makeRoom(code);
    const count = this.#counts[code]! + 1;
    this.#counts[code] = count;
    const bitmap = this.#bitmaps.get(code);
    if (bitmap !== undefined) bitmap.add(entity);
    else if (count > LINKED_MAX) this.#promote(code, entity);
    else this.#link(code, entity);
  }

  /** The entity has had it. */
  remove(code: number, entity: number): void {
    this.#counts[code]! -= 1;
    const bitmap = this.#bitmaps.get(code);
    if (bitmap === undefined) this.#unlink(code, entity);
    else bitmap.remove(entity);
  }

  count(code: number): number {
    return this.#counts[code] ?? 0;
  }

  /** Those that have it now, for good. */
  set(code: number): NumberSet {
    const bitmap = this.#bitmaps.get(code);
    if (bitmap !== undefined) return bitmap.freeze();
    return this.count(code) === 0 ? NO_NUMBERS : SortedNumbers.of(this.#linked(code));
  }

  get bytes(): number {
    let bitmaps = 0;
    for (const bitmap of this.#bitmaps.values()) bitmaps += bitmap.bytes;
    return bitmaps + 2 * (this.#heads.byteLength + this.#entities.byteLength);
  }

  *#linked(code: number): Generator<number> {
    for (let link = this.#heads[code]!; link !== 0; link = this.#nexts[link]!) yield this.#entities[link]!;
  }

  #promote(code: number, entity: number): void {
    const bitmap = Bitmap.of(this.#linked(code));
    bitmap.add(entity);
    this.#bitmaps.set(code, bitmap);
    let link = this.#heads[code]!;
    while (link !== 0) {
      const next = this.#nexts[link]!;
      this.#free(link);
      link = next;
    }
    this.#heads[code] = 0;
  }

  #link(code: number, entity: number): void {
    const link = this.#takeLink();
    this.#entities[link] = entity;
    this.#nexts[link] = this.#heads[code]!;
    this.#heads[code] = link;
  }

  #unlink(code: number, entity: number): void {
    let before = 0;
    let link = this.#heads[code]!;
    while (link !== 0 && this.#entities[link] !== entity) {
      before = link;
      link = this.#nexts[link]!;
    }
    if (before === 0) this.#heads[code] = this.#nexts[link]!;
    else this.#nexts[before] = this.#nexts[link]!;
    this.#free(link);
  }

  #takeLink(): number {
    if (this.#freeLink !== 0) {
      const link = this.#freeLink;
      this.#freeLink = this.#nexts[link]!;
      return link;
    }
    this.#links += 1;
    if (this.#links === this.#entities.length) {
      this.#entities = grown(this.#entities, this.#links + 1);
      this.#nexts = grown(this.#nexts, this.#links + 1);
    }
    return this.#links;
  }

  #free(link: number): void {
    this.#entities[link] = 0;
    this.#nexts[link] = this.#freeLink;
    this.#freeLink = link;
  }

  #makeRoom(code: number): void {
    if (code < this.#heads.length) return;
    this.#heads = grown(this.#heads, code + 1);
    this.#counts = grown(this.#counts, code + 1);
  }
}

function grown(values: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(values.length * 2, least));
  larger.set(values);
  return larger;
}
