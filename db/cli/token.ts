/** `truthdb token create|revoke|list`: who may talk to the server. */
import { TruthError } from '../errors.ts';
import type { Arguments, Command, Terminal } from './command.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

interface ShownToken {
  readonly id: string;
  readonly name: string;
  readonly role: string;
  readonly createdAt: string;
}

const WHERE = 'Works through the local socket, or with the token of an operator.';

export const tokenCreate: Command = {
  name: 'token create',
  summary: 'Makes a token and prints it.',
  detail: `This once: the server keeps only its hash. ${WHERE}`,
  positionals: [{ name: 'NAME', required: true }],
  options: [
    { flag: 'role', value: 'ROLE', help: 'operator, writer (appends and reads) or reader; default writer' },
    { flag: 'hash', value: 'HEX', help: 'SHA-256 of a token you made yourself; then none is printed' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb token create billing --role writer',
  run: async (args, terminal) => {
    const role = args.text('role') ?? 'writer';
    if (!['operator', 'writer', 'reader'].includes(role)) {
      throw new TruthError('INVALID_ARGUMENT', `--role is "${role}"; operator, writer or reader is needed`);
    }
    const reply = await administer(args, terminal, {
      command: 'token-create',
      name: args.positional(0),
      role,
      hash: args.text('hash') ?? null,
    });
    const created = reply['created'] as ShownToken;
    const token = reply['token'] as string | undefined;
    if (terminal.json) {
      await terminal.out(JSON.stringify({ ...created, ...(token === undefined ? {} : { token }) }));
    } else {
      terminal.say(`token ${created.name} (${created.id}), role ${created.role}`);
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
    const reply = await administer(args, terminal, { command: 'token-revoke', token: args.positional(0) });
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
    const reply = await administer(args, terminal, { command: 'token-list' });
    for (const token of reply['tokens'] as ShownToken[]) {
      await terminal.out(
        terminal.json
          ? JSON.stringify(token)
          : `${token.id}  ${token.role.padEnd(8)}  ${token.createdAt}  ${token.name}`,
      );
    }
    return 0;
  },
};

async function administer(args: Arguments, terminal: Terminal, command: object) {
  const db = await connectTo(args, terminal);
  try {
    return await db.administer(command);
  } finally {
    await db.close();
  }
}
