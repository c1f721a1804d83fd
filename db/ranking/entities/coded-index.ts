/** What finds entities by codes they have: each code's, and those that have any. */
import { Bitmap, NO_NUMBERS, unite, without } from '../indexes/bitmaps/index.ts';
import type { NumberSet } from '../reading.ts';
import type { PreparedTest } from './attribute-store.ts';
import { Postings } from './postings.ts';

export class CodedIndex {
  readonly postings = new Postings();
  readonly present = new Bitmap();

  /** Those with any of the codes; `has` says whether one entity is of them. Codes of 0 stand for what nobody has. */
  anyOf(codes: readonly number[], has: (entity: number) => boolean): PreparedTest {
    const there = codes.filter((code) => code !== 0);
    return {
      estimate: there.reduce((sum, code) => sum + this.postings.count(code), 0),
      set: () => there.reduce<NumberSet>((all, code) => unite(all, this.postings.set(code)), NO_NUMBERS),
      has,
    };
  }

  /** Those that have some code, but not this one. */
  allBut(code: number, has: (entity: number) => boolean): PreparedTest {
    const count = code === 0 ? 0 : this.postings.count(code);
    return {
      estimate: this.present.size - count,
      set: () =>
        count === 0 ? this.present.freeze() : without(this.present.freeze(), this.postings.set(code)),
      has: (entity) => this.present.has(entity) && !has(entity),
    };
  }

  any(): PreparedTest {
    return {
      estimate: this.present.size,
      set: () => this.present.freeze(),
      has: (entity) => this.present.has(entity),
    };
  }

  get bytes(): number {
    return this.postings.bytes + this.present.bytes;
  }
}
