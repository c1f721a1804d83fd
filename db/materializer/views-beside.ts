/**
 * Some views beside those of the registry, at a position of their own that only grows: what was at a position of the past, or
 * what a thread reads that is not the one that orders. They begin from copies (`RestorePoint`), each view from the newest that is
 * not behind what is wanted, or from nothing; commits of the log do the rest. They write nothing.
 */
import { TruthError } from '../errors.ts';
import { type RecordedAt, SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { LogCommit, LogReader, ReadOptions } from '../wal/log.ts';
import type { Materializer, ViewDefinition } from './materializer.ts';
import type { MemoryBudget } from './memory-budget.ts';
import { commitAt, gapOf, payloadBytes, viewCommit } from './replay.ts';
import type { RestorePoint } from './restore-point.ts';
import { Slot } from './slot.ts';

/** Place of a commit. */
export type Moment = Pick<LogCommit, 'sequence' | 'recordedAt'>;

/** Whether a commit is to be in the views; false for all that follow one it is false for. */
export type Until = (commit: Moment) => boolean;

export interface BesideOptions {
  readonly log: Pick<LogReader, 'read' | 'readBackwards' | 'stable'>;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  readonly definitions: readonly ViewDefinition[];
  /** Of these views alone. */
  readonly memory: MemoryBudget;
  readonly report: (line: string) => void;
}

const BEGINNING: Moment = { sequence: SEQUENCE_NONE, recordedAt: 0n as RecordedAt };

export class ViewsBeside {
  readonly #options: BesideOptions;
  readonly #slots: readonly Slot[];
  /** Before this the views do not stand at one position. */
  #whole: Moment = BEGINNING;
  #at: Moment = BEGINNING;

  private constructor(options: BesideOptions) {
    this.#options = options;
    const { logId, definitions, memory } = options;
    const context = { logId, folder: null, scratch: memory.scratch };
    this.#slots = definitions.map((definition) => new Slot(definition, context, memory));
    memory.watch(() => this.#slots.map(({ view }) => view));
  }

  /** Views that stand at no more than what is wanted. `points`: newest first. Errors: those of reading the log. */
  static async begin(
    options: BesideOptions,
    points: readonly RestorePoint[],
    until: Until,
  ): Promise<ViewsBeside> {
    const views = new ViewsBeside(options);
    await views.#restore(points, until);
    return views;
  }

  /** Where `begin` would begin, as far as what is on disk can be used. */
  static async startOf(
    { log, definitions }: BesideOptions,
    points: readonly RestorePoint[],
    until: Until,
  ): Promise<Sequence> {
    const places = new Places(log, until);
    const starts: Sequence[] = [];
    for (const { name, version } of definitions) {
      const holding = points.filter((point) => point.view(name, version) !== null);
      let start = SEQUENCE_NONE;
      for (const point of holding) {
        start = (await places.of(point))?.sequence ?? SEQUENCE_NONE;
        if (start > SEQUENCE_NONE) break;
      }
      starts.push(start);
    }
    return Math.min(...starts) as Sequence;
  }

  /** Everything up to here is in the views: the last commit that was applied. */
  get at(): Moment {
    return this.#at;
  }

  /** Whether they can be brought to what is wanted: never backwards. */
  reaches(until: Until): boolean {
    return [this.#at, this.#whole].every((moment) => moment === BEGINNING || until(moment));
  }

  /** The view a definition made, for as long as these are there. */
  view<V extends Materializer>(definition: ViewDefinition<V>): V {
    const slot = this.#slots.find((candidate) => candidate.definition === definition);
    if (slot === undefined) throw new TruthError('NOT_FOUND', `no view "${definition.name}" is here`);
    // The slot's view came from this very definition, so it is a V.
    return slot.view as V;
  }

  /**
   * Applies what is wanted of what is stable. `turn` is awaited after each commit; where it throws, what was applied stays.
   * Errors: VIEW_UNAVAILABLE where a view threw, those of reading the log.
   */
  advance(until: Until, turn: () => Promise<void> | void): Promise<void> {
    return this.#go({ follow: false }, until, turn);
  }

  /** Applies everything as it becomes stable, until the signal. Errors: those of `advance`. */
  follow(signal: AbortSignal, turn: () => Promise<void> | void): Promise<void> {
    return this.#go({ follow: true, signal }, () => true, turn);
  }

  /** Whether all views stand at the position: those that began from copies may be apart at first. */
  get isWhole(): boolean {
    return this.#at.sequence >= this.#whole.sequence;
  }

  close(): void {
    for (const slot of this.#slots) slot.close();
    this.#options.memory.watch(() => []);
    this.#options.memory.scratch?.clear();
  }

  async #go(
    reading: Omit<ReadOptions, 'from'>,
    until: Until,
    turn: () => Promise<void> | void,
  ): Promise<void> {
    for (let isThrough = false; !isThrough; ) {
      try {
        isThrough = await this.#read(reading, until, turn);
      } catch (error) {
        const lost = gapOf(error);
        if (lost === null) throw error;
        for (const slot of this.#slots) if (!slot.gap(lost)) throw failed(slot);
        this.#at = { ...this.#at, sequence: lost.to };
      }
    }
  }

  async #read(
    reading: Omit<ReadOptions, 'from'>,
    until: Until,
    turn: () => Promise<void> | void,
  ): Promise<true> {
    const from = (this.#at.sequence + 1) as Sequence;
    for await (const commit of this.#options.log.read({ ...reading, from })) {
      if (!until(commit)) break;
      const seen = viewCommit(commit);
      for (const slot of this.#slots) if (!slot.apply(seen)) throw failed(slot);
      this.#at = { sequence: commit.sequence, recordedAt: commit.recordedAt };
      this.#options.memory.taken(payloadBytes(seen));
      const pause = turn();
      if (pause !== undefined) await pause;
    }
    return true;
  }

  async #restore(points: readonly RestorePoint[], until: Until): Promise<void> {
    const places = new Places(this.#options.log, until);
    for (const slot of this.#slots) {
      const place = await this.#restoreSlot(slot, points, places);
      if (place.sequence > this.#whole.sequence) this.#whole = place;
      if (slot === this.#slots[0] || place.sequence < this.#at.sequence) this.#at = place;
    }
  }

  /** Each part carries a checksum, so the digest of the whole, which takes as long as restoring it, is not computed. */
  async #restoreSlot(slot: Slot, points: readonly RestorePoint[], places: Places): Promise<Moment> {
    for (const point of points) {
      const copy = point.view(slot.name, slot.definition.version);
      const place = copy === null ? null : await places.of(point);
      if (copy === null || place === null) continue;
      try {
        slot.restore(copy.reader, place.sequence);
        return place;
      } catch (error) {
        // A checkpoint may have been replaced by a newer one meanwhile.
        slot.reset();
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.report(`${point.name} cannot be used for view "${slot.name}" (${reason})`);
      }
    }
    return BEGINNING;
  }
}

/** Places of points in a log, each looked up once. */
class Places {
  readonly #log: BesideOptions['log'];
  readonly #until: Until;
  readonly #known = new Map<RestorePoint, Moment | null>();

  constructor(log: BesideOptions['log'], until: Until) {
    this.#log = log;
    this.#until = until;
  }

  /** Null where the point is behind what is wanted, or the log does not bear it out. */
  async of(point: RestorePoint): Promise<Moment | null> {
    const known = this.#known.get(point);
    if (known !== undefined) return known;
    const found = await this.#find(point);
    this.#known.set(point, found);
    return found;
  }

  async #find({ position, chain }: RestorePoint): Promise<Moment | null> {
    if (position > this.#log.stable) return null;
    const commit = await commitAt(this.#log, position);
    if (commit === null || Buffer.from(commit.chain).toString('hex') !== chain) return null;
    const { sequence, recordedAt } = commit;
    return this.#until(commit) ? { sequence, recordedAt } : null;
  }
}

function failed({ name, applied, error }: Slot): TruthError {
  return new TruthError('VIEW_UNAVAILABLE', `view "${name}" stays at ${applied}: ${error}`, {
    view: name,
    applied,
  });
}
