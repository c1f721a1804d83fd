/**
 * Expressions back to text, in one canonical form: what the parser makes of it is the same expression (but for places), which
 * the tests try on any expression. Parentheses only where the grammar's precedences want them.
 */
import type {
  BinaryOperator,
  CallExpression,
  CaseExpression,
  Expression,
  LiteralExpression,
} from '../ast.ts';
import { typeName } from '../types/type-name.ts';
import { operandsOf } from './expressions.ts';
import { KEYWORDS } from './keywords.ts';

export function printExpression(expression: Expression): string {
  return text(expression, LEVEL.or);
}

/** A name as SQL says it: in quotes where it is not a plain lower-case word or is one of PostgreSQL's. */
export function printName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** How tightly PostgreSQL's grammar binds, loosest first. Comparisons, tests and ranges take only operands above themselves. */
const LEVEL = {
  or: 1,
  and: 2,
  not: 3,
  is: 4,
  comparison: 5,
  range: 6,
  operator: 7,
  sum: 8,
  product: 9,
  sign: 10,
  cast: 11,
  atom: 12,
};

const LEVELS: Readonly<Record<BinaryOperator, number>> = {
  or: LEVEL.or,
  and: LEVEL.and,
  'is distinct from': LEVEL.is,
  'is not distinct from': LEVEL.is,
  '=': LEVEL.comparison,
  '<>': LEVEL.comparison,
  '<': LEVEL.comparison,
  '<=': LEVEL.comparison,
  '>': LEVEL.comparison,
  '>=': LEVEL.comparison,
  '||': LEVEL.operator,
  '+': LEVEL.sum,
  '-': LEVEL.sum,
  '*': LEVEL.product,
  '/': LEVEL.product,
  '%': LEVEL.product,
};

function levelOf(expression: Expression): number {
  switch (expression.node) {
    case 'binary':
      return LEVELS[expression.operator];
    case 'unary':
      return expression.operator === 'not' ? LEVEL.not : LEVEL.sign;
    case 'is':
      return LEVEL.is;
    case 'in':
    case 'between':
    case 'like':
      return LEVEL.range;
    case 'cast':
      return LEVEL.cast;
    case 'literal':
      return expression.text?.startsWith('-') && expression.kind !== 'string' ? LEVEL.sign : LEVEL.atom;
    default:
      return LEVEL.atom;
  }
}

/** An operand that has to bind at least so tightly, in parentheses if it does not. */
function text(expression: Expression, level: number): string {
  const plain = print(expression);
  return levelOf(expression) < level ? `(${plain})` : plain;
}

function print(expression: Expression): string {
  switch (expression.node) {
    case 'literal':
      return literal(expression);
    case 'parameter':
      return `$${expression.index + 1}`;
    case 'column':
      return [expression.table, expression.name]
        .filter((name) => name !== null)
        .map(printName)
        .join('.');
    case 'unary':
      return unary(expression.operator, expression.operand);
    case 'binary':
      return binary(expression.operator, expression.left, expression.right, expression);
    case 'is':
      return `${text(expression.operand, LEVEL.operator)} IS ${not(expression.negated)}${expression.what.toUpperCase()}`;
    case 'in':
      return `${text(expression.operand, LEVEL.operator)} ${not(expression.negated)}IN (${list(expression.list)})`;
    case 'between': {
      const { operand, low, high } = expression;
      const [a, b, c] = [operand, low, high].map((part) => text(part, LEVEL.operator));
      return `${a} ${not(expression.negated)}BETWEEN ${b} AND ${c}`;
    }
    case 'like': {
      const word = `${not(expression.negated)}${expression.insensitive ? 'ILIKE' : 'LIKE'}`;
      const [a, b] = [expression.operand, expression.pattern].map((part) => text(part, LEVEL.operator));
      const end = expression.escape === null ? '' : ` ESCAPE ${text(expression.escape, LEVEL.operator)}`;
      return `${a} ${word} ${b}${end}`;
    }
    case 'cast':
      return `${text(expression.operand, LEVEL.cast)}::${typeName(expression.type)}`;
    case 'call':
      return call(expression);
    case 'case':
      return caseWhen(expression);
  }
}

function not(negated: boolean): string {
  return negated ? 'NOT ' : '';
}

function list(expressions: readonly Expression[]): string {
  return expressions.map(printExpression).join(', ');
}

function literal({ kind, text: value }: LiteralExpression): string {
  if (value === null) return 'NULL';
  return kind === 'string' ? `'${value.replaceAll("'", "''")}'` : value;
}

/** Two signs in a row would begin a comment or another operator. */
function unary(operator: 'not' | '-' | '+', operand: Expression): string {
  if (operator === 'not') return `NOT ${text(operand, LEVEL.not)}`;
  const inner = text(operand, LEVEL.sign);
  return `${operator}${/^[-+]/.test(inner) ? ' ' : ''}${inner}`;
}

function binary(operator: BinaryOperator, left: Expression, right: Expression, whole: Expression): string {
  const level = LEVELS[operator];
  if (operator === 'and' || operator === 'or') {
    return operandsOf(operator, whole)
      .map((operand) => text(operand, level + 1))
      .join(` ${operator.toUpperCase()} `);
  }
  const leftAssociative = level >= LEVEL.operator;
  const lowest = leftAssociative ? level : LEVEL.operator;
  return `${text(left, lowest)} ${operator.toUpperCase()} ${text(right, leftAssociative ? level + 1 : lowest)}`;
}

/** Calls that are written without parentheses. */
const BARE_CALLS = new Set(
  (
    'current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime ' +
    'localtimestamp session_user user'
  ).split(' '),
);

/** Words of the grammar that take a plain list of arguments. */
const PLAIN_WORDS = new Set('coalesce greatest least substring overlay'.split(' '));

function call({ name, args, star, distinct }: CallExpression): string {
  if (star) return `${printName(name)}(*)`;
  if (args.length === 0 && BARE_CALLS.has(name)) return name.toUpperCase();
  const [first, second] = args;
  if (args.length === 2 && !distinct && first !== undefined && second !== undefined) {
    if (name === 'extract' && first.node === 'literal' && first.kind === 'string') {
      return `extract(${literal(first)} FROM ${printExpression(second)})`;
    }
    if (name === 'position')
      return `position(${text(second, LEVEL.operator)} IN ${text(first, LEVEL.operator)})`;
    if (name === 'nullif') return `nullif(${list(args)})`;
  }
  const plain = PLAIN_WORDS.has(name) && args.length > 0 && !distinct;
  return `${plain ? name : printName(name)}(${distinct ? 'DISTINCT ' : ''}${list(args)})`;
}

function caseWhen({ operand, whens, otherwise }: CaseExpression): string {
  const parts = ['CASE'];
  if (operand !== null) parts.push(printExpression(operand));
  for (const { when, then } of whens)
    parts.push(`WHEN ${printExpression(when)} THEN ${printExpression(then)}`);
  if (otherwise !== null) parts.push(`ELSE ${printExpression(otherwise)}`);
  return [...parts, 'END'].join(' ');
}
