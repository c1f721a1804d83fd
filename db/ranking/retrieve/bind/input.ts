import type { Micros } from '../../ground.ts';
import type { EntityReader } from '../../reading.ts';
import type { EntityKind, Profile, RankingSchema } from '../../schema/model.ts';
import type { Parameters } from '../language/index.ts';

/** What a statement is bound against. */
export interface BindInput {
  readonly entities: Pick<EntityReader, 'schema' | 'numberOf'>;
  /** Values that came with the statement. */
  readonly parameters: Parameters;
  /** The server's clock at admission; of a question about the past (AS OF), the time it is about. */
  readonly now: Micros;
  /** Older versions of profiles; the newest are in the schema. Null: there never was one. */
  readonly profileVersion: (name: string, version: number) => Profile | null;
}

/** The same, for the clauses of one query. */
export interface BindScope {
  readonly input: BindInput;
  readonly schema: RankingSchema;
  readonly kind: EntityKind;
  /** Goes into the query's warnings. */
  readonly warn: (message: string) => void;
}
