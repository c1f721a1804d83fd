/**
 * The score of a candidate, and what it is made of. A score is the sum of its contributions in the order of the stages (their
 * product where the profile says so), added one after the other from the first: EXPLAIN gives the same numbers, and they add
 * up to the last bit.
 *
 *     sum        a term contributes weight · value
 *     product    a term contributes max(0, 1 + weight · value), so that a value of 0 changes nothing
 *     boost      what is boosted by a factor gains (factor - 1) of the size of what it had
 *     proxy      what is too new to have been judged gains what it is short of what stands in for a judgement
 */
import type { EntityNumber } from '../../ground.ts';
import type { Contribution } from '../query.ts';
import type { Batch } from './batch.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { finite } from './finite.ts';
import { largest, shareOf } from './functions.ts';
import { fillMask } from './mask.ts';
import type { MeasuredTerm } from './measure.ts';
import type { Ordering } from './ordering.ts';
import type { Scope } from './scope.ts';

/** Which candidates are new, and how far they are from being judged: 1 for what nobody has seen, 0 for what is not new. */
export interface Freshness {
  readonly column: Float64Array;
}

/** A creator's items among the candidates that have to have been judged before their mean says something of a new one. */
const JUDGED_MIN = 2;
/** Of the mean of all candidates, what is believed of something new by somebody of whom nothing is known. */
const PRIOR_SHARE = 0.5;

export class Scoring {
  readonly #ordering: Ordering;
  readonly #batch: Batch;
  readonly #scope: Scope;
  readonly #values: Evaluation;
  /** Of each term, what its values are divided by; 0: there are none. */
  readonly #largest: readonly number[];
  readonly #boosted: readonly Uint8Array[];
  readonly #proxies: Float64Array | null;
  readonly scores: Float64Array;

  constructor(ordering: Ordering, batch: Batch, scope: Scope, freshness: Freshness | null) {
    this.#ordering = ordering;
    this.#batch = batch;
    this.#scope = scope;
    this.#values = evaluate(ordering.program, batch, scope);
    this.#largest = ordering.terms.map((term, at) =>
      term.normalised ? largest(this.#values.columns[at]!, batch.count) : 1,
    );
    this.scores = scope.memory.column();
    this.#addTerms();
    const summed = ordering.composition === 'sum';
    this.#proxies = freshness !== null && summed ? this.#addProxies(freshness) : null;
    this.#boosted = ordering.boosts.map(({ predicate, factor }) => this.#addBoost(predicate, factor));
  }

  /** What the score of a candidate is made of, in the order in which it is added up. */
  contributions(at: number): readonly Contribution[] {
    const { terms, boosts, composition } = this.#ordering;
    const found: Contribution[] = terms.map((term, index) => ({
      stage: term.stage,
      label: term.label,
      value: this.#values.columns[index]![at]!,
      weight: term.weight,
      contribution: this.#contribution(term, index, at),
    }));
    if (this.#proxies !== null && this.#proxies[at]! > 0) {
      const value = this.#proxies[at]!;
      found.push({
        stage: 'exploration',
        label: 'too new to be judged',
        value,
        weight: 1,
        contribution: value,
      });
    }
    boosts.forEach(({ factor }, index) => {
      if (this.#boosted[index]![at] === 0) return;
      const before = composed(found, composition);
      const contribution = composition === 'product' ? factor : gain(before, factor);
      found.push({
        stage: 'composition',
        label: `boost ${index + 1}`,
        value: before,
        weight: factor,
        contribution,
      });
    });
    return found;
  }

  /** Gives the memory back; nothing may be asked afterwards. */
  release(): void {
    this.#values.release();
    this.#scope.memory.give(this.scores);
    if (this.#proxies !== null) this.#scope.memory.give(this.#proxies);
    for (const mask of this.#boosted) this.#scope.memory.giveMask(mask);
  }

  #addTerms(): void {
    const { scores } = this;
    const { terms, composition } = this.#ordering;
    const { count } = this.#batch;
    scores.fill(composition === 'product' ? 1 : 0, 0, count);
    terms.forEach((term, index) => {
      for (let at = 0; at < count; at++) {
        const contribution = this.#contribution(term, index, at);
        scores[at] =
          composition === 'product' ? finite(scores[at]! * contribution) : scores[at]! + contribution;
      }
    });
    this.#scope.budget.charge(terms.length * count);
  }

  #contribution(term: MeasuredTerm, index: number, at: number): number {
    const value = this.#values.columns[index]![at]!;
    const weighed = finite(term.weight * (term.normalised ? shareOf(value, this.#largest[index]!) : value));
    return this.#ordering.composition === 'product' ? Math.max(0, 1 + weighed) : weighed;
  }

  #addBoost(predicate: Ordering['boosts'][number]['predicate'], factor: number): Uint8Array {
    const { scores } = this;
    const mask = this.#scope.memory.mask();
    fillMask(predicate, this.#batch, this.#scope, mask);
    const product = this.#ordering.composition === 'product';
    for (let at = 0; at < this.#batch.count; at++) {
      if (mask[at] === 0) continue;
      scores[at] = product ? finite(scores[at]! * factor) : scores[at]! + gain(scores[at]!, factor);
    }
    return mask;
  }

  /** What something new is short of: the mean of its creator's, or half of everybody's. */
  #addProxies({ column }: Freshness): Float64Array {
    const { scores } = this;
    const { count } = this.#batch;
    const { entities } = this.#scope.readers;
    const creators = this.#batch.creators(entities, this.#scope.kind);
    const { mean, ofCreators } = means(scores, column, creators, count);
    const proxies = this.#scope.memory.column();
    for (let at = 0; at < count; at++) {
      const known = ofCreators.get(creators[at]! as EntityNumber);
      const prior =
        known !== undefined && known.count >= JUDGED_MIN ? known.sum / known.count : mean * PRIOR_SHARE;
      proxies[at] = column[at]! * Math.max(0, prior - scores[at]!);
      scores[at]! += proxies[at]!;
    }
    return proxies;
  }
}

interface Tally {
  sum: number;
  count: number;
}

/** Mean scores of what is not new: of all, and of each creator's. */
function means(
  scores: Float64Array,
  freshness: Float64Array,
  creators: Uint32Array,
  count: number,
): { readonly mean: number; readonly ofCreators: ReadonlyMap<EntityNumber, Tally> } {
  const all: Tally = { sum: 0, count: 0 };
  const ofCreators = new Map<EntityNumber, Tally>();
  for (let at = 0; at < count; at++) {
    if (freshness[at]! > 0) continue;
    all.sum += scores[at]!;
    all.count += 1;
    const creator = creators[at]! as EntityNumber;
    if (creator === 0) continue;
    const known = ofCreators.get(creator);
    if (known === undefined) ofCreators.set(creator, { sum: scores[at]!, count: 1 });
    else {
      known.sum += scores[at]!;
      known.count += 1;
    }
  }
  return { mean: all.count === 0 ? 0 : all.sum / all.count, ofCreators };
}

function gain(score: number, factor: number): number {
  return finite((factor - 1) * Math.abs(score));
}

function composed(contributions: readonly Contribution[], composition: Ordering['composition']): number {
  return composition === 'product'
    ? contributions.reduce((product, { contribution }) => finite(product * contribution), 1)
    : contributions.reduce((sum, { contribution }) => sum + contribution, 0);
}
