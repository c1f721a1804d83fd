/** Administration of tokens over a connection: what ADMIN frames carry. */
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { ROLES, TOKEN_NAME, type TokenRecord, type TokenStore } from './tokens.ts';

const commandSchema = z.discriminatedUnion('command', [
  z.strictObject({
    command: z.literal('token-create'),
    name: z.string().regex(TOKEN_NAME),
    role: z.enum(ROLES),
    hash: z.string().nullable(),
  }),
  z.strictObject({ command: z.literal('token-revoke'), token: z.string().min(1) }),
  z.strictObject({ command: z.literal('token-list') }),
]);

/** Runs one command; the answer carries no hash, and a token's text only when it has just been made here. */
export function administer(tokens: TokenStore, input: unknown): object {
  const parsed = commandSchema.safeParse(input);
  if (!parsed.success) {
    throw new TruthError('INVALID_ARGUMENT', `not a command: ${z.prettifyError(parsed.error)}`);
  }
  const command = parsed.data;
  if (command.command === 'token-list') return { tokens: tokens.list().map(shown) };
  if (command.command === 'token-revoke') return { revoked: shown(tokens.revoke(command.token)) };
  const { record, token } = tokens.create(command, new Date());
  return { created: shown(record), ...(token === null ? {} : { token }) };
}

function shown(record: TokenRecord): object {
  return { id: record.id, name: record.name, role: record.role, createdAt: record.createdAt };
}
