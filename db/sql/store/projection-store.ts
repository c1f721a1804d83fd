/**
 * A store for one projection of the log, for whoever keeps their own: batches that are applied whole at a position, and reads
 * of now and of any position since. Public: it is the part of a store that needs no knowledge of tables.
 */
import { TruthError } from '../../errors.ts';
import type { Sequence } from '../../types.ts';
import type { KeyRange, Space, StoredCommit, StoredVersion } from './contract.ts';
import { KEY_BYTES_MAX } from './space-key.ts';
import type { SqliteStore } from './sqlite-store.ts';

export interface ProjectionWrite {
  readonly key: Uint8Array;
  /** Null: the key is deleted. */
  readonly value: Uint8Array | null;
}

/** What a batch carries at one position. */
export interface ProjectionBatch {
  readonly commit: StoredCommit;
  readonly writes: readonly ProjectionWrite[];
}

export interface ProjectionLimits {
  readonly writesMax: number;
  /** Keys and values of a batch together. */
  readonly bytesMax: number;
}

export const PROJECTION_LIMITS: ProjectionLimits = Object.freeze({
  writesMax: 100_000,
  bytesMax: 64 * 1024 * 1024,
});

export interface ProjectionScan {
  readonly range: KeyRange;
  readonly reverse?: boolean;
  readonly limit?: number;
  /** As of a position; now unless given. */
  readonly at?: Sequence;
}

export class ProjectionStore {
  readonly #store: SqliteStore;
  readonly #space: Space;
  readonly #limits: ProjectionLimits;

  /** The store is the caller's to close; others may keep projections of theirs in it, in other spaces. */
  constructor(store: SqliteStore, space: Space, limits: ProjectionLimits = PROJECTION_LIMITS) {
    this.#store = store;
    this.#space = space;
    this.#limits = limits;
  }

  /** The last commit that is applied; 0 before the first. */
  get appliedPosition(): Sequence {
    return (this.#store.committedPosition?.sequence ?? 0) as Sequence;
  }

  /**
   * Applies a batch, whole or not at all. One at or before the applied position is taken for a repetition: nothing happens.
   * Errors: TOO_LARGE (split it: a commit's writes may be spread over several stores, not over several batches),
   * BUSY (a transaction of somebody else is open).
   */
  apply({ commit, writes }: ProjectionBatch): void {
    this.#check(writes);
    if (commit.sequence <= this.appliedPosition) return;
    if (this.#store.open)
      throw new TruthError('BUSY', 'a transaction of the store is open: apply the batch behind it');
    this.#store.begin();
    try {
      for (const { key, value } of writes) {
        if (value === null) this.#store.delete(this.#space, key, commit.sequence);
        else this.#store.put(this.#space, key, value, commit.sequence);
      }
      this.#store.committed(commit);
      this.#store.commit();
    } catch (error) {
      if (this.#store.open) this.#store.rollback();
      throw error;
    }
  }

  get(key: Uint8Array): Uint8Array | null {
    return this.#store.get(this.#space, key)?.value ?? null;
  }

  /** As of the last commit at or before a position. */
  getAt(key: Uint8Array, at: Sequence): Uint8Array | null {
    return this.#store.getAt(this.#space, key, at)?.value ?? null;
  }

  /** In the order of the keys' bytes. Nothing may be applied before the last row has been taken. */
  scan({ range, reverse = false, limit, at }: ProjectionScan): Iterable<StoredVersion> {
    const options = { range, reverse, limit: limit ?? null };
    return at === undefined
      ? this.#store.scan(this.#space, options)
      : this.#store.scanAt(this.#space, options, at);
  }

  #check(writes: readonly ProjectionWrite[]): void {
    const { writesMax, bytesMax } = this.#limits;
    if (writes.length > writesMax)
      throw new TruthError(
        'TOO_LARGE',
        `a batch has ${writes.length} writes; at most ${writesMax} are applied at once`,
      );
    let bytes = 0;
    for (const { key, value } of writes) {
      if (key.length > KEY_BYTES_MAX)
        throw new TruthError('TOO_LARGE', `a key has ${key.length} bytes; at most ${KEY_BYTES_MAX} are kept`);
      bytes += key.length + (value?.length ?? 0);
    }
    if (bytes > bytesMax)
      throw new TruthError(
        'TOO_LARGE',
        `a batch has ${bytes} bytes; at most ${bytesMax} are applied at once`,
      );
  }
}
