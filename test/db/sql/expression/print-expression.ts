import type { Expression } from '../../../../db/sql/ast.ts';
import { typeName } from '../../../../db/sql/types/index.ts';

/**
 * An expression as PostgreSQL reads it, everything in parentheses. Constants that have a type stand in a query of their own:
 * its planner would compute what consists of them beforehand, also where it is never reached, and other errors would show.
 */
export function printExpression(expression: Expression): string {
  const print = printExpression;
  switch (expression.node) {
    case 'literal':
      return expression.text === null || expression.kind === 'string'
        ? printPlain(expression)
        : `(select ${printPlain(expression)})`;
    case 'parameter':
      return `$${expression.index + 1}`;
    case 'column':
      return expression.name;
    case 'unary':
      return `(${expression.operator} ${expression.operand.node === 'literal' ? printPlain(expression.operand) : print(expression.operand)})`;
    case 'binary':
      return `(${print(expression.left)} ${expression.operator} ${print(expression.right)})`;
    case 'is':
      return `(${print(expression.operand)} is ${not(expression.negated)}${expression.what})`;
    case 'in':
      return `(${print(expression.operand)} ${not(expression.negated)}in (${expression.list.map(printPlain).join(', ')}))`;
    case 'between':
      return `(${print(expression.operand)} ${not(expression.negated)}between ${print(expression.low)} and ${print(expression.high)})`;
    case 'like': {
      const word = expression.insensitive ? 'ilike' : 'like';
      const away = expression.escape === null ? '' : ` escape ${print(expression.escape)}`;
      return `(${print(expression.operand)} ${not(expression.negated)}${word} ${print(expression.pattern)}${away})`;
    }
    case 'cast':
      return isString(expression.operand) && !typeName(expression.type).includes('(')
        ? `(select ${printPlain(expression)})`
        : `(${print(expression.operand)}::${typeName(expression.type)})`;
    case 'call':
      if (expression.name === 'position') {
        return `position(${expression.args.map(print).reverse().join(' in ')})`;
      }
      if (expression.name === 'extract') return `extract(${expression.args.map(print).join(' from ')})`;
      return `${expression.name}(${expression.args.map(print).join(', ')})`;
    case 'case': {
      const operand = expression.operand === null ? '' : ` ${print(expression.operand)}`;
      const whens = expression.whens.map(
        ({ when, then: result }) => ` when ${print(when)} then ${print(result)}`,
      );
      const otherwise = expression.otherwise === null ? '' : ` else ${print(expression.otherwise)}`;
      return `(case${operand}${whens.join('')}${otherwise} end)`;
    }
  }
}

function isString(expression: Expression): boolean {
  return expression.node === 'literal' && expression.kind === 'string';
}

/** Literals, and casts of them, as they are. */
function printPlain(expression: Expression): string {
  if (expression.node === 'cast' && expression.operand.node === 'literal')
    return `${printPlain(expression.operand)}::${typeName(expression.type)}`;
  if (expression.node !== 'literal') return printExpression(expression);
  if (expression.text === null) return 'NULL';
  if (expression.kind === 'string') return `'${expression.text.replaceAll("'", "''")}'`;
  return expression.text.startsWith('-') ? `(${expression.text})` : expression.text;
}

function not(negated: boolean): string {
  return negated ? 'not ' : '';
}
