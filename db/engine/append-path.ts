/**
 * The single way from a command to its answer: decide, give the entries to the log, evolve, wait, answer. Everything up to
 * the wait happens in the call, so the order of calls is the order of the log.
 */
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import type { Clock } from '../io/index.ts';
import type { AppendRequest, AppendResult, StreamName } from '../kernel/event.ts';
import {
  type DecidedEntry,
  type Decision,
  decide,
  EventEncoder,
  evolve,
  invariant,
  STREAM_NAME_BYTES_MAX,
  writeUtf8,
} from '../kernel/index.ts';
import { type StreamState, scopedKey } from '../streams/index.ts';
import type { TenantAdmission } from '../tenancy/index.ts';
import type { RecordedAt, Sequence, TenantId } from '../types.ts';
import type { Durability, Log } from '../wal/log.ts';
import type { AppendSettled } from './contract.ts';
import type { LiveFeed } from './live-feed.ts';
import { PendingReplies, type ReplyLevel, settleSoon } from './pending-replies.ts';
import type { SubjectStreams } from './subject-streams.ts';
import { WaitingAppends } from './waiting-appends.ts';

/** Header, footer and at most seven bytes of padding that the log adds to a payload. */
const ENTRY_OVERHEAD_BYTES = 48 + 8 + 7;
const TENANT_BYTES = 4;
const PARTITION_KEYS_MAX = 1 << 16;

export class AppendPath {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #state: StreamState;
  readonly #feed: LiveFeed;
  readonly #durability: Durability;
  readonly #encoder = new EventEncoder();
  readonly #limits;
  readonly #partitionKeys = new PartitionKeys();
  readonly #admission: TenantAdmission;
  readonly #subjects: SubjectStreams;
  readonly #replies: PendingReplies;
  readonly #waiting = new WaitingAppends((tenant, request, settled) =>
    this.#decide(tenant, request, settled),
  );
  #groupRecordedAt: RecordedAt | null = null;

  constructor(options: {
    readonly log: Log;
    readonly clock: Clock;
    readonly state: StreamState;
    readonly feed: LiveFeed;
    readonly admission: TenantAdmission;
    readonly subjects: SubjectStreams;
    /** Everything up to here is stable and applied. */
    readonly position: Sequence;
  }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#state = options.state;
    this.#feed = options.feed;
    this.#admission = options.admission;
    this.#subjects = options.subjects;
    this.#replies = new PendingReplies(options.position);
    this.#durability = options.log.status().durability;
    this.#limits = {
      entryBytesMax: options.log.identity.entryBytesMax,
      commandBytesMax: options.log.commandBytesMax,
      entryOverheadBytes: ENTRY_OVERHEAD_BYTES,
    };
    options.log.onRoom(() => this.#waiting.retry());
  }

  /** Appends not answered. */
  get inFlight(): number {
    return this.#waiting.length + this.#replies.length;
  }

  /** Decides at once, or, where the log has no room, as soon as it has; in the order of the calls either way. */
  append(tenant: TenantId, request: AppendRequest, settled: AppendSettled): void {
    this.#waiting.append(tenant, request, settled);
  }

  #decide(tenant: TenantId, request: AppendRequest, settled: AppendSettled): void {
    const durability = request.durability ?? this.#durability;
    if (durability === 'async' && request.ack === 'applied') {
      settleSoon(settled, appliedAsync(request));
      return;
    }
    const { stream, expected, events } = request;
    const command = { kind: 'append-events', stream, expected, events } as const;
    const partitionKey = this.#partitionKeys.of(tenant, stream);
    const decision = decide(this.#state, command, {
      tenant,
      partitionKey,
      limits: this.#limits,
      known: this.#state.known(tenant, command),
      encoder: this.#encoder,
    });
    if (decision.outcome === 'accepted') this.#accept(tenant, request, decision, durability, settled);
    else this.#replies.add(request.ack, decision.restsOn, answerOf(request, decision), settled);
  }

  /** The group being filled has become a commit: the next append reads the clock again. */
  groupClosed(): void {
    this.#groupRecordedAt = null;
  }

  /** Everything up to `position` is written, durable, or in the live views: answers that wait for it leave. */
  reached(level: ReplyLevel, position: Sequence): void {
    this.#replies.reached(level, position);
  }

  /** Nothing in flight will ever become stable. */
  fail(error: TruthError): void {
    this.#waiting.fail(error);
    this.#replies.fail(error);
  }

  /** Resolves when nothing waits for an answer any more. */
  async drained(): Promise<void> {
    await this.#waiting.emptied();
    await this.#replies.drained();
  }

  #accept(
    tenant: TenantId,
    request: AppendRequest,
    decision: Extract<Decision, { outcome: 'accepted' }>,
    durability: Durability,
    settled: AppendSettled,
  ): void {
    const { firstRevision, lastRevision } = decision;
    const isNew = firstRevision === 0;
    const subject = this.#subjects.subjectFor(tenant, request.stream, request.subject ?? null, isNew);
    if (isNew) this.#admission.admitStream(tenant);
    const entries =
      subject === null ? decision.entries : this.#about(subject, isNew, request, decision.entries);
    this.#groupRecordedAt ??= this.#clock.nowNanos() as RecordedAt;
    const { first, last } = this.#log.append(entries, this.#groupRecordedAt, request.durability);
    invariant(last - first + 1 === entries.length, 'the entries of a command follow each other');
    this.#feed.appended(first, entries);
    for (const entry of entries) evolve(this.#state, entry);
    if (subject !== null && isNew) this.#subjects.declared(tenant, request.stream, subject);
    const durable = durability !== 'async';
    const { stream } = request;
    const result = { stream, firstRevision, lastRevision, position: last, duplicate: false, durable };
    this.#replies.add(durable ? request.ack : 'written', last, result, settled);
  }

  /** The events with the person they are about, and before a stream's first the entry that says whom. */
  #about(
    subject: string,
    isNew: boolean,
    { stream }: AppendRequest,
    events: readonly DecidedEntry[],
  ): readonly DecidedEntry[] {
    for (const event of events) event.subject = subject;
    if (!isNew) return events;
    const { tenant, partitionKey } = events[0]!;
    return [this.#subjects.declaration(tenant, stream, subject, partitionKey), ...events];
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

/** xxHash64 of tenant and stream name, kept for as many streams as are written in turns. */
class PartitionKeys {
  /** By scopedKey. */
  readonly #keys = new Map<string, bigint>();
  /** Tenant (u32), then the name with the room writeUtf8 wants. */
  readonly #bytes = new Uint8Array(TENANT_BYTES + 3 * STREAM_NAME_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);

  of(tenant: TenantId, stream: StreamName): bigint {
    const name = scopedKey(tenant, stream);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    this.#view.setUint32(0, tenant, true);
    const end = writeUtf8(this.#bytes, TENANT_BYTES, stream);
    const key = xxh64(this.#bytes.subarray(0, end));
    if (this.#keys.size >= PARTITION_KEYS_MAX) this.#keys.clear();
    this.#keys.set(name, key);
    return key;
  }
}
