/**
 * The way of a write of the ranking layer to its answer. Commands are decided in the order of their calls, against the views with
 * everything over them that the log has taken and they do not have yet; the answer goes out when the views have the entries, a
 * refusal when they have everything it rests on.
 */
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import type { Clock, Scheduler } from '../io/index.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { DecidedEntry } from '../kernel/index.ts';
import type { MemoryBudget } from '../materializer/index.ts';
import { type DuplicatesView, type EntitiesView, InFlight } from '../ranking/entities/index.ts';
import type { Micros } from '../ranking/ground.ts';
import {
  decideRanking,
  type RankingCommand,
  type RankingEntry,
  type RankingReply,
  SignalsEncoder,
} from '../ranking/kernel/index.ts';
import { Fifo } from '../streams/index.ts';
import {
  type CommitOrdinal,
  type RecordedAt,
  SEQUENCE_NONE,
  type Sequence,
  type TenantId,
} from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { LiveFeed } from './live-feed.ts';
import { grows, memoryFull } from './ranking-memory.ts';

const NANOS_PER_MICRO = 1_000n;
const ENTRY_OVERHEAD_BYTES = 48 + 8 + 7;
const ORDINAL_NONE = 0 as CommitOrdinal;

export interface RankingWritten {
  readonly reply: RankingReply;
  /** What the answer rests on: everything up to here is durable and in the views. */
  readonly position: Sequence;
}

interface Waiting {
  readonly position: Sequence;
  readonly outcome: RankingReply | Error;
  readonly settled: (outcome: RankingWritten | Error) => void;
}

export interface RankingPathOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly scheduler: Pick<Scheduler, 'endOfTurn'>;
  readonly feed: LiveFeed;
  readonly entities: () => EntitiesView;
  readonly duplicates: () => DuplicatesView;
  /** Position of the views. */
  readonly applied: () => Sequence;
  /** Steps of work that the tenant's vectors wait for: what is not in their graph yet is compared one by one. */
  readonly due: (tenant: TenantId) => number;
  /** Why nothing new may be written, or null. */
  readonly refusal: () => Error | null;
  /** Whether what the tenant writes is sealed. */
  readonly sealed: (tenant: TenantId) => boolean;
  /** Of the views. */
  readonly memory: Pick<MemoryBudget, 'isExceeded' | 'status'>;
  /** Throws where the tenant may not write so many bytes: NOT_FOUND, FORBIDDEN, QUOTA_EXCEEDED, BUSY. */
  readonly admit: (tenant: TenantId, bytes: number) => void;
}

export class RankingPath {
  readonly #options: RankingPathOptions;
  readonly #limits;
  readonly #states = new Map<TenantId, InFlight>();
  /** Those with something in flight. */
  readonly #unsettled = new Set<InFlight>();
  /** Tenants whose vectors may wait for upkeep: it was not looked since they wrote. */
  readonly #written = new Set<TenantId>();
  readonly #waiting = new Fifo<Waiting>();
  readonly #drained: (() => void)[] = [];
  /** Last entry of a command that the log has taken, and the last of upkeep, which nobody waits for. */
  #last: Sequence = SEQUENCE_NONE;
  #lastUpkeep: Sequence = SEQUENCE_NONE;
  #failure: Error | null = null;
  #isUpkeepWanted = false;

  constructor(options: RankingPathOptions) {
    this.#options = options;
    const { log } = options;
    this.#limits = {
      entryBytesMax: log.identity.entryBytesMax,
      commandBytesMax: log.commandBytesMax,
      entryOverheadBytes: ENTRY_OVERHEAD_BYTES,
    };
  }

  /** What decisions about the tenant read. */
  state(tenant: TenantId): InFlight {
    let state = this.#states.get(tenant);
    if (state === undefined) {
      const { entities, duplicates } = this.#options;
      state = new InFlight({
        entities: () => entities().tenant(tenant),
        signatures: () => duplicates().tenant(tenant),
      });
      this.#states.set(tenant, state);
    }
    return state;
  }

  /** Errors reach the promise: BUSY, TOO_LARGE, DISK_FULL, WRITER_FAILED, QUOTA_EXCEEDED (of the tenant, or of memory), the command's own refusal. */
  write(tenant: TenantId, command: RankingCommand): Promise<RankingWritten> {
    return new Promise((resolve, reject) => {
      const refusal = this.#failure ?? this.#options.refusal();
      if (refusal !== null) throw refusal;
      const outcome = this.#decide(tenant, command);
      const settled = (answer: RankingWritten | Error): void =>
        answer instanceof Error ? reject(answer) : resolve(answer);
      this.#waiting.push({ position: this.#last, outcome, settled });
      this.#settle(this.#options.applied());
    });
  }

  /** What would become of a command. Errors: the command's own refusal. */
  async check(tenant: TenantId, command: RankingCommand): Promise<RankingWritten> {
    const { clock, sealed } = this.#options;
    const now = Number(clock.nowNanos() / NANOS_PER_MICRO) as Micros;
    const input = { now, limits: this.#limits, sealed: sealed(tenant) };
    const decision = decideRanking(this.state(tenant), command, input);
    if (decision.outcome === 'refused') throw decision.error;
    return { reply: decision.reply, position: this.#options.applied() };
  }

  /** Resolves when the views have everything that was written before the call. */
  caughtUp(): Promise<void> {
    if (this.#last <= this.#options.applied()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settled = (answer: RankingWritten | Error): void =>
        answer instanceof Error ? reject(answer) : resolve();
      this.#waiting.push({ position: this.#last, outcome: { reply: 'written' }, settled });
    });
  }

  /** The views have everything up to `position`. */
  applied(position: Sequence): void {
    for (const state of this.#unsettled) {
      state.forget(position);
      if (state.isEmpty) this.#unsettled.delete(state);
    }
    this.#settle(position);
    if (this.#written.size > 0) this.#wantUpkeep();
  }

  /** Nothing in flight will ever become stable. */
  fail(error: Error): void {
    this.#failure = error;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.settled(error);
    this.#tellDrained();
  }

  /** Forgets what is known of states: views have been computed again. Nothing may be in flight. */
  reset(): void {
    this.#states.clear();
    this.#unsettled.clear();
  }

  /** Resolves when nothing waits for an answer any more. */
  drained(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** At the end of the turn, when nobody waits: whoever comes then goes first. */
  #wantUpkeep(): void {
    if (this.#isUpkeepWanted || this.#waiting.length > 0) return;
    this.#isUpkeepWanted = true;
    this.#options.scheduler.endOfTurn(() => {
      this.#isUpkeepWanted = false;
      const isIdle = Math.max(this.#last, this.#lastUpkeep) <= this.#options.applied();
      if (this.#waiting.length === 0 && isIdle) this.#upkeep();
    });
  }

  /**
   * A batch without signals is a place in the log at which views do some of what they have put off: everywhere the same, so it
   * has to be an entry. Its own commit asks for the next.
   */
  #upkeep(): void {
    const { clock, log, feed, due, refusal } = this.#options;
    if (this.#failure !== null || refusal() !== null) return;
    const [tenant] = this.#written;
    if (tenant === undefined) return;
    if (due(tenant) === 0) {
      this.#written.delete(tenant);
      if (this.#written.size > 0) this.#wantUpkeep();
      return;
    }
    const payload = new SignalsEncoder(0).finish();
    const entries = [placed(tenant, { type: KERNEL_ENTRY.rankingSignals, payload, subject: null })];
    try {
      const { first, last } = log.append(entries, clock.nowNanos() as RecordedAt);
      feed.appended(first, entries);
      this.#lastUpkeep = last;
    } catch (error) {
      // No room at the moment: whatever is written next asks again.
      if (!(error instanceof TruthError)) throw error;
    }
  }

  #decide(tenant: TenantId, command: RankingCommand): RankingReply | Error {
    const { clock, log, feed, admit, memory, sealed } = this.#options;
    const recordedAt = clock.nowNanos() as RecordedAt;
    const now = Number(recordedAt / NANOS_PER_MICRO) as Micros;
    const state = this.state(tenant);
    const input = { now, limits: this.#limits, sealed: sealed(tenant) };
    const decision = decideRanking(state, command, input);
    if (decision.outcome === 'refused') return decision.error;
    if (decision.outcome === 'unchanged') return decision.reply;
    if (memory.isExceeded && grows(command)) throw memoryFull(memory.status());
    admit(tenant, bytesOf(decision.entries));
    const entries = decision.entries.map((entry) => placed(tenant, entry));
    const { first, last } = log.append(entries, recordedAt);
    feed.appended(first, entries);
    state.took(entries);
    this.#unsettled.add(state);
    this.#written.add(tenant);
    this.#last = last;
    return decision.reply;
  }

  #settle(position: Sequence): void {
    for (let next = this.#waiting.peek(); next !== undefined && next.position <= position; ) {
      this.#waiting.shift();
      const { outcome, settled } = next;
      settled(outcome instanceof Error ? outcome : { reply: outcome, position: next.position });
      next = this.#waiting.peek();
    }
    this.#tellDrained();
  }

  #tellDrained(): void {
    if (this.#waiting.length === 0) for (const tell of this.#drained.splice(0)) tell();
  }
}

function placed(tenant: TenantId, { type, payload, subject }: RankingEntry): DecidedEntry {
  return {
    ...{ sequence: SEQUENCE_NONE, ordinal: ORDINAL_NONE, flags: 0 },
    ...{ type, tenant, payload, subject, partitionKey: partitionKey(tenant) },
  };
}

const partitionKeys = new Map<TenantId, bigint>();
const PARTITION_KEYS_MAX = 4096;

/** xxHash64 of the tenant's number: all of its ranking entries lie in one partition. */
function partitionKey(tenant: TenantId): bigint {
  let key = partitionKeys.get(tenant);
  if (key === undefined) {
    key = xxh64(new Uint8Array(Uint32Array.of(tenant, RANKING_PARTITION).buffer));
    if (partitionKeys.size >= PARTITION_KEYS_MAX) partitionKeys.clear();
    partitionKeys.set(tenant, key);
  }
  return key;
}

/** No table has this number. */
const RANKING_PARTITION = 0xffff_ffff;

function bytesOf(entries: readonly RankingEntry[]): number {
  return entries.reduce((sum, { payload }) => sum + payload.length, 0);
}

/** What a tenant is told whose ranking views do not follow the log. */
export function rankingUnavailable(view: string, applied: Sequence, reason: string): TruthError {
  return new TruthError(
    'VIEW_UNAVAILABLE',
    `ranking cannot be asked now: its view ${view} stays at ${applied} (${reason}); try again when it has caught up`,
    { view, applied },
  );
}
