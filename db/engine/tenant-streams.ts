/**
 * The streams of one tenant, and the one place that ties a caller to a tenant: whoever holds this can name any stream,
 * position or event id and only ever meets the tenant's own. Requests carry no tenant.
 */
import { TruthError } from '../errors.ts';
import type { AppendRequest, AppendResult, EventPage, RecordedEvent } from '../kernel/event.ts';
import { followAll, followStream, type SubscriptionSource } from '../streams/index.ts';
import type { Sequence, TenantId } from '../types.ts';
import type {
  AppendSettled,
  ReadAllRequest,
  ReadStreamRequest,
  Streams,
  SubscribeRequest,
} from './contract.ts';
import { settleSoon } from './pending-replies.ts';
import { asError } from './waiting-appends.ts';

/** What the database lends its tenants. */
export interface StreamsHost {
  readonly closing: AbortSignal;
  /** Sequence the next entry gets. */
  readonly next: Sequence;
  /** Errors: CLOSED. */
  checkOpen(): void;
  /** Errors: VIEW_UNAVAILABLE, which begins with `consequence`. */
  checkIndex(consequence: string): void;
  /** Decides an append that may be written. Errors: those of `Streams.append`. */
  append(tenant: TenantId, request: AppendRequest, settled: AppendSettled): void;
}

export class TenantStreams implements Streams {
  readonly #host: StreamsHost;
  readonly #source: SubscriptionSource;

  constructor(host: StreamsHost, source: SubscriptionSource) {
    this.#host = host;
    this.#source = source;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.submit(request, (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
    });
  }

  submit(request: AppendRequest, settled: AppendSettled): void {
    try {
      this.#host.append(this.#source.tenant, request, settled);
    } catch (error) {
      settleSoon(settled, asError(error));
    }
  }

  async readStream(request: ReadStreamRequest): Promise<EventPage> {
    this.#host.checkOpen();
    this.#host.checkIndex('streams cannot be read');
    return this.#source.reader.readStream({ ...request, tenant: this.#source.tenant });
  }

  async readAll(request: ReadAllRequest): Promise<EventPage> {
    this.#host.checkOpen();
    return this.#source.reader.readAll({ ...request, tenant: this.#source.tenant });
  }

  async *subscribe(request: SubscribeRequest): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
    const { from, stream, signal } = request;
    this.#host.checkOpen();
    if (from >= this.#host.next) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `position ${from} lies after the end of this log (${this.#host.next - 1}): it was read from another log, or from commits this one has lost`,
        { position: from },
      );
    }
    if (stream !== undefined) this.#host.checkIndex('streams cannot be read');
    const { closing } = this.#host;
    const end = AbortSignal.any(signal === undefined ? [closing] : [closing, signal]);
    yield* stream === undefined
      ? followAll(this.#source, from, end)
      : followStream(this.#source, stream, from, end);
    if (signal?.aborted !== true) this.#host.checkOpen();
  }
}
