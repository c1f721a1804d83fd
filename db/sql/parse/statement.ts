/** One statement: our clauses cut out, the rest through PostgreSQL's grammar, its tree translated. */
import type { AsOf, CreateProjectionStatement, Expression, SelectStatement, Statement } from '../ast.ts';
import { insert, remove, update } from './changes.ts';
import { createTable } from './columns.ts';
import { Context } from './context.ts';
import { Cursor } from './cursor.ts';
import { alterTable, createIndex, drop, rename } from './definitions.ts';
import { expression } from './expressions.ts';
import type { Grammar } from './grammar.ts';
import { type LiftedQuery, liftClauses, type OwnPosition, refuseAsOf } from './own-clauses.ts';
import { explainHeader, type OwnStatement, ownStatement } from './own-statements.ts';
import { type Parameters, parametersOf } from './parameters.ts';
import { select } from './queries.ts';
import { invalid, notSupported, syntaxError } from './refusal.ts';
import { type Range, Rewritten } from './rewritten.ts';
import { discard, set, show, transaction } from './settings.ts';
import type { StatementSource } from './statements.ts';
import { grammarProblem } from './syntax.ts';
import { Tree, type TreeFields } from './tree.ts';
import { unsupportedStatement } from './unsupported.ts';

export interface TranslatedStatement {
  readonly statement: Statement;
  readonly parameters: number;
}

/** Errors: INVALID_ARGUMENT, TOO_LARGE; INTERNAL where PostgreSQL's grammar answers something unheard of. */
export function parseStatement(grammar: Grammar, source: StatementSource): TranslatedStatement {
  const parameters = parametersOf(source);
  const reader = new StatementReader(grammar, source, parameters);
  const cursor = new Cursor(source);
  const explain = explainHeader(cursor);
  const own = ownStatement(cursor);
  const statement = own === null ? reader.plain(cursor.index) : reader.own(own);
  refuseParameters(source, statement, parameters);
  if (explain === null) return { statement, parameters: parameters.count };
  refuseExplaining(source, statement);
  return { statement: { statement: 'explain', ...explain, of: statement }, parameters: parameters.count };
}

class StatementReader {
  readonly #grammar: Grammar;
  readonly #source: StatementSource;
  readonly #parameters: Parameters;

  constructor(grammar: Grammar, source: StatementSource, parameters: Parameters) {
    this.#grammar = grammar;
    this.#source = source;
    this.#parameters = parameters;
  }

  /** A statement of PostgreSQL's from a token on. */
  plain(first: number): Statement {
    const source = this.#source;
    const { start, word } = source.tokens[first]!;
    if (QUERY_WORDS.has(word)) return this.#query(first);
    refuseAsOf(source);
    return this.#translated([{ start, end: source.end }], '', statementOf);
  }

  own(own: OwnStatement): Statement {
    switch (own.own) {
      case 'drop':
        return own.drop;
      case 'diff': {
        const [from, to] = [this.#position(own.from), this.#position(own.to)];
        return { statement: 'diff', table: own.table, from, to };
      }
      case 'create projection':
        return this.#projection(own);
    }
  }

  #query(first: number): Statement {
    const lifted = liftClauses(this.#source, first);
    const statement = this.#translated(lifted.rest, '', statementOf);
    if (statement.statement !== 'select') {
      this.#refuseLifted(lifted, 'only a SELECT looks at the past');
      return statement;
    }
    const asOf = lifted.asOf === null ? null : this.#position(lifted.asOf);
    return { ...statement, asOf, history: lifted.history !== null };
  }

  #projection({ query, ...own }: OwnStatement & { own: 'create projection' }): CreateProjectionStatement {
    const source = this.#source;
    const lifted = liftClauses(source, query);
    this.#refuseLifted(
      lifted,
      'a projection is of the present; ask it AS OF a position when you SELECT from it',
    );
    const selected = this.#translated(lifted.rest, '', statementOf) as SelectStatement;
    if (selected.statement !== 'select') {
      throw notSupported(
        source.text,
        source.tokens[query]!.start,
        'a projection of something else than a SELECT',
        '',
      );
    }
    const { projection, orReplace, ifNotExists } = own;
    const text = source.text.slice(source.tokens[query]!.start, source.end);
    return { statement: 'create projection', projection, orReplace, ifNotExists, query: selected, text };
  }

  #refuseLifted({ asOf, history }: LiftedQuery, instead: string): void {
    const { text } = this.#source;
    if (asOf !== null) throw notSupported(text, asOf.at, 'AS OF', instead);
    if (history !== null) throw notSupported(text, history, 'HISTORY', instead);
  }

  #position({ kind, expression: range }: OwnPosition): AsOf {
    const value = this.#translated([range], 'SELECT ', constant);
    return { kind, value };
  }

  /** What of the statement lies in the ranges, parsed and translated. */
  #translated<Result>(
    ranges: readonly Range[],
    before: string,
    translate: (context: Context, tree: Tree) => Result,
  ): Result {
    const rewritten = Rewritten.of(this.#source, ranges, this.#parameters.questionMarks, before);
    const answer = this.#grammar.parse(rewritten.text);
    if ('problem' in answer) throw grammarProblem(this.#grammar, this.#source, rewritten, answer);
    return translate(new Context(this.#source, rewritten), this.#only(answer.tree));
  }

  /** `{ stmts: [{ stmt: { SelectStmt: { … } } }] }`. */
  #only(result: TreeFields): Tree {
    const statements = (result['stmts'] ?? []) as readonly { readonly stmt?: unknown }[];
    const [only] = statements;
    if (only?.stmt === undefined || statements.length > 1) {
      throw syntaxError(this.#source.text, this.#source.start, 'this is not one statement', 'write one');
    }
    return Tree.of(only.stmt);
  }
}

/** Words a query begins with. */
const QUERY_WORDS = new Set(['select', 'with', 'values', 'table', '(']);

function statementOf(context: Context, tree: Tree): Statement {
  switch (tree.tag) {
    case 'SelectStmt':
      return select(context, tree);
    case 'InsertStmt':
      return insert(context, tree);
    case 'UpdateStmt':
      return update(context, tree);
    case 'DeleteStmt':
      return remove(context, tree);
    case 'CreateStmt':
      return createTable(context, tree);
    case 'IndexStmt':
      return createIndex(context, tree);
    case 'AlterTableStmt':
      return alterTable(context, tree);
    case 'RenameStmt':
      return rename(context, tree);
    case 'DropStmt':
      return drop(context, tree);
    case 'TransactionStmt':
      return transaction(context, tree);
    case 'VariableSetStmt':
      return set(context, tree);
    case 'VariableShowStmt':
      return show(context, tree);
    case 'DiscardStmt':
      return discard(context, tree);
    default: {
      const { construct, instead } = unsupportedStatement(tree.tag, context.firstWords());
      throw context.statementNotSupported(construct, instead);
    }
  }
}

/** The one expression of `SELECT …`, which names no column. */
function constant(context: Context, tree: Tree): Expression {
  const [target, ...more] = tree.list('targetList');
  const value = target?.child('val') ?? null;
  tree.ignore('limitOption', 'op');
  if (
    target === undefined ||
    value === null ||
    more.length > 0 ||
    target.unread !== null ||
    tree.unread !== null
  ) {
    throw context.invalid(tree, 'a position is one number, a time is one string, or a parameter', '42601');
  }
  const found = expression(context, value);
  const column = firstColumn(found);
  if (column === null) return found;
  throw context.invalid(
    value,
    `"${column}" is not constant: a position or time to look at is a number, a string or a parameter`,
    '42P10',
  );
}

function firstColumn(root: Expression): string | null {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next !== 'object' || next === null) continue;
    const { node, name } = next as { node?: string; name?: string };
    if (node === 'column') return name ?? '';
    for (const value of Object.values(next)) open.push(value);
  }
  return null;
}

const WITHOUT_PARAMETERS: ReadonlySet<Statement['statement']> = new Set([
  'create table',
  'alter table',
  'create index',
  'create projection',
  'drop',
]);

/** Definitions are kept as they are written; a parameter's value would be gone. */
function refuseParameters(source: StatementSource, statement: Statement, { count }: Parameters): void {
  if (count === 0 || !WITHOUT_PARAMETERS.has(statement.statement)) return;
  const at = source.tokens.find((token) => token.kind === 'parameter')?.start ?? source.start;
  throw invalid(
    source.text,
    at,
    `${statement.statement.toUpperCase()} takes no parameters; write the value`,
    '42P02',
  );
}

const EXPLAINED: ReadonlySet<Statement['statement']> = new Set([
  'select',
  'diff',
  'insert',
  'update',
  'delete',
  'create projection',
]);

function refuseExplaining(source: StatementSource, { statement }: Statement): void {
  if (EXPLAINED.has(statement)) return;
  const construct = `EXPLAIN of ${statement.toUpperCase()}`;
  throw notSupported(source.text, source.start, construct, 'explain a query or a change of rows');
}
