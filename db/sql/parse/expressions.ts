/** Expressions of PostgreSQL's parse trees to ours. */
import type { BinaryOperator, Expression, LiteralExpression } from '../ast.ts';
import { call, caseWhen, sqlValue } from './calls.ts';
import type { Context } from './context.ts';
import { deepNesting, NESTING_MAX } from './nesting.ts';
import type { Tree } from './tree.ts';
import { sqlType } from './types.ts';
import { unsupportedNode } from './unsupported.ts';

/** Errors: INVALID_ARGUMENT (0A000 for what we have not, 22P02 …), TOO_LARGE (54001) past NESTING_MAX levels. */
export function expression(context: Context, tree: Tree, depth = 1): Expression {
  if (depth > NESTING_MAX) throw deepNesting(context.source.text, context.source.start + context.at(tree));
  const inner = (operand: Tree): Expression => expression(context, operand, depth + 1);
  const translated = translate(context, tree, inner);
  context.finish(tree);
  return translated;
}

/** Translates an operand, one level deeper. */
export type Inner = (operand: Tree) => Expression;

function translate(context: Context, tree: Tree, inner: Inner): Expression {
  const at = context.at(tree);
  switch (tree.tag) {
    case 'A_Const':
      return literal(context, tree);
    case 'ParamRef':
      return { node: 'parameter', index: tree.number('number') - 1, at };
    case 'ColumnRef':
      return column(context, tree);
    case 'A_Expr':
      return operator(context, tree, inner);
    case 'BoolExpr':
      return logical(tree, at, inner);
    case 'NullTest': {
      const negated = tree.text('nulltesttype') === 'IS_NOT_NULL';
      return { node: 'is', operand: inner(context.child(tree, 'arg')), what: 'null', negated, at };
    }
    case 'BooleanTest':
      return booleanTest(context, tree, inner);
    case 'TypeCast': {
      const operand = inner(context.child(tree, 'arg'));
      return { node: 'cast', operand, type: sqlType(context, tree.childOf('typeName', 'TypeName')!), at };
    }
    case 'CaseExpr':
      return caseWhen(context, tree, inner);
    case 'SQLValueFunction':
      return sqlValue(context, tree);
    case 'FuncCall':
    case 'CoalesceExpr':
    case 'MinMaxExpr':
      return call(context, tree, inner);
    case 'SubLink':
      throw subquery(context, tree);
    default: {
      const { construct, instead } = unsupportedNode(tree.tag);
      throw context.notSupported(tree, construct, instead);
    }
  }
}

function literal(context: Context, tree: Tree): LiteralExpression {
  const make = (kind: LiteralExpression['kind'], text: string | null): LiteralExpression => ({
    node: 'literal',
    kind,
    text,
    at: context.at(tree),
  });
  if (tree.flag('isnull')) return make('null', null);
  if (tree.has('ival')) return make('integer', String(tree.childOf('ival', 'Integer')!.number('ival')));
  if (tree.has('fval')) return number(tree.childOf('fval', 'Float')!.text('fval') ?? '', make);
  if (tree.has('sval')) return make('string', tree.childOf('sval', 'String')!.text('sval') ?? '');
  if (tree.has('boolval'))
    return make('boolean', String(tree.childOf('boolval', 'Boolean')!.flag('boolval')));
  throw context.notSupported(tree, "a bit string (B'…', X'…')", "write bytes as '\\x00ff'::bytes");
}

/** What does not fit four bytes comes as text: 99999999999, 1.5, 1e9, 0xffffffffff, 1_000_000_000_000; negated with a minus. */
function number(
  written: string,
  make: (kind: 'integer' | 'decimal', text: string) => LiteralExpression,
): LiteralExpression {
  const plain = written.replaceAll('_', '');
  const [, minus = '', digits = ''] = /^(-?)(.*)$/.exec(plain) ?? [];
  if (/^(?:0[xXoObB])?[0-9a-fA-F]+$/.test(digits) && !/^[0-9]+[eE]/.test(digits)) {
    return make('integer', `${minus}${BigInt(digits)}`);
  }
  return make('decimal', plain);
}

function column(context: Context, tree: Tree): Expression {
  const fields = tree.list('fields');
  const names = fields.map((field) => field.text('sval') ?? '');
  if (fields.some((field) => field.tag === 'A_Star')) {
    throw context.notSupported(tree, '* within an expression', 'name the column; count(*) counts rows');
  }
  const [name = '', table = null, ...schema] = names.toReversed();
  if (schema.length > 1 || (schema.length === 1 && schema[0] !== 'public')) {
    throw context.invalid(
      tree,
      `"${names.join('.')}" is no column: write column, table.column or alias.column`,
      '42P01',
    );
  }
  return { node: 'column', table, name, at: context.at(tree) };
}

/**
 * AND and OR of many come as one list; a balanced tree keeps the depth small however long it is. `a AND b AND c` in
 * PostgreSQL's tree may also hold ANDs as operands, from parentheses: they join the list.
 */
function logical(tree: Tree, at: number, inner: Inner): Expression {
  const kind = tree.text('boolop');
  const operands = tree.list('args').map(inner);
  if (kind === 'NOT_EXPR') return { node: 'unary', operator: 'not', operand: operands[0]!, at };
  const operator = kind === 'AND_EXPR' ? 'and' : 'or';
  return balanced(
    operator,
    operands.flatMap((operand) => operandsOf(operator, operand)),
    at,
  );
}

/** Operands of a chain of one operator, in their order. */
export function operandsOf(operator: 'and' | 'or', expression: Expression): readonly Expression[] {
  if (expression.node !== 'binary' || expression.operator !== operator) return [expression];
  return [...operandsOf(operator, expression.left), ...operandsOf(operator, expression.right)];
}

/** The one form in which the parser gives a chain of ANDs or ORs; at least one operand. */
export function balanced(operator: 'and' | 'or', operands: readonly Expression[], at: number): Expression {
  if (operands.length === 1) return operands[0]!;
  const middle = (operands.length + 1) >> 1;
  return {
    node: 'binary',
    operator,
    left: balanced(operator, operands.slice(0, middle), at),
    right: balanced(operator, operands.slice(middle), at),
    at,
  };
}

const BOOLEAN_TESTS: Readonly<Record<string, readonly ['true' | 'false' | 'unknown', boolean]>> = {
  IS_TRUE: ['true', false],
  IS_NOT_TRUE: ['true', true],
  IS_FALSE: ['false', false],
  IS_NOT_FALSE: ['false', true],
  IS_UNKNOWN: ['unknown', false],
  IS_NOT_UNKNOWN: ['unknown', true],
};

function booleanTest(context: Context, tree: Tree, inner: Inner): Expression {
  const [what, negated] = BOOLEAN_TESTS[tree.text('booltesttype') ?? '']!;
  return { node: 'is', operand: inner(context.child(tree, 'arg')), what, negated, at: context.at(tree) };
}

const BINARY = new Set(['=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '||']);

/** Operators of PostgreSQL that we have not, with what to write. */
const OPERATOR_INSTEAD: Readonly<Record<string, string>> = {
  '^': 'multiply',
  '==': 'write =',
  '&&': 'write AND',
  '!': 'write NOT',
  '~~': 'write LIKE',
  '~': 'use LIKE or ILIKE',
  '~*': 'use ILIKE',
  '!~': 'use NOT LIKE',
  '!~*': 'use NOT ILIKE',
  '->': 'keep what you search by in a column of its own',
  '->>': 'keep what you search by in a column of its own',
  '@>': 'keep what you search by in a column of its own',
};

function operator(context: Context, tree: Tree, inner: Inner): Expression {
  const names = tree.names('name');
  const name = names.at(-1) ?? '';
  const kind = tree.text('kind');
  const at = context.at(tree);
  if (names.length > 1) throw context.notSupported(tree, 'OPERATOR(…)', 'write the operator itself');
  switch (kind) {
    case 'AEXPR_OP':
      return plainOperator(context, tree, name, inner);
    case 'AEXPR_DISTINCT':
    case 'AEXPR_NOT_DISTINCT': {
      const operator = kind === 'AEXPR_DISTINCT' ? 'is distinct from' : 'is not distinct from';
      return { node: 'binary', operator, ...sides(context, tree, inner), at };
    }
    case 'AEXPR_NULLIF': {
      const { left, right } = sides(context, tree, inner);
      return { node: 'call', name: 'nullif', args: [left, right], star: false, distinct: false, at };
    }
    case 'AEXPR_IN': {
      tree.ignore('rexpr_list_start', 'rexpr_list_end');
      const list = context.child(tree, 'rexpr').list('items').map(inner);
      return { node: 'in', operand: inner(context.child(tree, 'lexpr')), list, negated: name === '<>', at };
    }
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN': {
      const [low, high] = context.child(tree, 'rexpr').list('items').map(inner);
      const operand = inner(context.child(tree, 'lexpr'));
      return { node: 'between', operand, low: low!, high: high!, negated: kind === 'AEXPR_NOT_BETWEEN', at };
    }
    case 'AEXPR_LIKE':
    case 'AEXPR_ILIKE':
      return like(context, tree, name, inner);
    default:
      throw context.notSupported(tree, ...(OTHER_KINDS[kind ?? ''] ?? [`the operator ${name}`, '']));
  }
}

const OTHER_KINDS: Readonly<Record<string, readonly [string, string]>> = {
  AEXPR_OP_ANY: ['ANY of an array', 'write IN (…) with the values as parameters'],
  AEXPR_OP_ALL: ['ALL of an array', 'write NOT IN (…) with the values as parameters'],
  AEXPR_SIMILAR: ['SIMILAR TO', 'use LIKE'],
  AEXPR_BETWEEN_SYM: ['BETWEEN SYMMETRIC', 'put the smaller one first'],
  AEXPR_NOT_BETWEEN_SYM: ['NOT BETWEEN SYMMETRIC', 'put the smaller one first'],
};

function plainOperator(context: Context, tree: Tree, name: string, inner: Inner): Expression {
  const at = context.at(tree);
  if (!tree.has('lexpr')) {
    if (name !== '-' && name !== '+') throw unknownOperator(context, tree, name);
    return { node: 'unary', operator: name, operand: inner(context.child(tree, 'rexpr')), at };
  }
  if (!BINARY.has(name)) throw unknownOperator(context, tree, name);
  return { node: 'binary', operator: name as BinaryOperator, ...sides(context, tree, inner), at };
}

function unknownOperator(context: Context, tree: Tree, name: string): Error {
  return context.notSupported(tree, `the operator ${name}`, OPERATOR_INSTEAD[name] ?? '');
}

function sides(context: Context, tree: Tree, inner: Inner): { left: Expression; right: Expression } {
  return { left: inner(context.child(tree, 'lexpr')), right: inner(context.child(tree, 'rexpr')) };
}

/** LIKE comes as the operators ~~, !~~, ~~*, !~~*, its ESCAPE as a call of like_escape around the pattern. */
function like(context: Context, tree: Tree, name: string, inner: Inner): Expression {
  const pattern = context.child(tree, 'rexpr');
  const [inside, escapedBy = null] = isLikeEscape(pattern) ? pattern.list('args') : [pattern];
  return {
    node: 'like',
    operand: inner(context.child(tree, 'lexpr')),
    pattern: inner(inside!),
    escape: escapedBy === null ? null : inner(escapedBy),
    insensitive: name.endsWith('*'),
    negated: name.startsWith('!'),
    at: context.at(tree),
  };
}

/** Only the grammar itself writes this name with its schema here. */
function isLikeEscape(tree: Tree): boolean {
  return tree.tag === 'FuncCall' && tree.names('funcname').join('.') === 'pg_catalog.like_escape';
}

const SUBQUERIES: Readonly<Record<string, string>> = {
  EXISTS_SUBLINK: 'EXISTS (SELECT …)',
  ANY_SUBLINK: 'IN (SELECT …)',
  ALL_SUBLINK: 'ALL (SELECT …)',
  ARRAY_SUBLINK: 'ARRAY (SELECT …)',
};

function subquery(context: Context, tree: Tree): Error {
  return context.notSupported(
    tree,
    SUBQUERIES[tree.text('subLinkType') ?? ''] ?? 'a subquery in an expression',
    'read its rows first, or join in a CREATE PROJECTION p AS SELECT …',
  );
}
