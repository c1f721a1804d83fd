/** What binding makes of an expression: its type, a function that computes it, and what a planner wants to know about it. */
import type { Expression } from '../ast.ts';
import type { Row, SqlType, SqlValue } from '../types/sql-type.ts';

/** Everything an expression may depend on besides its row. */
export interface EvaluationContext {
  /** By number, of the types that binding found. */
  readonly parameters: readonly SqlValue[];
  /** Microseconds since 1970, the same throughout a statement. */
  readonly now: bigint;
  /** A new one at each call. Whoever replays an entry does not come here: what was decided is in it. */
  readonly randomUuid: () => string;
  readonly user: string;
  readonly database: string;
}

export type Evaluate = (row: Row, context: EvaluationContext) => SqlValue;

/**
 * How long a value holds: `immutable` for ever, given the row and the parameters; `stable` within a statement (now());
 * `volatile` not even that (gen_random_uuid()).
 */
export type Volatility = 'immutable' | 'stable' | 'volatile';

export interface BoundExpression {
  readonly type: SqlType;
  /** Errors: INVALID_ARGUMENT with the sqlstate of PostgreSQL: 22003, 22012, 22P02 … */
  readonly evaluate: Evaluate;
  /** Places in the row that it reads, ascending. */
  readonly columns: readonly number[];
  readonly usesParameters: boolean;
  readonly volatility: Volatility;
  readonly shape: Shape;
}

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** What a planner can look into; everything else is `other`. */
export type Shape =
  | { readonly shape: 'column'; readonly index: number }
  /** No column in it: the same for every row of a statement, unless it is volatile. */
  | { readonly shape: 'constant' }
  /** `operand` in a wider type, nothing lost but for bigint and decimal as double. */
  | { readonly shape: 'promoted'; readonly operand: BoundExpression }
  | { readonly shape: 'and' | 'or'; readonly parts: readonly BoundExpression[] }
  | { readonly shape: 'not'; readonly operand: BoundExpression }
  | {
      readonly shape: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: BoundExpression;
      readonly right: BoundExpression;
    }
  | {
      readonly shape: 'in';
      readonly operand: BoundExpression;
      readonly list: readonly BoundExpression[];
      readonly negated: boolean;
    }
  | { readonly shape: 'is null'; readonly operand: BoundExpression; readonly negated: boolean }
  | {
      readonly shape: 'like';
      readonly operand: BoundExpression;
      readonly pattern: BoundExpression;
      /** Null: the pattern's characters stand for themselves but for % and _; otherwise one that takes their meaning away. */
      readonly escape: string | null;
    }
  | { readonly shape: 'other' };

export interface ScopeColumn {
  /** Place in the row. */
  readonly index: number;
  readonly type: SqlType;
}

/** What names mean where an expression stands. */
export interface Scope {
  /** Errors: INVALID_ARGUMENT, 42703 no such column, 42702 more than one, 42P01 no such table here. */
  column(table: string | null, name: string, at: number): ScopeColumn;
  /** A whole expression whose value the row has already: an aggregate, what a query groups by. Null for everything else. */
  ready(expression: Expression): ScopeColumn | null;
}
