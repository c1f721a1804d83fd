/**
 * `cli/` has one file for each subcommand of `truthdb`. A command reads its arguments, asks the client or the server's
 * own parts, and prints lines through the Terminal it is given; it knows neither process nor streams. May import
 * everything under db/.
 */
import { append } from './append.ts';
import { auditList } from './audit.ts';
import { backupCreate, backupRestore, backupVerify } from './backup.ts';
import { checkpointCreate, checkpointList, checkpointShow } from './checkpoint.ts';
import type { Command } from './command.ts';
import { evaluate } from './evaluate.ts';
import { exportAudit } from './export.ts';
import { follow } from './follow.ts';
import { importEvents } from './import.ts';
import { init } from './init.ts';
import { keyChange, keyExport, keyImport, keyRotate } from './key.ts';
import { prove } from './prove.ts';
import { rank, recordSignal, retrieveItems, searchItems, suggestItems } from './rank.ts';
import { rankExport } from './rank-export.ts';
import { rankImport } from './rank-import.ts';
import { read } from './read.ts';
import { reducerDeploy, reducerDrop, reducerList, reducerStatus } from './reducer.ts';
import { serve } from './serve.ts';
import { signingRotate, signingShow } from './signing.ts';
import {
  snapshotCreate,
  snapshotHold,
  snapshotList,
  snapshotRelease,
  snapshotRestore,
  snapshotVerify,
} from './snapshot.ts';
import { sql } from './sql.ts';
import { status } from './status.ts';
import { tail } from './tail.ts';
import { subjectErase, tenantCreate, tenantList, tenantQuota, tenantSet, tenantShred } from './tenant.ts';
import { tokenCreate, tokenList, tokenRevoke } from './token.ts';
import { verify } from './verify.ts';
import { walInspect, walVerify } from './wal.ts';
import { walFollowers } from './wal-followers.ts';
import { walIsolate } from './wal-isolate.ts';
import { walArchive, walPrune } from './wal-retention.ts';
import { walStream } from './wal-stream.ts';

/** In the order in which the help shows them. */
export const COMMANDS: readonly Command[] = [
  init,
  serve,
  status,
  append,
  read,
  tail,
  importEvents,
  sql,
  rank,
  rankImport,
  rankExport,
  recordSignal,
  retrieveItems,
  searchItems,
  suggestItems,
  evaluate,
  tokenCreate,
  tokenRevoke,
  tokenList,
  tenantCreate,
  tenantList,
  tenantQuota,
  tenantSet,
  tenantShred,
  subjectErase,
  keyRotate,
  keyChange,
  keyExport,
  keyImport,
  auditList,
  reducerDeploy,
  reducerList,
  reducerStatus,
  reducerDrop,
  snapshotCreate,
  snapshotList,
  snapshotHold,
  snapshotRelease,
  snapshotVerify,
  snapshotRestore,
  backupCreate,
  backupVerify,
  backupRestore,
  verify,
  prove,
  exportAudit,
  checkpointCreate,
  checkpointList,
  checkpointShow,
  signingShow,
  signingRotate,
  walInspect,
  walVerify,
  walArchive,
  walPrune,
  walFollowers,
  walIsolate,
  walStream,
  follow,
];

export { type Command, helpOf, parseArguments } from './command.ts';
export { processTerminal } from './terminal.ts';
