/** `truthdb token create|revoke|list`: who may talk to the server. */
import { TruthError } from '../errors.ts';
import { ROLES } from '../server/token-file.ts';
import { askServer } from './administer.ts';
import type { Command } from './command.ts';
import { TARGET_OPTIONS } from './target.ts';

interface ShownToken {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly tenant: number;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

const WHERE = 'Works through the local socket, or with the token of an operator.';

export const tokenCreate: Command = {
  name: 'token create',
  summary: 'Makes a token and prints it.',
  detail: `This once: the server keeps only its hash. ${WHERE}`,
  positionals: [{ name: 'NAME', required: true }],
  options: [
    {
      flag: 'role',
      value: 'ROLE',
      help: 'operator, owner (of a tenant), writer (appends and reads), reader or auditor (verifies, reads nothing); default writer',
    },
    { flag: 'tenant', value: 'NAME', help: 'of another tenant than your own; for operators' },
    {
      flag: 'expires',
      value: 'WHEN',
      help: 'a time (2026-12-31T00:00:00Z) or a span from now (90d, 12h, 30m); never unless given',
    },
    { flag: 'hash', value: 'HEX', help: 'SHA-256 of a token you made yourself; then none is printed' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb token create billing --role writer',
  run: async (args, terminal) => {
    const role = args.text('role') ?? 'writer';
    if (!ROLES.some((known) => known === role)) {
      throw new TruthError('INVALID_ARGUMENT', `--role is "${role}"; one of ${ROLES.join(', ')} is needed`);
    }
    const reply = await askServer(args, terminal, {
      command: 'token-create',
      name: args.positional(0),
      role,
      hash: args.text('hash') ?? null,
      tenant: args.text('tenant') ?? null,
      expiresAt: expiry(args.text('expires'), new Date()),
    });
    const created = reply['created'] as ShownToken;
    const token = reply['token'] as string | undefined;
    if (terminal.json) {
      await terminal.out(JSON.stringify({ ...created, ...(token === undefined ? {} : { token }) }));
    } else {
      const until = created.expiresAt === null ? '' : `, until ${created.expiresAt}`;
      terminal.say(`token ${created.name} (${created.id}), role ${created.role}${until}`);
      if (token !== undefined) await terminal.out(token);
    }
    return 0;
  },
};

export const tokenRevoke: Command = {
  name: 'token revoke',
  summary: 'Makes a token worthless at once.',
  detail: `Connections that came in with it are closed. ${WHERE}`,
  positionals: [{ name: 'ID|NAME', required: true }],
  options: [...TARGET_OPTIONS],
  example: 'truthdb token revoke billing',
  run: async (args, terminal) => {
    const reply = await askServer(args, terminal, { command: 'token-revoke', token: args.positional(0) });
    const revoked = reply['revoked'] as ShownToken;
    await terminal.out(
      terminal.json ? JSON.stringify(revoked) : `token ${revoked.name} (${revoked.id}) is revoked`,
    );
    return 0;
  },
};

export const tokenList: Command = {
  name: 'token list',
  summary: 'Lists the tokens the server knows.',
  detail: WHERE,
  positionals: [],
  options: [...TARGET_OPTIONS],
  example: 'truthdb token list',
  run: async (args, terminal) => {
    const reply = await askServer(args, terminal, { command: 'token-list' });
    for (const token of reply['tokens'] as ShownToken[]) {
      await terminal.out(
        terminal.json
          ? JSON.stringify(token)
          : `${token.id}  ${token.role.padEnd(8)}  ${token.createdAt}  ${token.expiresAt ?? 'never'.padEnd(24)}  ${token.tenant}  ${token.name}`,
      );
    }
    return 0;
  },
};

const SPANS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ISO 8601, or null for never. Errors: INVALID_ARGUMENT. */
function expiry(text: string | undefined, now: Date): string | null {
  if (text === undefined) return null;
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const at = unit === undefined ? Date.parse(text) : now.getTime() + Number(count) * SPANS[unit]!;
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new TruthError(
    'INVALID_ARGUMENT',
    `--expires is "${text}"; a time such as 2026-12-31T00:00:00Z or a span such as 90d, 12h, 30m is needed`,
  );
}
