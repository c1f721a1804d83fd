/** What a store is, said as plainly as possible: a list of versions that is searched from one end to the other. */
import type {
  HistoricVersion,
  KeyRange,
  ScanOptions,
  Space,
  StoredCommit,
  StoredVersion,
  StoreReader,
} from '../../../../db/sql/store/index.ts';
import type { RecordedAt, Sequence } from '../../../../db/types.ts';

interface Version {
  readonly space: Space;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly since: Sequence;
  readonly until: Sequence | null;
}

const WHOLE: ScanOptions = { range: { from: null, to: null }, reverse: false, limit: null };

export class NaiveStore implements StoreReader {
  readonly versionsAll: readonly Version[];
  readonly commits: readonly StoredCommit[];
  readonly writes: readonly { readonly sequence: Sequence; readonly actor: string }[];

  constructor(from: Pick<NaiveStore, 'versionsAll' | 'commits' | 'writes'> | null = null) {
    this.versionsAll = from?.versionsAll ?? [];
    this.commits = from?.commits ?? [];
    this.writes = from?.writes ?? [];
  }

  with(change: Partial<Pick<NaiveStore, 'versionsAll' | 'commits' | 'writes'>>): NaiveStore {
    return new NaiveStore({
      versionsAll: this.versionsAll,
      commits: this.commits,
      writes: this.writes,
      ...change,
    });
  }

  put(space: Space, key: Uint8Array, value: Uint8Array, at: Sequence): NaiveStore {
    const { versionsAll } = this.delete(space, key, at);
    return this.with({ versionsAll: [...versionsAll, { space, key, value, since: at, until: null }] });
  }

  delete(space: Space, key: Uint8Array, at: Sequence): NaiveStore {
    const versionsAll = this.versionsAll
      .map((version) =>
        version.until === null && version.space === space && same(version.key, key)
          ? { ...version, until: at }
          : version,
      )
      .filter(({ since, until }) => since !== until);
    return this.with({ versionsAll });
  }

  replace(space: Space, key: Uint8Array, value: Uint8Array, at: Sequence): NaiveStore {
    const others = this.versionsAll.filter(
      (version) => version.until !== null || version.space !== space || !same(version.key, key),
    );
    return this.with({ versionsAll: [...others, { space, key, value, since: at, until: null }] });
  }

  forget(space: Space, key: Uint8Array | null): NaiveStore {
    return this.with({
      versionsAll: this.versionsAll.filter(
        (version) => version.space !== space || (key !== null && !same(version.key, key)),
      ),
    });
  }

  get position(): StoredCommit | null {
    return this.commits.at(-1) ?? null;
  }

  get(space: Space, key: Uint8Array): StoredVersion | null {
    return (
      selected(
        this.#current(space).filter((version) => same(version.key, key)),
        WHOLE,
      )[0] ?? null
    );
  }

  getAt(space: Space, key: Uint8Array, at: Sequence): StoredVersion | null {
    return (
      selected(
        this.#at(space, at).filter((version) => same(version.key, key)),
        WHOLE,
      )[0] ?? null
    );
  }

  scan(space: Space, options: ScanOptions): StoredVersion[] {
    return selected(this.#current(space), options);
  }

  scanAt(space: Space, options: ScanOptions, at: Sequence): StoredVersion[] {
    return selected(this.#at(space, at), options);
  }

  versions(space: Space, range: KeyRange, after: Sequence, to: Sequence): HistoricVersion[] {
    return this.versionsAll
      .filter((version) => version.space === space && inRange(version.key, range))
      .filter(({ since, until }) => since <= to && (until === null || until > after + 1))
      .sort((a, b) => Buffer.compare(a.key, b.key) || a.since - b.since)
      .map(({ key, value, since, until }) => ({ key, value, since, until }));
  }

  changedSince(space: Space, range: KeyRange, after: Sequence): boolean {
    return this.versionsAll.some(
      ({ space: of, key, since, until }) =>
        of === space && inRange(key, range) && (since > after || (until ?? 0) > after),
    );
  }

  count(space: Space): number {
    return this.#current(space).length;
  }

  commitAtPosition(at: Sequence): StoredCommit | null {
    return this.commits.findLast(({ sequence }) => sequence <= at) ?? null;
  }

  commitAtTime(at: RecordedAt): StoredCommit | null {
    return this.commits.findLast(({ recordedAt }) => recordedAt <= at) ?? null;
  }

  writeAt(sequence: Sequence): { readonly actor: string; readonly recordedAt: RecordedAt } | null {
    const write = this.writes.find((each) => each.sequence === sequence);
    const commit = this.commits.find((each) => each.sequence > sequence);
    return write === undefined || commit === undefined
      ? null
      : { actor: write.actor, recordedAt: commit.recordedAt };
  }

  #current(space: Space): Version[] {
    return this.versionsAll.filter((version) => version.space === space && version.until === null);
  }

  #at(space: Space, at: Sequence): Version[] {
    const commit = this.commitAtPosition(at)?.sequence ?? -1;
    return this.versionsAll.filter(
      (version) =>
        version.space === space &&
        version.since <= commit &&
        (version.until === null || version.until > commit),
    );
  }
}

function selected(versions: readonly Version[], { range, reverse, limit }: ScanOptions): StoredVersion[] {
  return versions
    .filter(({ key }) => inRange(key, range))
    .sort((a, b) => Buffer.compare(a.key, b.key) * (reverse ? -1 : 1))
    .slice(0, limit ?? versions.length)
    .map(({ key, value, since }) => ({ key, value, since }));
}

function inRange(key: Uint8Array, { from, to }: KeyRange): boolean {
  return (from === null || Buffer.compare(key, from) >= 0) && (to === null || Buffer.compare(key, to) < 0);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
