/**
 * The edges of one relationship: from whom, to whom, with a weight that fades by the relationship's decay. People set and take
 * them away; signals add to them. An edge whose weight comes to 0 is none.
 *
 * Edges lie with their beginnings; the way back from an end has only who points at it, and asks there for the weight.
 */
import { MICROS_PER_SECOND, type Micros } from '../ground.ts';
import type { NumberSet } from '../reading.ts';
import type { RelationshipType } from '../schema/model.ts';
import type { OwnedStore } from './audience-parts.ts';
import type { BestNumbers } from './best-numbers.ts';
import { fading } from './fading.ts';
import { floatOfWord, wordOfFloat } from './floats.ts';
import { KeyedRows } from './keyed-rows.ts';
import type { BlockSource, CommitMark, OwnedBlocks } from './owned-blocks.ts';
import { secondsOf } from './seconds.ts';
import type { WordReader, WordWriter } from './words.ts';

/** Columns. */
const WEIGHT = 0;
const SINCE = 1;

/** What a signal adds, and the bounds past which it moves no edge. */
export interface Push {
  readonly delta: number;
  readonly min: number;
  readonly max: number;
}

export class Edges implements OwnedStore {
  readonly #rows: KeyedRows;
  readonly #back: KeyedRows;
  #type: RelationshipType;

  constructor(type: RelationshipType, mark: CommitMark) {
    this.#type = type;
    this.#rows = new KeyedRows({ words: 2, byte: false }, mark);
    this.#back = new KeyedRows({ words: 0, byte: false }, mark);
  }

  get blocks(): OwnedBlocks {
    return this.#rows.blocks;
  }

  get type(): RelationshipType {
    return this.#type;
  }

  /** The schema says something else of the relationship now. What was added fades by the new decay, from when it was added. */
  retype(type: RelationshipType): void {
    this.#type = type;
  }

  get count(): number {
    return this.#rows.count;
  }

  get bytes(): number {
    return this.#rows.bytes + this.#back.bytes;
  }

  set(from: number, to: number, at: Micros, weight: number | null): void {
    const isThere = this.#rows.seek(from, to);
    if (weight !== null && Math.fround(weight) !== 0) this.#put(from, to, isThere, secondsOf(at), weight);
    else if (isThere) this.#removeHere(from, to);
  }

  /**
   * Adds to the edge, or makes one. An event from before the last one comes with what is left of it by then; one that would move
   * the edge out of the bounds moves it to them, and never back from beyond.
   */
  push(from: number, to: number, at: Micros, times: number, push: Push): void {
    const seconds = secondsOf(at);
    const isThere = this.#rows.seek(from, to);
    const since = isThere ? this.#rows.word(SINCE) : seconds;
    const elapsed = (seconds - since) * MICROS_PER_SECOND;
    const left = isThere ? floatOfWord(this.#rows.word(WEIGHT)) * fading(this.#type.decay, elapsed) : 0;
    const added = push.delta * (times * fading(this.#type.decay, -elapsed));
    const moved =
      added >= 0
        ? Math.max(left, Math.min(left + added, push.max))
        : Math.min(left, Math.max(left + added, push.min));
    const { min, max } = this.#type.weight;
    const weight = Math.fround(Math.min(max, Math.max(min, moved)));
    if (weight !== 0) this.#put(from, to, isThere, Math.max(since, seconds), weight);
    else if (isThere) this.#removeHere(from, to);
  }

  /** Reads ahead what edges of many will need, at most 64: beginnings and ends side by side. */
  fetch(from: Uint32Array, to: Uint32Array, count: number): number {
    return this.#rows.fetch(from, count) ^ this.#back.fetch(to, count);
  }

  /** 0 without an edge. */
  weight(from: number, to: number, now: Micros): number {
    return this.#rows.seek(from, to) ? this.#weightHere(now) : 0;
  }

  /** Offers everything that somebody points at, with its weight. */
  offerEnds(from: number, now: Micros, gone: NumberSet, to: BestNumbers): void {
    const count = this.#rows.open(from);
    for (let row = 0; row < count; row++) {
      this.#rows.moveTo(row);
      if (!gone.has(this.#rows.key)) to.offer(this.#rows.key, this.#weightHere(now));
    }
  }

  /** Offers everybody that points at something, with the weight. */
  offerBeginnings(end: number, now: Micros, gone: NumberSet, to: BestNumbers): void {
    const count = this.#back.open(end);
    for (let row = 0; row < count; row++) {
      this.#back.moveTo(row);
      const from = this.#back.key;
      if (!gone.has(from) && this.#rows.seek(from, end)) to.offer(from, this.#weightHere(now));
    }
  }

  /** Nothing begins with somebody any more. */
  removeFrom(from: number): void {
    const count = this.#rows.open(from);
    for (let row = 0; row < count; row++) {
      this.#rows.moveTo(row);
      if (this.#back.seek(this.#rows.key, from)) this.#back.remove();
    }
    this.#rows.removeOwner(from);
  }

  write(source: BlockSource, from: number, to: WordWriter): void {
    this.#rows.write(source, from, to);
  }

  /** Errors: CORRUPT. */
  read(from: number, words: WordReader): void {
    this.#rows.read(from, words);
    const count = this.#rows.open(from);
    for (let row = 0; row < count; row++) {
      this.#rows.moveTo(row);
      if (!Number.isFinite(floatOfWord(this.#rows.word(WEIGHT))))
        throw words.corrupt('has an edge without a weight');
    }
  }

  /** After everything was read. */
  restoreBack(): void {
    for (const from of this.#rows.blocks.owners(0, Number.MAX_SAFE_INTEGER)) {
      const count = this.#rows.open(from);
      for (let row = 0; row < count; row++) {
        this.#rows.moveTo(row);
        this.#back.add(this.#rows.key, from);
      }
    }
  }

  tidy(): void {
    this.#rows.blocks.tidy();
    this.#back.blocks.tidy();
  }

  #weightHere(now: Micros): number {
    const elapsed = now - this.#rows.word(SINCE) * MICROS_PER_SECOND;
    return floatOfWord(this.#rows.word(WEIGHT)) * fading(this.#type.decay, elapsed);
  }

  /** `isThere`: the rows stand at the edge. */
  #put(from: number, to: number, isThere: boolean, seconds: number, weight: number): void {
    if (!isThere) {
      this.#rows.add(from, to);
      this.#back.add(to, from);
    }
    this.#rows.setWord(WEIGHT, wordOfFloat(weight));
    this.#rows.setWord(SINCE, seconds);
  }

  #removeHere(from: number, to: number): void {
    this.#rows.remove();
    if (this.#back.seek(to, from)) this.#back.remove();
  }
}
