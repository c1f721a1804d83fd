/**
 * One signal of one tenant as cohorts see it: how many events by item and tuple, in every minute, hour and day that is kept, and
 * in all time before. A tuple says what was known of the user at that place of the log, so the sum over any set of tuples is
 * exact. Days are always kept: what they lose joins the older cells.
 */
import type { Hash } from 'node:crypto';
import type { Scratch } from '../../materializer/index.ts';
import {
  bucketOf,
  type CellSource,
  CellTable,
  GRAINS,
  type Grain,
  KeptRun,
  keptBuckets,
  type NamedTable,
  type PartReader,
  readTables,
  type Section,
  type SpillOrder,
  selectCells,
  Timeline,
  tablesSection,
  timelineSections,
} from '../counting/index.ts';
import type { Micros } from '../ground.ts';
import type { Signal } from '../kernel/index.ts';
import type { SignalType } from '../schema/model.ts';
import { isSampled } from './sample.ts';

/** Kinds of sections; those of tables follow in the order of grains, that of the older cells behind them. */
const SECTIONS = Object.freeze({ facts: 3, tables: 4, older: 7 });

const DAY = GRAINS.indexOf('day');
/** Buckets that the older cells stand for: where they are told, and where they are hashed. */
const OLDER_BUCKET = Number.NEGATIVE_INFINITY;
const OLDER_HASHED = -1;
const ONE = 1;
/** A signal may be counted for cohorts, then not, then again: changes are numbered so that no number comes twice. */
const CHANGES_PER_VERSION = 0x1_0000_0000;

/** To be told of every event, as it was counted: the bucket and the amount of each grain. */
export interface CountListener {
  counted(buckets: Float64Array, amounts: Float64Array, tuple: number, item: number): void;
  /** Cells have changed in another way. */
  changed(): void;
}

export class CohortCounters implements CellSource {
  #type: SignalType;
  readonly #listener: CountListener;
  /** By grain; null: not kept. */
  readonly #timelines: (Timeline | null)[] = GRAINS.map(() => null);
  #older: CellTable | null = null;
  /** Times of the newest and the oldest event that was not late, and of the oldest of all; -1 before. */
  #horizon = -1;
  #earliest = -1;
  #first = -1;
  #changes: number;
  // Of the event at hand.
  readonly #buckets = new Float64Array(GRAINS.length);
  readonly #amounts = new Float64Array(GRAINS.length);
  readonly #counted = { group: 0, item: 0, amount: 0, weight: ONE, change: 0 };

  /** `version`: of the schema that they begin with. */
  constructor(type: SignalType, version: number, listener: CountListener) {
    this.#type = type;
    this.#changes = version * CHANGES_PER_VERSION;
    this.#listener = listener;
    this.#setKept();
  }

  get type(): SignalType {
    return this.#type;
  }

  /** When the newest event was that was not late, and the first of all; -1 before. */
  get horizon(): Micros {
    return this.#horizon as Micros;
  }

  get first(): Micros {
    return this.#first as Micros;
  }

  /** Cells, some of them counted twice: at least as many as there are. */
  get size(): number {
    return this.#all().reduce((sum, { table }) => sum + table.size, 0);
  }

  get memoryBytes(): number {
    return this.#all().reduce((sum, { table }) => sum + table.memoryBytes, 0);
  }

  /** Counts an event; `level` of tables that begin with it. Returns whether an hour began with it. */
  record({ target, tuple, at, late }: Signal, level: number): boolean {
    this.#changes += 1;
    if (this.#first < 0 || at < this.#first) this.#first = at;
    this.#counted.group = tuple;
    this.#counted.item = target;
    this.#counted.change = this.#changes;
    const hasHourBegun = !late && this.#reach(at, level);
    this.#amounts.fill(0);
    if (late) this.#countOlder(level);
    else for (let grain = 0; grain < GRAINS.length; grain++) this.#count(grain, at, level);
    this.#listener.counted(this.#buckets, this.#amounts, tuple, target);
    return hasHourBegun;
  }

  /** The signal has other windows from here on; those that are new count what comes after. */
  redefine(type: SignalType): void {
    this.#type = type;
    this.#changes += 1;
    this.#setKept();
    this.#listener.changed();
  }

  /** Moves cells out of memory until so many bytes are free; returns how many are. The older cells stay: a question about all time reads them. */
  spill(order: SpillOrder, bytes: number, scratch: Scratch): number {
    let freed = 0;
    for (const timeline of this.#timelines)
      if (timeline !== null && freed < bytes) freed += timeline.spill(order, bytes - freed, scratch);
    return freed;
  }

  /** From minus infinity on, the older cells come first. */
  tables(grain: Grain, from: number, to: number): readonly NamedTable[] {
    const tables = this.#timelines[GRAINS.indexOf(grain)]?.between(from, to) ?? [];
    if (from !== OLDER_BUCKET || this.#older === null) return tables;
    return [{ bucket: OLDER_BUCKET, table: this.#older }, ...tables];
  }

  reachesBackTo(grain: Grain, bucket: number): boolean {
    const timeline = this.#timelines[GRAINS.indexOf(grain)];
    if (timeline === undefined || timeline === null) return false;
    if (bucket >= timeline.oldest || this.#earliest < 0) return true;
    return bucketOf(this.#earliest as Micros, grain) >= timeline.oldest;
  }

  /** Leaves each cell in one place, so that `size` is exact. */
  compact(): void {
    for (const { table } of this.#all()) table.compacted();
  }

  /** Thins tables of lower levels to this one. */
  thin(level: number): void {
    this.#changes += 1;
    for (const { bucket, table } of this.#all()) this.#thinTable(table, bucket, level);
    for (const timeline of this.#timelines) timeline?.dropEmpty();
    if (this.#older?.size === 0) this.#older = null;
    this.#listener.changed();
  }

  sections(tenant: number): Section[] {
    const key = { tenant, owner: this.#type.id };
    const facts = [this.#changes, this.#horizon, this.#earliest, this.#first];
    const older = this.#older === null ? [] : [{ bucket: 0, table: this.#older }];
    return [
      {
        ...key,
        ...{ kind: SECTIONS.facts, place: 'head', bytes: 40 },
        name: `s${key.owner}-facts-${this.#changes}`,
        write: (writer) => {
          for (const fact of facts) writer.f64(fact);
        },
      },
      ...this.#timelines.flatMap((timeline, grain) =>
        timeline === null ? [] : timelineSections(timeline, { ...key, kind: SECTIONS.tables + grain }),
      ),
      ...older.map((table) =>
        tablesSection({ ...key, kind: SECTIONS.older }, `s${key.owner}-older`, [table]),
      ),
    ];
  }

  /** Takes a section back; facts come first. Errors: CORRUPT. */
  restore(kind: number, body: PartReader): void {
    if (kind === SECTIONS.facts) this.#restoreFacts(body);
    else if (kind === SECTIONS.older) this.#restoreOlder(body);
    else this.#restoreTables(kind - SECTIONS.tables, body);
  }

  /** Adds everything to a digest, in the order of grains and buckets. */
  digestInto(digest: Hash): void {
    const facts = [this.#type.id, this.#horizon, this.#earliest, this.#first];
    digest.update(new Uint8Array(Float64Array.from(facts).buffer));
    for (const { grain, bucket, table } of this.#all()) {
      digest.update(new Uint8Array(Float64Array.of(grain, bucket, table.level).buffer));
      digest.update(table.compacted().digest());
    }
  }

  /** Prepares `digestInto` in steps of a few milliseconds. */
  *digestAhead(): Generator<void> {
    for (const { table } of this.#all()) {
      table.compacted().digest();
      yield;
    }
  }

  /** Tables of all grains in order, the older cells behind them. */
  #all(): readonly (NamedTable & { readonly grain: number })[] {
    const kept = this.#timelines.flatMap((timeline, grain) =>
      (timeline?.buckets ?? []).map((bucket) => ({ grain, bucket, table: timeline!.table(bucket)! })),
    );
    if (this.#older === null) return kept;
    return [...kept, { grain: GRAINS.length, bucket: OLDER_HASHED, table: this.#older }];
  }

  /** Time has come to an event; whether an hour began with it. */
  #reach(at: Micros, level: number): boolean {
    if (this.#earliest < 0 || at < this.#earliest) this.#earliest = at;
    if (at <= this.#horizon) return false;
    const before = this.#horizon;
    this.#horizon = at;
    for (const timeline of this.#timelines) {
      if (timeline === null) continue;
      const bucket = timeline.bucketOf(at);
      if (bucket <= timeline.newest) continue;
      const leaving = timeline.advance(bucket);
      if (timeline.grain === 'day') for (const table of leaving) this.#absorb(table, level);
    }
    return before < 0 || bucketOf(at, 'hour') > bucketOf(before as Micros, 'hour');
  }

  #count(grain: number, at: Micros, level: number): void {
    const timeline = this.#timelines[grain]!;
    if (timeline === null) return;
    const bucket = timeline.bucketOf(at);
    if (bucket < timeline.oldest) {
      if (grain === DAY) this.#countOlder(level);
      return;
    }
    const { group, item } = this.#counted;
    const tableLevel = timeline.levelOf(bucket, level);
    if (!isSampled(tableLevel, group, item, bucket)) return;
    const amount = 1 << tableLevel;
    this.#counted.amount = amount;
    timeline.add(bucket, level, this.#counted);
    this.#buckets[grain] = bucket;
    this.#amounts[grain] = amount;
  }

  #countOlder(level: number): void {
    const { group, item, change } = this.#counted;
    this.#buckets[DAY] = OLDER_BUCKET;
    if (!isSampled(this.#older?.level ?? level, group, item, OLDER_HASHED)) return;
    this.#older ??= new CellTable(level);
    const amount = 1 << this.#older.level;
    this.#older.add(group, item, amount, ONE, 0);
    this.#older.changedAt = change;
    this.#amounts[DAY] = amount;
  }

  /** The older cells, thinned to `atLeast`; begun at a level of their own where there are none. */
  #olderOf(level: number, atLeast: number): CellTable {
    if (this.#older !== null) this.#thinTable(this.#older, OLDER_HASHED, atLeast);
    if (this.#older === null || this.#older.size === 0) this.#older = new CellTable(level);
    return this.#older;
  }

  /** A day that is not kept any more joins the older cells. */
  #absorb(table: CellTable, level: number): void {
    const older = this.#olderOf(Math.max(level, table.level), table.level);
    older.changedAt = this.#changes;
    if (older.level === 0) {
      older.absorb(table.closed());
      return;
    }
    const kept = selectCells(table.compacted().cells, 1 << older.level, (group, item) =>
      isSampled(older.level, group, item, OLDER_HASHED),
    );
    if (kept !== null) older.absorb([new KeptRun(kept)]);
    if (older.size === 0) this.#older = null;
    this.#listener.changed();
  }

  #thinTable(table: CellTable, bucket: number, level: number): void {
    while (table.level < level && table.size > 0) {
      const next = table.level + 1;
      table.thin((group, item) => isSampled(next, group, item, bucket));
      table.changedAt = this.#changes;
    }
  }

  #setKept(): void {
    const kept = keptBuckets([...this.#type.windows, '30d']);
    for (const [at, grain] of GRAINS.entries()) {
      const timeline = this.#timelines[at]!;
      const newest = this.#horizon < 0 ? -1 : bucketOf(this.horizon, grain);
      if (kept[grain] === 0) this.#timelines[at] = null;
      else if (timeline === null) this.#timelines[at] = new Timeline(grain, kept[grain], newest);
      else timeline.keep(kept[grain]);
    }
  }

  #restoreFacts(body: PartReader): void {
    this.#changes = body.count();
    this.#horizon = body.count();
    this.#earliest = body.count();
    this.#first = body.count();
    if (this.#earliest > this.#horizon || this.#changes < 0) throw body.corrupt('has times in no order');
    for (const at of this.#timelines.keys()) this.#timelines[at] = null;
    this.#setKept();
  }

  #restoreTables(grain: number, body: PartReader): void {
    const timeline = this.#timelines[grain];
    if (timeline === undefined || timeline === null) throw body.corrupt('has tables that are not kept');
    for (const { bucket, table } of readTables(body)) {
      if (bucket > timeline.newest || bucket < timeline.oldest || timeline.table(bucket) !== null)
        throw body.corrupt(`has bucket ${bucket} twice, or where none is kept`);
      timeline.restore(bucket, table);
    }
  }

  #restoreOlder(body: PartReader): void {
    const [older, ...others] = readTables(body);
    if (older === undefined || others.length > 0 || this.#older !== null)
      throw body.corrupt('has more than one table of older cells');
    this.#older = older.table;
  }
}
