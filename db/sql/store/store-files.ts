/**
 * The files of stores as they lie in the view's folder: `<tenant>.sqlite` with SQLite's own `-wal` and `-shm` beside it, and
 * `<tenant>.sqlite.damaged` once SQLite has reported damage: then the next start makes the view again.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { TruthError } from '../../errors.ts';
import type { FoundFiles, ViewFiles } from '../../materializer/index.ts';
import type { TenantId } from '../../types.ts';
import type { StoredCommit } from './contract.ts';
import { openFileForReading, readMeta } from './schema.ts';
import { damageMark, withStoreErrors } from './sqlite-errors.ts';
import { SqliteReader } from './sqlite-reader.ts';

const FILE = /^(0|[1-9]\d{0,9})\.sqlite$/;

export function fileOf(tenant: TenantId): string {
  return `${tenant}.sqlite`;
}

/** The tenant whose store a file of this name is, or null for any other file. */
export function tenantOf(file: string): TenantId | null {
  const match = FILE.exec(file);
  return match === null ? null : (Number(match[1]) as TenantId);
}

/** In this order: what SQLite finds of a log without its file, it removes. */
export function removeStoreFiles(path: string): void {
  for (const file of [path, `${path}-wal`, `${path}-shm`, damageMark(path)]) rmSync(file, { force: true });
}

export interface StoreHead {
  readonly log: string;
  readonly version: number;
  readonly position: StoredCommit | null;
  readonly digest: string;
}

/** What a store says of itself, without opening it for writing. Errors: CORRUPT, UNSUPPORTED_VERSION, VIEW_UNAVAILABLE. */
export function readStoreHead(path: string): StoreHead {
  const database = openFileForReading(path);
  try {
    return withStoreErrors(path, () => {
      const reader = new SqliteReader(database, path);
      const { log, version } = readMeta(database);
      return { log, version, position: reader.position, digest: reader.storedDigest() };
    });
  } finally {
    database.close();
  }
}

/** How the registry finds stores before there is a view. */
export const storeFiles: ViewFiles = {
  find: (folder, logId, version) => {
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => tenantOf(name) !== null) : [];
    const files: FoundFiles['files'][number][] = [];
    let problem: FoundFiles['problem'] = null;
    for (const file of names) {
      const path = join(folder, file);
      const found = findOne(path, Buffer.from(logId).toString('hex'), version);
      files.push({ file, commit: found.commit });
      // Damage counts more: those files are kept.
      if (problem === null || found.problem?.kind === 'damaged') problem = found.problem ?? problem;
    }
    return { files, problem };
  },
};

function findOne(
  path: string,
  logId: string,
  version: number,
): { readonly commit: StoredCommit | null; readonly problem: FoundFiles['problem'] } {
  try {
    const head = readStoreHead(path);
    const problem = problemOf(path, head, logId, version);
    return { commit: head.position, problem };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const other = error instanceof TruthError && error.code === 'UNSUPPORTED_VERSION';
    return { commit: null, problem: { kind: other ? 'other version' : 'damaged', reason } };
  }
}

function problemOf(path: string, head: StoreHead, logId: string, version: number): FoundFiles['problem'] {
  if (existsSync(damageMark(path)))
    return { kind: 'damaged', reason: `SQLite has reported damage in ${path}` };
  if (head.log !== logId) return { kind: 'damaged', reason: `${path} belongs to log ${head.log}` };
  if (head.version !== version)
    return { kind: 'other version', reason: `${path} has version ${head.version}` };
  return null;
}
