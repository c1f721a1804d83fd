/**
 * `cli/` has one file for each subcommand of `truthdb`. A command reads its arguments, asks the client or the server's
 * own parts, and prints lines through the Terminal it is given; it knows neither process nor streams. May import
 * everything under db/.
 */
import type { Command } from './command.ts';

/** A subcommand by its name: its file, and all that stands on, is loaded when it is asked for. */
export interface CommandEntry {
  /** One or two words. */
  readonly name: string;
  readonly load: () => Promise<Command>;
}

/** In the order in which the help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  entry('init', async () => (await import('./init.ts')).init),
  entry('serve', async () => (await import('./serve.ts')).serve),
  entry('status', async () => (await import('./status.ts')).status),
  entry('append', async () => (await import('./append.ts')).append),
  entry('read', async () => (await import('./read.ts')).read),
  entry('tail', async () => (await import('./tail.ts')).tail),
  entry('import', async () => (await import('./import.ts')).importEvents),
  entry('sql', async () => (await import('./sql.ts')).sql),
  entry('rank', async () => (await import('./rank.ts')).rank),
  entry('rank import', async () => (await import('./rank-import.ts')).rankImport),
  entry('rank export', async () => (await import('./rank-export.ts')).rankExport),
  entry('signal', async () => (await import('./rank.ts')).recordSignal),
  entry('retrieve', async () => (await import('./rank.ts')).retrieveItems),
  entry('search', async () => (await import('./rank.ts')).searchItems),
  entry('suggest', async () => (await import('./rank.ts')).suggestItems),
  entry('evaluate', async () => (await import('./evaluate.ts')).evaluate),
  entry('token create', async () => (await import('./token.ts')).tokenCreate),
  entry('token revoke', async () => (await import('./token.ts')).tokenRevoke),
  entry('token list', async () => (await import('./token.ts')).tokenList),
  entry('tenant create', async () => (await import('./tenant.ts')).tenantCreate),
  entry('tenant list', async () => (await import('./tenant.ts')).tenantList),
  entry('tenant quota', async () => (await import('./tenant.ts')).tenantQuota),
  entry('tenant set', async () => (await import('./tenant.ts')).tenantSet),
  entry('tenant shred', async () => (await import('./tenant.ts')).tenantShred),
  entry('subject erase', async () => (await import('./tenant.ts')).subjectErase),
  entry('key rotate', async () => (await import('./key.ts')).keyRotate),
  entry('key change', async () => (await import('./key.ts')).keyChange),
  entry('key export', async () => (await import('./key.ts')).keyExport),
  entry('key import', async () => (await import('./key.ts')).keyImport),
  entry('audit list', async () => (await import('./audit.ts')).auditList),
  entry('reducer deploy', async () => (await import('./reducer.ts')).reducerDeploy),
  entry('reducer list', async () => (await import('./reducer.ts')).reducerList),
  entry('reducer status', async () => (await import('./reducer.ts')).reducerStatus),
  entry('reducer drop', async () => (await import('./reducer.ts')).reducerDrop),
  entry('snapshot create', async () => (await import('./snapshot.ts')).snapshotCreate),
  entry('snapshot list', async () => (await import('./snapshot.ts')).snapshotList),
  entry('snapshot hold', async () => (await import('./snapshot.ts')).snapshotHold),
  entry('snapshot release', async () => (await import('./snapshot.ts')).snapshotRelease),
  entry('snapshot verify', async () => (await import('./snapshot.ts')).snapshotVerify),
  entry('snapshot restore', async () => (await import('./snapshot.ts')).snapshotRestore),
  entry('backup create', async () => (await import('./backup.ts')).backupCreate),
  entry('backup verify', async () => (await import('./backup.ts')).backupVerify),
  entry('backup restore', async () => (await import('./backup.ts')).backupRestore),
  entry('verify', async () => (await import('./verify.ts')).verify),
  entry('prove', async () => (await import('./prove.ts')).prove),
  entry('export audit', async () => (await import('./export.ts')).exportAudit),
  entry('checkpoint create', async () => (await import('./checkpoint.ts')).checkpointCreate),
  entry('checkpoint list', async () => (await import('./checkpoint.ts')).checkpointList),
  entry('checkpoint show', async () => (await import('./checkpoint.ts')).checkpointShow),
  entry('signing show', async () => (await import('./signing.ts')).signingShow),
  entry('signing rotate', async () => (await import('./signing.ts')).signingRotate),
  entry('wal inspect', async () => (await import('./wal.ts')).walInspect),
  entry('wal verify', async () => (await import('./wal.ts')).walVerify),
  entry('wal archive', async () => (await import('./wal-retention.ts')).walArchive),
  entry('wal prune', async () => (await import('./wal-retention.ts')).walPrune),
  entry('wal followers', async () => (await import('./wal-followers.ts')).walFollowers),
  entry('wal isolate', async () => (await import('./wal-isolate.ts')).walIsolate),
  entry('wal stream', async () => (await import('./wal-stream.ts')).walStream),
  entry('follow', async () => (await import('./follow.ts')).follow),
];

function entry(name: string, load: () => Promise<Command>): CommandEntry {
  return { name, load };
}

export { type Command, helpOf, parseArguments } from './command.ts';
export { processTerminal } from './terminal.ts';
