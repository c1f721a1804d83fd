/** The closed lists of words that the language knows beside those of the schema. */
import { USER_ITEM_STATES, type UserItemState } from '../../schema/model.ts';
import type { SortMode } from '../query.ts';

export const SORT_MODES = Object.freeze([
  'relevance',
  'personalized',
  'top_hour',
  'top_today',
  'top_week',
  'top_month',
  'top_year',
  'top_all_time',
  'hidden_gems',
  'new',
  'old',
  'hot',
  'trending',
  'rising',
  'most_viewed',
  'most_liked',
  'most_commented',
  'most_shared',
  'shortest',
  'longest',
  'alphabetical_asc',
  'alphabetical_desc',
  'shuffle',
  'live_viewer_count',
  'date_saved',
  'controversial',
] as const satisfies readonly SortMode[]);

/** Words that begin a clause of RETRIEVE and SEARCH, in the order they are printed. */
export const QUERY_CLAUSES = Object.freeze([
  'query',
  'vector',
  'for',
  'context',
  'using',
  'sort',
  'filter',
  'within',
  'related',
  'exclude',
  'diversity',
  'window',
  'limit',
  'cursor',
  'at',
  'as',
  'seed',
  'select',
] as const);

/** Where a name may be left out, or something that is not a name, these are that: as names they need backticks. */
const RESERVED: ReadonlySet<string> = new Set([
  ...QUERY_CLAUSES,
  'top',
  'all',
  'any',
  'trending',
  'and',
  'or',
  'not',
  'true',
  'false',
  'null',
]);

/** Whether a word may be a name as it stands, where the name may also be left out or begins a condition. */
export function isFreeWord(word: string): boolean {
  return !RESERVED.has(word.toLowerCase());
}

/** `seen` and `unseen` to the state and whether the user must have it; null where it is no such word. */
export function stateOf(word: string): { readonly state: UserItemState; readonly set: boolean } | null {
  return STATE_WORDS.get(word.toLowerCase()) ?? null;
}

const STATE_WORDS = new Map(
  USER_ITEM_STATES.flatMap((state) => [
    [state as string, { state, set: true }],
    [`un${state}`, { state, set: false }],
  ]),
);

export const STATE_NAMES: readonly string[] = [...STATE_WORDS.keys()];
