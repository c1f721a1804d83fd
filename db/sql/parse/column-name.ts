/** What PostgreSQL calls a column of a result that has no alias (parse_target.c, FigureColname). */
import type { Expression } from '../ast.ts';
import type { SqlType } from '../types/sql-type.ts';

export function columnName(expression: Expression): string {
  return figured(expression).name ?? '?column?';
}

/** Types by the names PostgreSQL keeps them under: a cast of something nameless is called after its type. */
const TYPE_NAMES: Readonly<Record<SqlType['kind'], string>> = {
  integer: 'int4',
  bigint: 'int8',
  double: 'float8',
  decimal: 'numeric',
  text: 'text',
  boolean: 'bool',
  timestamp: 'timestamp',
  bytes: 'bytea',
  json: 'json',
  uuid: 'uuid',
};

/** A weak name gives way to the name of what stands around it. */
interface Figured {
  readonly name: string | null;
  readonly weak: boolean;
}

function figured(expression: Expression): Figured {
  switch (expression.node) {
    case 'column':
    case 'call':
      return { name: expression.name, weak: false };
    case 'cast': {
      const inner = figured(expression.operand);
      if (inner.name !== null && !inner.weak) return inner;
      const { type } = expression;
      return {
        name: type.kind === 'text' && type.lengthMax !== null ? 'varchar' : TYPE_NAMES[type.kind],
        weak: true,
      };
    }
    case 'case': {
      const inner = expression.otherwise === null ? null : figured(expression.otherwise);
      return inner !== null && inner.name !== null && !inner.weak ? inner : { name: 'case', weak: true };
    }
    default:
      return { name: null, weak: true };
  }
}
