/**
 * A connection that outlives its connections: a broken one is opened again, and what had not been answered is sent again
 * on the new one. That is safe for appends because their event ids are fixed before the first attempt and the server
 * answers a repeated append as it did the first time; reads change nothing; subscriptions go on behind the last event.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import {
  type Address,
  type ByteReader,
  type ByteWriter,
  decodeError,
  decodePage,
  encodeSubscribe,
  FRAME_HEADER,
  KIND,
  type Welcome,
} from '../protocol/index.ts';
import type { StreamName } from '../streams/event.ts';
import { Connection } from './connection.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Subscription } from './subscription.ts';

export interface LinkOptions {
  readonly address: Address;
  /** How long a request may take, reconnects included. */
  readonly timeoutMillis: number;
  readonly connectMillis: number;
  readonly reconnect: boolean;
  /** Called each time a broken connection has been opened again. */
  readonly reopened: () => void;
}

export type Encode = (out: ByteWriter, request: number) => void;

/** A request whose answer may come in several frames. */
export interface Exchange<Result> {
  readonly deadline: number;
  readonly encode: Encode;
  /** Takes one frame of the answer; null while there is more to come. */
  readonly take: (kind: number, body: ByteReader) => { readonly result: Result } | null;
  /** False: never sent again; it is refused with CONNECTION when the connection it was sent on is lost. */
  readonly repeatable: boolean;
  /** Number of the connection it belongs to; null: whichever is open. */
  readonly connection: number | null;
  /** Told its request id, under which it can be cancelled. */
  readonly onSent?: (request: number) => void;
}

interface Pending {
  readonly encode: Encode;
  readonly settle: (kind: number, body: ByteReader) => 'done' | 'more';
  readonly reject: (error: TruthError) => void;
  readonly deadline: number;
  readonly repeatable: boolean;
}

interface Subscribed {
  readonly subscription: Subscription;
  readonly stream: StreamName | null;
}

/** 0 is for the connection itself, 1 for HELLO. */
const FIRST_REQUEST = 2;
const RECONNECT_MILLIS_MIN = 20;
const RECONNECT_MILLIS_MAX = 2000;
const SWEEP_MILLIS = 100;
/** After these the same attempt would only fail again. */
const FATAL = new Set(['UNAUTHENTICATED', 'UNSUPPORTED_VERSION', 'FORBIDDEN', 'PROTOCOL', 'TOO_LARGE']);

export class Link {
  readonly #options: LinkOptions;
  readonly #pending = new PendingRequests<Pending>(FIRST_REQUEST);
  readonly #subscribed = new Map<number, Subscribed>();
  readonly #sweeper: NodeJS.Timeout;
  #connection: Connection | null = null;
  #welcome: Welcome | null = null;
  #connections = 0;
  #ended: TruthError | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MILLIS);
    this.#sweeper.unref();
  }

  /** What the server said of itself when it was last connected to. */
  get welcome(): Welcome {
    if (this.#welcome === null) throw new TruthError('CONNECTION', 'not connected yet');
    return this.#welcome;
  }

  /** Which connection is open, counted from 1: what a server keeps for one is gone with the next. */
  get connectionNumber(): number {
    return this.#connections;
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** Opens the first connection. */
  async open(): Promise<void> {
    try {
      await this.#openConnection();
    } catch (error) {
      this.#end(error as TruthError);
      throw error;
    }
  }

  /** Sends a request and resolves with its decoded answer, which must be of kind `answer`. */
  request<Result>(
    deadline: number,
    answer: number,
    encode: Encode,
    decode: (body: ByteReader) => Result,
  ): Promise<Result> {
    const take = (kind: number, body: ByteReader) => {
      if (kind === answer) return { result: decode(body) };
      throw new TruthError('PROTOCOL', `a request was answered by a frame of kind ${kind}`);
    };
    return this.exchange({ deadline, encode, take, repeatable: true, connection: null });
  }

  /** As `request`, for answers of several frames and for what must not be sent twice. Errors: CONNECTION, and what is answered. */
  exchange<Result>(of: Exchange<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.throwIfEnded();
      if (of.connection !== null && (of.connection !== this.#connections || this.#connection === null)) {
        throw lostConnection();
      }
      const request = this.#nextRequest();
      const settle = (kind: number, body: ByteReader): 'done' | 'more' => {
        if (kind === KIND.ERROR) {
          reject(decodeError(body));
          return 'done';
        }
        const taken = of.take(kind, body);
        if (taken === null) return 'more';
        resolve(taken.result);
        return 'done';
      };
      const { encode, deadline, repeatable } = of;
      // Encoding first: what cannot be said is refused before it is anybody's.
      this.#send((out) => this.#encodeWithin(out, request, encode));
      this.#pending.add(request, { encode, settle, reject, deadline, repeatable });
      of.onSent?.(request);
    });
  }

  /** A request id for what is not answered. */
  freeRequest(): number {
    return this.#nextRequest();
  }

  /** Says something that is not answered, if a connection is open. */
  tell(encode: (out: ByteWriter) => void): void {
    if (this.#ended === null) this.#send(encode);
  }

  /** Starts a subscription; `create` is given the way to talk about it and makes the consumer's side. */
  subscribe(
    stream: StreamName | null,
    create: (port: { send(encode: Encode): void; forget(): void }) => Subscription,
  ): Subscription {
    this.throwIfEnded();
    const request = this.#nextRequest();
    const subscription = create({
      send: (encode) => this.#send((out) => encode(out, request)),
      forget: () => this.#subscribed.delete(request),
    });
    const subscribed = { subscription, stream };
    this.#send((out) => startSubscription(out, request, subscribed));
    this.#subscribed.set(request, subscribed);
    return subscription;
  }

  /** Ends at once, for a reason found outside; everything waiting hears it. */
  abandon(reason: TruthError): void {
    this.#end(reason);
  }

  /** Ends subscriptions, waits for what is in flight, closes. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    for (const { subscription } of [...this.#subscribed.values()]) subscription.close();
    while (this.#pending.size > 0) await sleep(1);
    this.#end(new TruthError('CLOSED', 'this client has been closed'));
  }

  throwIfEnded(): void {
    if (this.#ended !== null) {
      throw new TruthError(this.#ended.code, this.#ended.message, this.#ended.details);
    }
  }

  #encodeWithin(out: ByteWriter, request: number, encode: Encode): void {
    const start = out.length;
    encode(out, request);
    const bytes = out.length - start - FRAME_HEADER.bytes;
    const limit = this.welcome.bodyBytesMax;
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
    let request = this.#pending.nextNumber();
    while (this.#subscribed.has(request)) request = this.#pending.nextNumber();
    return request;
  }

  async #openConnection(): Promise<void> {
    const { connection, welcome } = await Connection.open({
      address: this.#options.address,
      connectMillis: this.#options.connectMillis,
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
    this.#connections += 1;
    for (const [request, { encode }] of this.#pending.inOrder()) this.#send((out) => encode(out, request));
    for (const [request, subscribed] of this.#subscribed) {
      this.#send((out) => startSubscription(out, request, subscribed));
    }
  }

  #receive(kind: number, request: number, body: ByteReader): void {
    const pending = this.#pending.take(request);
    if (pending !== null) {
      try {
        if (pending.settle(kind, body) === 'more') this.#pending.add(request, pending);
      } catch (error) {
        // The connection ends over it, and this request must not be the one nobody hears of again.
        pending.reject(error as TruthError);
        throw error;
      }
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
    for (const { reject } of this.#pending.takeWhere(({ repeatable }) => !repeatable))
      reject(lostConnection());
    if (this.#ended !== null) return;
    if (!this.#options.reconnect || FATAL.has(reason.code)) this.#end(reason);
    else void this.#openAgain(reason);
  }

  async #openAgain(reason: TruthError): Promise<void> {
    let delay = RECONNECT_MILLIS_MIN;
    while (this.#ended === null) {
      await sleep(delay * (0.5 + Math.random() / 2), undefined, { ref: this.#hasWork });
      try {
        await this.#openConnection();
        if (this.#ended === null) this.#options.reopened();
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
    for (const { reject } of this.#pending.takeWhere(({ deadline }) => deadline <= now)) {
      reject(
        new TruthError(
          'TIMEOUT',
          `no answer within ${this.#options.timeoutMillis} ms; whether it was done is unknown. ` +
            'Repeating an append with the same event ids is safe',
        ),
      );
    }
  }

  #end(reason: TruthError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    clearInterval(this.#sweeper);
    this.#connection?.end();
    this.#connection = null;
    for (const { reject } of this.#pending.takeWhere(() => true)) reject(reason);
    for (const { subscription } of this.#subscribed.values()) subscription.finish(reason);
    this.#subscribed.clear();
  }
}

function lostConnection(): TruthError {
  return new TruthError(
    'CONNECTION',
    'the connection was lost before the answer came: whether the statement was done is unknown; look before you repeat it',
  );
}

function startSubscription(out: ByteWriter, request: number, { subscription, stream }: Subscribed): void {
  const credit = subscription.startCredit();
  encodeSubscribe(out, request, { after: subscription.position, stream, credit });
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
