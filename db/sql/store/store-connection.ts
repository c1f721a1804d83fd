/**
 * Readers of a store beside its writer, on its thread or another: each snapshot is a read transaction on a connection of its
 * own, taken from a few that are kept. What the writer commits meanwhile does not change it.
 */
import { statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TruthError } from '../../errors.ts';
import type { StoreSnapshot } from './contract.ts';
import { openFileForReading } from './schema.ts';
import { withStoreErrors } from './sqlite-errors.ts';
import { SqliteReader } from './sqlite-reader.ts';
import type { DumpRecord } from './store-dump.ts';

/** Snapshots open at once, and connections kept for the next ones. */
const SNAPSHOTS_MAX = 64;
const IDLE_MAX = 4;

export interface SqliteSnapshot extends StoreSnapshot {
  /** Everything in it, in the order of dumps. */
  records(): Iterable<DumpRecord>;
  storedDigest(): string;
}

export interface StoreConnection {
  /** Snapshots that are open. */
  readonly snapshots: number;
  /** The store as it is committed now. Errors: VIEW_UNAVAILABLE (the file is gone), BUSY (too many are open), CLOSED, CORRUPT. */
  snapshot(): SqliteSnapshot;
  /** Closes what it holds; snapshots that are open end with their next read (CLOSED). */
  close(): void;
}

/** For the store in a file that exists. Nothing is opened before the first snapshot. */
export function openStoreReader(path: string): StoreConnection {
  return new ReaderPool(path);
}

class ReaderPool implements StoreConnection {
  readonly #path: string;
  readonly #open = new Set<ReadTransaction>();
  #idle: ReadTransaction[] = [];
  #inode: number | null = null;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  get snapshots(): number {
    return this.#open.size;
  }

  snapshot(): SqliteSnapshot {
    if (this.#closed) throw new TruthError('CLOSED', `the reader of the store ${this.#path} is closed`);
    if (this.#open.size >= SNAPSHOTS_MAX) {
      throw new TruthError(
        'BUSY',
        `${SNAPSHOTS_MAX} snapshots of the store ${this.#path} are open: close one of them first`,
      );
    }
    this.#dropReplaced();
    const transaction = this.#idle.pop() ?? new ReadTransaction(this.#path, (done) => this.#release(done));
    transaction.begin();
    this.#open.add(transaction);
    return transaction;
  }

  close(): void {
    this.#closed = true;
    for (const transaction of [...this.#open, ...this.#idle]) transaction.end();
    this.#open.clear();
    this.#idle = [];
  }

  #release(transaction: ReadTransaction): void {
    if (!this.#open.delete(transaction)) return;
    if (this.#idle.length < IDLE_MAX && transaction.inode === this.#inode) this.#idle.push(transaction);
    else transaction.end();
  }

  /** Connections to a file that was set aside or dropped read that one for good. */
  #dropReplaced(): void {
    const inode = inodeOf(this.#path);
    if (inode !== this.#inode) for (const transaction of this.#idle.splice(0)) transaction.end();
    this.#inode = inode;
  }
}

class ReadTransaction extends SqliteReader implements SqliteSnapshot {
  readonly inode: number;
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #rollback: StatementSync;
  readonly #done: (transaction: ReadTransaction) => void;

  constructor(path: string, done: (transaction: ReadTransaction) => void) {
    const inode = inodeOf(path);
    const database = openFileForReading(path);
    super(database, path);
    this.inode = inode;
    this.#path = path;
    this.#database = database;
    this.#begin = database.prepare('BEGIN');
    this.#rollback = database.prepare('ROLLBACK');
    this.#done = done;
  }

  /** The first read after BEGIN is what fixes the state. */
  begin(): void {
    withStoreErrors(this.#path, () => this.#begin.run());
    this.refresh();
  }

  close(): void {
    if (this.#database.isOpen && this.#database.isTransaction) this.#rollback.run();
    this.#done(this);
  }

  end(): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

function inodeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.ino;
  throw new TruthError(
    'VIEW_UNAVAILABLE',
    `the store ${path} is not there: it was dropped, set aside, or has not been made yet`,
  );
}
