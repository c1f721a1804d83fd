/**
 * A schema, its history and its changes as bytes: canonical JSON in UTF-8, keys in the order of the alphabet and no blanks, so
 * that the same content is the same bytes. What is read has been checked against its shape, whoever wrote it.
 *
 * The payload of a schema entry (type 80) is `{"format":1,"steps":[…],"version":n}`: results, not the statement. Replay puts
 * in place what was decided then, whatever `define` decides today.
 */
import { TruthError } from '../../errors.ts';
import type { NextIds, SchemaChange, SchemaRecord, SchemaStep } from './change.ts';
import type { RankingSchema } from './model.ts';
import {
  cohortShape,
  DEFINITION_KINDS,
  kindShape,
  profileShape,
  relationshipShape,
  signalShape,
} from './model-shapes.ts';
import { constant, list, object, oneOf, readShape, type Shape, tagged, whole } from './shape.ts';

const FORMAT = 1;

const put: Shape<SchemaStep> = tagged<SchemaStep>('what', {
  entity: object({ step: constant('put'), what: constant('entity'), value: kindShape }),
  signal: object({ step: constant('put'), what: constant('signal'), value: signalShape }),
  relationship: object({ step: constant('put'), what: constant('relationship'), value: relationshipShape }),
  cohort: object({ step: constant('put'), what: constant('cohort'), value: cohortShape }),
  profile: object({ step: constant('put'), what: constant('profile'), value: profileShape }),
});

const step: Shape<SchemaStep> = tagged<SchemaStep>('step', {
  put,
  drop: object({
    step: constant('drop'),
    what: oneOf(DEFINITION_KINDS),
    id: whole<number>(1),
  }),
});

const changePayload = object({ format: constant(FORMAT), version: whole<number>(1), steps: list(step) });

const schema = object<RankingSchema>({
  version: whole<number>(0),
  kinds: list(kindShape),
  signals: list(signalShape),
  relationships: list(relationshipShape),
  cohorts: list(cohortShape),
  profiles: list(profileShape),
});

const id = whole<number>(1);
const nextIds = object<NextIds>({
  kind: id,
  attribute: id,
  slot: id,
  signal: id,
  relationship: id,
  cohort: id,
  profile: id,
});

const recordPayload = object({
  format: constant(FORMAT),
  schema,
  next: nextIds,
  profiles: list(profileShape),
  cohorts: list(cohortShape),
});

export function encodeChange({ version, steps }: SchemaChange): Uint8Array {
  return canonicalBytes({ format: FORMAT, version, steps });
}

/** Errors: CORRUPT. */
export function decodeChange(payload: Uint8Array): SchemaChange {
  const what = 'schema entry';
  const { version, steps } = readShape(changePayload, parsed(payload, what), what, 'CORRUPT');
  return { version, steps };
}

/** The part of a checkpoint that a view keeps its schema in. */
export function encodeRecord({ schema, next, profiles, cohorts }: SchemaRecord): Uint8Array {
  return canonicalBytes({ format: FORMAT, schema, next, profiles, cohorts });
}

/** Errors: CORRUPT. */
export function decodeRecord(bytes: Uint8Array): SchemaRecord {
  const what = 'saved schema';
  const { format: _, ...record } = readShape(recordPayload, parsed(bytes, what), what, 'CORRUPT');
  return record;
}

/**
 * Keys in order, no blanks; lists keep their order. That a kind is not of persons is not written: a schema without persons has
 * the bytes, and views of it the digests, that it had before there were any.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) =>
    key === 'person' && inner === false
      ? undefined
      : typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
  );
}

function canonicalBytes(value: unknown): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(canonicalJson(value), 'utf8');
  return new Uint8Array(buffer, byteOffset, length);
}

function parsed(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new TruthError('CORRUPT', `the ${what} of ${bytes.length} bytes is not JSON in UTF-8`);
  }
}
