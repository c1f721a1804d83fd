/** Administration over a connection: what ADMIN frames carry. */
import { z } from 'zod';
import { type Engine, type EngineSnapshots, PROOF_COMMANDS, type ProofCommand } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { sequence } from '../types.ts';
import type { AuditTrail } from './audit-trail.ts';
import { allow } from './permissions.ts';
import { askForProof } from './proof-requests.ts';
import {
  administerReducers,
  allowReducerCommand,
  REDUCER_COMMANDS,
  type ReducerCommand,
} from './reducer-commands.ts';
import type { Principal } from './session-host.ts';
import {
  aboutCommand,
  administerTenants,
  allowTenantCommand,
  isListing,
  TENANT_COMMANDS,
  type TenantCommand,
} from './tenant-commands.ts';
import { administerTokens, TOKEN_COMMANDS } from './token-commands.ts';
import type { TokenStore } from './tokens.ts';

const commandSchema = z.discriminatedUnion('command', [
  ...TOKEN_COMMANDS,
  ...TENANT_COMMANDS,
  ...PROOF_COMMANDS,
  ...REDUCER_COMMANDS,
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

/** What is administered, and who is told of it. */
interface Administered {
  readonly engine: Engine;
  readonly tokens: TokenStore;
  readonly audit: AuditTrail;
}

/** Runs one command if the principal may. Errors: INVALID_ARGUMENT, FORBIDDEN, those of the command. */
export async function administer(
  administered: Administered,
  principal: Principal,
  input: unknown,
): Promise<object> {
  const parsed = commandSchema.safeParse(input);
  if (!parsed.success) {
    throw new TruthError('INVALID_ARGUMENT', `not a command: ${z.prettifyError(parsed.error)}`);
  }
  const command = parsed.data;
  const { engine, audit } = administered;
  if (isAboutProofs(command)) return askForProof(engine.proofs, audit, principal, command);
  if (isAboutTenants(command)) allowTenantCommand(principal, command);
  else if (isAboutReducers(command)) allowReducerCommand(principal, command);
  else allow(principal, isAboutTokens(command) ? 'govern' : 'administer');
  if (isListing(command.command)) return carryOut(administered, principal, command);
  return audit.act(principal, aboutCommand(command), () => carryOut(administered, principal, command));
}

type CarriedOut = Exclude<Command, ProofCommand>;

async function carryOut(
  { engine, tokens }: Administered,
  principal: Principal,
  command: CarriedOut,
): Promise<object> {
  const { snapshots, retention, tenants } = engine;
  if (isAboutTenants(command)) return administerTenants(engine, tokens, principal, command);
  if (isAboutReducers(command)) return administerReducers(engine, principal, command);
  if (command.command === 'wal-prune') {
    // What is not in the trees yet would hold the log. Where they cannot be computed, that is what the refusal says.
    await engine.proofs?.settle().catch(() => {});
    const { before, withoutArchive } = command;
    const { removed, floor } = retention.prune({ before: sequence(before), withoutArchive });
    return { pruned: { segments: removed.map(({ index }) => index), floor } };
  }
  if (command.command === 'follower-list') return { followers: retention.followers() };
  if (command.command === 'follower-drop') return { dropped: retention.dropFollower(command.name) };
  if (isAboutTokens(command))
    return administerTokens(tokens, command, principal, (name) => tenants.named(name).id);
  return administerSnapshots(snapshots, command);
}

function isAboutProofs(command: Command): command is ProofCommand {
  return command.command.startsWith('checkpoint-') || command.command.startsWith('proof-');
}

function isAboutTenants(command: Command): command is TenantCommand {
  return /^(tenant|subject|key|audit)-/.test(command.command);
}

function isAboutReducers(command: Command): command is ReducerCommand {
  return command.command.startsWith('reducer-');
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
