/** Calls: functions, aggregates, and the words PostgreSQL's grammar has its own forms for (EXTRACT, COALESCE, CASE, CURRENT_TIMESTAMP). */
import type { CallExpression, CaseExpression, Expression } from '../ast.ts';
import type { Context } from './context.ts';
import type { Tree } from './tree.ts';

type Inner = (operand: Tree) => Expression;

/** FuncCall, CoalesceExpr, MinMaxExpr. Forms like SUBSTRING(a FROM b FOR c) come as the arguments (a, b, c), POSITION(a IN b) as (b, a). */
export function call(context: Context, tree: Tree, inner: Inner): CallExpression {
  const name = functionName(context, tree);
  const star = tree.tag === 'FuncCall' && tree.flag('agg_star');
  const distinct = tree.tag === 'FuncCall' && tree.flag('agg_distinct');
  tree.ignore('funcformat', 'op');
  return { node: 'call', name, args: tree.list('args').map(inner), star, distinct, at: context.at(tree) };
}

function functionName(context: Context, tree: Tree): string {
  if (tree.tag === 'CoalesceExpr') return 'coalesce';
  if (tree.tag === 'MinMaxExpr') return tree.text('op') === 'IS_GREATEST' ? 'greatest' : 'least';
  const [first = '', ...more] = tree.names('funcname');
  if (more.length === 0) return first;
  if (first === 'pg_catalog' && more.length === 1) return more[0]!;
  throw context.invalid(tree, `there is no function "${[first, ...more].join('.')}"`, '42883');
}

export function caseWhen(context: Context, tree: Tree, inner: Inner): CaseExpression {
  const operand = tree.child('arg');
  const otherwise = tree.child('defresult');
  return {
    node: 'case',
    operand: operand === null ? null : inner(operand),
    whens: tree.list('args').map((when) => ({
      when: inner(context.child(when, 'expr')),
      // biome-ignore lint/suspicious/noThenProperty: THEN is what SQL calls it, and nobody awaits an expression
      then: inner(context.child(when, 'result')),
    })),
    otherwise: otherwise === null ? null : inner(otherwise),
    at: context.at(tree),
  };
}

/** Names that are written without parentheses: CURRENT_TIMESTAMP and its like. */
export function sqlValue(context: Context, tree: Tree): CallExpression {
  const name = (tree.text('op') ?? '').replace(/^SVFOP_/, '').toLowerCase();
  tree.ignore('typmod');
  if (name.endsWith('_n')) {
    throw context.notSupported(
      tree,
      `a precision of ${name.slice(0, -2).toUpperCase()}`,
      'leave it out: times have microseconds',
    );
  }
  return { node: 'call', name, args: [], star: false, distinct: false, at: context.at(tree) };
}
