/** Default values as PostgreSQL shows them in `\d`. */
import type { Expression } from '../../../sql/ast.ts';
import { printExpression } from '../../../sql/parse/print.ts';
import type { SqlType } from '../../../sql/types/sql-type.ts';
import { baseTypeName } from '../../../sql/types/type-name.ts';

/** A quoted literal, and NULL, are shown with the type they stand in for. */
export function defaultText(expression: Expression, type: SqlType): string {
  const text = printExpression(expression);
  const isOpen =
    expression.node === 'literal' && (expression.kind === 'string' || expression.kind === 'null');
  return isOpen ? `${text}::${baseTypeName(type)}` : text;
}
