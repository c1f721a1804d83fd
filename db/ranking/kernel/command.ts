/** What may be asked of the ranking layer to write, with keys and names as people give them, and how it is answered. */
import type { ErrorCode, TruthError } from '../../errors.ts';
import type { Micros } from '../ground.ts';
import type { Permission, SchemaStatement } from '../schema/definition.ts';
import type { Impact } from '../schema/index.ts';

export type RankingCommand =
  | DefineCommand
  | PutEntitiesCommand
  | SignalsCommand
  | RelateCommand
  | ExposeCommand;

/** DEFINE and DROP. */
export interface DefineCommand extends SchemaStatement {
  readonly command: 'define';
}

export interface PutEntitiesCommand {
  readonly command: 'put-entities';
  readonly entities: readonly EntityDraft[];
  readonly failure: Failure;
}

/** `each`: what is wrong refuses only itself. `all`: one that is wrong refuses the command. */
export type Failure = 'each' | 'all';

export type EntityDraft =
  | {
      readonly action: 'put';
      /** Name of the kind. */
      readonly kind: string;
      readonly key: string;
      /** Attributes, embeddings and the creator's key by their names; null takes away. What is not named stays. */
      readonly set: Readonly<Record<string, GivenField>>;
      /** Null: stays, or the kind's first. */
      readonly state: string | null;
      /** When it came to be; null: stays, or now. */
      readonly at: Micros | null;
      /** Written also where it says what is there already: for views that came to want it later. */
      readonly again?: true;
    }
  | { readonly action: 'delete'; readonly kind: string; readonly key: string };

export type GivenField =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly number[]
  | Float32Array;

export interface SignalsCommand {
  readonly command: 'signals';
  readonly signals: readonly SignalDraft[];
  readonly failure: Failure;
}

export interface SignalDraft {
  readonly signal: string;
  /** Key of what it is about. */
  readonly target: string;
  /** Key of who did it; created when it is not known. */
  readonly user: string | null;
  /** Null: the signal's default. */
  readonly weight: number | null;
  /** Null: now. */
  readonly at: Micros | null;
  /** Of the client's own: sent again, it is not counted again. */
  readonly id: string | null;
}

export interface RelateCommand {
  readonly command: 'relate';
  readonly relationship: string;
  readonly from: string;
  readonly to: string;
  /** `default`: the relationship's; null takes the edge away. */
  readonly weight: number | 'default' | null;
  readonly at: Micros | null;
}

export interface ExposeCommand {
  readonly command: 'expose';
  readonly experiment: string;
  readonly arm: string;
  readonly user: string | null;
  readonly kind: string;
  /** Keys, in the order they were shown. */
  readonly items: readonly string[];
}

/** Everything a decision needs that is neither state nor command. */
export interface RankingInput {
  /** Time the entries will be recorded at, as near as it is known: captured once, by the caller. */
  readonly now: Micros;
  readonly limits: RankingLimits;
  /** Whether what the tenant writes is sealed: only then can there be persons. */
  readonly sealed: boolean;
}

/** What the log can take. */
export interface RankingLimits {
  /** Largest payload of one entry, in bytes. */
  readonly entryBytesMax: number;
  /** Largest command, in bytes as the log counts them. */
  readonly commandBytesMax: number;
  /** Bytes the log adds to a payload at most. */
  readonly entryOverheadBytes: number;
}

/** What becomes an entry once it has a tenant and a place. */
export interface RankingEntry {
  readonly type: number;
  readonly payload: Uint8Array;
  /** Key of the person it is sealed for; null: nobody in particular. */
  readonly subject: string | null;
}

export type RankingDecision =
  | { readonly outcome: 'accepted'; readonly entries: readonly RankingEntry[]; readonly reply: RankingReply }
  /** Nothing has to be written: it is so already, or it was only asked what would be. */
  | { readonly outcome: 'unchanged'; readonly reply: RankingReply }
  | { readonly outcome: 'refused'; readonly error: TruthError };

export type RankingReply = SchemaReply | BatchReply | WrittenReply;

export interface SchemaReply {
  readonly reply: 'schema';
  /** Version behind it, or the one it would have. */
  readonly version: number;
  readonly impact: Impact;
  /** What would have to be said to make it happen; of a dry run. */
  readonly needs: Permission;
}

export interface WrittenReply {
  readonly reply: 'written';
}

/** How each element of a batch fared, by its place. */
export const BATCH_OUTCOMES = Object.freeze(['accepted', 'duplicate', 'unchanged', 'refused'] as const);

/** Index into BATCH_OUTCOMES. */
export const OUTCOME = Object.freeze({ accepted: 0, duplicate: 1, unchanged: 2, refused: 3 });

export interface BatchReply {
  readonly reply: 'batch';
  readonly accepted: number;
  readonly duplicates: number;
  readonly unchanged: number;
  readonly outcomes: Uint8Array;
  /** In order; one for each that was refused. */
  readonly refusals: readonly Refusal[];
}

export interface Refusal {
  /** Place in the batch. */
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}
