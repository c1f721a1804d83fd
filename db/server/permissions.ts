/** Which role may do what. The one place that decides it. */
import { TruthError } from '../errors.ts';
import type { Principal } from './session-host.ts';
import type { Role } from './tokens.ts';

/** `copy` is the log itself, every stream and tenant, byte by byte: what a backup or a follower takes. */
export type Right = 'append' | 'read' | 'administer' | 'copy';

const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  operator: ['append', 'read', 'administer', 'copy'],
  writer: ['append', 'read'],
  reader: ['read'],
};

/** Errors: FORBIDDEN. */
export function allow(principal: Principal, right: Right): void {
  if (RIGHTS[principal.role].includes(right)) return;
  throw new TruthError(
    'FORBIDDEN',
    `the token "${principal.name}" has the role ${principal.role}, which may not ${right}${right === 'copy' ? ' the log' : ''}; use a token that may`,
  );
}
