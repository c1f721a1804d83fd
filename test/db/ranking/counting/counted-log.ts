/** Commits of schema and signals entries in the making, checkpoints in memory, and the plainest way to count: over the list of all events. */
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  ViewCommit,
} from '../../../../db/materializer/index.ts';
import type { EntityNumber, KindId, Micros, SignalId, TupleNumber } from '../../../../db/ranking/ground.ts';
import { MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE } from '../../../../db/ranking/ground.ts';
import { SignalsEncoder } from '../../../../db/ranking/kernel/index.ts';
import type { NumberSet } from '../../../../db/ranking/reading.ts';
import type { SchemaStep } from '../../../../db/ranking/schema/change.ts';
import { encodeChange } from '../../../../db/ranking/schema/codec.ts';
import type { SignalType, WindowName } from '../../../../db/ranking/schema/model.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../db/types.ts';
import type { LogEntry } from '../../../../db/wal/log.ts';

export const TENANT = 3 as TenantId;
/** 2026-03-05T10:17:31.250Z, in the middle of everything. */
export const BASE = 1_772_705_851_250_000;
export const DAY = MICROS_PER_DAY;
export const HOUR = MICROS_PER_HOUR;
export const MINUTE = MICROS_PER_MINUTE;
export const VIEW = 1 as SignalId;
export const LIKE = 2 as SignalId;
export const RATE = 3 as SignalId;

export interface GivenEvent {
  readonly signal: SignalId;
  readonly target: number;
  readonly tuple: number;
  readonly at: number;
  readonly weight: number;
  readonly late: boolean;
}

export function signalType(id: SignalId, more: Partial<SignalType> = {}): SignalType {
  return {
    ...{ id, name: `signal${id}`, target: 1 as KindId, polarity: 'positive', effects: [] },
    decay: { kind: 'exponential', halfLifeMicros: 7 * DAY },
    windows: ['1h', '24h', '7d', '30d', 'all'],
    weight: { min: -10, max: 10, default: 1 },
    lateMicros: 30 * DAY,
    cohorts: true,
    ...more,
  };
}

export function event(target: number, at: number, more: Partial<GivenEvent> = {}): GivenEvent {
  return { signal: VIEW, target, tuple: 1, at, weight: 1, late: false, ...more };
}

export interface Draft {
  readonly type: number;
  readonly payload: Uint8Array;
}

export function schemaOf(version: number, ...types: readonly SignalType[]): Draft {
  return schemaEntry(
    version,
    types.map((value) => ({ step: 'put', what: 'signal', value })),
  );
}

export function schemaEntry(version: number, steps: readonly SchemaStep[]): Draft {
  return { type: KERNEL_ENTRY.rankingSchema, payload: encodeChange({ version, steps }) };
}

export function signalsOf(events: readonly GivenEvent[]): Draft {
  const encoder = new SignalsEncoder(events.length);
  for (const { signal, target, tuple, at, weight, late } of events) {
    encoder.add({
      ...{ signal, weight, late, user: 1 as EntityNumber, creator: 0 as EntityNumber },
      ...{ target: target as EntityNumber, tuple: tuple as TupleNumber, at: at as Micros },
      ...{ hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 },
    });
  }
  return { type: KERNEL_ENTRY.rankingSignals, payload: encoder.finish() };
}

export function commitOf(drafts: readonly Draft[], tenant: TenantId = TENANT): ViewCommit {
  const entries = drafts.map(
    ({ type, payload }): LogEntry => ({
      ...{ sequence: 1 as Sequence, ordinal: 1 as CommitOrdinal, type, tenant },
      ...{ partitionKey: 0n, flags: 0, payload },
    }),
  );
  return {
    ordinal: 1 as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: 1n as RecordedAt,
    sequence: 2 as Sequence,
    entries,
  };
}

/** A checkpoint as it would lie on disk; parts are read when `settle` is called, as late as a saver would. */
export class SavedParts implements CheckpointWriter, CheckpointReader {
  readonly #pending = new Map<string, () => Iterable<Uint8Array>>();
  readonly #saved = new Map<string, Uint8Array>();

  /** Keeps parts of the one before that have the same name, as the store does. */
  constructor(before: SavedParts | null = null) {
    if (before !== null) for (const [name, bytes] of before.#saved) this.#saved.set(name, bytes);
  }

  static of(view: Materializer): SavedParts {
    const saved = new SavedParts();
    view.checkpoint(saved);
    saved.settle();
    return saved;
  }

  part(name: string, chunks: () => Iterable<Uint8Array>): void {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) throw new Error(`no name of a part: ${name}`);
    if (this.#pending.has(name)) throw new Error(`two parts ${name}`);
    this.#pending.set(name, chunks);
  }

  /** Writes what is new and drops what is not named any more. Returns the names of what was written. */
  settle(): string[] {
    const written: string[] = [];
    for (const name of [...this.#saved.keys()]) if (!this.#pending.has(name)) this.#saved.delete(name);
    for (const [name, chunks] of this.#pending) {
      if (this.#saved.has(name)) continue;
      this.#saved.set(name, Buffer.concat([...chunks()]));
      written.push(name);
    }
    this.#pending.clear();
    return written;
  }

  get parts(): string[] {
    return [...this.#saved.keys()];
  }

  read(name: string): Uint8Array {
    return new Uint8Array(this.#saved.get(name)!);
  }

  replace(name: string, bytes: Uint8Array): void {
    this.#saved.set(name, bytes);
  }
}

export function numberSet(numbers: Iterable<number>): NumberSet {
  const sorted = Uint32Array.from(new Set(numbers)).sort();
  const set = new Set(sorted);
  return {
    size: sorted.length,
    has: (number) => set.has(number),
    [Symbol.iterator]: () => sorted.values(),
    toArray: () => sorted,
  };
}

const SHAPES = {
  '1h': { grain: MINUTE, buckets: 60, hours: 1 },
  '24h': { grain: HOUR, buckets: 24, hours: 24 },
  '7d': { grain: HOUR, buckets: 168, hours: 168 },
  '30d': { grain: DAY, buckets: 30, hours: 720 },
} as const;

export const ROLLING = ['1h', '24h', '7d', '30d'] as const;

/** Counts over the list of events of one signal, one after the other. */
export class PlainCounts {
  readonly #events: readonly GivenEvent[];

  constructor(events: readonly GivenEvent[]) {
    this.#events = events;
  }

  get targets(): Uint32Array {
    return Uint32Array.from(new Set(this.#events.map(({ target }) => target))).sort();
  }

  /** Of the window that ends with `now`, or the one that is `back` windows before it. */
  within(window: WindowName, target: number, now: number, back = 0): readonly GivenEvent[] {
    const own = this.#events.filter((each) => each.target === target);
    if (window === 'all') return own;
    const { grain, buckets } = SHAPES[window];
    const end = Math.floor(now / grain) + 1 - back * buckets;
    return own.filter(({ at, late }) => {
      const bucket = Math.floor(at / grain);
      return !late && bucket >= end - buckets && bucket < end;
    });
  }

  count(window: WindowName, target: number, now: number): number {
    return this.within(window, target, now).length;
  }

  weight(window: WindowName, target: number, now: number): number {
    return this.within(window, target, now).reduce((sum, { weight }) => sum + weight, 0);
  }

  velocity(window: WindowName, target: number, now: number): number {
    if (window !== 'all') return this.count(window, target, now) / SHAPES[window].hours;
    const first = Math.min(...this.within('all', target, now).map(({ at }) => Math.floor(at / 1e6) * 1e6));
    return this.count('all', target, now) / Math.max((now - first) / HOUR, 1);
  }

  acceleration(window: WindowName, target: number, now: number): number {
    if (window === 'all') return 0;
    const before = this.within(window, target, now, 1).length / SHAPES[window].hours;
    return this.velocity(window, target, now) - before;
  }

  /** Of what decays by halves. */
  score(target: number, now: number, halfLife: number): number {
    return this.within('all', target, now)
      .filter(({ late }) => !late)
      .reduce((sum, { at, weight }) => sum + weight * 2 ** (-(now - at) / halfLife), 0);
  }

  /** The best by a value above 0. */
  best(limit: number, value: (target: number) => number): number[] {
    return [...this.targets]
      .map((target) => ({ target, value: value(target) }))
      .filter((each) => each.value > 0)
      .sort((one, other) => other.value - one.value || one.target - other.target)
      .slice(0, limit)
      .map(({ target }) => target);
  }
}
