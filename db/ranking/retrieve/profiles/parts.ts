import type { CandidateSource, Feature, Predicate, Profile, Scalar, Term } from '../../schema/model.ts';
import { number } from '../score/measure.ts';

/** What a built-in profile says in its own words; the rest is the same for all. */
export interface Recipe {
  readonly candidates: readonly CandidateSource[];
  readonly terms: readonly Term[];
  readonly gates: readonly Predicate[];
  readonly exploration: Profile['exploration'];
}

/** A term that is weighed as a share of the largest among the candidates. */
export function termOf(stage: Term['stage'], label: string, weight: number, of: Scalar): Term {
  return { stage, label, weight, of, normalised: true };
}

export function feature(name: Feature): Scalar {
  return { scalar: 'feature', feature: name };
}

/** 1 for what is new, half after as many hours. */
export function decayOfAge(hours: number): Scalar {
  return { scalar: 'apply', function: 'decay', of: [feature('age_hours'), number(hours)] };
}
