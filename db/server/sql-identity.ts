/** Who a principal is to the tables: tenant, name and rights come from the token and from nowhere else. */
import type { SqlIdentity } from '../sql/contract.ts';
import { allow, may } from './permissions.ts';
import type { Principal } from './session-host.ts';

/** Errors: FORBIDDEN, for whoever may not even read rows. */
export function sqlIdentity(principal: Principal): SqlIdentity {
  allow(principal, 'read');
  return {
    tenant: principal.tenant,
    actor: principal.name,
    mayWrite: may(principal, 'write'),
    mayDefine: may(principal, 'define'),
  };
}
