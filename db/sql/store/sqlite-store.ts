/**
 * The store of one tenant, as its only writer has it. Rows, history, counters, digest and position are written in one SQLite
 * transaction, so the file is always as of the commit it says.
 *
 * A version replaced by the very entry that wrote it was never seen by anybody and leaves no history. What is erased or dropped
 * is gone for every reader with the commit, and from the bytes of the files with the `purge` that follows.
 */
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TruthError } from '../../errors.ts';
import { type RecordedAt, SEQUENCE_NONE, type Sequence } from '../../types.ts';
import type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
  StoreWriter,
} from './contract.ts';
import { READS } from './reads.ts';
import { RecentChanges, type RecentMark } from './recent-changes.ts';
import { BUSY_TIMEOUT_MS, openFile } from './schema.ts';
import { scratchFolder } from './scratch-folder.ts';
import { spaceKey, spaceOf, storedRange } from './space-key.ts';
import { storeError } from './sqlite-errors.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { openStoreReader, type SqliteSnapshot, type StoreConnection } from './store-connection.ts';
import { StoreDigest } from './store-digest.ts';
import type { DumpRecord } from './store-dump.ts';
import { StoreMemory } from './store-memory.ts';

export interface SqliteStoreOptions {
  /** Absolute path, or `:memory:` for a file in a folder of its own that is removed with the store. */
  readonly path: string;
  /** 16 bytes: seeds the digest, and is checked against the file's. */
  readonly logId: Uint8Array;
  /** What the owner keeps in it; 1 unless given. */
  readonly version?: number;
  /** Who moves the WAL into the file; the store itself unless given. */
  readonly checkpoints?: 'by itself' | 'commanded';
}

const WRITES = {
  insert: 'INSERT INTO current VALUES (?1, ?2, ?3)',
  insertNew: 'INSERT INTO current VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING',
  update: 'UPDATE current SET since = ?2, value = ?3 WHERE key = ?1',
  delete: 'DELETE FROM current WHERE key = ?1',
  keep: 'INSERT INTO history VALUES (?1, ?2, ?3, ?4)',
  write: 'INSERT INTO writes VALUES (?1, ?2) ON CONFLICT DO NOTHING',
  committed: 'INSERT INTO commits VALUES (?1, ?2, ?3, ?4)',
} as const;

/** What a rollback goes back to beside the file. */
interface Before {
  readonly position: StoredCommit | null;
  readonly digest: string;
  readonly at: Sequence;
  readonly changes: RecentMark;
}

export class SqliteStore implements StoreWriter {
  /** Where the file lies: what `openStoreReader` takes. */
  readonly path: string;
  readonly #scratch: { readonly path: string; remove(): void } | null;
  readonly #database: DatabaseSync;
  readonly #reader: SqliteReader;
  readonly #readers: StoreConnection;
  readonly #digest: StoreDigest;
  readonly #statements = new Map<string, StatementSync>();
  readonly #current: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #keep: StatementSync;
  readonly #insertNew: StatementSync;
  readonly #memory: StoreMemory;
  readonly #recent = new RecentChanges();
  /** Spaces whose last write was of a new key: the next one probably is too, and need not be looked for. */
  readonly #growing = new Set<Space>();
  #before: Before | null = null;
  /** A read transaction is open on the writer's own connection, between those that write. */
  #holding = false;
  /** Of what is committed while a transaction writes; kept until that ends. */
  #beside: SqliteSnapshot | null = null;
  #at: Sequence = SEQUENCE_NONE;
  #residue = false;
  /** The file has been written anew since; its WAL is still to be emptied. */
  #rewritten = false;

  /** Errors: CORRUPT, UNSUPPORTED_VERSION, FORKED (the file is another log's), those of the disk. */
  constructor({ path, logId, version = 1, checkpoints = 'by itself' }: SqliteStoreOptions) {
    this.#scratch = path === ':memory:' ? scratchFolder(this) : null;
    this.path = this.#scratch === null ? path : join(this.#scratch.path, 'store.sqlite');
    const durability = this.#scratch === null ? 'wal' : 'none';
    this.#database = openFile({ path: this.path, logId, version, durability, checkpoints });
    this.#reader = new SqliteReader(this.#database, this.path);
    this.#readers = openStoreReader(this.path);
    this.#digest = new StoreDigest(logId);
    this.#current = this.#statement(READS.get);
    this.#insert = this.#statement(WRITES.insert);
    this.#insertNew = this.#statement(WRITES.insertNew);
    this.#update = this.#statement(WRITES.update);
    this.#delete = this.#statement(WRITES.delete);
    this.#keep = this.#statement(WRITES.keep);
    this.#memory = new StoreMemory((text) => this.#statement(text));
    this.#load();
  }

  get position(): StoredCommit | null {
    return this.#reader.position;
  }

  get open(): boolean {
    return this.#before !== null;
  }

  begin(): void {
    if (this.#before !== null)
      throw misuse('begin', 'a transaction is open: commit it or roll it back first');
    this.#letGo();
    this.#exec('BEGIN IMMEDIATE');
    const { position } = this;
    this.#before = { position, digest: this.#digest.hex, at: this.#at, changes: this.#recent.mark() };
  }

  put(space: Space, key: Uint8Array, value: Uint8Array, at: Sequence): void {
    this.#writing('put', at);
    const stored = spaceKey(space, key);
    try {
      if (!this.#growing.has(space) || this.#insertNew.run(stored, at, value).changes === 0) {
        const old = this.#current.get(stored) as [number, Uint8Array] | undefined;
        if (old === undefined) {
          this.#insert.run(stored, at, value);
          this.#growing.add(space);
          this.#memory.add(space, 1);
        } else {
          this.#retire(stored, old, at);
          this.#update.run(stored, at, value);
          this.#growing.delete(space);
        }
      } else {
        this.#memory.add(space, 1);
      }
    } catch (error) {
      throw storeError(this.path, error);
    }
    this.#digest.add(stored, at, 0, value);
    this.#recent.add(stored, at);
  }

  delete(space: Space, key: Uint8Array, at: Sequence): void {
    this.#writing('delete', at);
    const stored = spaceKey(space, key);
    try {
      const old = this.#current.get(stored) as [number, Uint8Array] | undefined;
      if (old === undefined) return;
      this.#retire(stored, old, at);
      this.#delete.run(stored);
      this.#memory.add(space, -1);
      // What an entry wrote and removed again was never there.
      if (old[0] === at) this.#recent.forget();
      else this.#recent.add(stored, at);
    } catch (error) {
      throw storeError(this.path, error);
    }
  }

  replace(space: Space, key: Uint8Array, value: Uint8Array | null, at: Sequence): void {
    this.#writing('replace', at);
    const stored = spaceKey(space, key);
    try {
      const old = this.#current.get(stored) as [number, Uint8Array] | undefined;
      if (old !== undefined) this.#digest.remove(stored, old[0], 0, old[1]);
      if (value !== null) (old === undefined ? this.#insert : this.#update).run(stored, at, value);
      else if (old !== undefined) this.#delete.run(stored);
      const more = Number(value !== null) - Number(old !== undefined);
      if (more !== 0) this.#memory.add(space, more);
      this.#recent.add(stored, at);
    } catch (error) {
      throw storeError(this.path, error);
    }
    if (value !== null) this.#digest.add(stored, at, 0, value);
  }

  wrote(at: Sequence, actor: string): void {
    this.#writing('wrote', at);
    this.#run(() => this.#statement(WRITES.write).run(at, this.#memory.actor(actor)));
  }

  committed(commit: StoredCommit): void {
    const last = this.position?.sequence ?? SEQUENCE_NONE;
    // Entries behind it may have been written already: a group of them can reach over several commits.
    this.#writing('committed', this.#at);
    if (commit.sequence <= last)
      throw misuse('committed', `commit ${commit.sequence} does not follow commit ${last}`);
    const { sequence, ordinal, epoch, recordedAt } = commit;
    this.#run(() => this.#statement(WRITES.committed).run(sequence, ordinal, epoch, recordedAt));
    this.#reader.moved({ sequence, ordinal, epoch, recordedAt });
  }

  drop(space: Space): void {
    this.#forget(storedRange(space, { from: null, to: null }));
  }

  erase(space: Space, key: Uint8Array): void {
    const from = spaceKey(space, key);
    this.#forget({ from, to: new Uint8Array([...from, 0]) });
  }

  commit(): void {
    if (this.#before === null) throw misuse('commit', 'no transaction is open: begin one first');
    this.#letGo();
    this.#run(() => this.#memory.save(this.#digest.hex));
    this.#exec('COMMIT');
    this.#before = null;
  }

  rollback(): void {
    const before = this.#before;
    if (before === null) throw misuse('rollback', 'no transaction is open: begin one first');
    this.#letGo();
    // SQLite has done so itself after some failures, such as a full disk.
    if (this.#database.isTransaction) this.#exec('ROLLBACK');
    this.#before = null;
    this.#digest.set(before.digest);
    this.#at = before.at;
    this.#reader.moved(before.position);
    this.#recent.undo(before.changes);
    this.#load();
  }

  /** Whether files may still have bytes of what was dropped or erased. Outlives the process. */
  get residue(): boolean {
    return this.#residue;
  }

  /**
   * Writes the file anew and empties its WAL, so that no byte of what was dropped or erased is left. Overwriting what is
   * freed (secure_delete) is not enough: when SQLite balances pages, copies of moved rows stay in their unused middle. Takes
   * as long as copying the file. False while a snapshot still reads a state that has it: to be asked again when that is closed.
   */
  purge(): boolean {
    if (this.#before !== null)
      throw misuse('purge', 'a transaction is open: commit it or roll it back first');
    if (!this.#residue) return true;
    this.#letGo();
    if (!this.#rewritten) this.#exec('VACUUM');
    this.#rewritten = true;
    if (!this.#emptyWal()) return false;
    this.#run(() => this.#memory.set('residue', ''));
    this.#residue = false;
    return true;
  }

  /** Pages in the WAL, and how many of them are in the file already. */
  wal(): { readonly pages: number; readonly moved: number } {
    const [, pages, moved] = this.#checkpoint('NOOP');
    return { pages, moved };
  }

  /** Moves pages of the WAL into the file, as far as no reader needs them there. */
  moveWal(): void {
    this.#checkpoint('PASSIVE');
  }

  snapshot(): SqliteSnapshot {
    return this.#readers.snapshot();
  }

  /**
   * What is committed, for reads that are over before anything else happens on this thread: one state for all of them until
   * something is written. A read transaction for each would cost as much as reading a row by its key.
   */
  glance(): StoreReader {
    if (this.#before !== null) {
      this.#beside ??= this.#readers.snapshot();
      return this.#beside;
    }
    if (!this.#holding) {
      this.#exec('BEGIN');
      this.#holding = true;
    }
    return this;
  }

  /** Snapshots of it that are open here. */
  get snapshots(): number {
    return this.#readers.snapshots - Number(this.#beside !== null);
  }

  digest(): string {
    return this.#digest.hex;
  }

  /** The last commit among what is committed. */
  get committedPosition(): StoredCommit | null {
    return this.#before === null ? this.position : this.#before.position;
  }

  /** Digest of what is committed. */
  committedDigest(): string {
    return this.#before?.digest ?? this.#digest.hex;
  }

  /** Fills a store that is empty, in one transaction. Errors: CORRUPT where the records contradict each other. */
  load(records: Iterable<DumpRecord>): void {
    this.begin();
    try {
      const actors: number[] = [];
      for (const record of records) this.#loadRecord(record, actors);
      this.commit();
    } catch (error) {
      if (this.open) this.rollback();
      throw error instanceof TruthError && error.code === 'INTERNAL'
        ? new TruthError('CORRUPT', error.message)
        : error;
    }
  }

  /** Ends the store; an open transaction is forgotten. */
  close(): void {
    this.#readers.close();
    if (this.#database.isOpen) this.#database.close();
    this.#scratch?.remove();
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    return this.#reader.get(space, key);
  }

  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null {
    return this.#reader.getAt(space, key, at);
  }

  scan(space: Space, options: ScanOptions): Iterable<StoredVersion> {
    return this.#reader.scan(space, options);
  }

  scanAt(space: Space, options: ScanOptions, at: Sequence): Iterable<StoredVersion> {
    return this.#reader.scanAt(space, options, at);
  }

  versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): Iterable<HistoricVersion> {
    return this.#reader.versions(space, range, after, to);
  }

  changedSince(space: Space, range: KeyRange, after: Sequence): boolean {
    return (
      this.#recent.since(storedRange(space, range), after) ?? this.#reader.changedSince(space, range, after)
    );
  }

  count(space: Space): number {
    return this.#memory.count(space);
  }

  commitAtPosition(at: Sequence): StoredCommit | null {
    return this.#reader.commitAtPosition(at);
  }

  commitAtTime(at: RecordedAt): StoredCommit | null {
    return this.#reader.commitAtTime(at);
  }

  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null {
    return this.#reader.writeAt(sequence);
  }

  #loadRecord(record: DumpRecord, actors: number[]): void {
    switch (record.kind) {
      case 'commit':
        this.committed(record);
        return;
      case 'actor':
        actors.push(this.#run(() => this.#memory.actor(record.name)));
        return;
      case 'write': {
        const actor = actors[record.actor];
        if (actor === undefined) throw misuse('load', `there is no actor ${record.actor}`);
        this.#run(() => this.#statement(WRITES.write).run(record.sequence, actor));
        return;
      }
      case 'current':
        this.#run(() => this.#insert.run(record.key, record.since, record.value));
        this.#memory.add(spaceOf(record.key), 1);
        this.#digest.add(record.key, record.since, 0, record.value);
        return;
      case 'history':
        this.#run(() => this.#keep.run(record.key, record.since, record.until, record.value));
        this.#digest.add(record.key, record.since, record.until, record.value);
    }
  }

  /** A version stops being current. */
  #retire(stored: Uint8Array, [since, value]: [number, Uint8Array], at: Sequence): void {
    this.#digest.remove(stored, since, 0, value);
    if (since === at) return;
    this.#keep.run(stored, since, at, value);
    this.#digest.add(stored, since, at, value);
  }

  #forget({ from, to }: { readonly from: Uint8Array; readonly to: Uint8Array }): void {
    this.#writing('drop or erase', this.#at);
    this.#run(() => {
      const history = this.#statement(
        'SELECT key, since, until, value FROM history WHERE key >= ?1 AND key < ?2',
      );
      for (const row of history.iterate(from, to)) {
        const [key, since, until, value] = row as unknown as [Uint8Array, number, number, Uint8Array];
        this.#digest.remove(key, since, until, value);
      }
      const current = this.#statement('SELECT key, since, value FROM current WHERE key >= ?1 AND key < ?2');
      for (const row of current.iterate(from, to)) {
        const [key, since, value] = row as unknown as [Uint8Array, number, Uint8Array];
        this.#digest.remove(key, since, 0, value);
        this.#memory.add(spaceOf(key), -1);
      }
      this.#statement('DELETE FROM history WHERE key >= ?1 AND key < ?2').run(from, to);
      this.#statement('DELETE FROM current WHERE key >= ?1 AND key < ?2').run(from, to);
      this.#memory.set('residue', 'yes');
    });
    this.#recent.forget();
    this.#residue = true;
    this.#rewritten = false;
  }

  #emptyWal(): boolean {
    // Whoever reads an earlier state is not waited for.
    this.#database.exec('PRAGMA busy_timeout = 0');
    try {
      return this.#checkpoint('TRUNCATE')[0] === 0;
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    }
  }

  #checkpoint(mode: 'NOOP' | 'PASSIVE' | 'TRUNCATE'): [busy: number, pages: number, moved: number] {
    this.#letGo();
    const row = this.#run(() => this.#statement(`PRAGMA wal_checkpoint(${mode})`).get());
    return row as unknown as [number, number, number];
  }

  /** Ends what glances are kept for: an old state that somebody reads would keep the WAL from being written anew. */
  #letGo(): void {
    this.#beside?.close();
    this.#beside = null;
    if (!this.#holding) return;
    this.#holding = false;
    // SQLite has done so itself after some failures.
    if (this.#database.isTransaction) this.#exec('ROLLBACK');
  }

  #writing(what: string, at: Sequence): void {
    if (this.#before === null) throw misuse(what, 'no transaction is open: begin one first');
    if (at < this.#at) throw misuse(what, `position ${at} lies before ${this.#at}, which was written last`);
    this.#at = at;
    this.#reader.written();
  }

  /** What the file says, into memory. */
  #load(): void {
    const { digest, residue } = this.#run(() => this.#memory.load());
    this.#digest.set(digest);
    this.#residue = residue;
    this.#at = Math.max(this.#at, this.position?.sequence ?? 0) as Sequence;
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      statement.setReturnArrays(true);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #exec(text: string): void {
    this.#run(() => this.#statement(text).run());
  }

  #run<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw storeError(this.path, error);
    }
  }
}

function misuse(what: string, problem: string): TruthError {
  return new TruthError('INTERNAL', `${what} on a store: ${problem}`);
}
