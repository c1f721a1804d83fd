/**
 * Finds the moments to ask about before anything is replayed: a pass over schema and signals entries alone, because which
 * moments a sample holds, and which of a user's is the last, is known only at the end.
 */
import type { KindId, Micros } from '../ground.ts';
import { SignalRecords } from '../kernel/index.ts';
import { kindById, SchemaHistory } from '../schema/index.ts';
import type { RankingSchema } from '../schema/model.ts';
import { MomentSample } from './moment-sample.ts';

export interface SurveyOptions {
  /** Name of the kind that is recommended. */
  readonly kind: string;
  readonly from: Micros;
  /** Does not belong to it. */
  readonly to: Micros;
  /** Signals about the kind that a user must have had before. */
  readonly history: number;
  /** Each moment there is, or the last of each user. */
  readonly moments: 'all' | 'last';
  /** Null: all. */
  readonly sample: number | null;
}

export interface SurveyedMoments {
  /** The how-manieth signals of the tenant they are, ascending from 0. */
  readonly ordinals: Float64Array;
  /** How many there were to choose from. */
  readonly offered: number;
  /** Signals of the tenant in all. */
  readonly signals: number;
}

interface LastMoment {
  readonly position: number;
  readonly index: number;
  readonly ordinal: number;
}

export class Survey {
  readonly #options: SurveyOptions;
  readonly #history = new SchemaHistory();
  readonly #sample: MomentSample;
  readonly #earlier = new Map<number, number>();
  readonly #last = new Map<number, LastMoment>();
  #asked: AskedSignals = new AskedSignals(this.#history.current, '');
  #ordinal = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
    this.#sample = new MomentSample(options.sample);
  }

  /** The payload of a schema entry. */
  schema(payload: Uint8Array): void {
    const { schema } = this.#history.apply(payload);
    this.#asked = new AskedSignals(schema, this.#options.kind);
  }

  /** The payload of a signals entry, and its sequence. */
  signals(payload: Uint8Array, position: number): void {
    const records = SignalRecords.of(payload);
    for (let index = 0; index < records.count; index++) {
      records.moveTo(index);
      this.#signal(records, position, index, this.#ordinal++);
    }
  }

  moments(): SurveyedMoments {
    for (const { position, index, ordinal } of this.#last.values())
      this.#sample.offer(position, index, ordinal);
    this.#last.clear();
    return { ordinals: this.#sample.chosen(), offered: this.#sample.offered, signals: this.#ordinal };
  }

  #signal({ user, signal, at }: SignalRecords, position: number, index: number, ordinal: number): void {
    if (user === 0 || !this.#asked.isAbout(signal)) return;
    const earlier = this.#earlier.get(user) ?? 0;
    this.#earlier.set(user, earlier + 1);
    const { from, to, history, moments } = this.#options;
    if (earlier < history || at < from || at >= to || !this.#asked.isPositive(signal)) return;
    if (moments === 'all') this.#sample.offer(position, index, ordinal);
    else this.#last.set(user, { position, index, ordinal });
  }
}

/** Which signals of a schema are about a kind, and which of them say that somebody went for it. */
export class AskedSignals {
  readonly kind: KindId | null;
  readonly #about = new Set<number>();
  readonly #positive = new Set<number>();

  constructor(schema: RankingSchema, kind: string) {
    this.kind = schema.kinds.find(({ name }) => name === kind)?.id ?? null;
    for (const { id, target, polarity } of schema.signals) {
      if (kindById(schema, target)?.name !== kind) continue;
      this.#about.add(id);
      if (polarity === 'positive') this.#positive.add(id);
    }
  }

  isAbout(signal: number): boolean {
    return this.#about.has(signal);
  }

  isPositive(signal: number): boolean {
    return this.#positive.has(signal);
  }
}
