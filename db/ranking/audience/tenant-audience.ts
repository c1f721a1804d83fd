/** The audience of one tenant: by kind of target what users have to do with it, and relationships. Applies entries; readers look on. */
import { TruthError } from '../../errors.ts';
import type { EntityNumber, KindId, RelationshipId } from '../ground.ts';
import { Bitmap, decodeRoaring, encodeRoaring, NO_NUMBERS } from '../indexes/bitmaps/index.ts';
import { DELETED, type EdgeEntry, type SignalRecords } from '../kernel/index.ts';
import type { NumberSet } from '../reading.ts';
import { SchemaHistory } from '../schema/index.ts';
import { named, USER_KIND } from '../schema/lookup.ts';
import type { RankingSchema } from '../schema/model.ts';
import type { OwnedStore, PartName, Section } from './audience-parts.ts';
import { Edges } from './edges.ts';
import { KindAudience } from './kind-audience.ts';
import type { CommitMark } from './owned-blocks.ts';
import { FETCHED_SIGNALS, fetchAhead } from './signal-fetch.ts';
import { type PlannedPush, planOf, type SignalPlan } from './signal-plan.ts';

/** A signal with the stores it goes into. */
export interface Route {
  readonly plan: SignalPlan;
  readonly audience: KindAudience;
  readonly pushes: readonly { readonly push: PlannedPush; readonly edges: Edges }[];
}

export class TenantAudience {
  readonly #mark: CommitMark;
  #schema = new SchemaHistory();
  readonly #kinds = new Map<KindId, KindAudience>();
  readonly #edges = new Map<RelationshipId, Edges>();
  readonly #gone = new Map<KindId, { readonly numbers: Bitmap; sequence: number }>();
  /** By the signal's id. */
  #routes: (Route | undefined)[] = [];
  #userKind: KindId | null = null;

  constructor(mark: CommitMark) {
    this.#mark = mark;
  }

  get schema(): RankingSchema {
    return this.#schema.current;
  }

  kind(id: KindId): KindAudience | null {
    return this.#kinds.get(id) ?? null;
  }

  edges(relationship: RelationshipId): Edges | null {
    return this.#edges.get(relationship) ?? null;
  }

  /** Entities of the kind that were deleted. */
  gone(kind: KindId): NumberSet {
    return this.#gone.get(kind)?.numbers ?? NO_NUMBERS;
  }

  applySchema(payload: Uint8Array): void {
    this.#schema.apply(payload);
    this.#follow();
  }

  applySignals(records: SignalRecords): void {
    for (let index = 0; index < records.count; index++) {
      if (index % FETCHED_SIGNALS === 0)
        fetchAhead(records, index, Math.min(records.count, index + FETCHED_SIGNALS), this.#routes);
      records.moveTo(index);
      const route = this.#routes[records.signal];
      const user = records.user;
      if (route === undefined || user === 0) continue;
      const { target, at, weight } = records;
      route.audience.record(route.plan, user, target, at, weight);
      for (const { push, edges } of route.pushes) {
        const end = push.to === 'creator' ? records.creator : target;
        if (end !== 0) edges.push(user, end, at, weight, push);
      }
    }
  }

  applyEdge({ relationship, from, to, at, weight }: EdgeEntry): void {
    this.#edges.get(relationship)?.set(from, to, at, weight);
  }

  /** An entity is in this state from here on. */
  applyState(kind: KindId, number: EntityNumber, state: number): void {
    if (state !== DELETED) {
      const gone = this.#gone.get(kind);
      if (gone?.numbers.remove(number)) gone.sequence = this.#mark.sequence;
      return;
    }
    const gone = this.#gone.get(kind) ?? { numbers: new Bitmap(), sequence: 0 };
    this.#gone.set(kind, gone);
    if (!gone.numbers.add(number)) return;
    gone.sequence = this.#mark.sequence;
    if (kind === this.#userKind) for (const audience of this.#kinds.values()) audience.removeUser(number);
    for (const edges of this.#edges.values()) if (edges.type.from === kind) edges.removeFrom(number);
  }

  /** Between commits. */
  tidy(): void {
    for (const audience of this.#kinds.values()) audience.tidy();
    for (const edges of this.#edges.values()) edges.tidy();
  }

  get bytes(): number {
    let bytes = 0;
    for (const audience of this.#kinds.values()) bytes += audience.bytes;
    for (const edges of this.#edges.values()) bytes += edges.bytes;
    for (const { numbers } of this.#gone.values()) bytes += numbers.bytes;
    return bytes;
  }

  /** Everything that is not a store, as bytes. */
  smallParts(tenant: number): { readonly part: PartName; readonly bytes: Uint8Array }[] {
    const part = (section: Section, id: number, sequence: number): PartName => {
      return { tenant, section, id, shard: 0, sequence };
    };
    const schema = { part: part('schema', 0, this.schema.version), bytes: this.#schema.encode() };
    const gone = [...this.#gone]
      .sort(([a], [b]) => a - b)
      .map(([kind, { numbers, sequence }]) => ({
        part: part('gone', kind, sequence),
        bytes: encodeRoaring(numbers),
      }));
    return [schema, ...gone];
  }

  /** In the order of their names. */
  stores(): { readonly section: Section; readonly id: number; readonly store: OwnedStore }[] {
    const kinds = [...this.#kinds].sort(([a], [b]) => a - b);
    const relationships = [...this.#edges].sort(([a], [b]) => a - b);
    return [
      ...kinds.map(([id, { items }]) => ({ section: 'items' as const, id, store: items.rows })),
      ...kinds.map(([id, { recent }]) => ({ section: 'recent' as const, id, store: recent })),
      ...kinds.map(([id, { disliked }]) => ({ section: 'disliked' as const, id, store: disliked })),
      ...kinds.map(([id, { companions }]) => ({ section: 'companions' as const, id, store: companions })),
      ...relationships.map(([id, store]) => ({ section: 'edges' as const, id, store })),
    ];
  }

  /** Errors: CORRUPT. */
  restoreSchema(bytes: Uint8Array): void {
    this.#schema = SchemaHistory.decode(bytes);
    this.#follow();
  }

  /** Errors: CORRUPT. */
  restoreGone(id: number, sequence: number, bytes: Uint8Array): void {
    if (!this.schema.kinds.some((kind) => kind.id === id))
      throw unknownPart(`deleted entities of kind ${id}`);
    this.#gone.set(id as KindId, { numbers: decodeRoaring(Uint8Array.from(bytes)), sequence });
  }

  /** What a part of a checkpoint is to be read into. Errors: CORRUPT. */
  storeOf(section: Section, id: number): OwnedStore {
    const found = this.stores().find((each) => each.section === section && each.id === id);
    if (found === undefined) throw unknownPart(`${section} of ${id}`);
    return found.store;
  }

  /** After all parts were restored. */
  restored(): void {
    for (const edges of this.#edges.values()) edges.restoreBack();
  }

  /** Makes stores for what the schema has, drops those for what it has not, and looks effects up. */
  #follow(): void {
    const { kinds, signals, relationships } = this.schema;
    this.#userKind = named(kinds, USER_KIND)?.id ?? null;
    for (const id of this.#kinds.keys()) if (!kinds.some((kind) => kind.id === id)) this.#kinds.delete(id);
    for (const id of this.#gone.keys()) if (!kinds.some((kind) => kind.id === id)) this.#gone.delete(id);
    for (const { id } of kinds) if (!this.#kinds.has(id)) this.#kinds.set(id, new KindAudience(this.#mark));
    for (const id of this.#edges.keys())
      if (!relationships.some((type) => type.id === id)) this.#edges.delete(id);
    for (const type of relationships) {
      const there = this.#edges.get(type.id);
      if (there === undefined) this.#edges.set(type.id, new Edges(type, this.#mark));
      else there.retype(type);
    }
    this.#routes = [];
    for (const signal of signals) this.#routes[signal.id] = this.#routeOf(planOf(signal, signals));
  }

  #routeOf(plan: SignalPlan): Route | undefined {
    const audience = this.#kinds.get(plan.target);
    if (audience === undefined) return undefined;
    const pushes = plan.pushes.flatMap((push) => {
      const edges = this.#edges.get(push.relationship);
      return edges === undefined ? [] : [{ push, edges }];
    });
    return { plan, audience, pushes };
  }
}

function unknownPart(what: string): TruthError {
  return new TruthError('CORRUPT', `the audience's checkpoint has ${what}, which its schema does not have`);
}
