/** The signals of one tenant: a ledger each, as the schema has them, and everything that queries ask of them. */
import type { Hash } from 'node:crypto';
import type { Scratch } from '../../materializer/index.ts';
import type { PartReader, Section, SpillOrder } from '../counting/index.ts';
import type { Micros, SignalId } from '../ground.ts';
import { SignalRecords } from '../kernel/index.ts';
import type { SignalReader } from '../reading.ts';
import { SchemaHistory } from '../schema/index.ts';
import type { SignalType, WindowName } from '../schema/model.ts';
import { type Asked, type Order, SignalAnswers } from './signal-answers.ts';
import { SignalLedger, type SignalMemory } from './signal-ledger.ts';

const SCHEMA_SECTION = 1;
const NOBODY = new Uint32Array(0);

interface Kept {
  readonly ledger: SignalLedger;
  readonly answers: SignalAnswers;
}

/** Of a signal that is not there, everything is 0 and nobody is best: the binder warns. */
export class TenantSignals implements SignalReader {
  #schema = new SchemaHistory();
  /** By id; holes where there is none. */
  readonly #signals: (Kept | undefined)[] = [];

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
      this.#signals[records.signal]?.ledger.record(records);
    }
  }

  score(signal: SignalId, targets: Uint32Array, count: number, now: Micros, out: Float64Array): void {
    const asked = { targets, count, now, out };
    this.#answer(signal, asked, (answers) => answers.score(asked));
  }

  count(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const asked = { targets, count, now, out };
    this.#answer(signal, asked, (answers) => answers.count(window, asked));
  }

  weight(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const asked = { targets, count, now, out };
    this.#answer(signal, asked, (answers) => answers.weight(window, asked));
  }

  velocity(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const asked = { targets, count, now, out };
    this.#answer(signal, asked, (answers) => answers.velocity(window, asked));
  }

  acceleration(
    signal: SignalId,
    window: WindowName,
    targets: Uint32Array,
    count: number,
    now: Micros,
    out: Float64Array,
  ): void {
    const asked = { targets, count, now, out };
    this.#answer(signal, asked, (answers) => answers.acceleration(window, asked));
  }

  top(signal: SignalId, by: Order, window: WindowName, limit: number, now: Micros): Uint32Array {
    return this.#signals[signal]?.answers.top(by, window, limit, now).items ?? NOBODY;
  }

  memoryBytes(): SignalMemory {
    return sumOf(this.#kept().map(({ ledger }) => ledger.memory));
  }

  /** Moves counts out of memory until so many bytes are free; returns how many are. */
  spill(order: SpillOrder, bytes: number, scratch: Scratch): number {
    let freed = 0;
    for (const { ledger } of this.#kept())
      if (freed < bytes) freed += ledger.spill(order, bytes - freed, scratch);
    return freed;
  }

  dropReady(): void {
    for (const { ledger } of this.#kept()) ledger.standings.clear();
  }

  sections(tenant: number): Section[] {
    const schema = this.#schema.encode();
    const { version } = this.#schema.current;
    return [
      {
        ...{ tenant, owner: 0, kind: SCHEMA_SECTION, place: 'head', bytes: schema.length },
        name: `schema-${version}`,
        write: (writer) => writer.raw(schema),
      },
      ...this.#kept().flatMap(({ ledger }) => ledger.sections(tenant)),
    ];
  }

  /** Takes a section of a checkpoint back. Errors: CORRUPT. */
  restore(kind: number, signal: number, body: PartReader): void {
    if (kind === SCHEMA_SECTION) {
      this.#schema = SchemaHistory.decode(body.rest());
      this.#followSchema();
      return;
    }
    const kept = this.#signals[signal];
    if (kept === undefined)
      throw body.corrupt(`is about the signal ${signal}, which the schema does not have`);
    kept.ledger.restore(kind, body);
  }

  digestInto(digest: Hash): void {
    digest.update(this.#schema.encode());
    for (const { ledger } of this.#kept()) ledger.digestInto(digest);
  }

  *digestAhead(): Generator<void> {
    for (const { ledger } of this.#kept()) yield* ledger.digestAhead();
  }

  #answer(signal: SignalId, { count, out }: Asked, answer: (answers: SignalAnswers) => void): void {
    const kept = this.#signals[signal];
    if (kept === undefined) out.fill(0, 0, count);
    else answer(kept.answers);
  }

  /** In the order of their ids. */
  #kept(): Kept[] {
    return this.#signals.filter((kept) => kept !== undefined);
  }

  /** Begins ledgers of new signals, changes those of changed ones, drops those of dropped ones. */
  #followSchema(): void {
    const { signals } = this.#schema.current;
    for (const id of this.#signals.keys()) {
      if (!signals.some((type) => type.id === id)) this.#signals[id] = undefined;
    }
    for (const type of signals) this.#follow(type);
  }

  #follow(type: SignalType): void {
    const kept = this.#signals[type.id];
    if (kept === undefined) {
      const ledger = new SignalLedger(type);
      this.#signals[type.id] = { ledger, answers: new SignalAnswers(ledger) };
    } else if (kept.ledger.type !== type) kept.ledger.redefine(type);
  }
}

export function sumOf(all: readonly SignalMemory[]): SignalMemory {
  return {
    totals: all.reduce((sum, { totals }) => sum + totals, 0),
    cells: all.reduce((sum, { cells }) => sum + cells, 0),
    standings: all.reduce((sum, { standings }) => sum + standings, 0),
  };
}
