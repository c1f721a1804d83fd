/**
 * What a statement says, with names as they were written and nothing looked up. The parser makes it of text, the builders make
 * it directly, the printer makes text of it; all three agree (parse(print(x)) = x), which is tested on any statement.
 */
import type { Micros } from '../../ground.ts';
import type { PredicateDefinition, ScalarDefinition, SchemaStatement } from '../../schema/definition.ts';
import type { UserItemState, WindowName } from '../../schema/model.ts';
import type { SortMode } from '../query.ts';

export type Statement =
  | DefineStatement
  | SignalStatement
  | UpsertStatement
  | DeleteStatement
  | RelateStatement
  | UnrelateStatement
  | QueryStatement
  | SuggestStatement
  | ShowStatement
  | EvaluateStatement;

/** Stands for a value that comes with the statement: `$1` is named 1. */
export interface Parameter {
  readonly parameter: string;
}

export type TextOperand = string | Parameter;
export type NumberOperand = number | Parameter;
/** Key of an entity. */
export type KeyOperand = string | Parameter;
export type TimeOperand = Micros | Parameter;

/** DEFINE and DROP. */
export interface DefineStatement extends SchemaStatement {
  readonly statement: 'define';
}

export interface SignalStatement {
  readonly statement: 'signal';
  readonly signal: string;
  readonly target: KeyOperand;
  readonly user: KeyOperand | null;
  /** Null: the signal's default. */
  readonly weight: NumberOperand | null;
  /** Null: when it is recorded. */
  readonly at: TimeOperand | null;
  /** Of the client's own, so that sending it again does not count it again. */
  readonly id: TextOperand | null;
}

export interface UpsertStatement {
  readonly statement: 'upsert';
  readonly kind: string;
  readonly key: KeyOperand;
  readonly set: readonly Assignment[];
  readonly state: string | null;
  /** When it came to be, if not now. */
  readonly at: TimeOperand | null;
}

/** Of an attribute, an embedding, or the reference to the creator. */
export interface Assignment {
  readonly name: string;
  readonly value: AssignedValue;
}

export type AssignedValue =
  | string
  | number
  | boolean
  | Parameter
  /** Takes away what is there. */
  | null
  | { readonly key: string }
  /** Keywords, or the numbers of a vector. */
  | { readonly list: readonly (string | number | Parameter)[] };

export interface DeleteStatement {
  readonly statement: 'delete';
  readonly kind: string;
  readonly key: KeyOperand;
}

export interface RelateStatement {
  readonly statement: 'relate';
  readonly relationship: string;
  readonly from: KeyOperand;
  readonly to: KeyOperand;
  readonly weight: NumberOperand | null;
}

export interface UnrelateStatement {
  readonly statement: 'unrelate';
  readonly relationship: string;
  readonly from: KeyOperand;
  readonly to: KeyOperand;
}

/** RETRIEVE and SEARCH; the latter has a text, a vector, or both. */
export interface QueryStatement {
  readonly statement: 'retrieve' | 'search';
  /** As it was written, plural or not. */
  readonly kind: string;
  readonly text: TextOperand | null;
  readonly vector: VectorOperand | null;
  readonly user: KeyOperand | null;
  readonly context: string | null;
  readonly profile: ProfileName | null;
  readonly sort: SortMode | null;
  readonly filter: Condition | null;
  /** In the order of the text: each is looked for within the one behind it, so the last is the innermost. */
  readonly within: readonly WithinClause[];
  readonly exclude: readonly KeyOperand[];
  readonly diversity: readonly DiversityRule[];
  readonly window: WindowName | null;
  readonly limit: NumberOperand | null;
  readonly cursor: TextOperand | null;
  readonly moment: Moment | null;
  readonly seed: NumberOperand | null;
  readonly select: readonly string[];
  readonly explain: boolean;
}

export interface VectorOperand {
  readonly values: readonly number[] | Parameter;
  /** Name of the embedding it is compared with; null: the one there is with as many dimensions. */
  readonly slot: string | null;
}

export interface ProfileName {
  readonly name: string;
  /** Null: the newest. */
  readonly version: number | null;
}

/** Of which time the answer is. */
export type Moment =
  /** Views as they are, asked at this time. */
  | { readonly moment: 'at'; readonly time: TimeOperand }
  /** Views as they were. */
  | { readonly moment: 'as of position'; readonly position: NumberOperand }
  | { readonly moment: 'as of timestamp'; readonly time: TimeOperand };

export type WithinClause =
  | {
      readonly clause: 'trending';
      readonly signal: string | null;
      readonly window: WindowName | null;
      readonly top: number | null;
    }
  | {
      readonly clause: 'cohort';
      readonly cohort: string | Condition;
      readonly signal: string | null;
      readonly window: WindowName | null;
      readonly top: number | null;
    }
  | { readonly clause: 'following'; readonly relationship: string | null; readonly top: number | null }
  | { readonly clause: 'related'; readonly item: KeyOperand; readonly top: number | null }
  | { readonly clause: 'state'; readonly state: UserItemState }
  | { readonly clause: 'search'; readonly text: TextOperand; readonly top: number | null }
  | { readonly clause: 'creator'; readonly creator: KeyOperand }
  | { readonly clause: 'items'; readonly items: readonly KeyOperand[] };

export type DiversityRule =
  /** Null: any number. */
  | { readonly rule: 'creator'; readonly max: number | null }
  | { readonly rule: 'attribute'; readonly attribute: string; readonly max: number }
  | { readonly rule: 'mix'; readonly attribute: string | null };

/** A predicate whose values may be parameters. */
export type Condition =
  | PredicateDefinition
  | { readonly test: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly test: 'not'; readonly of: Condition }
  | {
      readonly test: 'compare';
      readonly attribute: string;
      readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=';
      readonly value: string | number | boolean | Parameter;
    }
  | {
      readonly test: 'in';
      readonly attribute: string;
      readonly values: readonly (string | number | Parameter)[];
    }
  | {
      readonly test: 'between';
      readonly attribute: string;
      readonly low: string | number | Parameter;
      readonly high: string | number | Parameter;
    }
  | { readonly test: 'has'; readonly attribute: string; readonly value: TextOperand | null }
  | {
      readonly test: 'feature';
      readonly feature: ScalarDefinition;
      readonly operator: '<' | '<=' | '>' | '>=';
      readonly value: NumberOperand;
    };

export interface SuggestStatement {
  readonly statement: 'suggest';
  readonly kind: string;
  readonly prefix: TextOperand;
  readonly limit: NumberOperand | null;
}

export const SHOWN = Object.freeze([
  'entities',
  'signals',
  'profiles',
  'cohorts',
  'relationships',
  'schema',
  'experiments',
] as const);

export interface ShowStatement {
  readonly statement: 'show';
  readonly what: (typeof SHOWN)[number];
}

export interface EvaluateStatement {
  readonly statement: 'evaluate';
  readonly profile: ProfileName;
  readonly against: ProfileName | null;
  readonly from: TimeOperand;
  readonly to: TimeOperand;
  /** Moments that are asked about; null: as many as there are. */
  readonly sample: NumberOperand | null;
}

export function isParameter(operand: unknown): operand is Parameter {
  return typeof operand === 'object' && operand !== null && 'parameter' in operand;
}

/** Flat: a conjunction within a conjunction is part of it, and one of a single condition is that condition. */
export function allOf(of: readonly Condition[]): Condition {
  return joined('and', of);
}

export function anyOf(of: readonly Condition[]): Condition {
  return joined('or', of);
}

function joined(test: 'and' | 'or', of: readonly Condition[]): Condition {
  if (of.length === 1) return of[0]!;
  const isFlat = of.every((condition) => condition.test !== test);
  if (isFlat) return { test, of };
  return {
    test,
    of: of.flatMap((condition) => (condition.test === test ? partsOf(condition) : [condition])),
  };
}

function partsOf(condition: Condition): readonly Condition[] {
  return condition.test === 'and' || condition.test === 'or' ? condition.of : [condition];
}
