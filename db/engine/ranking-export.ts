/**
 * What a log says of entities, signals and relationships, in its order and with keys and names for numbers: an import of it all into
 * an empty database makes the same views. It reads the log as files, beside a running server or without one, and writes nothing.
 */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { TenantEntities } from '../ranking/entities/tenant-entities.ts';
import { type EntityNumber, type KindId, type Micros, NO_ENTITY } from '../ranking/ground.ts';
import {
  DELETED,
  decodeEdge,
  decodeEntity,
  type EntityEntry,
  hashSignal,
  SignalRecords,
} from '../ranking/kernel/index.ts';
import { type DefineStatement, print } from '../ranking/retrieve/language/index.ts';
import { decodeChange } from '../ranking/schema/codec.ts';
import {
  entityDefinition,
  kindById,
  relationshipById,
  relationshipDefinition,
  SchemaHistory,
  type SchemaStep,
  signalById,
  signalDefinition,
  userKind,
} from '../ranking/schema/index.ts';
import type { AttributeValue, EntityKind, RankingSchema } from '../ranking/schema/model.ts';
import type { LogEntry } from '../wal/log.ts';
import { LogPass, type PassOptions } from './log-pass.ts';

export type ExportedValue = AttributeValue | readonly number[] | null;

export type ExportedRow =
  /** A statement that changes the schema as it was changed. */
  | { readonly row: 'define'; readonly position: number; readonly statement: string }
  | {
      readonly row: 'entity';
      readonly position: number;
      readonly kind: string;
      readonly key: string;
      /** Null: it was deleted, and nothing else is said. */
      readonly state: string | null;
      readonly at: Micros;
      /** What was set, null what was taken away; with `whole` everything it has. */
      readonly set: Readonly<Record<string, ExportedValue>>;
    }
  | {
      readonly row: 'signal';
      readonly position: number;
      readonly signal: string;
      readonly target: string;
      readonly user: string | null;
      readonly weight: number;
      readonly at: Micros;
      /** By which it counts once, where its content alone does not say so: its place in the log. */
      readonly id: string | null;
    }
  | {
      readonly row: 'edge';
      readonly position: number;
      readonly relationship: string;
      readonly from: string;
      readonly to: string;
      /** Null: it was taken away. */
      readonly weight: number | null;
      readonly at: Micros;
    };

export interface RankingExportOptions extends PassOptions {
  /** First position that is of interest; everything before is read too, because it has the keys. */
  readonly from: number;
  readonly rows: ReadonlySet<ExportedRow['row']>;
  /** Name of the kind, the signal or the relationship; null: all. */
  readonly of: string | null;
  /** Entities with everything they have by then, not only with what was set. */
  readonly whole: boolean;
  readonly progress: (line: string) => void;
}

/** Errors: those of `LogPass`, CORRUPT. */
export class RankingExport {
  readonly #options: RankingExportOptions;
  readonly #entities = new TenantEntities();
  readonly #pass: LogPass;
  /** By kind, number and name; kept for whole entities only. */
  readonly #vectors = new Map<string, readonly number[]>();
  #rows = 0;
  #lost = 0;

  constructor(options: RankingExportOptions) {
    this.#options = options;
    this.#pass = new LogPass(options, (position) => {
      const share = Math.floor((100 * position) / Math.max(1, options.until));
      options.progress(`position ${position} (${share} %), ${this.#rows} rows`);
    });
  }

  /** Position of the last commit that was read. */
  get position(): number {
    return this.#pass.position;
  }

  /** Those that are about an entity whose entries are gone. */
  get lost(): number {
    return this.#lost;
  }

  get complete(): boolean {
    return !this.#pass.interrupted;
  }

  async *rows(): AsyncGenerator<ExportedRow> {
    for await (const { entries } of this.#pass.commits()) {
      for (const entry of entries) {
        for (const row of this.#rowsOf(entry)) {
          this.#rows += 1;
          yield row;
        }
      }
    }
  }

  *#rowsOf(entry: LogEntry): Generator<ExportedRow> {
    const { rows, from } = this.#options;
    const wanted = (row: ExportedRow['row']): boolean => entry.sequence >= from && rows.has(row);
    switch (entry.type) {
      case KERNEL_ENTRY.rankingSchema:
        yield* this.#definition(entry, wanted('define'));
        break;
      case KERNEL_ENTRY.rankingEntity:
        yield* this.#entity(entry, wanted('entity'));
        break;
      case KERNEL_ENTRY.rankingSignals:
        if (wanted('signal')) yield* this.#signals(entry);
        break;
      case KERNEL_ENTRY.rankingEdge:
        if (wanted('edge')) yield* this.#edge(entry);
        break;
    }
  }

  /** The first step is what was said; the others follow from it, and follow again where it is said again. */
  *#definition({ payload, sequence }: LogEntry, wanted: boolean): Generator<ExportedRow> {
    const before = this.#entities.schema;
    const [step] = decodeChange(payload).steps;
    this.#entities.applySchema(payload);
    if (!wanted || step === undefined) return;
    const statement = statementOf(step, before, this.#entities.schema);
    yield { row: 'define', position: sequence, statement };
  }

  *#entity({ payload, sequence }: LogEntry, wanted: boolean): Generator<ExportedRow> {
    const { whole } = this.#options;
    const entity = decodeEntity(payload);
    this.#entities.applyEntity(payload);
    const kind = kindById(this.#entities.schema, entity.kind);
    if (kind === null || !this.#isOf(kind.name)) return;
    const vectors = vectorsOf(kind, entity);
    if (whole) this.#keepVectors(kind, entity, vectors);
    if (!wanted) return;
    const { key, at } = entity;
    const head = { row: 'entity', position: sequence, kind: kind.name, key, at } as const;
    if (entity.state === DELETED) yield { ...head, state: null, set: {} };
    else {
      const set = whole ? this.#whole(kind, entity.number) : { ...this.#given(kind, entity), ...vectors };
      yield { ...head, state: kind.states[entity.state] ?? null, set };
    }
  }

  #given(kind: EntityKind, { attributes, creator, created, before }: EntityEntry): ExportedFields {
    const set: Record<string, ExportedValue> = {};
    for (const { attribute, value } of attributes) {
      const name = kind.attributes.find(({ id }) => id === attribute)?.name;
      if (name !== undefined) set[name] = value;
    }
    if (kind.creator !== null && creator !== (created ? NO_ENTITY : before.creator))
      set[kind.creator.name] = this.#creator(kind, creator);
    return set;
  }

  #whole(kind: EntityKind, number: EntityNumber): ExportedFields {
    const set: Record<string, ExportedValue> = {};
    for (const { id, name, computed } of kind.attributes)
      if (computed === null) set[name] = this.#entities.value(kind.id, number, id);
    if (kind.creator !== null)
      set[kind.creator.name] = this.#creator(kind, this.#entities.creatorOf(kind.id, number));
    for (const { name, source } of kind.embeddings)
      if (source === 'given') set[name] = this.#vectors.get(placeOf(kind.id, number, name)) ?? null;
    return set;
  }

  #creator(kind: EntityKind, creator: EntityNumber): string | null {
    if (creator === NO_ENTITY || kind.creator === null) return null;
    return this.#entities.keyOf(kind.creator.kind, creator) || null;
  }

  #keepVectors(kind: EntityKind, { number, state }: EntityEntry, vectors: ExportedFields): void {
    for (const { name } of kind.embeddings) {
      const place = placeOf(kind.id, number, name);
      const vector = state === DELETED ? null : vectors[name];
      if (vector === null) this.#vectors.delete(place);
      else if (vector !== undefined) this.#vectors.set(place, vector as readonly number[]);
    }
  }

  *#signals({ payload, sequence }: LogEntry): Generator<ExportedRow> {
    const { schema } = this.#entities;
    const users = userKind(schema);
    const records = SignalRecords.of(payload);
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      const { user: number, weight, at } = records;
      const type = signalById(schema, records.signal);
      if (type === null || !this.#isOf(type.name)) continue;
      const target = this.#entities.keyOf(type.target, records.target);
      const user = number === NO_ENTITY || users === null ? null : this.#entities.keyOf(users.id, number);
      if (target === '' || user === '') {
        this.#lost += 1;
        continue;
      }
      const id = saysItself(records) ? null : `${sequence}.${index}`;
      yield { row: 'signal', position: sequence, signal: type.name, target, user, weight, at, id };
    }
  }

  *#edge({ payload, sequence }: LogEntry): Generator<ExportedRow> {
    const edge = decodeEdge(payload);
    const type = relationshipById(this.#entities.schema, edge.relationship);
    if (type === null || !this.#isOf(type.name)) return;
    const [from, to] = [this.#entities.keyOf(type.from, edge.from), this.#entities.keyOf(type.to, edge.to)];
    if (from === '' || to === '') {
      this.#lost += 1;
      return;
    }
    const { weight, at } = edge;
    yield { row: 'edge', position: sequence, relationship: type.name, from, to, weight, at };
  }

  #isOf(name: string): boolean {
    return this.#options.of === null || this.#options.of === name;
  }
}

/** What is defined by the end of a pass. Errors: those of `LogPass`. */
export async function schemaBehind(options: PassOptions): Promise<RankingSchema> {
  const history = new SchemaHistory();
  for await (const { entries } of new LogPass(options, () => {}).commits())
    for (const { type, payload } of entries) if (type === KERNEL_ENTRY.rankingSchema) history.apply(payload);
  return history.current;
}

type ExportedFields = Readonly<Record<string, ExportedValue>>;

/** Such a change has been allowed before, whatever it took. */
function statementOf(step: SchemaStep, before: RankingSchema, after: RankingSchema): string {
  if (step.step === 'drop') {
    const name = things(before, step.what).find(({ id }) => id === step.id)?.name ?? '';
    return define({ define: 'drop', what: step.what, name });
  }
  switch (step.what) {
    case 'entity':
      return define(entityDefinition(after, step.value));
    case 'signal':
      return define(signalDefinition(after, step.value));
    case 'relationship':
      return define(relationshipDefinition(after, step.value));
    default:
      return `${step.value.text} CASCADE`;
  }
}

function define(definition: DefineStatement['definition']): string {
  return print({ statement: 'define', definition, permission: 'cascade', run: 'apply' });
}

function things(
  schema: RankingSchema,
  what: Extract<SchemaStep, { step: 'drop' }>['what'],
): readonly { readonly id: number; readonly name: string }[] {
  if (what === 'entity') return schema.kinds;
  if (what === 'signal') return schema.signals;
  if (what === 'relationship') return schema.relationships;
  return what === 'cohort' ? schema.cohorts : schema.profiles;
}

function vectorsOf(kind: EntityKind, { embeddings }: EntityEntry): ExportedFields {
  const set: Record<string, ExportedValue> = {};
  for (const { slot, vector } of embeddings) {
    const name = kind.embeddings.find(({ id }) => id === slot)?.name;
    if (name !== undefined) set[name] = vector === null ? null : Array.from(vector);
  }
  return set;
}

function placeOf(kind: KindId, number: EntityNumber, name: string): string {
  return `${kind} ${number} ${name}`;
}

const content = { hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 };

/** It came with a time and without an id, so that the same content is the same signal. */
function saysItself(signal: SignalRecords): boolean {
  hashSignal(signal, signal.at, null, content);
  return (
    content.hashHigh === signal.hashHigh &&
    content.hashLow === signal.hashLow &&
    content.checkHigh === signal.checkHigh &&
    content.checkLow === signal.checkLow
  );
}
