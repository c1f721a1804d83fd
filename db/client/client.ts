/**
 * A connection to a TruthDB server that a program can hold for as long as it runs: requests are pipelined, a broken
 * connection is opened again, and what had not been answered is sent again. That is safe for appends because event ids
 * are fixed before the first attempt and the server answers a repeated append as it did the first time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import {
  type Address,
  type ByteReader,
  type ByteWriter,
  decodeAppended,
  decodeError,
  decodeJson,
  decodePage,
  encodeAppend,
  encodeCredit,
  encodeEmpty,
  encodeJson,
  encodeReadAll,
  encodeReadStream,
  encodeSubscribe,
  FRAME_HEADER,
  KIND,
  SUBSCRIPTION_CREDIT_DEFAULT,
  type Welcome,
} from '../protocol/index.ts';
import type {
  AppendRequest,
  AppendResult,
  EventPage,
  ExpectedRevision,
  StreamName,
} from '../streams/event.ts';
import { type Sequence, sequence } from '../types.ts';
import { Connection } from './connection.ts';
import { draftOf, Event, type NewEvent } from './events.ts';
import { Subscription } from './subscription.ts';

export interface ClientOptions {
  /** How long one request may take, reconnects and retries included. Default 30,000. */
  readonly timeoutMillis?: number;
  /** How long opening a connection may take. Default 10,000. */
  readonly connectMillis?: number;
  /** Whether a broken connection is opened again. Default true. */
  readonly reconnect?: boolean;
}

export interface AppendOptions {
  /** Default `any`. A number: the stream's last revision must be exactly that. */
  readonly expected?: 'any' | 'none' | 'exists' | number;
  /** `applied` (default): a read that follows sees the events. `durable`: they are on disk. */
  readonly ack?: 'applied' | 'durable';
  readonly durability?: 'async' | 'sync' | 'group_sync';
}

export interface ReadOptions {
  /** Default `forwards`. */
  readonly direction?: 'forwards' | 'backwards';
  /** Revision (of a stream) or position (of the log), inclusive. Default: the start, or backwards the end. */
  readonly from?: number;
  /** Most events to read; default all. */
  readonly limit?: number;
}

export interface SubscribeOptions {
  /** Position; events after it are delivered. Default 0, everything. `now`: only what comes from here on. */
  readonly after?: number | 'now';
  readonly stream?: string;
  /** Bytes the server may send ahead of the consumer. Default 1 MiB. */
  readonly credit?: number;
}

/** A page as read: `next` is where to go on, `end` says that there was nothing more at that moment. */
export interface EventsPage {
  readonly events: readonly Event[];
  readonly end: boolean;
  readonly next: number;
}

interface Pending {
  readonly encode: (out: ByteWriter, request: number) => void;
  readonly settle: (kind: number, body: ByteReader) => void;
  readonly reject: (error: TruthError) => void;
  readonly deadline: number;
}

interface Subscribed {
  readonly subscription: Subscription;
  readonly stream: StreamName | null;
}

const PAGE_EVENTS = 1000;
const REQUEST_MAX = 0xffff_ffff;
const RECONNECT_MILLIS_MIN = 20;
const RECONNECT_MILLIS_MAX = 2000;
const SWEEP_MILLIS = 100;
/** After these the same attempt would only fail again. */
const FATAL = new Set(['UNAUTHENTICATED', 'UNSUPPORTED_VERSION', 'FORBIDDEN', 'PROTOCOL', 'TOO_LARGE']);

export class Client {
  readonly #address: Address;
  readonly #timeoutMillis: number;
  readonly #connectMillis: number;
  readonly #reconnect: boolean;
  readonly #pending = new Map<number, Pending>();
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #sweeper: NodeJS.Timeout;
  #connection: Connection | null = null;
  #welcome: Welcome | null = null;
  #lastRequest = 1;
  #ended: TruthError | null = null;

  /** Use `connect`. */
  constructor(address: Address, options: ClientOptions) {
    this.#address = address;
    this.#timeoutMillis = options.timeoutMillis ?? 30_000;
    this.#connectMillis = options.connectMillis ?? 10_000;
    this.#reconnect = options.reconnect ?? true;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MILLIS);
    this.#sweeper.unref();
  }

  /** What the server said of itself: versions, limits, identity of the log. */
  get server(): Welcome {
    if (this.#welcome === null) throw new TruthError('CONNECTION', 'not connected yet');
    return this.#welcome;
  }

  /** Opens the first connection. Errors as `connect`. */
  async open(): Promise<void> {
    try {
      await this.#openConnection();
    } catch (error) {
      this.#end(error as TruthError);
      throw error;
    }
  }

  /**
   * Appends events to a stream, all or none.
   * Errors: WRONG_EXPECTED_REVISION (details.actual), EVENT_ID_CONFLICT, INVALID_ARGUMENT, TOO_LARGE, DISK_FULL,
   * WRITER_FAILED, FORBIDDEN; TIMEOUT and CONNECTION leave open whether it was done.
   */
  async append(
    stream: string,
    events: NewEvent | readonly NewEvent[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    const list = Array.isArray(events) ? (events as readonly NewEvent[]) : [events as NewEvent];
    return this.appendDrafts({
      stream: stream as StreamName,
      expected: (options.expected ?? 'any') as ExpectedRevision,
      events: list.map(draftOf),
      ack: options.ack ?? 'applied',
      ...(options.durability === undefined ? {} : { durability: options.durability }),
    });
  }

  /** As `append`, for who has ids and bytes ready; they must stay as they are until it is answered. */
  appendDrafts(append: AppendRequest): Promise<AppendResult> {
    return this.#withPatience((deadline) =>
      this.#request(
        deadline,
        KIND.APPENDED,
        (out, request) => encodeAppend(out, request, append),
        (body) => decodeAppended(body, append.stream),
      ),
    );
  }

  /** The events of a stream, page by page as they are consumed. Errors: NOT_FOUND. */
  readStream(stream: string, options: ReadOptions = {}): AsyncIterableIterator<Event> {
    return this.#pages(options, (page) => this.readStreamPage(stream, page));
  }

  /** The events of all streams in the order of the log. */
  readAll(options: ReadOptions = {}): AsyncIterableIterator<Event> {
    return this.#pages(options, (page) => this.readAllPage(page));
  }

  async *#pages(
    options: ReadOptions,
    read: (page: ReadOptions) => Promise<EventsPage>,
  ): AsyncIterableIterator<Event> {
    const direction = options.direction ?? 'forwards';
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let from = options.from;
    while (left > 0) {
      const limit = Math.min(left, PAGE_EVENTS);
      const page = await read({ direction, limit, ...(from === undefined ? {} : { from }) });
      yield* page.events;
      left -= page.events.length;
      from = page.next;
      if (page.end) return;
    }
  }

  /** One page of a stream, at most 10,000 events. Errors: NOT_FOUND. */
  readStreamPage(stream: string, options: ReadOptions = {}): Promise<EventsPage> {
    const range = rangeOf(options);
    return this.#readPage((out, request) =>
      encodeReadStream(out, request, { stream: stream as StreamName, ...range }),
    );
  }

  /** One page of the log, at most 10,000 events. */
  readAllPage(options: ReadOptions = {}): Promise<EventsPage> {
    const range = rangeOf(options);
    return this.#readPage((out, request) => encodeReadAll(out, request, range));
  }

  #readPage(encode: Pending['encode']): Promise<EventsPage> {
    return this.#withPatience((deadline) =>
      this.#request(deadline, KIND.PAGE, encode, (body) => {
        const page: EventPage = decodePage(body);
        return { ...page, events: page.events.map((event) => new Event(event)) };
      }),
    );
  }

  /**
   * Events after a position: those there, then those to come, in order, each once. Iterate over it; break or `close()`
   * ends it. It outlives reconnects. Errors while iterating: FORBIDDEN, PRUNED, GAP, CORRUPT, UNAUTHENTICATED, CLOSED.
   */
  async subscribe(options: SubscribeOptions = {}): Promise<Subscription> {
    this.#throwIfEnded();
    const after = options.after === 'now' ? await this.#lastPosition() : sequence(options.after ?? 0);
    const request = this.#nextRequest();
    const subscription = new Subscription(after, options.credit ?? SUBSCRIPTION_CREDIT_DEFAULT, {
      credit: (bytes) => this.#send((out) => encodeCredit(out, request, bytes)),
      cancel: () => {
        this.#subscribed.delete(request);
        this.#send((out) => encodeEmpty(out, KIND.CANCEL, request));
      },
    });
    const subscribed = { subscription, stream: (options.stream ?? null) as StreamName | null };
    this.#send((out) => startSubscription(out, request, subscribed));
    this.#subscribed.set(request, subscribed);
    return subscription;
  }

  async #lastPosition(): Promise<Sequence> {
    const { events } = await this.readAllPage({ direction: 'backwards', limit: 1 });
    return sequence(events[0]?.position ?? 0);
  }

  /** State of the server as plain data. */
  status(): Promise<Record<string, unknown>> {
    return this.#plain((out, request) => encodeEmpty(out, KIND.STATUS, request));
  }

  /** Administration of tokens, for operators. Errors: FORBIDDEN, NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT. */
  administer(command: object): Promise<Record<string, unknown>> {
    return this.#plain((out, request) => encodeJson(out, KIND.ADMIN, request, command));
  }

  /** Time until the server answers, in milliseconds. */
  async ping(): Promise<number> {
    const startedAt = performance.now();
    const deadline = startedAt + this.#timeoutMillis;
    await this.#request(
      deadline,
      KIND.SERVER_PONG,
      (out, request) => encodeEmpty(out, KIND.PING, request),
      () => undefined,
    );
    return performance.now() - startedAt;
  }

  #plain(encode: Pending['encode']): Promise<Record<string, unknown>> {
    return this.#request(performance.now() + this.#timeoutMillis, KIND.REPLY, encode, decodeJson);
  }

  /** Waits for what is in flight, then closes. Subscriptions end without an error. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    for (const { subscription } of [...this.#subscribed.values()]) subscription.close();
    while (this.#pending.size > 0) await sleep(1);
    this.#end(new TruthError('CLOSED', 'this client has been closed'));
  }

  /** Runs again when the server is busy, after the delay it asks for, until the deadline. */
  async #withPatience<Result>(attempt: (deadline: number) => Promise<Result>): Promise<Result> {
    const deadline = performance.now() + this.#timeoutMillis;
    while (true) {
      try {
        return await attempt(deadline);
      } catch (error) {
        if (!(error instanceof TruthError) || error.code !== 'BUSY') throw error;
        const { retryAfterMillis } = error.details;
        const delay = typeof retryAfterMillis === 'number' ? retryAfterMillis : RECONNECT_MILLIS_MIN;
        if (performance.now() + delay > deadline) throw error;
        await sleep(delay * (1 + Math.random()));
      }
    }
  }

  #request<Result>(
    deadline: number,
    answer: number,
    encode: Pending['encode'],
    decode: (body: ByteReader) => Result,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#throwIfEnded();
      const request = this.#nextRequest();
      const settle = (kind: number, body: ByteReader): void => {
        if (kind === answer) resolve(decode(body));
        else if (kind === KIND.ERROR) reject(decodeError(body));
        else throw new TruthError('PROTOCOL', `request ${request} was answered by a frame of kind ${kind}`);
      };
      // Encoding first: what cannot be said is refused before it is anybody's.
      this.#send((out) => this.#encodeWithin(out, request, encode));
      this.#pending.set(request, { encode, settle, reject, deadline });
    });
  }

  #encodeWithin(out: ByteWriter, request: number, encode: Pending['encode']): void {
    const start = out.length;
    encode(out, request);
    const bytes = out.length - start - FRAME_HEADER.bytes;
    const limit = this.server.bodyBytesMax;
    if (bytes <= limit) return;
    out.rewind(start);
    throw new TruthError(
      'TOO_LARGE',
      `the request takes ${bytes} bytes; this server takes ${limit}. Send fewer or smaller events at once`,
      { bytes, limit },
    );
  }

  #send(encode: (out: ByteWriter) => void): void {
    const connection = this.#connection;
    // Between connections nothing is written: requests and subscriptions are sent when the next one is open.
    if (connection === null) return;
    encode(connection.out);
    connection.schedule();
  }

  #nextRequest(): number {
    do this.#lastRequest = this.#lastRequest === REQUEST_MAX ? 2 : this.#lastRequest + 1;
    while (this.#pending.has(this.#lastRequest) || this.#subscribed.has(this.#lastRequest));
    return this.#lastRequest;
  }

  async #openConnection(): Promise<void> {
    const { connection, welcome } = await Connection.open({
      address: this.#address,
      connectMillis: this.#connectMillis,
      onFrame: (kind, request, body) => this.#receive(kind, request, body),
      onClosed: (reason) => this.#lost(reason),
    });
    if (this.#ended !== null) {
      connection.end();
      return;
    }
    if (this.#welcome !== null && !sameBytes(this.#welcome.logId, welcome.logId)) {
      connection.end();
      throw new TruthError(
        'PROTOCOL',
        'the server at this address now has another log than the one connected to before',
      );
    }
    this.#welcome = welcome;
    this.#connection = connection;
    for (const [request, { encode }] of this.#pending) this.#send((out) => encode(out, request));
    for (const [request, subscribed] of this.#subscribed)
      this.#send((out) => startSubscription(out, request, subscribed));
  }

  #receive(kind: number, request: number, body: ByteReader): void {
    const pending = this.#pending.get(request);
    if (pending !== undefined) {
      this.#pending.delete(request);
      pending.settle(kind, body);
      return;
    }
    // An answer to what has timed out or was cancelled meanwhile is nobody's.
    const subscription = this.#subscribed.get(request)?.subscription;
    if (subscription === undefined) return;
    if (kind === KIND.EVENTS) {
      const bytes = body.remaining + FRAME_HEADER.bytes;
      subscription.deliver(decodePage(body), bytes);
      return;
    }
    this.#subscribed.delete(request);
    subscription.finish(kind === KIND.ERROR ? decodeError(body) : null);
  }

  #lost(reason: TruthError): void {
    this.#connection = null;
    if (this.#ended !== null) return;
    if (!this.#reconnect || FATAL.has(reason.code)) this.#end(reason);
    else void this.#openAgain(reason);
  }

  async #openAgain(reason: TruthError): Promise<void> {
    let delay = RECONNECT_MILLIS_MIN;
    while (this.#ended === null) {
      await sleep(delay * (0.5 + Math.random() / 2), undefined, { ref: this.#hasWork });
      try {
        await this.#openConnection();
        return;
      } catch (error) {
        const failure = error instanceof TruthError ? error : reason;
        if (FATAL.has(failure.code)) this.#end(failure);
      }
      delay = Math.min(delay * 2, RECONNECT_MILLIS_MAX);
    }
  }

  get #hasWork(): boolean {
    return this.#pending.size > 0 || this.#subscribed.size > 0;
  }

  #sweep(): void {
    const now = performance.now();
    for (const [request, { deadline, reject }] of this.#pending) {
      // Requests are kept in the order they were made, nearly that of their deadlines.
      if (deadline > now) return;
      this.#pending.delete(request);
      reject(
        new TruthError(
          'TIMEOUT',
          `no answer within ${this.#timeoutMillis} ms; whether it was done is unknown. Repeating an append with the ` +
            'same event ids is safe',
        ),
      );
    }
  }

  #throwIfEnded(): void {
    if (this.#ended !== null)
      throw new TruthError(this.#ended.code, this.#ended.message, this.#ended.details);
  }

  #end(reason: TruthError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    clearInterval(this.#sweeper);
    this.#connection?.end();
    this.#connection = null;
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
    for (const { subscription } of this.#subscribed.values()) subscription.finish(reason);
    this.#subscribed.clear();
  }
}

function rangeOf(options: ReadOptions) {
  return {
    direction: options.direction ?? 'forwards',
    from: options.from ?? null,
    limit: options.limit ?? PAGE_EVENTS,
  } as const;
}

function startSubscription(out: ByteWriter, request: number, subscribed: Subscribed): void {
  const { subscription, stream } = subscribed;
  const credit = subscription.startCredit();
  encodeSubscribe(out, request, { after: subscription.position, stream, credit });
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
