/** The cohort counters of one tenant: one for each signal of its schema that is counted for cohorts, within a budget of cells. */
import type { Hash } from 'node:crypto';
import type { Scratch } from '../../materializer/index.ts';
import { LEVEL_MAX, type PartReader, type Section, type SpillOrder } from '../counting/index.ts';
import type { Micros, SignalId } from '../ground.ts';
import { SignalRecords } from '../kernel/index.ts';
import type { CohortReader, CohortTop, NumberSet } from '../reading.ts';
import { SchemaHistory } from '../schema/index.ts';
import type { SignalType, WindowName } from '../schema/model.ts';
import { CohortAnswers, NOBODY } from './cohort-answers.ts';

const SECTIONS = Object.freeze({ schema: 1, level: 2 });
/** Cells are counted when an hour begins, and after so many events at the latest. */
const EVENTS_PER_COUNT = 1 << 20;
/** New tables are sampled less when no more than this share of the budget is used. */
const RELAX_SHARE = 0.25;

/** Bytes of cells, how many there are (some counted twice), and bytes of what is made of them for answers. */
export interface CohortMemory {
  readonly cells: number;
  readonly cellCount: number;
  readonly boards: number;
}

/** Of a signal that is not there, or not counted for cohorts, everything is 0 and nobody is best: the binder warns. */
export class TenantCohorts implements CohortReader {
  readonly #cellsMax: number;
  #schema = new SchemaHistory();
  /** By id; holes where there is none. */
  readonly #signals: (CohortAnswers | undefined)[] = [];
  /** Of tables that begin now. */
  #level = 0;
  #eventsSinceCount = 0;

  /** `cellsMax`: how many cells are kept exactly; beyond, they are sampled. */
  constructor(cellsMax: number) {
    this.#cellsMax = cellsMax;
  }

  /** Applies a schema entry. Errors: CORRUPT. */
  changeSchema(payload: Uint8Array): void {
    this.#schema.apply(payload);
    this.#followSchema();
  }

  /** Applies a signals entry. Errors: CORRUPT. */
  record(payload: Uint8Array): void {
    const records = SignalRecords.of(payload);
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      const answers = this.#signals[records.signal];
      if (answers === undefined) continue;
      const hasHourBegun = answers.counters.record(records, this.#level);
      this.#eventsSinceCount += 1;
      if (hasHourBegun || this.#eventsSinceCount >= EVENTS_PER_COUNT) this.#keepBudget();
    }
  }

  count(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const answers = this.#signals[signal];
    if (answers === undefined) out.fill(0, 0, count);
    else answers.count({ window, tuples, now }, 1, targets, count, out);
  }

  velocity(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const answers = this.#signals[signal];
    if (answers === undefined) out.fill(0, 0, count);
    else answers.velocity({ window, tuples, now }, targets, count, out);
  }

  acceleration(
    signal: SignalId,
    window: WindowName,
    tuples: NumberSet,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const answers = this.#signals[signal];
    if (answers === undefined) out.fill(0, 0, count);
    else answers.acceleration({ window, tuples, now }, targets, count, out);
  }

  top(
    signal: SignalId,
    by: 'count' | 'velocity' | 'acceleration',
    window: WindowName,
    tuples: NumberSet,
    limit: number,
    now: Micros,
  ): CohortTop {
    return this.#signals[signal]?.top(by, { window, tuples, now }, limit) ?? NOBODY;
  }

  memoryBytes(): CohortMemory {
    const all = this.#all();
    return {
      cells: all.reduce((sum, { counters }) => sum + counters.memoryBytes, 0),
      cellCount: this.#cells(),
      boards: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
    };
  }

  /** Moves cells out of memory until so many bytes are free; returns how many are. */
  spill(order: SpillOrder, bytes: number, scratch: Scratch): number {
    let freed = 0;
    for (const { counters } of this.#all())
      if (freed < bytes) freed += counters.spill(order, bytes - freed, scratch);
    return freed;
  }

  dropReady(): void {
    for (const answers of this.#all()) answers.changed();
  }

  sections(tenant: number): Section[] {
    const schema = this.#schema.encode();
    const { version } = this.#schema.current;
    const level = this.#level;
    const events = this.#eventsSinceCount;
    return [
      {
        ...{ tenant, owner: 0, kind: SECTIONS.schema, place: 'head', bytes: schema.length },
        name: `schema-${version}`,
        write: (writer) => writer.raw(schema),
      },
      {
        ...{ tenant, owner: 0, kind: SECTIONS.level, place: 'head', bytes: 16 },
        name: `level-${level}-${events}`,
        write: (writer) => {
          writer.f64(level);
          writer.f64(events);
        },
      },
      ...this.#all().flatMap(({ counters }) => counters.sections(tenant)),
    ];
  }

  /** Takes a section of a checkpoint back. Errors: CORRUPT. */
  restore(kind: number, signal: number, body: PartReader): void {
    if (kind === SECTIONS.schema) {
      this.#schema = SchemaHistory.decode(body.rest());
      this.#followSchema();
    } else if (kind === SECTIONS.level) this.#restoreLevel(body);
    else {
      const answers = this.#signals[signal];
      if (answers === undefined)
        throw body.corrupt(`is about the signal ${signal}, which the schema has no cohorts of`);
      answers.counters.restore(kind, body);
    }
  }

  digestInto(digest: Hash): void {
    digest.update(this.#schema.encode());
    digest.update(new Uint8Array(Float64Array.of(this.#level, this.#eventsSinceCount).buffer));
    for (const { counters } of this.#all()) counters.digestInto(digest);
  }

  *digestAhead(): Generator<void> {
    for (const { counters } of this.#all()) yield* counters.digestAhead();
  }

  /** In the order of the signals' ids. */
  #all(): CohortAnswers[] {
    return this.#signals.filter((answers) => answers !== undefined);
  }

  /**
   * Thins the sample until cells are within the budget. How cells happen to be spread over runs must not matter, so only the
   * exact number decides; as long as even the sum of all runs is within the budget, nothing has to be counted.
   */
  #keepBudget(): void {
    this.#eventsSinceCount = 0;
    if (this.#level === 0 && this.#cells() <= this.#cellsMax) return;
    const cells = this.#cellsExactly();
    if (cells > this.#cellsMax) this.#thin();
    else if (this.#level > 0 && cells <= this.#cellsMax * RELAX_SHARE) this.#level -= 1;
  }

  #thin(): void {
    while (this.#cellsExactly() > this.#cellsMax && this.#level < LEVEL_MAX) {
      this.#level += 1;
      for (const { counters } of this.#all()) counters.thin(this.#level);
    }
  }

  #cells(): number {
    return this.#all().reduce((sum, { counters }) => sum + counters.size, 0);
  }

  #cellsExactly(): number {
    for (const { counters } of this.#all()) counters.compact();
    return this.#cells();
  }

  #restoreLevel(body: PartReader): void {
    this.#level = body.count();
    this.#eventsSinceCount = body.count();
    if (this.#level < 0 || this.#level > LEVEL_MAX || this.#eventsSinceCount < 0)
      throw body.corrupt(`has a level ${this.#level} of samples`);
  }

  /** Begins counters of new signals, changes those of changed ones, drops those of dropped ones. */
  #followSchema(): void {
    const signals = this.#schema.current.signals.filter(({ cohorts }) => cohorts);
    for (const id of this.#signals.keys()) {
      if (!signals.some((type) => type.id === id)) this.#signals[id] = undefined;
    }
    for (const type of signals) this.#follow(type);
  }

  #follow(type: SignalType): void {
    const answers = this.#signals[type.id];
    if (answers === undefined) this.#signals[type.id] = new CohortAnswers(type, this.#schema.current.version);
    else if (answers.counters.type !== type) answers.counters.redefine(type);
  }
}
