/** AS OF's expression: constant, so that it has a value before anybody knows which tables there are. */
import { TruthError } from '../../errors.ts';
import type { AsOf } from '../ast.ts';
import {
  type BoundExpression,
  bindAs,
  type EvaluationContext,
  type ParameterTypes,
} from '../expression/index.ts';
import type { SqlType } from '../types/index.ts';
import { RowScope } from './row-scope.ts';

/** What AS OF says once its expression has a value: a position of the log, or microseconds since 1970. */
export interface Moment {
  readonly kind: AsOf['kind'];
  readonly value: bigint;
}

const TYPES: Readonly<Record<AsOf['kind'], SqlType>> = {
  position: { kind: 'bigint' },
  timestamp: { kind: 'timestamp' },
};

/** Errors: INVALID_ARGUMENT (42804, and 42703 for a column). */
export function bindMoment({ kind, value }: AsOf, types: ParameterTypes): BoundExpression {
  const scope = new RowScope(null, null, false);
  return bindAs(value, scope, types, TYPES[kind], `AS OF ${kind.toUpperCase()}`);
}

/** Errors: INVALID_ARGUMENT (22004) for NULL, and what computing it says. */
export function momentOf(asOf: AsOf, bound: BoundExpression, context: EvaluationContext): Moment {
  const value = bound.evaluate([], context);
  if (value !== null) return { kind: asOf.kind, value: value as bigint };
  throw new TruthError('INVALID_ARGUMENT', `AS OF ${asOf.kind.toUpperCase()} needs a value, not NULL`, {
    sqlstate: '22004',
  });
}
