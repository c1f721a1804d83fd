/** Default values as PostgreSQL shows them in `\d`. */
import type { Expression } from '../../../sql/ast.ts';
import type { SqlType } from '../../../sql/types/sql-type.ts';
import { baseTypeName, typeName } from '../../../sql/types/type-name.ts';

const NESTING_MAX = 200;

/** `type` is what the expression stands in for: a quoted literal is shown with it, as PostgreSQL does. */
export function expressionText(expression: Expression, type: SqlType | null, depth = 0): string {
  if (depth > NESTING_MAX) return '…';
  const text = (of: Expression) => expressionText(of, null, depth + 1);
  const list = (of: readonly Expression[]) => of.map(text).join(', ');
  const not = (negated: boolean) => (negated ? ' NOT' : '');
  switch (expression.node) {
    case 'literal':
      return literalText(expression.kind, expression.text, type);
    case 'parameter':
      return `$${expression.index + 1}`;
    case 'column':
      return expression.table === null ? expression.name : `${expression.table}.${expression.name}`;
    case 'unary':
      return expression.operator === 'not'
        ? `(NOT ${text(expression.operand)})`
        : expression.operator + text(expression.operand);
    case 'binary':
      return `(${text(expression.left)} ${expression.operator.toUpperCase()} ${text(expression.right)})`;
    case 'is':
      return `(${text(expression.operand)} IS${not(expression.negated)} ${expression.what.toUpperCase()})`;
    case 'in':
      return `(${text(expression.operand)}${not(expression.negated)} IN (${list(expression.list)}))`;
    case 'between':
      return `(${text(expression.operand)}${not(expression.negated)} BETWEEN ${text(expression.low)} AND ${text(expression.high)})`;
    case 'like':
      return `(${text(expression.operand)}${not(expression.negated)} ${expression.insensitive ? 'ILIKE' : 'LIKE'} ${text(expression.pattern)})`;
    case 'cast':
      return `${text(expression.operand)}::${typeName(expression.type)}`;
    case 'call':
      return `${expression.name}(${expression.star ? '*' : list(expression.args)})`;
    case 'case':
      return caseText(expression, text);
  }
}

function literalText(kind: string, text: string | null, type: SqlType | null): string {
  if (text === null) return type === null ? 'NULL' : `NULL::${baseTypeName(type)}`;
  if (kind !== 'string') return text;
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return type === null ? quoted : `${quoted}::${baseTypeName(type)}`;
}

function caseText(expression: Expression & { node: 'case' }, text: (of: Expression) => string): string {
  const { operand, whens, otherwise } = expression;
  const parts = [
    ...(operand === null ? [] : [text(operand)]),
    ...whens.map(({ when, then }) => `WHEN ${text(when)} THEN ${text(then)}`),
    ...(otherwise === null ? [] : [`ELSE ${text(otherwise)}`]),
  ];
  return `CASE ${parts.join(' ')} END`;
}
