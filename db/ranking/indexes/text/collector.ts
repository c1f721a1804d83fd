/**
 * Finds the best documents of one shard after the other, without looking at all that have a word of the query: terms that
 * cannot bring a document among the best by themselves are only looked up for those that others have brought ("MaxScore",
 * Turtle and Flood 1995). What it finds is what looking at all would find.
 */
import type { NumberSet } from '../../reading.ts';
import { boundOf, type Norm, scoreOf } from './bm25.ts';
import { type Postings, placeOf, SHARD_DOCUMENTS_MAX, type Shard, STATE } from './shard.ts';
import type { Atom } from './text-plan.ts';
import type { Role } from './text-query.ts';
import type { TopHits } from './top-hits.ts';

/** Shared by all, as one query runs at a time. All scores are 0 between two; those of documents that are looked at are not. */
const scores = new Float64Array(SHARD_DOCUMENTS_MAX);
const touched = new Uint16Array(SHARD_DOCUMENTS_MAX);
/** Score of a document that is looked at and has nothing yet: whatever is added, the sum is what was added. */
const CHOSEN = 1e-300;

/** An atom that adds to scores, in one shard. */
interface Source {
  readonly postings: Postings;
  readonly weight: number;
  readonly isMinor: boolean;
  readonly bound: number;
}

export class Collector {
  readonly #atoms: readonly Atom[];
  readonly #norm: Norm;
  readonly #top: TopHits;
  /** How many there are; where terms were left out, at least. */
  total = 0;
  #touched = 0;

  constructor(atoms: readonly Atom[], norm: Norm, top: TopHits) {
    this.#atoms = atoms;
    this.#norm = norm;
    this.#top = top;
  }

  /** Of all documents, or those in `within`. */
  scan(at: number, shard: Shard, postings: readonly (Postings | null)[], within: NumberSet | null): void {
    const sources = this.#sources(postings);
    let essential = sources.length;
    let rest = 0;
    while (essential > 0) {
      const source = sources[essential - 1]!;
      if (!source.isMinor && rest + source.bound >= this.#top.floor) break;
      rest += source.bound;
      essential -= 1;
    }
    if (essential === 0) {
      this.total += longest(sources);
      return;
    }
    this.#touched = 0;
    for (let index = 0; index < essential; index++) this.#gather(shard, sources[index]!);
    const isAll = sources.slice(essential).every(({ isMinor }) => isMinor);
    this.total += isAll ? this.#living(shard) : Math.max(this.#touched, longest(sources));
    if (essential < sources.length) this.#keep(this.#top.floor - rest);
    for (let index = essential; index < sources.length; index++) this.#add(shard, sources[index]!);
    this.#offer(at, shard, postings, within);
  }

  /** Of documents given by their numbers within the shard, ascending. */
  choose(at: number, shard: Shard, postings: readonly (Postings | null)[], locals: readonly number[]): void {
    this.#touched = 0;
    const required = this.#listsOf('must', postings);
    const excluded = this.#listsOf('not', postings);
    for (const local of locals) {
      if (shard.states[local] === STATE.dead || isIn(excluded, local)) continue;
      if (!required.every((list) => list !== null && placeOf(list, local) >= 0)) continue;
      touched[this.#touched++] = local;
      scores[local] = CHOSEN;
    }
    const sources = this.#sources(postings);
    for (const source of sources) if (!source.isMinor) this.#add(shard, source);
    this.#keep(CHOSEN * 2);
    this.total += this.#touched;
    for (const source of sources) if (source.isMinor) this.#add(shard, source);
    this.#offer(at, shard, postings, null);
  }

  /** Documents that have all that must be there; null when nothing must. */
  required(postings: readonly (Postings | null)[]): readonly number[] | null {
    const lists = this.#listsOf('must', postings);
    if (lists.length === 0) return null;
    if (lists.includes(null)) return [];
    const [rarest, ...others] = (lists as Postings[]).toSorted((one, other) => one.count - other.count);
    const found: number[] = [];
    for (let place = 0; place < rarest!.count; place++) {
      const local = rarest!.docs[place]!;
      if (others.every((list) => placeOf(list, local) >= 0)) found.push(local);
    }
    return found;
  }

  /** Minor ones last, among each the largest bound first. */
  #sources(postings: readonly (Postings | null)[]): Source[] {
    const sources: Source[] = [];
    for (const [index, { role, weight, isMinor }] of this.#atoms.entries()) {
      const list = postings[index]!;
      if (list === null || role === 'not') continue;
      sources.push({ postings: list, weight, isMinor, bound: boundOf(weight, list, this.#norm) });
    }
    return sources.sort((one, other) =>
      one.isMinor === other.isMinor ? other.bound - one.bound : Number(one.isMinor) - Number(other.isMinor),
    );
  }

  #gather(shard: Shard, { postings, weight }: Source): void {
    const { docs, codes, count } = postings;
    const lengths = shard.lengths;
    const norm = this.#norm;
    let end = this.#touched;
    for (let place = 0; place < count; place++) {
      const local = docs[place]!;
      const before = scores[local]!;
      if (before === 0) touched[end++] = local;
      scores[local] = before + scoreOf(weight, codes[place]!, lengths[local]!, norm);
    }
    this.#touched = end;
  }

  /** To those that are looked at: by going through the postings, or by looking each of them up, whichever is less. */
  #add(shard: Shard, { postings, weight }: Source): void {
    const { docs, codes, count } = postings;
    const lengths = shard.lengths;
    const norm = this.#norm;
    if (this.#touched * (32 - Math.clz32(count)) > count) {
      for (let place = 0; place < count; place++) {
        const local = docs[place]!;
        if (scores[local] !== 0) scores[local]! += scoreOf(weight, codes[place]!, lengths[local]!, norm);
      }
      return;
    }
    for (let index = 0; index < this.#touched; index++) {
      const local = touched[index]!;
      const place = placeOf(postings, local);
      if (place >= 0) scores[local]! += scoreOf(weight, codes[place]!, lengths[local]!, norm);
    }
  }

  /** Forgets those with a smaller score. */
  #keep(least: number): void {
    let kept = 0;
    for (let index = 0; index < this.#touched; index++) {
      const local = touched[index]!;
      if (scores[local]! >= least) touched[kept++] = local;
      else scores[local] = 0;
    }
    this.#touched = kept;
  }

  #living(shard: Shard): number {
    const { states } = shard;
    let count = 0;
    for (let index = 0; index < this.#touched; index++)
      if (states[touched[index]!] !== STATE.dead) count += 1;
    return count;
  }

  #offer(at: number, shard: Shard, postings: readonly (Postings | null)[], within: NumberSet | null): void {
    const { states, numbers } = shard;
    const excluded = this.#listsOf('not', postings);
    for (let index = 0; index < this.#touched; index++) {
      const local = touched[index]!;
      const score = scores[local]!;
      scores[local] = 0;
      if (score < this.#top.floor || states[local] === STATE.dead) continue;
      const number = numbers[local]!;
      if (within !== null && !within.has(number)) continue;
      if (isIn(excluded, local)) continue;
      this.#top.offer({ score, number, shard: at, local });
    }
  }

  #listsOf(role: Role, postings: readonly (Postings | null)[]): readonly (Postings | null)[] {
    return postings.filter((_, index) => this.#atoms[index]!.role === role);
  }
}

function isIn(lists: readonly (Postings | null)[], local: number): boolean {
  return lists.some((list) => list !== null && placeOf(list, local) >= 0);
}

function longest(sources: readonly Source[]): number {
  return sources.reduce((most, { postings }) => Math.max(most, postings.count), 0);
}
