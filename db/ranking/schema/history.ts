/**
 * The schema as one view, or the kernel, knows it: every view applies the schema entries it meets and keeps its own, because
 * views do not read each other. Older versions of profiles and cohorts stay readable.
 */
import { TruthError } from '../../errors.ts';
import { applyChange, EMPTY_RECORD, type SchemaChange, type SchemaRecord } from './change.ts';
import { decodeChange, decodeRecord, encodeRecord } from './codec.ts';
import type { Cohort, Profile, RankingSchema } from './model.ts';

/** What one entry did: views compare the schema before and behind it where a step leaves something open. */
export interface AppliedChange {
  readonly schema: RankingSchema;
  readonly before: RankingSchema;
  readonly change: SchemaChange;
}

export class SchemaHistory {
  #record: SchemaRecord;

  /** Before the first change. */
  constructor() {
    this.#record = EMPTY_RECORD;
  }

  /** Errors: CORRUPT, when it is not what `encode` made. */
  static decode(bytes: Uint8Array): SchemaHistory {
    const history = new SchemaHistory();
    history.#record = decodeRecord(bytes);
    return history;
  }

  get current(): RankingSchema {
    return this.#record.schema;
  }

  get record(): SchemaRecord {
    return this.#record;
  }

  /** A checkpoint's part, and what a digest is made over: the same content is the same bytes. */
  encode(): Uint8Array {
    return encodeRecord(this.#record);
  }

  /** Applies the payload of a schema entry. Errors: CORRUPT, and nothing has changed then. */
  apply(payload: Uint8Array): AppliedChange {
    return this.applyChange(decodeChange(payload));
  }

  applyChange(change: SchemaChange): AppliedChange {
    const before = this.current;
    // More than one ahead only behind a gap of the log.
    if (change.version <= before.version)
      throw new TruthError(
        'CORRUPT',
        `a schema entry makes version ${change.version} where the schema has version ${before.version} already`,
      );
    this.#record = applyChange(this.#record, change);
    return { schema: this.current, before, change };
  }

  /** One with the same content that goes its own way. */
  fork(): SchemaHistory {
    const history = new SchemaHistory();
    history.#record = this.#record;
    return history;
  }

  /** The profile of a name, in its newest version (`version` null) or an earlier one; null when there is none. */
  profile(name: string, version: number | null): Profile | null {
    const { schema, profiles } = this.#record;
    return versionOf(schema.profiles, profiles, name, version);
  }

  cohort(name: string, version: number | null): Cohort | null {
    const { schema, cohorts } = this.#record;
    return versionOf(schema.cohorts, cohorts, name, version);
  }
}

interface Versioned {
  readonly name: string;
  readonly version: number;
}

function versionOf<T extends Versioned>(
  current: readonly T[],
  earlier: readonly T[],
  name: string,
  version: number | null,
): T | null {
  const newest = current.find((each) => each.name === name) ?? null;
  if (version === null || newest?.version === version) return newest;
  return earlier.find((each) => each.name === name && each.version === version) ?? null;
}
