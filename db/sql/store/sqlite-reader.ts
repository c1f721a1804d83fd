/**
 * Reads of a store over one connection: the writer's own, which sees what it has not committed yet, or one inside a read
 * transaction, which sees one state.
 *
 * Ranges are fetched a page at a time and gone on with from the last key, so no statement stays open between two rows: any
 * other read may come in between, of the same space too.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { RecordedAt, Sequence } from '../../types.ts';
import type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
} from './contract.ts';
import { keyOf, spaceKey, storedRange, successor } from './space-key.ts';
import { storeError } from './sqlite-errors.ts';

/** Rows of the first page of a range, and of the largest. */
const PAGE_ROWS_FIRST = 32;
const PAGE_ROWS_MAX = 1024;

type VersionRow = [key: Uint8Array, since: number, value: Uint8Array];
type HistoricRow = [key: Uint8Array, since: number, value: Uint8Array, until: number | null];
type CommitRow = [sequence: bigint, ordinal: bigint, epoch: bigint, recordedAt: bigint];

const COMMIT = 'SELECT sequence, ordinal, epoch, recorded_at FROM commits';
const RANGE = 'key >= ?1 AND key < ?2';
/** Of the versions in a range at most one a key was current at ?3. */
const AT = `
  SELECT key, since, value FROM current WHERE ${RANGE} AND since <= ?3
  UNION ALL
  SELECT key, since, value FROM history WHERE ${RANGE} AND since <= ?3 AND until > ?3`;

/** Statements of the reader: prepared when first wanted, then kept. Named in tests, which look at their plans. */
export const READS = {
  get: 'SELECT since, value FROM current WHERE key = ?1',
  getAt: `
    SELECT since, value FROM current WHERE key = ?1 AND since <= ?2
    UNION ALL
    SELECT since, value FROM (
      SELECT since, until, value FROM history WHERE key = ?1 AND since <= ?2 ORDER BY since DESC LIMIT 1
    ) WHERE until > ?2
    LIMIT 1`,
  scan: `SELECT key, since, value FROM current WHERE ${RANGE} ORDER BY key LIMIT ?3`,
  scanBack: `SELECT key, since, value FROM current WHERE ${RANGE} ORDER BY key DESC LIMIT ?3`,
  scanAt: `${AT} ORDER BY key LIMIT ?4`,
  scanAtBack: `${AT} ORDER BY key DESC LIMIT ?4`,
  /** Row values: behind a version, not behind its key. */
  versions: `
    SELECT key, since, value, until FROM history
      WHERE key >= ?1 AND key < ?2 AND since <= ?4 AND until > ?3 AND (key, since) > (?1, ?6)
    UNION ALL
    SELECT key, since, value, NULL FROM current
      WHERE key >= ?1 AND key < ?2 AND since <= ?4 AND (key, since) > (?1, ?6)
    ORDER BY key, since LIMIT ?5`,
  changed: `
    SELECT EXISTS (SELECT 1 FROM current WHERE ${RANGE} AND since > ?3)
      OR EXISTS (SELECT 1 FROM history WHERE ${RANGE} AND until > ?3)`,
  count: 'SELECT current FROM counts WHERE space = ?1',
  commitLast: `${COMMIT} ORDER BY sequence DESC LIMIT 1`,
  commitAtPosition: `${COMMIT} WHERE sequence <= ?1 ORDER BY sequence DESC LIMIT 1`,
  commitAtTime: `${COMMIT} WHERE recorded_at <= ?1 ORDER BY recorded_at DESC LIMIT 1`,
  commitAfter: `${COMMIT} WHERE sequence > ?1 ORDER BY sequence LIMIT 1`,
  write: 'SELECT name FROM writes JOIN actors ON actors.id = writes.actor WHERE sequence = ?1',
} as const;

export class SqliteReader implements StoreReader {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  /** The last position asked for and the commit it stands for: an AS OF query asks for the same one each time. */
  #resolved: { readonly at: Sequence; readonly commit: Sequence } | null = null;
  #position: StoredCommit | null = null;
  readonly #get: StatementSync;
  readonly #getAt: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#get = this.#statement(READS.get);
    this.#getAt = this.#statement(READS.getAt);
    this.refresh();
  }

  get position(): StoredCommit | null {
    return this.#position;
  }

  /** Looks again where the store stands: at the beginning of a read transaction, or when the writer has moved on. */
  refresh(): void {
    this.#resolved = null;
    this.#position = this.#commit(READS.commitLast);
  }

  /** The writer knows. */
  moved(position: StoredCommit | null): void {
    this.#resolved = null;
    this.#position = position;
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    const stored = spaceKey(space, key);
    const row = this.#run(() => this.#get.get(stored)) as [number, Uint8Array] | undefined;
    return row === undefined ? null : { key, since: row[0] as Sequence, value: row[1] };
  }

  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null {
    const commit = this.#resolve(at);
    if (commit === null) return null;
    const stored = spaceKey(space, key);
    const row = this.#run(() => this.#getAt.get(stored, commit)) as [number, Uint8Array] | undefined;
    return row === undefined ? null : { key, since: row[0] as Sequence, value: row[1] };
  }

  scan(space: Space, options: ScanOptions): Iterable<StoredVersion> {
    const { reverse } = options;
    const statement = this.#statement(reverse ? READS.scanBack : READS.scan);
    return this.#pages(space, options, (from, to, rows) => statement.all(from, to, rows));
  }

  scanAt(space: Space, options: ScanOptions, at: Sequence): Iterable<StoredVersion> {
    const commit = this.#resolve(at);
    if (commit === null) return [];
    const statement = this.#statement(options.reverse ? READS.scanAtBack : READS.scanAt);
    return this.#pages(space, options, (from, to, rows) => statement.all(from, to, commit, rows));
  }

  *versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): Generator<HistoricVersion> {
    const statement = this.#statement(READS.versions);
    const { from, to: end } = storedRange(space, range);
    let next = from;
    let last = -1;
    for (let rows = PAGE_ROWS_FIRST; ; rows = Math.min(rows * 4, PAGE_ROWS_MAX)) {
      const page = this.#run(() =>
        statement.all(next, end, after + 1, to, rows, last),
      ) as unknown as HistoricRow[];
      for (const [stored, since, value, until] of page) {
        yield { key: keyOf(stored), since: since as Sequence, value, until: until as Sequence | null };
      }
      if (page.length < rows) return;
      [next, last] = page.at(-1)!;
    }
  }

  changedSince(space: Space, range: KeyRange, after: Sequence): boolean {
    const { from, to } = storedRange(space, range);
    const statement = this.#statement(READS.changed);
    const [changed] = this.#run(() => statement.get(from, to, after)) as unknown as [number];
    return changed === 1;
  }

  count(space: Space): number {
    const statement = this.#statement(READS.count);
    const row = this.#run(() => statement.get(space)) as [number] | undefined;
    return row?.[0] ?? 0;
  }

  commitAtPosition(at: Sequence): StoredCommit | null {
    return this.#commit(READS.commitAtPosition, at);
  }

  commitAtTime(at: RecordedAt): StoredCommit | null {
    return this.#commit(READS.commitAtTime, at);
  }

  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null {
    const statement = this.#statement(READS.write);
    const row = this.#run(() => statement.get(sequence)) as [string] | undefined;
    if (row === undefined) return null;
    const commit = this.#commit(READS.commitAfter, sequence);
    return commit === null ? null : { actor: row[0], recordedAt: commit.recordedAt };
  }

  *#pages(
    space: Space,
    { range, reverse, limit }: ScanOptions,
    read: (from: Uint8Array, to: Uint8Array, rows: number) => unknown[],
  ): Generator<StoredVersion> {
    let { from, to } = storedRange(space, range);
    let left = limit ?? Number.POSITIVE_INFINITY;
    for (let rows = PAGE_ROWS_FIRST; left > 0; rows = Math.min(rows * 4, PAGE_ROWS_MAX)) {
      const wanted = Math.min(rows, left);
      const page = this.#run(() => read(from, to, wanted)) as unknown as VersionRow[];
      for (const [stored, since, value] of page)
        yield { key: keyOf(stored), since: since as Sequence, value };
      if (page.length < wanted) return;
      left -= wanted;
      const [last] = page.at(-1)!;
      if (reverse) to = last;
      else from = successor(last);
    }
  }

  /** Sequence of the last commit at or before a position, or null before the first. */
  #resolve(at: Sequence): Sequence | null {
    if (this.#position === null) return null;
    if (at >= this.#position.sequence) return this.#position.sequence;
    if (this.#resolved?.at === at) return this.#resolved.commit;
    const commit = this.commitAtPosition(at);
    if (commit === null) return null;
    this.#resolved = { at, commit: commit.sequence };
    return commit.sequence;
  }

  #commit(text: string, ...parameters: readonly (number | bigint)[]): StoredCommit | null {
    const statement = this.#statement(text);
    // A time in nanoseconds does not fit a double.
    statement.setReadBigInts(true);
    const row = this.#run(() => statement.get(...parameters)) as CommitRow | undefined;
    if (row === undefined) return null;
    return {
      sequence: Number(row[0]) as StoredCommit['sequence'],
      ordinal: Number(row[1]) as StoredCommit['ordinal'],
      epoch: Number(row[2]) as StoredCommit['epoch'],
      recordedAt: row[3] as RecordedAt,
    };
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#run(() => this.#database.prepare(text));
      statement.setReturnArrays(true);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #run<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }
}
