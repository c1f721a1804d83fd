/**
 * The segments of an index, and when several become one: eight of a level make one of the next, four at the third, which is
 * full then. A segment half of which is dead is written anew, together with another where both fit into one. All of it depends
 * on counts alone, so the same commits make the same segments.
 */
import { invariant } from '../../../kernel/index.ts';
import { type Locations, TAIL_SLOT } from './locations.ts';
import type { Segment } from './segment.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import { merged } from './segment-merger.ts';
import { SHARD_DOCUMENTS_MAX, STATE } from './shard.ts';
import type { Vocabulary } from './vocabulary.ts';

/** How many of each level make one of the next. */
const FANOUT = [8, 8, 4];

export class Segments {
  readonly #vocabulary: Vocabulary;
  readonly #locations: Locations;
  /** By slot; 0 stays free. */
  readonly #slots: (Segment | null)[] = [null];
  #next: number;

  /** `next`: number of the first segment; none is used twice within an index. */
  constructor(vocabulary: Vocabulary, locations: Locations, next: number) {
    this.#vocabulary = vocabulary;
    this.#locations = locations;
    this.#next = next;
  }

  /** In the order of their slots. */
  get all(): readonly Segment[] {
    return this.#slots.filter((segment) => segment !== null);
  }

  /** Number that the next one gets. */
  get next(): number {
    return this.#next;
  }

  at(slot: number): Segment {
    return this.#slots[slot]!;
  }

  /** Slots and their segments. */
  *entries(): Generator<readonly [slot: number, segment: Segment]> {
    for (const [slot, segment] of this.#slots.entries()) if (segment !== null) yield [slot, segment];
  }

  /** Adds what a builder has, and merges what is due. */
  seal(builder: SegmentBuilder): void {
    if (builder.count > 0) this.#place(builder.finish(this.#next++, 0));
    for (let level = 0; level < FANOUT.length; level++) {
      const due = [...this.entries()].filter(([, segment]) => segment.level === level);
      if (due.length >= FANOUT[level]!)
        this.#merge(
          due.map(([slot]) => slot),
          level + 1,
        );
    }
  }

  /** Takes a document away, or marks it so that it is no longer found. */
  bury(slot: number, local: number): void {
    const segment = this.at(slot);
    segment.states[local] = STATE.dead;
    segment.dead += 1;
    if (segment.dead * 2 > segment.count) this.#rewrite(slot);
  }

  /** As a checkpoint had it. */
  restore(slot: number, segment: Segment, next: number): void {
    while (this.#slots.length <= slot) this.#slots.push(null);
    this.#slots[slot] = segment;
    this.#next = next;
    this.#locate(slot, segment);
  }

  #rewrite(slot: number): void {
    const { level, count, dead } = this.at(slot);
    const room = SHARD_DOCUMENTS_MAX - (count - dead);
    const isPartner = ([other, segment]: readonly [number, Segment]): boolean =>
      other !== slot && segment.level === level && segment.count - segment.dead <= room;
    const partner = level === FANOUT.length ? [...this.entries()].find(isPartner) : undefined;
    this.#merge(partner === undefined ? [slot] : [slot, partner[0]], level);
  }

  #merge(slots: readonly number[], level: number): void {
    const sources = slots.map((slot) => this.at(slot));
    const segment = merged(sources, this.#vocabulary.size, this.#next, level);
    for (const slot of slots) this.#slots[slot] = null;
    if (segment === null) return;
    this.#next += 1;
    this.#place(segment);
  }

  #place(segment: Segment): void {
    const free = this.#slots.indexOf(null, 1);
    const slot = free >= 0 ? free : this.#slots.length;
    invariant(slot < TAIL_SLOT, 'an index has fewer than 65,535 segments');
    this.#slots[slot] = segment;
    this.#locate(slot, segment);
  }

  #locate(slot: number, segment: Segment): void {
    for (let local = 0; local < segment.count; local++)
      if (segment.states[local] !== STATE.dead) this.#locations.set(segment.numbers[local]!, slot, local);
  }
}
