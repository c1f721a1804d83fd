/**
 * Statements and expressions as the parser hands them over: plain frozen data, everything named, nothing of PostgreSQL's own
 * parse tree left in it. `at` is the offset in the statement's text (UTF-16 units) where the construct begins, for messages.
 */
import type { SqlType } from './types/sql-type.ts';

export type Expression =
  | LiteralExpression
  | ParameterExpression
  | ColumnExpression
  | UnaryExpression
  | BinaryExpression
  | IsExpression
  | InExpression
  | BetweenExpression
  | LikeExpression
  | CastExpression
  | CallExpression
  | CaseExpression;

/** `text` is what the literal says, without quotes; null for NULL. Its type follows from the context where `kind` leaves it open (a quoted string). */
export interface LiteralExpression {
  readonly node: 'literal';
  readonly kind: 'null' | 'integer' | 'decimal' | 'string' | 'boolean';
  readonly text: string | null;
  readonly at: number;
}

/** `$1` is index 0; a `?` got its number from its place. */
export interface ParameterExpression {
  readonly node: 'parameter';
  readonly index: number;
  readonly at: number;
}

export interface ColumnExpression {
  readonly node: 'column';
  /** Table or alias before the dot, or null. */
  readonly table: string | null;
  readonly name: string;
  readonly at: number;
}

export interface UnaryExpression {
  readonly node: 'unary';
  readonly operator: 'not' | '-' | '+';
  readonly operand: Expression;
  readonly at: number;
}

export type BinaryOperator =
  | 'and'
  | 'or'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '||'
  | 'is distinct from'
  | 'is not distinct from';

export interface BinaryExpression {
  readonly node: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly at: number;
}

export interface IsExpression {
  readonly node: 'is';
  readonly operand: Expression;
  readonly what: 'null' | 'true' | 'false' | 'unknown';
  readonly negated: boolean;
  readonly at: number;
}

export interface InExpression {
  readonly node: 'in';
  readonly operand: Expression;
  readonly list: readonly Expression[];
  readonly negated: boolean;
  readonly at: number;
}

export interface BetweenExpression {
  readonly node: 'between';
  readonly operand: Expression;
  readonly low: Expression;
  readonly high: Expression;
  readonly negated: boolean;
  readonly at: number;
}

export interface LikeExpression {
  readonly node: 'like';
  readonly operand: Expression;
  readonly pattern: Expression;
  readonly escape: Expression | null;
  readonly insensitive: boolean;
  readonly negated: boolean;
  readonly at: number;
}

export interface CastExpression {
  readonly node: 'cast';
  readonly operand: Expression;
  readonly type: SqlType;
  readonly at: number;
}

/** Functions and aggregates; `star` is `count(*)`. */
export interface CallExpression {
  readonly node: 'call';
  /** Lower case. */
  readonly name: string;
  readonly args: readonly Expression[];
  readonly star: boolean;
  readonly distinct: boolean;
  readonly at: number;
}

export interface CaseExpression {
  readonly node: 'case';
  readonly operand: Expression | null;
  readonly whens: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | null;
  readonly at: number;
}

export interface ColumnDefinition {
  readonly name: string;
  readonly type: SqlType;
  readonly notNull: boolean;
  readonly primaryKey: boolean;
  readonly unique: boolean;
  readonly default: Expression | null;
  readonly checks: readonly CheckDefinition[];
  readonly at: number;
}

export interface CheckDefinition {
  readonly name: string | null;
  readonly expression: Expression;
  /** The expression as the parser prints it, for messages and introspection. */
  readonly text: string;
}

export interface CreateTableStatement {
  readonly statement: 'create table';
  readonly table: string;
  readonly ifNotExists: boolean;
  readonly columns: readonly ColumnDefinition[];
  /** Of the table: columns in order; null when it is declared on a column or missing. */
  readonly primaryKey: readonly string[] | null;
  readonly uniques: readonly { readonly name: string | null; readonly columns: readonly string[] }[];
  readonly checks: readonly CheckDefinition[];
  /** WITH (subject = 'column'): rows belong to the person that this column names. */
  readonly subject: string | null;
}

export type AlterTableAction =
  | { readonly action: 'add column'; readonly column: ColumnDefinition; readonly ifNotExists: boolean }
  | { readonly action: 'rename column'; readonly column: string; readonly to: string }
  | { readonly action: 'drop column'; readonly column: string; readonly ifExists: boolean }
  | { readonly action: 'rename table'; readonly to: string };

export interface AlterTableStatement {
  readonly statement: 'alter table';
  readonly table: string;
  readonly ifExists: boolean;
  readonly actions: readonly AlterTableAction[];
}

export interface DropStatement {
  readonly statement: 'drop';
  readonly what: 'table' | 'index' | 'projection' | 'reducer';
  readonly names: readonly string[];
  readonly ifExists: boolean;
}

export interface CreateIndexStatement {
  readonly statement: 'create index';
  readonly index: string | null;
  readonly table: string;
  readonly columns: readonly string[];
  readonly unique: boolean;
  readonly ifNotExists: boolean;
}

export interface InsertStatement {
  readonly statement: 'insert';
  readonly table: string;
  /** Null: all columns in order. */
  readonly columns: readonly string[] | null;
  /** 'default' stands for DEFAULT. Empty: DEFAULT VALUES. */
  readonly rows: readonly (readonly (Expression | 'default')[])[];
  readonly onConflict: OnConflict | null;
  readonly returning: readonly SelectItem[] | null;
}

export interface OnConflict {
  /** Columns of the unique key; null: any, only with DO NOTHING. */
  readonly columns: readonly string[] | null;
  /** Null: DO NOTHING. `excluded` names the row proposed. */
  readonly update: { readonly set: readonly Assignment[]; readonly where: Expression | null } | null;
}

export interface Assignment {
  readonly column: string;
  readonly value: Expression | 'default';
  readonly at: number;
}

export interface UpdateStatement {
  readonly statement: 'update';
  readonly table: string;
  readonly alias: string | null;
  readonly set: readonly Assignment[];
  readonly where: Expression | null;
  readonly returning: readonly SelectItem[] | null;
}

export interface DeleteStatement {
  readonly statement: 'delete';
  readonly table: string;
  readonly alias: string | null;
  readonly where: Expression | null;
  readonly returning: readonly SelectItem[] | null;
}

export type SelectItem =
  | { readonly item: 'star'; readonly table: string | null }
  | { readonly item: 'expression'; readonly expression: Expression; readonly alias: string | null };

export interface OrderItem {
  readonly expression: Expression;
  readonly descending: boolean;
  /** Where NULLs go; PostgreSQL's default is already filled in. */
  readonly nullsFirst: boolean;
}

/** What a query looks at: now, or as it was. The expression must be constant (literals, parameters). */
export type AsOf =
  | { readonly kind: 'position'; readonly value: Expression }
  | { readonly kind: 'timestamp'; readonly value: Expression };

export interface TableReference {
  readonly from: 'table';
  readonly table: string;
  readonly alias: string | null;
  readonly at: number;
}

export interface JoinReference {
  readonly from: 'join';
  readonly kind: 'inner' | 'left';
  readonly left: FromReference;
  readonly right: FromReference;
  readonly on: Expression;
}

/** A query in parentheses with a name. */
export interface SubqueryReference {
  readonly from: 'subquery';
  readonly query: SelectStatement;
  readonly alias: string;
}

export type FromReference = TableReference | JoinReference | SubqueryReference;

/**
 * A whole SELECT, also those that only CREATE PROJECTION may use: which parts a plain query refuses (joins, grouping,
 * DISTINCT, subqueries) is the planner's to say, so that it can name the projection that would answer it.
 */
export interface SelectStatement {
  readonly statement: 'select';
  readonly items: readonly SelectItem[];
  readonly distinct: boolean;
  readonly from: FromReference | null;
  readonly where: Expression | null;
  readonly groupBy: readonly Expression[];
  readonly having: Expression | null;
  readonly orderBy: readonly OrderItem[];
  readonly limit: Expression | null;
  readonly offset: Expression | null;
  readonly asOf: AsOf | null;
  /** SELECT … HISTORY: every version of the rows, with _sequence, _until, _recorded_at, _actor, _operation behind the columns. */
  readonly history: boolean;
}

/** DIFF TABLE t BETWEEN a AND b. */
export interface DiffStatement {
  readonly statement: 'diff';
  readonly table: string;
  readonly from: AsOf;
  readonly to: AsOf;
}

export interface CreateProjectionStatement {
  readonly statement: 'create projection';
  readonly projection: string;
  readonly orReplace: boolean;
  readonly ifNotExists: boolean;
  readonly query: SelectStatement;
  /** The query's text, as it is stored. */
  readonly text: string;
}

export interface ExplainStatement {
  readonly statement: 'explain';
  readonly analyze: boolean;
  readonly of: Statement;
}

export interface TransactionStatement {
  readonly statement: 'begin' | 'commit' | 'rollback';
}

/** What drivers send on connecting. SHOW answers a known name; SET is accepted for those and does nothing else. */
export interface SettingStatement {
  readonly statement: 'set' | 'show';
  readonly name: string;
  readonly value: string | null;
}

export type Statement =
  | CreateTableStatement
  | AlterTableStatement
  | DropStatement
  | CreateIndexStatement
  | InsertStatement
  | UpdateStatement
  | DeleteStatement
  | SelectStatement
  | DiffStatement
  | CreateProjectionStatement
  | ExplainStatement
  | TransactionStatement
  | SettingStatement;

/** One statement of a text with what it needs. */
export interface ParsedStatement {
  readonly statement: Statement;
  /** How many parameters it names: the highest number. */
  readonly parameters: number;
  /** Its own part of the text. */
  readonly text: string;
  /** Where that begins in the text: what to add to an `at` of its expressions. */
  readonly at: number;
}
