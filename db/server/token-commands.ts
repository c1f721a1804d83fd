/** Tokens over a connection: made, revoked and listed, each by those who may, within what they may see. */
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import type { TenantId } from '../types.ts';
import { may } from './permissions.ts';
import type { Principal } from './session-host.ts';
import { ROLES, TOKEN_NAME, type TokenRecord } from './token-file.ts';
import type { TokenStore } from './tokens.ts';

export const TOKEN_COMMANDS = [
  z.strictObject({
    command: z.literal('token-create'),
    name: z.string().regex(TOKEN_NAME),
    role: z.enum(ROLES),
    hash: z.string().nullable(),
    /** Name of the tenant; null: the one of whoever asks. */
    tenant: z.string().nullable().default(null),
    expiresAt: z.iso.datetime().nullable().default(null),
  }),
  z.strictObject({ command: z.literal('token-revoke'), token: z.string().min(1) }),
  z.strictObject({ command: z.literal('token-list') }),
] as const;

type TokenCommand = z.infer<(typeof TOKEN_COMMANDS)[number]>;

/** Number of a tenant by its name. Errors: NOT_FOUND. */
export type TenantByName = (name: string) => TenantId;

/** The answer carries no hash, and a token's text only when it has just been made here. */
export function administerTokens(
  tokens: TokenStore,
  command: TokenCommand,
  principal: Principal,
  tenantByName: TenantByName,
): object {
  // Null: whoever may administer sees the tokens of all tenants.
  const scope = may(principal, 'administer') ? null : principal.tenant;
  if (command.command === 'token-list') {
    return {
      tokens: tokens
        .list()
        .filter((token) => scope === null || token.tenant === scope)
        .map(shown),
    };
  }
  if (command.command === 'token-revoke') return { revoked: shown(tokens.revoke(command.token, scope)) };
  const tenant = command.tenant === null ? principal.tenant : tenantByName(command.tenant);
  checkGrant(principal, command.role, tenant);
  const { name, role, hash } = command;
  const expiresAt = command.expiresAt === null ? null : new Date(command.expiresAt);
  const { record, token } = tokens.create({ name, role, tenant, hash, expiresAt }, new Date());
  return { created: shown(record), ...(token === null ? {} : { token }) };
}

/** Nobody gives what is not theirs to give. Errors: FORBIDDEN. */
function checkGrant(principal: Principal, role: TokenRecord['role'], tenant: TenantId): void {
  if (may(principal, 'administer')) return;
  if (tenant === principal.tenant && role !== 'operator') return;
  throw new TruthError(
    'FORBIDDEN',
    `the token "${principal.name}" has the role ${principal.role}, which may make tokens of its own tenant below operator only; ask an operator`,
    { right: 'administer' },
  );
}

function shown({ id, name, role, tenant, createdAt, expiresAt }: TokenRecord): object {
  return { id, name, role, tenant, createdAt, expiresAt };
}
