/**
 * Tables and settings of a store's file.
 *
 * `current` and `history` are kept apart, so that reads of the present do not pay for the past. Their keys begin with the
 * space, big-endian, so a space is one range and keys sort as bytes. Without rowids the rows lie in the key's own B-tree.
 *
 * A commit writes every page it touches to the WAL, so there are few tables: the counters lie beside the digest in `meta`, and
 * commits have no index by time, in which they are in order anyway.
 */
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TruthError } from '../../errors.ts';
import { withStoreErrors } from './sqlite-errors.ts';

const STORE_FORMAT = 1;
const FILE_MODE = 0o600;

const TABLES = `
  CREATE TABLE current (
    key BLOB NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL,
    value BLOB NOT NULL
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE history (
    key BLOB NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (key, since)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE commits (
    sequence INTEGER PRIMARY KEY,
    ordinal INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE actors (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE writes (sequence INTEGER PRIMARY KEY, actor INTEGER NOT NULL) STRICT;
  CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
`;

/** A page holds some thirty rows of a hundred bytes; larger ones make each small commit write more. */
const PAGE_BYTES = 4096;
const CACHE_KIB_WRITER = 32 * 1024;
const CACHE_KIB_READER = 8 * 1024;
const MMAP_BYTES = 1024 * 1024 * 1024;
/** For locks that are held for moments only. */
export const BUSY_TIMEOUT_MS = 5000;

export interface OpenFileOptions {
  readonly path: string;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  /** What the owner keeps in it: another version's file is refused. */
  readonly version: number;
  /** `none`: nothing of the file has to outlive the process. */
  readonly durability: 'wal' | 'none';
  /** `commanded`: somebody else moves the WAL into the file, on a thread where it holds nobody up. */
  readonly checkpoints: 'by itself' | 'commanded';
}

/** WAL pages after which a commit moves them into the file, where nobody else does. */
const CHECKPOINT_PAGES = 1000;

/** Opens the file for writing and makes its tables when it is new. Errors: CORRUPT, UNSUPPORTED_VERSION, FORKED (another log's). */
export function openFile({ path, logId, version, durability, checkpoints }: OpenFileOptions): DatabaseSync {
  return withStoreErrors(path, () => {
    makeFile(path);
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      database.exec(`
        PRAGMA page_size = ${PAGE_BYTES};
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${durability === 'wal' ? 'NORMAL' : 'OFF'};
        PRAGMA secure_delete = ON;
        PRAGMA wal_autocheckpoint = ${checkpoints === 'commanded' ? 0 : CHECKPOINT_PAGES};
        PRAGMA cache_size = -${CACHE_KIB_WRITER};
        PRAGMA mmap_size = ${MMAP_BYTES};
        PRAGMA temp_store = MEMORY;
      `);
      if (database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined)
        createTables(database, logId, version);
      checkIdentity(database, path, { log: hex(logId), version });
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** SQLite would make a file that others may read, and gives the WAL beside it the mode that it has. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', FILE_MODE));
  } catch {
    // SQLite meets the same and says it.
  }
}

/** Opens an existing file for reading beside its writer, on any thread. Errors: VIEW_UNAVAILABLE (no such file), CORRUPT, UNSUPPORTED_VERSION. */
export function openFileForReading(path: string): DatabaseSync {
  return withStoreErrors(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    try {
      database.exec(`
        PRAGMA cache_size = -${CACHE_KIB_READER};
        PRAGMA mmap_size = ${MMAP_BYTES};
        PRAGMA temp_store = MEMORY;
      `);
      checkIdentity(database, path, null);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function createTables(database: DatabaseSync, logId: Uint8Array, version: number): void {
  database.exec('BEGIN');
  database.exec(TABLES);
  const insert = database.prepare('INSERT INTO meta VALUES (?, ?)');
  insert.run('format', String(STORE_FORMAT));
  insert.run('log', hex(logId));
  insert.run('version', String(version));
  insert.run('digest', '0'.repeat(32));
  insert.run('residue', '');
  database.exec('COMMIT');
}

/** `expected` null: whatever log and version it is. */
function checkIdentity(
  database: DatabaseSync,
  path: string,
  expected: { readonly log: string; readonly version: number } | null,
): void {
  const { format, log, version } = readMeta(database);
  if (format !== STORE_FORMAT) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the store ${path} has format ${format}; this release reads ${STORE_FORMAT}`,
    );
  }
  if (expected === null) return;
  if (log !== expected.log)
    throw new TruthError('FORKED', `the store ${path} belongs to log ${log}, not to ${expected.log}`);
  if (version !== expected.version) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the store ${path} was made by version ${version} of its owner, this is ${expected.version}`,
    );
  }
}

/** What a file says of itself. */
export function readMeta(database: DatabaseSync): {
  readonly format: number;
  /** Hex. */
  readonly log: string;
  readonly version: number;
} {
  const meta = new Map(
    database
      .prepare('SELECT name, value FROM meta')
      .all()
      .map((row) => [String(row['name']), String(row['value'])]),
  );
  return {
    format: Number(meta.get('format')),
    log: meta.get('log') ?? '',
    version: Number(meta.get('version')),
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
