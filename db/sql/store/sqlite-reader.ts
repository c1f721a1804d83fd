/**
 * Reads of a store over one connection: the writer's own, which sees what it has not committed yet, or one inside a read
 * transaction, which sees one state.
 *
 * Ranges are fetched a page at a time and gone on with from the last key, so no statement stays open between two rows: any
 * other read may come in between, of the same space too. Writing between two rows is a mistake and is told.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TruthError } from '../../errors.ts';
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
import { READS } from './reads.ts';
import { EVERY_KEY_END, keyOf, type StoredRange, spaceKey, storedRange, successor } from './space-key.ts';
import { storeError } from './sqlite-errors.ts';
import type { DumpRecord } from './store-dump.ts';

/** Rows of the first page of a range, and of the largest. */
const PAGE_ROWS_FIRST = 32;
const PAGE_ROWS_MAX = 1024;
/** Rows fetched at once for a dump: about a millisecond. */
const DUMP_ROWS = 256;
/** Versions looked at for a row of a page before keys are skipped through instead. */
const VERSIONS_A_ROW = 16;

export const COUNT_PREFIX = 'count ';

type VersionRow = [key: Uint8Array, since: number, value: Uint8Array];
type HistoricRow = [key: Uint8Array, since: number, value: Uint8Array, until: number];
type CommitRow = [sequence: bigint, ordinal: bigint, epoch: bigint, recordedAt: bigint];
type FetchPage = (from: Uint8Array, to: Uint8Array, rows: number) => readonly unknown[];

export class SqliteReader implements StoreReader {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  readonly #get: StatementSync;
  readonly #getAt: StatementSync;
  readonly #getAtCommit: StatementSync;
  #position: StoredCommit | null = null;
  /** The last position asked for and the commit it stands for: an AS OF query asks for the same one each time. */
  #resolvedAt = -1;
  #resolved: Sequence | null = null;
  #writes = 0;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#get = this.#statement(READS.get);
    this.#getAt = this.#statement(READS.getAt);
    this.#getAtCommit = this.#statement(READS.getAtCommit);
    this.refresh();
  }

  get position(): StoredCommit | null {
    return this.#position;
  }

  /** Looks again where the store stands: at the beginning of a read transaction. */
  refresh(): void {
    this.moved(this.#commit(READS.commitLast));
  }

  /** The writer has moved on, or back. */
  moved(position: StoredCommit | null): void {
    this.#resolvedAt = -1;
    this.#resolved = null;
    this.#position = position;
  }

  /** The writer has written. */
  written(): void {
    this.#writes += 1;
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    const stored = spaceKey(space, key);
    try {
      const row = this.#get.get(stored) as [number, Uint8Array] | undefined;
      return row === undefined ? null : { key, since: row[0] as Sequence, value: row[1] };
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }

  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null {
    const stored = spaceKey(space, key);
    try {
      const statement = at === this.#resolved ? this.#getAtCommit : this.#getAt;
      const row = statement.get(stored, at) as [number, Uint8Array] | undefined;
      return row === undefined ? null : { key, since: row[0] as Sequence, value: row[1] };
    } catch (error) {
      throw storeError(this.#path, error);
    }
  }

  scan(space: Space, options: ScanOptions): Iterable<StoredVersion> {
    const statement = this.#statement(READS.scan[direction(options)]);
    return limited(
      this.#pages(storedRange(space, options.range), options, (from, to, rows) =>
        statement.all(from, to, rows),
      ),
      options.limit,
    );
  }

  scanAt(space: Space, options: ScanOptions, at: Sequence): Iterable<StoredVersion> {
    const commit = this.#resolve(at);
    if (commit === null) return [];
    const range = storedRange(space, options.range);
    const statement = this.#statement(READS.scanStill[direction(options)]);
    const still = this.#pages(range, options, (from, to, rows) => statement.all(from, to, commit, rows));
    return limited(
      merged(still, this.#pastPages(range, options, commit), options.reverse ? -1 : 1),
      options.limit,
    );
  }

  /** Positions are taken as they are: entries, not only commits. */
  *versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): Generator<HistoricVersion> {
    const stored = storedRange(space, range);
    const statement = this.#statement(READS.versionsCurrent);
    const currents = this.#pages(stored, { reverse: false, limit: null }, (from, end, rows) =>
      statement.all(from, end, to, rows),
    );
    let current = currents.next();
    for (const past of this.#pastVersions(stored, after, to)) {
      for (; !current.done && Buffer.compare(current.value.key, past.key) < 0; current = currents.next())
        yield { ...current.value, until: null };
      yield past;
    }
    for (; !current.done; current = currents.next()) yield { ...current.value, until: null };
  }

  changedSince(space: Space, range: KeyRange, after: Sequence): boolean {
    const { from, to } = storedRange(space, range);
    const statement = this.#statement(READS.changed);
    const [changed] = this.#run(() => statement.get(from, to, after)) as unknown as [number];
    return changed === 1;
  }

  count(space: Space): number {
    const statement = this.#statement(READS.count);
    const row = this.#run(() => statement.get(countName(space))) as [string] | undefined;
    return row === undefined ? 0 : Number(row[0]);
  }

  commitAtPosition(at: Sequence): StoredCommit | null {
    const commit = this.#commit(READS.commitAtPosition, at);
    // What is read next is read as of there.
    this.#resolvedAt = commit?.sequence ?? -1;
    this.#resolved = commit?.sequence ?? null;
    return commit;
  }

  commitAtTime(at: RecordedAt): StoredCommit | null {
    const first = this.#commit(READS.commitFirst);
    const last = this.#position;
    if (first === null || last === null || first.recordedAt > at) return null;
    if (last.recordedAt <= at) return last;
    // Times grow with positions. `low` is always recorded at or before `at`, and `high` is not.
    for (let low = first, high = last; ; ) {
      const middle = Math.floor((low.sequence + high.sequence) / 2) as Sequence;
      const before = this.#commit(READS.commitAtPosition, middle);
      const found: StoredCommit | null =
        before !== null && before.sequence > low.sequence ? before : this.#commit(READS.commitAfter, middle);
      if (found === null || found.sequence >= high.sequence) return low;
      if (found.recordedAt <= at) low = found;
      else high = found;
    }
  }

  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null {
    const statement = this.#statement(READS.write);
    const row = this.#run(() => statement.get(sequence)) as [string] | undefined;
    if (row === undefined) return null;
    // What came of a commit's events was written at the commit's own sequence.
    const commit = this.#commit(READS.commitAfter, sequence - 1);
    return commit === null ? null : { actor: row[0], recordedAt: commit.recordedAt };
  }

  /** Digest of what is committed, or is to be when it is the writer that asks in a transaction of its own. */
  storedDigest(): string {
    const statement = this.#statement(READS.digest);
    return (this.#run(() => statement.get()) as unknown as [string])[0];
  }

  /** Everything there is, in the order of dumps. */
  *records(): Generator<DumpRecord> {
    const rows = DUMP_ROWS;
    for (const row of this.#after<CommitRow>(READS.dumpCommits, ([sequence]) => sequence, 0n)) {
      yield { kind: 'commit', ...commitOf(row) };
    }
    const actors = new Map<number, number>();
    const names = this.#run(() => this.#statement(READS.dumpActors).all()) as unknown as [number, string][];
    for (const [id, name] of names) {
      actors.set(id, actors.size);
      yield { kind: 'actor', name };
    }
    for (const [sequence, actor] of this.#after<[number, number]>(READS.dumpWrites, ([at]) => at, 0))
      yield { kind: 'write', sequence, actor: actors.get(actor)! };
    const all: StoredRange = { from: new Uint8Array(0), to: EVERY_KEY_END };
    const statement = this.#statement(READS.scan.up);
    for (let from = all.from; ; ) {
      const page = this.#run(() => statement.all(from, all.to, rows)) as unknown as VersionRow[];
      for (const [key, since, value] of page) yield { kind: 'current', key, since, value };
      if (page.length < rows) break;
      from = successor(page.at(-1)![0]);
    }
    const past = this.#statement(READS.versionsPast);
    for (let [from, since]: [Uint8Array, number] = [all.from, 0]; ; ) {
      const page = this.#run(() =>
        past.all(from, all.to, since, -1, Number.MAX_SAFE_INTEGER, rows),
      ) as unknown as HistoricRow[];
      for (const [key, of, value, until] of page) yield { kind: 'history', key, since: of, until, value };
      if (page.length < rows) return;
      [from, since] = [page.at(-1)![0], page.at(-1)![1] + 1];
    }
  }

  *#after<Row>(
    text: string,
    sequenceOf: (row: Row) => number | bigint,
    first: number | bigint,
  ): Generator<Row> {
    const statement = this.#statement(text);
    statement.setReadBigInts(typeof first === 'bigint');
    for (let after = first; ; ) {
      const page = this.#run(() => statement.all(after, DUMP_ROWS)) as unknown as Row[];
      yield* page;
      if (page.length < DUMP_ROWS) return;
      after = sequenceOf(page.at(-1)!);
    }
  }

  *#pages(
    { from, to }: StoredRange,
    { reverse, limit }: Pick<ScanOptions, 'reverse' | 'limit'>,
    fetch: FetchPage,
  ): Generator<StoredVersion> {
    const writes = this.#writes;
    const most = Math.min(limit ?? PAGE_ROWS_MAX, PAGE_ROWS_MAX);
    for (let rows = Math.min(PAGE_ROWS_FIRST, most); ; rows = Math.min(rows * 4, most)) {
      const page = this.#page(writes, () => fetch(from, to, rows)) as VersionRow[];
      for (const row of page) yield versionOf(row);
      if (page.length < rows) return;
      const last = page.at(-1)![0];
      if (reverse) to = last;
      else from = successor(last);
    }
  }

  /**
   * What was current at a commit and is no more. Where a key has few versions the range is read through; where that takes
   * too many versions for too few rows, keys are skipped through, which costs two seeks each.
   */
  *#pastPages(
    { from, to }: StoredRange,
    { reverse, limit }: Pick<ScanOptions, 'reverse' | 'limit'>,
    commit: Sequence,
  ): Generator<StoredVersion> {
    const way = reverse ? 'down' : 'up';
    const beyond = this.#statement(READS.historyBeyond[way]);
    const writes = this.#writes;
    const most = Math.min(limit ?? PAGE_ROWS_MAX, PAGE_ROWS_MAX);
    let skipping = false;
    for (let rows = Math.min(PAGE_ROWS_FIRST, most); ; rows = Math.min(rows * 4, most)) {
      const far = skipping
        ? undefined
        : (this.#page(writes, () => beyond.all(from, to, rows * VERSIONS_A_ROW))[0] as
            | [Uint8Array]
            | undefined);
      const part = far === undefined ? { from, to } : nearer({ from, to }, far[0], reverse);
      const statement = this.#statement((skipping ? READS.scanPastSkipping : READS.scanPast)[way]);
      const page = this.#page(writes, () => statement.all(part.from, part.to, commit, rows)) as VersionRow[];
      for (const row of page) yield versionOf(row);
      if (page.length < rows && far === undefined) return;
      const next = page.length < rows ? (reverse ? successor(far![0]) : far![0]) : page.at(-1)![0];
      skipping ||= page.length < rows / 4;
      if (reverse) to = next;
      else from = page.length < rows ? next : successor(next);
    }
  }

  *#pastVersions({ from, to: end }: StoredRange, after: Sequence, to: Sequence): Generator<HistoricVersion> {
    const statement = this.#statement(READS.versionsPast);
    const writes = this.#writes;
    let since = 0;
    for (let rows = PAGE_ROWS_FIRST; ; rows = Math.min(rows * 4, PAGE_ROWS_MAX)) {
      const page = this.#page(writes, () =>
        statement.all(from, end, since, after + 1, to, rows),
      ) as HistoricRow[];
      for (const row of page) yield { ...versionOf(row), until: row[3] as Sequence };
      if (page.length < rows) return;
      const last = page.at(-1)!;
      from = last[0];
      since = last[1] + 1;
    }
  }

  #page(writes: number, fetch: () => readonly unknown[]): readonly unknown[] {
    if (writes !== this.#writes) {
      throw new TruthError(
        'INTERNAL',
        `the store ${this.#path} was written while a range of it was being read: collect the rows first`,
      );
    }
    return this.#run(fetch);
  }

  /** Sequence of the last commit at or before a position, or null before the first. */
  #resolve(at: Sequence): Sequence | null {
    if (this.#position === null) return null;
    if (at >= this.#position.sequence) return this.#position.sequence;
    if (this.#resolvedAt === at) return this.#resolved;
    const statement = this.#statement(READS.resolve);
    const row = this.#run(() => statement.get(at)) as [Sequence] | undefined;
    this.#resolvedAt = at;
    this.#resolved = row?.[0] ?? null;
    return this.#resolved;
  }

  #commit(text: string, ...parameters: readonly (number | bigint)[]): StoredCommit | null {
    const statement = this.#statement(text);
    // A time in nanoseconds does not fit a double.
    statement.setReadBigInts(true);
    const row = this.#run(() => statement.get(...parameters)) as CommitRow | undefined;
    return row === undefined ? null : commitOf(row);
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

function commitOf([sequence, ordinal, epoch, recordedAt]: CommitRow): StoredCommit {
  return {
    sequence: Number(sequence) as StoredCommit['sequence'],
    ordinal: Number(ordinal) as StoredCommit['ordinal'],
    epoch: Number(epoch) as StoredCommit['epoch'],
    recordedAt: recordedAt as RecordedAt,
  };
}

/** Under which a space's number of current keys lies in `meta`. */
export function countName(space: Space): string {
  return `${COUNT_PREFIX}${space}`;
}

function direction({ reverse }: Pick<ScanOptions, 'reverse'>): 'up' | 'down' {
  return reverse ? 'down' : 'up';
}

/** The part of a range before a key, in the direction of reading. */
function nearer({ from, to }: StoredRange, key: Uint8Array, reverse: boolean): StoredRange {
  return reverse ? { from: successor(key), to } : { from, to: key };
}

function versionOf([stored, since, value]: readonly [
  Uint8Array,
  number,
  Uint8Array,
  ...unknown[],
]): StoredVersion {
  return { key: keyOf(stored), since: since as Sequence, value };
}

/** Two ranges in order, as one in order; no key is in both. */
function* merged(
  first: Iterator<StoredVersion>,
  second: Iterator<StoredVersion>,
  sign: 1 | -1,
): Generator<StoredVersion> {
  let [a, b] = [first.next(), second.next()];
  while (!a.done && !b.done) {
    if (Buffer.compare(a.value.key, b.value.key) * sign < 0) {
      yield a.value;
      a = first.next();
    } else {
      yield b.value;
      b = second.next();
    }
  }
  for (; !a.done; a = first.next()) yield a.value;
  for (; !b.done; b = second.next()) yield b.value;
}

function* limited(versions: Generator<StoredVersion>, limit: number | null): Generator<StoredVersion> {
  if (limit === null) {
    yield* versions;
    return;
  }
  let left = limit;
  if (left <= 0) return;
  for (const version of versions) {
    yield version;
    left -= 1;
    if (left === 0) return;
  }
}
