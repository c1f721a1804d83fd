import { TruthError } from '../errors.ts';

/**
 * What must hold whatever people send: a failure is a bug of ours, so nothing may be built on it. Stays on in production.
 * `rule` is a plain literal; building a message on the way would cost more than the check.
 */
export function invariant(holds: boolean, rule: string): asserts holds {
  if (!holds) {
    throw new TruthError('INTERNAL', `broken invariant: ${rule}; please report it with the log's last lines`);
  }
}
