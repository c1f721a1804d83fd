/** What a profile showed just before somebody went for something, with the features it was scored by: examples to learn from. */
import type { Micros } from '../ranking/ground.ts';
import type { Hit } from '../ranking/retrieve/query.ts';

export interface ShownCandidate {
  /** Of the signal in the log; with `user` it tells moments apart. */
  readonly position: number;
  /** When the user went for something: microseconds since 1970. Features are of a microsecond before. */
  readonly at: Micros;
  readonly user: string;
  readonly profile: string;
  readonly item: string;
  /** In the list, from 1. */
  readonly place: number;
  readonly score: number;
  /** What the user went for at this moment. */
  readonly went: boolean;
  /** Terms of the profile before they were weighed, as `stage/label`. */
  readonly features: Readonly<Record<string, number>>;
}

export interface ShownMoment extends Pick<ShownCandidate, 'position' | 'at' | 'user' | 'profile'> {
  /** Number of what the user went for. */
  readonly target: number;
}

/** `hits` are explained. */
export function shownCandidates(
  hits: readonly Hit[],
  { target, ...moment }: ShownMoment,
): readonly ShownCandidate[] {
  return hits.map(({ number, key, score, contributions }, index) => ({
    ...moment,
    ...{ item: key, place: index + 1, score, went: number === target },
    features: Object.fromEntries(
      contributions
        .filter(({ stage }) => stage !== 'exploration' && stage !== 'composition')
        .map(({ stage, label, value }) => [`${stage}/${label}`, value]),
    ),
  }));
}
