/**
 * One signal of one tenant: totals and decayed score by item, and counts by minute, hour and day as far back as its windows
 * need them. Everything follows from the events in log order; what is older than is kept leaves when newer events come.
 */
import type { Hash } from 'node:crypto';
import type { Scratch } from '../../materializer/index.ts';
import {
  bucketOf,
  type CellSource,
  GRAINS,
  type Grain,
  keptBuckets,
  type NamedTable,
  type PartReader,
  readTables,
  type Section,
  type SpillOrder,
  Timeline,
  timelineSections,
  WeightSteps,
} from '../counting/index.ts';
import { MICROS_PER_SECOND, type Micros } from '../ground.ts';
import type { Signal } from '../kernel/index.ts';
import type { Decay, SignalType } from '../schema/model.ts';
import { ItemTotals, type TotalsValue } from './item-totals.ts';
import { Landmark } from './landmark.ts';
import { type LinearShape, linearKept, linearShape } from './linear-board.ts';
import { Standings } from './standings.ts';

/** Weights beyond count as this: their sums stay far from where doubles end. */
const WEIGHT_MAX = 1e150;
/** Seconds that fit their word: until 2106. */
const SECOND_MAX = 0xffff_ffff;

/** Kinds of sections; those of tables follow in the order of grains. */
const SECTIONS = Object.freeze({ facts: 2, totals: 3, tables: 4 });

/** Bytes: of totals by item, of counts by item and bucket, and of what is made of both for answers. */
export interface SignalMemory {
  readonly totals: number;
  readonly cells: number;
  readonly standings: number;
}

export class SignalLedger implements CellSource {
  #type: SignalType;
  #steps: WeightSteps;
  #linear: LinearShape | null;
  /** Null where nothing decays exponentially, and before the first event in time. */
  #landmark: Landmark | null = null;
  readonly #totals: ItemTotals;
  /** By grain; null: not kept. */
  readonly #timelines: (Timeline | null)[] = GRAINS.map(() => null);
  /** Times of the newest and the oldest event that was not late; -1 before. */
  #horizon = -1;
  #earliest = -1;
  #changes = 0;
  readonly standings: Standings;
  // Of the event at hand.
  readonly #buckets = new Float64Array(GRAINS.length);
  readonly #counted = { group: 0, item: 0, amount: 1, weight: 0, change: 0 };

  constructor(type: SignalType) {
    this.#type = type;
    this.#steps = new WeightSteps(type.weight.default);
    this.#linear = linearOf(type.decay);
    this.#totals = new ItemTotals(valuesUnder(type.decay));
    this.standings = new Standings(this, this.#totals);
    this.#setKept();
  }

  get type(): SignalType {
    return this.#type;
  }

  get totals(): ItemTotals {
    return this.#totals;
  }

  get linear(): LinearShape | null {
    return this.#linear;
  }

  /** When the newest event was that was not late; -1 before. */
  get horizon(): Micros {
    return this.#horizon as Micros;
  }

  /** Bytes of what is kept, and of what is made of it for answers. */
  get memory(): SignalMemory {
    return {
      totals: this.#totals.memoryBytes,
      cells: this.#timelines.reduce((sum, timeline) => sum + (timeline?.memoryBytes ?? 0), 0),
      standings: this.standings.memoryBytes,
    };
  }

  /** What turns values into scores at `now`; before the newest event, as at that. */
  scoreFactor(now: Micros): number {
    return this.#landmark?.factor(Math.max(now, this.#horizon) as Micros) ?? 1;
  }

  record({ target, at, weight, late }: Signal): void {
    this.#changes += 1;
    const bounded = Math.min(Math.max(weight, -WEIGHT_MAX), WEIGHT_MAX);
    if (!late) this.#reach(at);
    const score = late || this.#landmark === null ? 0 : bounded * this.#landmark.growth(at);
    const second = Math.min(Math.max(Math.floor(at / MICROS_PER_SECOND), 0), SECOND_MAX);
    this.#totals.add(target, bounded, score, second);
    this.standings.totalsMoved(target);
    if (!late) this.#count(target, at, this.#steps.rounded(bounded));
  }

  /**
   * The signal has another definition from here on. Scores go on from what they are at the newest event; windows that are new
   * count what comes after.
   */
  redefine(type: SignalType): void {
    const before = this.#type;
    this.#changes += 1;
    this.#changeDecay(before.decay, type.decay);
    this.#type = type;
    this.#steps = new WeightSteps(type.weight.default);
    this.#linear = linearOf(type.decay);
    this.#setKept();
    this.standings.clear();
  }

  /** Moves counts out of memory until so many bytes are free; returns how many are. */
  spill(order: SpillOrder, bytes: number, scratch: Scratch): number {
    let freed = 0;
    for (const timeline of this.#timelines)
      if (timeline !== null && freed < bytes) freed += timeline.spill(order, bytes - freed, scratch);
    return freed;
  }

  tables(grain: Grain, from: number, to: number): Iterable<NamedTable> {
    return this.#timeline(grain)?.between(from, to) ?? [];
  }

  reachesBackTo(grain: Grain, bucket: number): boolean {
    const timeline = this.#timeline(grain);
    if (timeline === null) return false;
    if (bucket >= timeline.oldest || this.#earliest < 0) return true;
    return bucketOf(this.#earliest as Micros, grain) >= timeline.oldest;
  }

  sections(tenant: number): Section[] {
    const key = { tenant, owner: this.#type.id };
    const facts = [this.#changes, this.#horizon, this.#earliest, this.#landmark?.origin ?? -1];
    return [
      {
        ...key,
        ...{ kind: SECTIONS.facts, place: 'head', bytes: 40 },
        name: `s${key.owner}-facts-${this.#changes}`,
        write: (writer) => {
          for (const fact of facts) writer.f64(fact);
        },
      },
      ...this.#totals.sections({ ...key, kind: SECTIONS.totals }),
      ...this.#timelines.flatMap((timeline, grain) =>
        timeline === null ? [] : timelineSections(timeline, { ...key, kind: SECTIONS.tables + grain }),
      ),
    ];
  }

  /** Takes a section back; facts come first. Errors: CORRUPT. */
  restore(kind: number, body: PartReader): void {
    if (kind === SECTIONS.facts) this.#restoreFacts(body);
    else if (kind === SECTIONS.totals) this.#totals.restore(body);
    else this.#restoreTables(kind - SECTIONS.tables, body);
  }

  /** Adds everything to a digest, in the order of items and buckets. */
  digestInto(digest: Hash): void {
    const facts = [this.#type.id, this.#horizon, this.#earliest, this.#landmark?.origin ?? -1];
    digest.update(new Uint8Array(Float64Array.from(facts).buffer));
    for (const bytes of this.#totals.digests()) digest.update(bytes);
    for (const [grain, timeline] of this.#timelines.entries()) {
      for (const bucket of timeline?.buckets ?? []) {
        digest.update(new Uint8Array(Float64Array.of(grain, bucket).buffer));
        digest.update(timeline!.table(bucket)!.compacted().digest());
      }
    }
  }

  /** Prepares `digestInto` in steps of a few milliseconds. */
  *digestAhead(): Generator<void> {
    for (const _digest of this.#totals.digests()) yield;
    for (const timeline of this.#timelines) {
      for (const table of timeline?.all() ?? []) {
        table.compacted().digest();
        yield;
      }
    }
  }

  #timeline(grain: Grain): Timeline | null {
    return this.#timelines[GRAINS.indexOf(grain)] ?? null;
  }

  /** Time has come to an event. */
  #reach(at: Micros): void {
    if (this.#earliest < 0 || at < this.#earliest) this.#earliest = at;
    this.#moveLandmark(at);
    if (at <= this.#horizon) return;
    this.#horizon = at;
    for (const timeline of this.#timelines) {
      if (timeline === null) continue;
      const bucket = timeline.bucketOf(at);
      if (bucket > timeline.newest) timeline.advance(bucket);
    }
  }

  #moveLandmark(at: Micros): void {
    const { decay } = this.#type;
    if (decay.kind !== 'exponential') return;
    this.#landmark ??= new Landmark(decay.halfLifeMicros, at);
    const factor = this.#landmark.moveTowards(at);
    if (factor === 1) return;
    this.#totals.scale(factor);
    this.standings.valuesScaled();
  }

  #count(item: number, at: Micros, weight: number): void {
    const counted = this.#counted;
    counted.item = item;
    counted.weight = weight;
    counted.change = this.#changes;
    for (let grain = 0; grain < GRAINS.length; grain++) {
      const timeline = this.#timelines[grain]!;
      if (timeline === null) continue;
      const bucket = timeline.bucketOf(at);
      this.#buckets[grain] = bucket;
      if (bucket >= timeline.oldest) timeline.add(bucket, 0, counted);
    }
    this.standings.counted(this.#buckets, item, weight);
    if (this.#linear !== null) this.standings.aged(bucketOf(at, this.#linear.grain), item, weight);
  }

  #setKept(): void {
    const kept = keptBuckets(this.#type.windows);
    if (this.#linear !== null)
      kept[this.#linear.grain] = Math.max(kept[this.#linear.grain], linearKept(this.#linear));
    for (const [at, grain] of GRAINS.entries()) {
      const timeline = this.#timelines[at]!;
      const newest = this.#horizon < 0 ? -1 : bucketOf(this.horizon, grain);
      if (kept[grain] === 0) this.#timelines[at] = null;
      else if (timeline === null) this.#timelines[at] = new Timeline(grain, kept[grain], newest);
      else timeline.keep(kept[grain]);
    }
  }

  #changeDecay(before: Decay, after: Decay): void {
    if (after.kind !== 'exponential') {
      this.#totals.become('weights', () => 0);
      this.#landmark = null;
      return;
    }
    if (before.kind === 'exponential') {
      if (before.halfLifeMicros === after.halfLifeMicros) return;
      this.#totals.scale(this.scoreFactor(this.horizon));
    } else {
      const linear = before.kind === 'linear' && this.#horizon >= 0 ? this.#linear : null;
      const board = linear === null ? null : this.standings.linear(linear, this.horizon);
      this.#totals.become('scores', (item) => (board ?? this.#totals).value(item));
    }
    this.#landmark = this.#horizon < 0 ? null : new Landmark(after.halfLifeMicros, this.#horizon);
  }

  #restoreFacts(body: PartReader): void {
    this.#changes = body.count();
    this.#horizon = body.count();
    this.#earliest = body.count();
    const origin = body.f64();
    const { decay } = this.#type;
    if (this.#earliest > this.#horizon || this.#changes < 0) throw body.corrupt('has times in no order');
    if (decay.kind === 'exponential' && origin >= 0)
      this.#landmark = new Landmark(decay.halfLifeMicros, origin);
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
}

function valuesUnder(decay: Decay): TotalsValue {
  return decay.kind === 'exponential' ? 'scores' : 'weights';
}

function linearOf(decay: Decay): LinearShape | null {
  return decay.kind === 'linear' ? linearShape(decay.lifetimeMicros) : null;
}
