/** Any expression in the form the parser gives it: chains of AND and OR balanced, a minus part of the number behind it. */
import fc from 'fast-check';
import type { BinaryOperator, Expression } from '../../../../db/sql/ast.ts';
import { balanced } from '../../../../db/sql/parse/expressions.ts';
import { KEYWORDS } from '../../../../db/sql/parse/keywords.ts';
import type { SqlType } from '../../../../db/sql/types/sql-type.ts';

const NOWHERE = 0;

const name = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'id',
    'total',
    'x_1',
    'history',
    'name',
    'zone',
    'value',
    'escape',
    'Größe',
    'Id',
    'a b',
    'a"b',
    'a.b',
    "it's",
  ),
  fc.constantFrom(...KEYWORDS),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
    .filter((text) => Buffer.byteLength(text) <= 63 && !text.includes('\0') && text.isWellFormed()),
);

const digits = fc.bigInt({ min: 0n, max: 10n ** 30n });
const text = fc
  .string({ unit: 'grapheme', maxLength: 10 })
  .filter((value) => !value.includes('\0') && value.isWellFormed());
const minus = fc.constantFrom('', '-');

const literal: fc.Arbitrary<Expression> = fc.oneof(
  fc.constant({ node: 'literal', kind: 'null', text: null, at: NOWHERE } as const),
  fc
    .boolean()
    .map((value): Expression => ({ node: 'literal', kind: 'boolean', text: String(value), at: NOWHERE })),
  fc.tuple(minus, digits).map(
    ([sign, value]): Expression => ({
      node: 'literal',
      kind: 'integer',
      text: value === 0n ? '0' : `${sign}${value}`,
      at: NOWHERE,
    }),
  ),
  fc.tuple(minus, digits, digits, fc.constantFrom('', 'e5', 'E-3', 'e+10')).map(
    ([sign, whole, part, power]): Expression => ({
      node: 'literal',
      kind: 'decimal',
      text: `${sign}${whole}.${part}${power}`,
      at: NOWHERE,
    }),
  ),
  fc
    .oneof(text, fc.constantFrom("'", "''", '\\', '--', '/*', '?', '$1', '\n', '\u0001'))
    .map((value): Expression => ({ node: 'literal', kind: 'string', text: value, at: NOWHERE })),
);

const type: fc.Arbitrary<SqlType> = fc.oneof(
  fc.constantFrom<SqlType>(
    { kind: 'integer' },
    { kind: 'bigint' },
    { kind: 'double' },
    { kind: 'decimal', precision: null, scale: null },
    { kind: 'text', lengthMax: null },
    { kind: 'boolean' },
    { kind: 'timestamp' },
    { kind: 'bytes' },
    { kind: 'json' },
    { kind: 'uuid' },
  ),
  fc.integer({ min: 1, max: 100 }).map((lengthMax): SqlType => ({ kind: 'text', lengthMax })),
  fc
    .integer({ min: 1, max: 40 })
    .chain((precision) =>
      fc.integer({ min: 0, max: precision }).map((scale): SqlType => ({ kind: 'decimal', precision, scale })),
    ),
);

const BINARY: readonly BinaryOperator[] = [
  '=',
  '<>',
  '<',
  '<=',
  '>',
  '>=',
  '+',
  '-',
  '*',
  '/',
  '%',
  '||',
  'is distinct from',
  'is not distinct from',
];

/** Names with a grammar of their own, beside any. */
const functionName = fc.oneof(
  fc.constantFrom(
    'count',
    'sum',
    'lower',
    'coalesce',
    'nullif',
    'greatest',
    'least',
    'extract',
    'position',
    'substring',
    'overlay',
    'btrim',
    'trim',
    'now',
  ),
  fc.constantFrom(
    'current_timestamp',
    'current_user',
    'user',
    'timezone',
    'like_escape',
    'normalize',
    'xmlexists',
    'int4',
  ),
  name,
);

export const anyExpression: fc.Arbitrary<Expression> = fc.letrec<{ any: Expression }>((tie) => {
  const any = tie('any');
  const some = fc.array(any, { minLength: 1, maxLength: 3 });
  const chain = (operator: 'and' | 'or'): fc.Arbitrary<Expression> =>
    fc
      .array(
        any.filter((operand) => operand.node !== 'binary' || operand.operator !== operator),
        { minLength: 2, maxLength: 5 },
      )
      .map((operands) => balanced(operator, operands, NOWHERE));
  return {
    any: fc.oneof(
      { maxDepth: 5, depthSize: 'small', withCrossShrink: true },
      literal,
      fc.nat(65_534).map((index): Expression => ({ node: 'parameter', index, at: NOWHERE })),
      fc
        .tuple(fc.option(name), name)
        .map(([table, column]): Expression => ({ node: 'column', table, name: column, at: NOWHERE })),
      chain('and'),
      chain('or'),
      fc
        .tuple(fc.constantFrom(...BINARY), any, any)
        .map(
          ([operator, left, right]): Expression => ({ node: 'binary', operator, left, right, at: NOWHERE }),
        ),
      fc
        .tuple(fc.constantFrom('not', '-', '+'), any)
        .filter(([operator, operand]) => operator !== '-' || !isNumber(operand))
        .map(([operator, operand]): Expression => ({ node: 'unary', operator, operand, at: NOWHERE })),
      fc
        .tuple(any, fc.constantFrom('null', 'true', 'false', 'unknown'), fc.boolean())
        .map(([operand, what, negated]): Expression => ({ node: 'is', operand, what, negated, at: NOWHERE })),
      fc
        .tuple(any, some, fc.boolean())
        .map(([operand, list, negated]): Expression => ({ node: 'in', operand, list, negated, at: NOWHERE })),
      fc.tuple(any, any, any, fc.boolean()).map(
        ([operand, low, high, negated]): Expression => ({
          node: 'between',
          operand,
          low,
          high,
          negated,
          at: NOWHERE,
        }),
      ),
      fc.tuple(any, any, fc.option(any), fc.boolean(), fc.boolean()).map(
        ([operand, pattern, escapedBy, insensitive, negated]): Expression => ({
          ...{ node: 'like', operand, pattern, escape: escapedBy, insensitive, negated, at: NOWHERE },
        }),
      ),
      fc
        .tuple(any, type)
        .map(([operand, to]): Expression => ({ node: 'cast', operand, type: to, at: NOWHERE })),
      fc.tuple(functionName, fc.array(any, { maxLength: 3 }), fc.boolean()).map(
        ([called, args, distinct]): Expression => ({
          ...{
            node: 'call',
            name: called,
            args,
            star: false,
            distinct: distinct && args.length > 0,
            at: NOWHERE,
          },
        }),
      ),
      functionName.map(
        (called): Expression => ({
          node: 'call',
          name: called,
          args: [],
          star: true,
          distinct: false,
          at: NOWHERE,
        }),
      ),
      fc
        .tuple(fc.option(any), fc.array(fc.tuple(any, any), { minLength: 1, maxLength: 2 }), fc.option(any))
        .map(([operand, pairs, otherwise]): Expression => {
          const whens = pairs.map(([when, then]) => ({ when, then }));
          return { node: 'case', operand, whens, otherwise, at: NOWHERE };
        }),
    ),
  };
}).any;

function isNumber(expression: Expression): boolean {
  return expression.node === 'literal' && (expression.kind === 'integer' || expression.kind === 'decimal');
}
