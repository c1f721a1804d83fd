/** A log in which everything happens that concerns vectors, and the same as plain changes for a model. */
import type { ViewCommit } from '../../../../../db/materializer/index.ts';
import type { EmbeddingSlot } from '../../../../../db/ranking/schema/model.ts';
import { Random } from './random.ts';
import {
  ACTIVE,
  ARCHIVED,
  CREATOR,
  commitOf,
  DELETED,
  type EntryDraft,
  entityEntry,
  type GivenSignal,
  ITEM,
  LIKE,
  SKIP,
  signalsEntry,
  USER,
  wholeSchema,
} from './vector-log.ts';

export type VectorChange =
  | {
      readonly change: 'item';
      readonly number: number;
      readonly state: number;
      readonly creator: number;
      /** Undefined: stays as it is. */
      readonly vector: Float32Array | null | undefined;
    }
  | { readonly change: 'creator'; readonly number: number; readonly state: number }
  | { readonly change: 'user'; readonly number: number; readonly state: number }
  | { readonly change: 'signal'; readonly signal: GivenSignal };

export interface VectorWorld {
  readonly commits: readonly ViewCommit[];
  readonly changes: readonly VectorChange[];
  /** All numbers are up to this. */
  readonly numbers: number;
}

const ITEMS = 90;
const PEOPLE = 12;

export function worldCommits(options: {
  readonly seed: number;
  readonly commits: number;
  readonly dimensions: number;
  readonly metric: EmbeddingSlot['metric'];
}): VectorWorld {
  const { seed, commits: count, dimensions, metric } = options;
  const random = new Random(seed);
  const changes: VectorChange[] = [];
  const commits = [commitOf(1, [wholeSchema({ dimensions, metric })])];
  for (let ordinal = 2; ordinal <= count + 1; ordinal++) {
    const drafts: EntryDraft[] = [];
    for (let left = random.below(20); left >= 0; left--) {
      const change = someChange(random, dimensions);
      changes.push(...change);
      drafts.push(draftOf(change));
    }
    if (random.below(10) === 0) drafts.push(signalsEntry([]));
    commits.push(commitOf(ordinal, drafts));
  }
  return { commits, changes, numbers: ITEMS };
}

/** One change, or several signals. */
function someChange(random: Random, dimensions: number): VectorChange[] {
  const kind = random.below(10);
  const state = [ACTIVE, ACTIVE, ACTIVE, ACTIVE, ARCHIVED, DELETED][random.below(6)]!;
  if (kind < 6) {
    const vector = [random.vector(dimensions), random.vector(dimensions), undefined, null][random.below(4)];
    const number = 1 + random.below(ITEMS);
    return [{ change: 'item', number, state, creator: random.below(PEOPLE), vector }];
  }
  const number = 1 + random.below(PEOPLE);
  if (kind === 6) return [{ change: 'creator', number, state }];
  if (kind === 7)
    return [{ change: 'user', number, state: state === DELETED && random.below(2) === 0 ? ACTIVE : state }];
  return Array.from({ length: 1 + random.below(10) }, () => ({
    change: 'signal',
    signal: {
      ...{ signal: random.below(3) === 0 ? SKIP : LIKE, user: random.below(PEOPLE + 1) },
      ...{ item: 1 + random.below(ITEMS), weight: random.below(4) / 2, late: random.below(8) === 0 },
    },
  }));
}

function draftOf(changes: readonly VectorChange[]): EntryDraft {
  const [change] = changes;
  if (change!.change === 'signal')
    return signalsEntry(changes.flatMap((each) => (each.change === 'signal' ? [each.signal] : [])));
  const { number, state } = change!;
  if (change!.change !== 'item')
    return entityEntry(change!.change === 'user' ? USER : CREATOR, number, { state });
  const { creator, vector } = change!;
  return entityEntry(ITEM, number, vector === undefined ? { state, creator } : { state, creator, vector });
}
