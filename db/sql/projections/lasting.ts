import type { BoundExpression } from '../expression/index.ts';
import { sqlError } from '../types/index.ts';

/** What a projection shows must not depend on when it is computed. Throws 0A000. */
export function lasting(bound: BoundExpression): BoundExpression {
  if (bound.volatility === 'immutable') return bound;
  throw sqlError(
    '0A000',
    'a projection cannot use a value that changes by itself (now(), gen_random_uuid(), current_user): store it in a column when the row is written',
  );
}
