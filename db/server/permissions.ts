/** Which role may do what. The one place that decides it. */
import { TruthError } from '../errors.ts';
import type { Principal } from './session-host.ts';
import type { Role } from './tokens.ts';

export type Right = 'append' | 'read' | 'administer';

const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  operator: ['append', 'read', 'administer'],
  writer: ['append', 'read'],
  reader: ['read'],
};

/** Errors: FORBIDDEN. */
export function allow(principal: Principal, right: Right): void {
  if (RIGHTS[principal.role].includes(right)) return;
  throw new TruthError(
    'FORBIDDEN',
    `the token "${principal.name}" has the role ${principal.role}, which may not ${right}; use a token that may`,
  );
}
