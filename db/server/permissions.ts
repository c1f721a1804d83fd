/** Which role may do what. The one place that decides it. */
import { TruthError } from '../errors.ts';
import { TENANT_DEFAULT } from '../types.ts';
import type { Principal } from './session-host.ts';
import type { Role } from './token-file.ts';

/**
 * All but the last two within the principal's own tenant.
 *
 *     append, read      events of streams; `read` also rows
 *     write, define     rows of tables; the tables themselves
 *     verify            proofs, checkpoints, digests, what was audited: never a payload
 *     govern            tokens, keys and subjects of the tenant
 *     observe           state and measurements of the server as a whole
 *     administer        tenants, snapshots, retention, tokens of everybody
 *     copy              the log itself, of every tenant, byte by byte: what a backup or a follower takes
 */
export type Right =
  | 'append'
  | 'read'
  | 'write'
  | 'define'
  | 'verify'
  | 'govern'
  | 'observe'
  | 'administer'
  | 'copy';

const RIGHTS: Readonly<Record<Role, readonly Right[]>> = {
  operator: ['append', 'read', 'write', 'define', 'verify', 'govern', 'observe', 'administer', 'copy'],
  owner: ['append', 'read', 'write', 'define', 'verify', 'govern', 'observe'],
  writer: ['append', 'read', 'write', 'observe'],
  reader: ['read', 'observe'],
  auditor: ['verify', 'observe'],
};

/** What concerns more than one tenant is for those of the first one: what it counts would tell of others. */
const BEYOND_A_TENANT: readonly Right[] = ['observe', 'administer', 'copy'];

export function may({ role, tenant }: Principal, right: Right): boolean {
  return RIGHTS[role].includes(right) && (tenant === TENANT_DEFAULT || !BEYOND_A_TENANT.includes(right));
}

/** Errors: FORBIDDEN. */
export function allow(principal: Principal, right: Right): void {
  if (may(principal, right)) return;
  const where = principal.tenant === TENANT_DEFAULT ? '' : ` in tenant ${principal.tenant}`;
  throw new TruthError(
    'FORBIDDEN',
    `the token "${principal.name}" has the role ${principal.role}${where}, which may not ${right}${right === 'copy' ? ' the log' : ''}; use a token that may`,
    { right },
  );
}
