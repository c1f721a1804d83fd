/** Administration over a connection: what ADMIN frames carry. */
import { z } from 'zod';
import {
  type EngineProofs,
  type EngineRetention,
  type EngineSnapshots,
  PROOF_COMMANDS,
  type ProofCommand,
} from '../engine.ts';
import { TruthError } from '../errors.ts';
import { sequence } from '../types.ts';
import { allow } from './permissions.ts';
import { askForProof } from './proof-requests.ts';
import type { Principal } from './session-host.ts';
import { administerTokens, TOKEN_COMMANDS } from './token-commands.ts';
import type { TokenStore } from './tokens.ts';

const commandSchema = z.discriminatedUnion('command', [
  ...TOKEN_COMMANDS,
  ...PROOF_COMMANDS,
  z.strictObject({ command: z.literal('snapshot-create'), hold: z.string().nullable() }),
  z.strictObject({ command: z.literal('snapshot-list') }),
  z.strictObject({ command: z.literal('snapshot-hold'), name: z.string(), reason: z.string() }),
  z.strictObject({ command: z.literal('snapshot-release'), name: z.string() }),
  z.strictObject({ command: z.literal('follower-list') }),
  z.strictObject({ command: z.literal('follower-drop'), name: z.string() }),
  z.strictObject({ command: z.literal('wal-prune'), before: z.int().min(1), withoutArchive: z.boolean() }),
]);

type Command = z.infer<typeof commandSchema>;
type TokenCommand = Extract<Command, { command: `token-${string}` }>;
type SnapshotCommand = Extract<Command, { command: `snapshot-${string}` }>;

/** What is administered. */
interface Administered {
  readonly tokens: TokenStore;
  readonly snapshots: EngineSnapshots;
  readonly retention: EngineRetention;
  readonly proofs: EngineProofs | null;
}

/** Runs one command if the principal may. Errors: INVALID_ARGUMENT, FORBIDDEN, those of the command. */
export async function administer(
  { tokens, snapshots, retention, proofs }: Administered,
  principal: Principal,
  input: unknown,
): Promise<object> {
  const parsed = commandSchema.safeParse(input);
  if (!parsed.success) {
    throw new TruthError('INVALID_ARGUMENT', `not a command: ${z.prettifyError(parsed.error)}`);
  }
  const command = parsed.data;
  if (isAboutProofs(command)) return askForProof(proofs, principal, command);
  allow(principal, isAboutTokens(command) ? 'govern' : 'administer');
  if (command.command === 'wal-prune') {
    const { before, withoutArchive } = command;
    const { removed, floor } = retention.prune({ before: sequence(before), withoutArchive });
    return { pruned: { segments: removed.map(({ index }) => index), floor } };
  }
  if (command.command === 'follower-list') return { followers: retention.followers() };
  if (command.command === 'follower-drop') return { dropped: retention.dropFollower(command.name) };
  if (isAboutTokens(command)) return administerTokens(tokens, command, principal, noSuchTenant);
  return administerSnapshots(snapshots, command);
}

function isAboutProofs(command: Command): command is ProofCommand {
  return command.command.startsWith('checkpoint-') || command.command.startsWith('proof-');
}

function isAboutTokens(command: Command): command is TokenCommand {
  return command.command.startsWith('token-');
}

async function administerSnapshots(snapshots: EngineSnapshots, command: SnapshotCommand): Promise<object> {
  if (command.command === 'snapshot-list') return { snapshots: snapshots.list() };
  if (command.command === 'snapshot-hold') return { held: snapshots.hold(command.name, command.reason) };
  if (command.command === 'snapshot-release') return { released: snapshots.release(command.name) };
  const created = await snapshots.create();
  return { created: command.hold === null ? created : snapshots.hold(created.name, command.hold) };
}

function noSuchTenant(name: string): never {
  throw new TruthError('NOT_FOUND', `there is no tenant named "${name}"`);
}
