/**
 * The single way from a command to its answer: decide, give the entries to the log, evolve, wait, answer. Everything up to
 * the wait happens in the call, so the order of calls is the order of the log.
 */
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import type { Clock } from '../io/index.ts';
import type { AppendRequest, AppendResult, StreamName } from '../kernel/event.ts';
import { type Decision, decide, EventEncoder, evolve, invariant } from '../kernel/index.ts';
import type { StreamState } from '../streams/index.ts';
import { type RecordedAt, type Sequence, TENANT_DEFAULT } from '../types.ts';
import type { Durability, EntryDraft, Log } from '../wal/log.ts';
import type { LiveFeed } from './live-feed.ts';
import { PendingReplies } from './pending-replies.ts';

/** Header, footer and at most seven bytes of padding that the log adds to a payload. */
const ENTRY_OVERHEAD_BYTES = 48 + 8 + 7;

export class AppendPath {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #state: StreamState;
  readonly #feed: LiveFeed;
  readonly #durability: Durability;
  readonly #encoder = new EventEncoder();
  readonly #limits;
  readonly #partitionKeys = new PartitionKeys();
  readonly #replies = new PendingReplies();
  #groupRecordedAt: RecordedAt | null = null;

  constructor(options: {
    readonly log: Log;
    readonly clock: Clock;
    readonly state: StreamState;
    readonly feed: LiveFeed;
  }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#state = options.state;
    this.#feed = options.feed;
    this.#durability = options.log.status().durability;
    this.#limits = {
      entryBytesMax: options.log.identity.entryBytesMax,
      commandBytesMax: options.log.commandBytesMax,
      entryOverheadBytes: ENTRY_OVERHEAD_BYTES,
    };
  }

  /** Appends decided and not answered. */
  get inFlight(): number {
    return this.#replies.length;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    const durability = request.durability ?? this.#durability;
    if (durability === 'async' && request.ack === 'applied') return Promise.reject(appliedAsync(request));
    const { stream, expected, events } = request;
    const command = { kind: 'append-events', stream, expected, events } as const;
    const decision = decide(this.#state, command, {
      tenant: TENANT_DEFAULT,
      partitionKey: this.#partitionKeys.of(stream),
      limits: this.#limits,
      known: this.#state.known(command),
      encoder: this.#encoder,
    });
    if (decision.outcome === 'accepted') return this.#accept(request, decision, durability);
    return this.#replies.add(request.ack, decision.restsOn, answerOf(request, decision));
  }

  /** The group being filled has become a commit: the next append reads the clock again. */
  groupClosed(): void {
    this.#groupRecordedAt = null;
  }

  /** Everything up to `stable` is durable, everything up to `applied` is in the live views. */
  settle(stable: Sequence, applied: Sequence): void {
    this.#replies.settle(stable, applied);
  }

  /** Nothing in flight will ever become stable. */
  fail(error: TruthError): void {
    this.#replies.fail(error);
  }

  /** Resolves when nothing waits for an answer any more. */
  drained(): Promise<void> {
    return this.#replies.drained();
  }

  #accept(
    request: AppendRequest,
    decision: Extract<Decision, { outcome: 'accepted' }>,
    durability: Durability,
  ): Promise<AppendResult> {
    const { entries, firstRevision, lastRevision } = decision;
    this.#groupRecordedAt ??= this.#clock.nowNanos() as RecordedAt;
    const { first, last } = this.#log.append(entries, this.#groupRecordedAt, request.durability);
    invariant(last - first + 1 === entries.length, 'the entries of a command follow each other');
    this.#evolve(entries, first);
    this.#feed.appended({ first, last }, entries);
    const durable = durability !== 'async';
    const { stream } = request;
    const result = { stream, firstRevision, lastRevision, position: last, duplicate: false, durable };
    return durable ? this.#replies.add(request.ack, last, result) : Promise.resolve(result);
  }

  #evolve(entries: readonly EntryDraft[], first: Sequence): void {
    for (let index = 0; index < entries.length; index++) {
      const { type, payload } = entries[index]!;
      evolve(this.#state, { sequence: (first + index) as Sequence, type, payload });
    }
  }
}

function answerOf(
  { stream }: AppendRequest,
  decision: Exclude<Decision, { outcome: 'accepted' }>,
): AppendResult | TruthError {
  if (decision.outcome === 'refused') return decision.error;
  const { firstRevision, lastRevision, position } = decision;
  return { stream, firstRevision, lastRevision, position, duplicate: true, durable: true };
}

function appliedAsync({ stream }: AppendRequest): TruthError {
  return new TruthError(
    'INVALID_ARGUMENT',
    `append to "${stream}" asks for the answer "applied" with durability "async": views show only what is durable, so ask for "durable" as the answer or for "sync" or "group_sync" as durability`,
  );
}

/** xxHash64 of tenant and stream name. The last one is kept: requests come in runs to one stream. */
class PartitionKeys {
  #stream = '';
  #key = 0n;

  of(stream: StreamName): bigint {
    if (stream !== this.#stream) {
      const tenant = Buffer.alloc(4);
      tenant.writeUInt32LE(TENANT_DEFAULT);
      this.#key = xxh64(Buffer.concat([tenant, Buffer.from(stream)]));
      this.#stream = stream;
    }
    return this.#key;
  }
}
