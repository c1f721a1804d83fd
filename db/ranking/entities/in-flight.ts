/**
 * What decisions of one tenant read: the views, and over them everything that the log has taken and the views do not have yet.
 * Entries come in as they are appended, with their sequence, and are forgotten once the views have applied them.
 */
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import type { Sequence } from '../../types.ts';
import type {
  AttributeId,
  EntityNumber,
  KindId,
  Micros,
  RelationshipId,
  SignalId,
  TupleNumber,
} from '../ground.ts';
import { NO_ENTITY, NO_TUPLE } from '../ground.ts';
import {
  DELETED,
  decodeEdge,
  decodeEntity,
  EntityOverlay,
  type EntityState,
  HashWindow,
  type RankingState,
  type SignalHash,
  SignalRecords,
  type TupleRow,
} from '../kernel/index.ts';
import {
  dimensionsOf,
  type SchemaFacts,
  SchemaHistory,
  type SchemaRecord,
  userKind,
} from '../schema/index.ts';
import type { AttributeValue } from '../schema/model.ts';
import type { TenantEntities } from './tenant-entities.ts';
import { hasHash, type TenantSignatures } from './tenant-signatures.ts';

/** The views of the tenant as they are now; null where they hold nothing of it yet. A rebuild makes new ones. */
export interface StableState {
  readonly entities: () => TenantEntities | null;
  readonly signatures: () => TenantSignatures | null;
}

/** An entry as it was appended. */
export interface AppendedEntry {
  readonly type: number;
  readonly payload: Uint8Array;
  readonly sequence: Sequence;
}

interface OverlaidSchema {
  readonly sequence: Sequence;
  readonly history: SchemaHistory;
  readonly dimensionsChanged: boolean;
}

interface Counted {
  readonly sequence: Sequence;
  readonly id: number;
  readonly of: 'signals' | 'edges';
  readonly count: number;
}

export class InFlight implements RankingState {
  readonly facts: SchemaFacts;
  readonly #stable: StableState;
  readonly #entities: EntityOverlay;
  readonly #hashes = new HashWindow(0);
  /** Changes of the schema, oldest first. */
  #schemas: OverlaidSchema[] = [];
  #counted: Counted[] = [];
  /** Of all that came through here. */
  #newest = 0 as Micros;

  constructor(stable: StableState) {
    this.#stable = stable;
    this.#entities = new EntityOverlay(stateOf(stable));
    this.facts = {
      entities: (kind) => this.last(kind),
      signals: (signal) => (stable.signatures()?.signals(signal) ?? 0) + this.#countOf('signals', signal),
      edges: (relationship) =>
        (stable.signatures()?.edges(relationship) ?? 0) + this.#countOf('edges', relationship),
    };
  }

  /** Nothing is in flight: the views have everything. */
  get isEmpty(): boolean {
    return (
      this.#entities.isEmpty &&
      this.#hashes.size === 0 &&
      this.#schemas.length === 0 &&
      this.#counted.length === 0
    );
  }

  get schema(): SchemaRecord {
    return (this.#schemas.at(-1)?.history ?? this.#stableHistory()).record;
  }

  get dimensionsChanged(): boolean {
    return this.#schemas.at(-1)?.dimensionsChanged ?? this.#stable.entities()?.dimensionsChanged ?? false;
  }

  last(kind: KindId): number {
    return this.#entities.last(kind);
  }

  find(kind: KindId, key: string): EntityNumber {
    return this.#entities.find(kind, key);
  }

  stateOf(kind: KindId, number: EntityNumber): number {
    return this.#entities.stateOf(kind, number);
  }

  createdAt(kind: KindId, number: EntityNumber): Micros {
    return this.#entities.createdAt(kind, number);
  }

  creatorOf(kind: KindId, number: EntityNumber): EntityNumber {
    return this.#entities.creatorOf(kind, number);
  }

  tupleOf(kind: KindId, number: EntityNumber): TupleNumber {
    return this.#entities.tupleOf(kind, number);
  }

  value(kind: KindId, number: EntityNumber, attribute: AttributeId): AttributeValue | null {
    return this.#entities.value(kind, number, attribute);
  }

  get lastTuple(): number {
    return this.#entities.lastTuple;
  }

  findTuple(row: TupleRow): TupleNumber {
    return this.#entities.findTuple(row);
  }

  get newestSignal(): Micros {
    return Math.max(this.#newest, this.#stable.signatures()?.newest ?? 0) as Micros;
  }

  seen(hash: SignalHash, now: Micros): boolean {
    return (
      (this.#hashes.size > 0 && this.#hashes.has(hash, -1)) ||
      (this.#stable.signatures()?.seen(hash, now) ?? false)
    );
  }

  /** Entries of this tenant, in the order of the log; others are passed over. */
  took(entries: readonly AppendedEntry[]): void {
    for (const { type, payload, sequence } of entries) {
      if (type === KERNEL_ENTRY.rankingSignals) this.#tookSignals(payload, sequence);
      else if (type === KERNEL_ENTRY.rankingEntity)
        this.#entities.evolve(decodeEntity(payload), this.schema.schema, sequence);
      else if (type === KERNEL_ENTRY.rankingSchema) this.#tookSchema(payload, sequence);
      else if (type === KERNEL_ENTRY.rankingEdge)
        this.#counted.push({ sequence, id: decodeEdge(payload).relationship, of: 'edges', count: 1 });
    }
  }

  /** The views have applied everything up to here. */
  forget(applied: Sequence): void {
    this.#entities.forget(applied);
    this.#hashes.removeThrough(applied);
    this.#schemas = this.#schemas.filter(({ sequence }) => sequence > applied);
    this.#counted = this.#counted.filter(({ sequence }) => sequence > applied);
  }

  #tookSignals(payload: Uint8Array, sequence: Sequence): void {
    const records = SignalRecords.of(payload);
    const counts = new Map<number, number>();
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      counts.set(records.signal, (counts.get(records.signal) ?? 0) + 1);
      if (records.at > this.#newest) this.#newest = records.at;
      if (hasHash(records)) this.#hashes.add(records, sequence);
    }
    for (const [id, count] of counts) this.#counted.push({ sequence, id, of: 'signals', count });
  }

  #tookSchema(payload: Uint8Array, sequence: Sequence): void {
    const history = (this.#schemas.at(-1)?.history ?? this.#stableHistory()).fork();
    const { schema, before } = history.apply(payload);
    const users = userKind(before);
    const [then, now] = [before, schema].map((each) => dimensionsOf(each).map(({ id }) => id));
    const changed = users !== null && this.last(users.id) > 0 && then!.join() !== now!.join();
    this.#schemas.push({ sequence, history, dimensionsChanged: this.dimensionsChanged || changed });
  }

  #stableHistory(): SchemaHistory {
    return this.#stable.entities()?.history ?? new SchemaHistory();
  }

  #countOf(of: Counted['of'], id: SignalId | RelationshipId): number {
    return this.#counted.reduce(
      (sum, each) => (each.of === of && each.id === id ? sum + each.count : sum),
      0,
    );
  }
}

/** The view as decisions read it, whether it has anything of the tenant or not. */
function stateOf({ entities }: StableState): EntityState {
  return {
    last: (kind) => entities()?.last(kind) ?? 0,
    find: (kind, key) => entities()?.find(kind, key) ?? NO_ENTITY,
    stateOf: (kind, number) => entities()?.stateOf(kind, number) ?? DELETED,
    createdAt: (kind, number) => entities()?.createdAt(kind, number) ?? (0 as Micros),
    creatorOf: (kind, number) => entities()?.creatorOf(kind, number) ?? NO_ENTITY,
    tupleOf: (kind, number) => entities()?.tupleOf(kind, number) ?? NO_TUPLE,
    value: (kind, number, attribute) => entities()?.value(kind, number, attribute) ?? null,
    get lastTuple() {
      return entities()?.lastTuple ?? 0;
    },
    findTuple: (row) => entities()?.findTuple(row) ?? NO_TUPLE,
  };
}
