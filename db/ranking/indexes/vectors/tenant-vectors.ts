/**
 * All vectors of one tenant: applies the entries of the ranking layer that concern them, and answers questions about them.
 *
 * The log allots the work on the graphs: what is written pays for what has to be linked, up to a bound for each commit, so that
 * a large import is searchable at once and linked later; signals pay a little; and a signals entry without signals is there for
 * nothing else (`due` says when one is of use).
 */
import type { EntityNumber, KindId, SlotId } from '../../ground.ts';
import type { EntityEntry } from '../../kernel/entry.ts';
import type { SignalRecords } from '../../kernel/signal-records.ts';
import type { NumberSet, VectorReader } from '../../reading.ts';
import { SchemaHistory } from '../../schema/index.ts';
import type { EmbeddingSlot } from '../../schema/model.ts';
import type { Arenas } from './arena.ts';
import { Catalogue } from './catalogue.ts';
import { checkVector } from './check-vector.ts';
import { DELETED, EntityColumns } from './entity-columns.ts';
import type { LinkingLimits } from './linking.ts';
import type { Position } from './position.ts';
import { PreferenceShifts } from './preference-shifts.ts';
import type { HashSeed } from './row-hashes.ts';
import { type Found, SlotIndex } from './slot-index.ts';
import { NO_PLAN, type PlannedCatalogue, type PlannedSlot, planOf, type VectorPlan } from './vector-plan.ts';
import { ROW } from './vector-rows.ts';

/** What all tenants of a view have in common. */
export interface VectorGround {
  readonly arenas: Arenas;
  readonly seed: HashSeed;
  readonly position: Position;
  /** When slots of so many dimensions get a graph. */
  readonly limits: (dimensions: number) => LinkingLimits;
}

/** Steps (rows linked) that a vector which is written pays for, and all of a commit at most. */
const STEPS_A_VECTOR = 2;
const STEPS_OF_WRITES_MOST = 32;
const SIGNALS_A_STEP = 256;
const STEPS_OF_SIGNALS_MOST = 4;
/** Steps that an entry without signals pays for: some ten milliseconds. */
const STEPS_OF_UPKEEP = 64;

export class TenantVectors implements VectorReader {
  readonly #ground: VectorGround;
  #history = new SchemaHistory();
  #plan: VectorPlan = NO_PLAN;
  readonly #kinds = new Map<KindId, EntityColumns>();
  readonly #slots = new Map<SlotId, SlotIndex>();
  readonly #catalogues = new Map<SlotId, Catalogue>();
  readonly #shifts = new PreferenceShifts();
  #written = 0;
  /** Since the last step that signals paid for. */
  #signals = 0;
  #upkeep = 0;

  constructor(ground: VectorGround) {
    this.#ground = ground;
  }

  /** Steps left to do on the graphs, about. */
  get due(): number {
    let due = 0;
    for (const { linking } of this.#slots.values()) due += linking?.due ?? 0;
    return due;
  }

  /** Memory taken, about. */
  get bytes(): number {
    let bytes = 0;
    for (const part of [...this.#slots.values(), ...this.#kinds.values(), ...this.#catalogues.values()])
      bytes += part.bytes;
    return bytes;
  }

  /** Signals that have not paid for a step yet. */
  get signals(): number {
    return this.#signals;
  }

  get history(): SchemaHistory {
    return this.#history;
  }

  /** Those that have entities, ascending by id. */
  get kinds(): readonly (readonly [KindId, EntityColumns])[] {
    return [...this.#kinds].filter(([, { end }]) => end > 0).sort(([a], [b]) => a - b);
  }

  /** Ascending by id. */
  get slots(): readonly (readonly [SlotId, SlotIndex])[] {
    return [...this.#slots].sort(([a], [b]) => a - b);
  }

  applySchema(payload: Uint8Array): void {
    this.#history.apply(payload);
    this.#adopt();
  }

  applyEntity({ kind, number, state, creator, embeddings }: EntityEntry): void {
    if (!this.#plan.activeStates.has(kind)) return;
    const made = this.#plan.catalogues.filter(({ sources }) =>
      sources.some((source) => source.kind === kind),
    );
    for (const catalogue of made) this.#count(catalogue, kind, number, 'remove');
    this.#columns(kind).set(number, state, creator);
    for (const { kind: ofKind, slot } of this.#plan.slots.values()) {
      if (ofKind !== kind) continue;
      if (state === DELETED) this.#slots.get(slot.id)!.remove(number);
      else this.#slots.get(slot.id)!.setActive(number, this.#isActive(kind, number));
    }
    if (state === DELETED) this.#written += 1;
    else for (const { slot, vector } of embeddings) this.#setVector(kind, number, slot, vector);
    for (const catalogue of made) this.#count(catalogue, kind, number, 'add');
    for (const { kind: ofKind, slot } of this.#plan.catalogues)
      if (ofKind === kind) this.#refresh(kind, slot, number);
  }

  applySignals(records: SignalRecords): void {
    const { shifts, users } = this.#plan;
    if (records.count === 0) this.#upkeep += 1;
    this.#signals += records.count;
    if (shifts.length === 0 || users === null) return;
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      const moved = shifts[records.signal];
      const { user } = records;
      if (moved === undefined || user === 0 || records.late) continue;
      for (const { preference, towards, rate } of moved) {
        const preferences = this.#slots.get(preference)!.rows;
        const known = preferences.rowOf(user) >= 0 || this.#stateOf(users, user) !== DELETED;
        if (!known) continue;
        const items = this.#slots.get(towards)!.rows;
        const row = this.#shifts.add(preferences, user, items, records.target, rate * records.weight);
        if (row >= 0) preferences.setActive(row, this.#isActive(users, user));
      }
    }
    this.#shifts.flush();
  }

  /** All entries of a commit have been applied. */
  endCommit(): void {
    const written = Math.min(this.#written * STEPS_A_VECTOR, STEPS_OF_WRITES_MOST);
    const signals = Math.min(Math.floor(this.#signals / SIGNALS_A_STEP), STEPS_OF_SIGNALS_MOST);
    const steps = written + signals + this.#upkeep * STEPS_OF_UPKEEP;
    this.#written = 0;
    this.#signals %= SIGNALS_A_STEP;
    this.#upkeep = 0;
    if (steps > 0) for (const { linking } of this.#slots.values()) linking?.advance(steps);
  }

  vector(kind: KindId, slot: SlotId, number: EntityNumber): Float32Array | null {
    return this.#find(kind, slot)?.vector(number) ?? null;
  }

  similarity(
    kind: KindId,
    slot: SlotId,
    query: Float32Array,
    targets: Uint32Array,
    count: number,
    out: Float64Array,
  ): void {
    const index = this.#find(kind, slot);
    if (index === null) {
      out.fill(0, 0, count);
      return;
    }
    checkVector(index.rows.slot, query, 'the vector to compare with');
    index.similarity(query, targets, count, out);
  }

  nearest(kind: KindId, slot: SlotId, query: Float32Array, limit: number, within: NumberSet | null): Found {
    const index = this.#find(kind, slot);
    if (index === null) return { items: new Uint32Array(0), scores: new Float64Array(0) };
    checkVector(index.rows.slot, query, 'the vector to search for');
    return index.nearest(query, limit, within);
  }

  /** Begins with a saved schema: everything it has is empty. */
  restoreSchema(bytes: Uint8Array, signals: number): void {
    this.#signals = signals;
    this.#history = SchemaHistory.decode(bytes);
    this.#adopt();
  }

  /** Kinds of the schema, to be filled from a checkpoint. */
  columnsToRestore(kind: KindId): EntityColumns | null {
    return this.#plan.activeStates.has(kind) ? this.#columns(kind) : null;
  }

  /** Slot of the schema, to be filled from a checkpoint; null where there is none, or it is not saved. */
  slotToRestore(slot: SlotId): PlannedSlot | null {
    const planned = this.#plan.slots.get(slot);
    return planned === undefined || planned.slot.source === 'catalogue' ? null : planned;
  }

  /** Everything saved is back: what follows from it is worked out anew. */
  endRestore(): void {
    for (const [id, { kind }] of this.#plan.slots) this.#setAllActive(kind, this.#slots.get(id)!);
    this.#rebuildCatalogues();
  }

  /** Gives its memory back. */
  discard(): void {
    for (const { rows } of this.#slots.values()) rows.discard();
    this.#slots.clear();
  }

  #find(kind: KindId, slot: SlotId): SlotIndex | null {
    return this.#plan.slots.get(slot)?.kind === kind ? this.#slots.get(slot)! : null;
  }

  /** Makes of the present schema what is new in it, and gives up what is not in it any more. */
  #adopt(): void {
    const before = this.#plan;
    this.#plan = planOf(this.#history.current);
    const { slots, activeStates, catalogues } = this.#plan;
    for (const [id, { rows }] of this.#slots) {
      if (slots.has(id)) continue;
      rows.discard();
      this.#slots.delete(id);
    }
    for (const kind of this.#kinds.keys()) if (!activeStates.has(kind)) this.#kinds.delete(kind);
    for (const [id, { slot }] of slots) if (!this.#slots.has(id)) this.#slots.set(id, this.#newIndex(slot));
    const moved = [...activeStates].filter(([kind, state]) => before.activeStates.get(kind) !== state);
    for (const [kind] of moved)
      for (const [id, planned] of slots)
        if (planned.kind === kind) this.#setAllActive(kind, this.#slots.get(id)!);
    if (moved.length > 0 || JSON.stringify(before.catalogues) !== JSON.stringify(catalogues))
      this.#rebuildCatalogues();
  }

  #newIndex(slot: EmbeddingSlot): SlotIndex {
    const { arenas, seed, position, limits } = this.#ground;
    // Graphs are for what stays where it is.
    const linking = slot.source === 'given' ? limits(slot.dimensions) : null;
    return new SlotIndex(slot, { arenas, seed, position, linking });
  }

  #columns(kind: KindId): EntityColumns {
    let columns = this.#kinds.get(kind);
    if (columns === undefined) {
      columns = new EntityColumns();
      this.#kinds.set(kind, columns);
    }
    return columns;
  }

  #isActive(kind: KindId, number: EntityNumber): boolean {
    return this.#stateOf(kind, number) === this.#plan.activeStates.get(kind);
  }

  #stateOf(kind: KindId, number: EntityNumber): number {
    return this.#kinds.get(kind)?.stateOf(number) ?? DELETED;
  }

  #setVector(kind: KindId, number: EntityNumber, slot: SlotId, vector: Float32Array | null): void {
    const index = this.#find(kind, slot);
    if (index === null || index.rows.slot.source !== 'given') return;
    this.#written += 1;
    if (vector === null) index.remove(number);
    else {
      checkVector(index.rows.slot, vector, `the vector of entity ${number}`);
      index.set(number, vector, this.#isActive(kind, number));
    }
  }

  #setAllActive(kind: KindId, { rows }: SlotIndex): void {
    for (let row = 0; row < rows.rows; row++)
      if ((rows.flags[row]! & ROW.held) !== 0)
        rows.setActive(row, this.#isActive(kind, rows.numbers[row]! as EntityNumber));
  }

  /** Adds an entity to the catalogue of who made it, or takes it away, as it is at the moment. */
  #count(
    { kind, slot, sources }: PlannedCatalogue,
    of: KindId,
    number: EntityNumber,
    how: 'add' | 'remove',
  ): void {
    const creator = this.#columns(of).creatorOf(number);
    if (creator === 0 || !this.#isActive(of, number)) return;
    for (const source of sources) {
      const vector = source.kind === of ? this.#slots.get(source.slot)!.vector(number) : null;
      if (vector !== null) this.#catalogues.get(slot)![how](creator, vector);
    }
    this.#refresh(kind, slot, creator);
  }

  #refresh(kind: KindId, slot: SlotId, creator: EntityNumber): void {
    const deleted = this.#stateOf(kind, creator) === DELETED;
    const active = this.#isActive(kind, creator);
    this.#catalogues.get(slot)!.refresh(creator, deleted ? 'deleted' : active ? 'active' : 'inactive');
  }

  #rebuildCatalogues(): void {
    this.#catalogues.clear();
    for (const planned of this.#plan.catalogues) this.#rebuildCatalogue(planned);
  }

  #rebuildCatalogue({ kind, slot, sources }: PlannedCatalogue): void {
    this.#slots.get(slot)!.rows.discard();
    const index = this.#newIndex(this.#plan.slots.get(slot)!.slot);
    const catalogue = new Catalogue(index);
    this.#slots.set(slot, index);
    this.#catalogues.set(slot, catalogue);
    const creators = new Set<EntityNumber>();
    for (const source of sources) {
      const { rows } = this.#slots.get(source.slot)!;
      for (let row = 0; row < rows.rows; row++) {
        const creator = this.#columns(source.kind).creatorOf(rows.numbers[row]!);
        if ((rows.flags[row]! & ROW.active) === 0 || creator === 0) continue;
        catalogue.add(creator, rows.floats(row));
        creators.add(creator);
      }
    }
    for (const creator of creators) this.#refresh(kind, slot, creator);
  }
}
