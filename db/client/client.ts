/** What a program does with a TruthDB server: append, read, subscribe. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TruthError } from '../errors.ts';
import {
  type Address,
  decodeAppended,
  decodeJson,
  decodePage,
  encodeAppend,
  encodeCredit,
  encodeEmpty,
  encodeJson,
  encodeReadAll,
  encodeReadStream,
  KIND,
  PROTOCOL_VERSION_SUBJECTS,
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
import type { CheckpointGuard } from './checkpoint-guard.ts';
import { draftOf, Event, type NewEvent } from './events.ts';
import { type Encode, Link } from './link.ts';
import type { QueryResult } from './query-result.ts';
import { RankingClient } from './ranking-client.ts';
import {
  type Queries,
  type QueryOptions,
  type QuerySession,
  SqlClient,
  type TransactionOptions,
} from './sql-client.ts';
import type { SqlInput } from './sql-values.ts';
import { Subscription } from './subscription.ts';

export interface ClientOptions {
  /** How long one request may take, reconnects and retries included. Default 30,000. */
  readonly timeoutMillis?: number;
  /** How long opening a connection may take. Default 10,000. */
  readonly connectMillis?: number;
  /** Whether a broken connection is opened again. Default true. */
  readonly reconnect?: boolean;
  /**
   * Refuses a server whose signed history does not extend the one it has seen: asked when the client opens, before anything
   * else is, and again after each reconnect, where a refusal ends the client. Default: nobody asks.
   */
  readonly guard?: CheckpointGuard;
}

export interface AppendOptions {
  /** Default `any`. A number: the stream's last revision must be exactly that. */
  readonly expected?: 'any' | 'none' | 'exists' | number;
  /** `applied` (default): a read that follows sees the events. `durable`: they are on disk. */
  readonly ack?: 'applied' | 'durable';
  readonly durability?: 'async' | 'sync' | 'group_sync';
  /**
   * The person the stream is about, 1 to 256 characters: said with its first event, in encrypted tenants only. Everything
   * about them can be erased then.
   */
  readonly subject?: string;
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

const PAGE_EVENTS = 1000;
/** Between attempts when a server is busy and does not say for how long. */
const BUSY_MILLIS = 20;

export class Client implements Queries {
  /** Items, users and signals, and what is best for whom. */
  readonly ranking: RankingClient;
  readonly #link: Link;
  readonly #sql: SqlClient;
  readonly #timeoutMillis: number;
  readonly #guard: CheckpointGuard | null;

  /** Use `connect`. */
  constructor(address: Address, options: ClientOptions) {
    this.#timeoutMillis = options.timeoutMillis ?? 30_000;
    this.#guard = options.guard ?? null;
    this.#link = new Link({
      address,
      timeoutMillis: this.#timeoutMillis,
      connectMillis: options.connectMillis ?? 10_000,
      reconnect: options.reconnect ?? true,
      reopened: () => this.#checkAgain(),
    });
    this.#sql = new SqlClient(this.#link, this.#timeoutMillis);
    this.ranking = new RankingClient(this.#link, this.#timeoutMillis);
  }

  /** Opens the first connection. Errors as `connect`. */
  async open(): Promise<void> {
    await this.#link.open();
    try {
      await this.#guard?.check(this);
    } catch (error) {
      this.#link.abandon(error as TruthError);
      throw error;
    }
  }

  /** Another history than before ends the client; a server that cannot say is asked the next time. */
  #checkAgain(): void {
    this.#guard?.check(this).catch((error: unknown) => {
      const refused = error instanceof TruthError && (error.code === 'FORKED' || error.code === 'CORRUPT');
      if (refused) this.#link.abandon(error);
    });
  }

  /** What the server said of itself: versions, limits, identity of the log. */
  get server(): Welcome {
    return this.#link.welcome;
  }

  /**
   * Appends events to a stream, all or none.
   * Errors: WRONG_EXPECTED_REVISION (details.actual), EVENT_ID_CONFLICT, INVALID_ARGUMENT, TOO_LARGE, DISK_FULL,
   * WRITER_FAILED, FORBIDDEN, UNSUPPORTED_VERSION (a subject, and an older server); TIMEOUT and CONNECTION leave open whether it was done.
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
      subject: options.subject ?? null,
      ...(options.durability === undefined ? {} : { durability: options.durability }),
    });
  }

  /** As `append`, for who has ids and bytes ready; they must stay as they are until it is answered. */
  async appendDrafts(append: AppendRequest): Promise<AppendResult> {
    if ((append.subject ?? null) !== null) this.#checkKnowsSubjects();
    return this.#withPatience((deadline) =>
      this.#link.request(
        deadline,
        KIND.APPENDED,
        (out, request) => encodeAppend(out, request, append),
        (body) => decodeAppended(body, append.stream),
      ),
    );
  }

  #checkKnowsSubjects(): void {
    const { version } = this.#link.welcome;
    if (version >= PROTOCOL_VERSION_SUBJECTS) return;
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `the server speaks version ${version} of the protocol; naming whom a stream is about needs ${PROTOCOL_VERSION_SUBJECTS}: update the server`,
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

  #readPage(encode: Encode): Promise<EventsPage> {
    return this.#withPatience((deadline) =>
      this.#link.request(deadline, KIND.PAGE, encode, (body) => {
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
    this.#link.throwIfEnded();
    const after = options.after === 'now' ? await this.#lastPosition() : sequence(options.after ?? 0);
    const window = options.credit ?? SUBSCRIPTION_CREDIT_DEFAULT;
    return this.#link.subscribe(
      (options.stream ?? null) as StreamName | null,
      (port) =>
        new Subscription(after, window, {
          credit: (bytes) => port.send((out, request) => encodeCredit(out, request, bytes)),
          cancel: () => {
            port.forget();
            port.send((out, request) => encodeEmpty(out, KIND.CANCEL, request));
          },
        }),
    );
  }

  async #lastPosition(): Promise<Sequence> {
    const { events } = await this.readAllPage({ direction: 'backwards', limit: 1 });
    return sequence(events[0]?.position ?? 0);
  }

  /**
   * A statement with values in it: db.sql`SELECT * FROM orders WHERE id = ${id}`. The values are sent beside the text, never
   * as part of it. A server that is busy has done nothing: it is asked again. Errors carry `details.sqlstate`; CONNECTION and TIMEOUT leave open whether a statement was done.
   */
  sql<R = Readonly<Record<string, unknown>>>(
    strings: TemplateStringsArray,
    ...values: SqlInput[]
  ): Promise<QueryResult<R>> {
    return this.#withPatience(() => this.#sql.sql<R>(strings, ...values));
  }

  /** A statement with `$1`, `$2` … for its parameters; several without parameters. Errors as `sql`. */
  query<R = Readonly<Record<string, unknown>>>(
    text: string,
    parameters: readonly SqlInput[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    return this.#withPatience(() => this.#sql.query<R>(text, parameters, options));
  }

  /** A SELECT as of a position in the log or a moment. Errors as `sql`; beyond the last commit it is refused. */
  queryAt<R = Readonly<Record<string, unknown>>>(
    at: number | Date,
    text: string,
    parameters: readonly SqlInput[] = [],
    options: QueryOptions = {},
  ): Promise<QueryResult<R>> {
    return this.#withPatience(() => this.#sql.queryAt<R>(at, text, parameters, options));
  }

  /**
   * Runs `work` in one transaction, on its own session of this connection, and commits. When what it read was changed by
   * others meanwhile (SQLSTATE 40001) nothing was done, and `work` runs again: it must not do anything but talk to `tx`.
   */
  transaction<Result>(
    work: (tx: Queries) => Promise<Result>,
    options: TransactionOptions = {},
  ): Promise<Result> {
    return this.#sql.transaction(work, options);
  }

  /** A conversation with its own BEGIN and COMMIT, on the connection that is open now. */
  session(): QuerySession {
    return this.#sql.session();
  }

  /** State of the server as plain data. */
  status(): Promise<Record<string, unknown>> {
    return this.#plain((out, request) => encodeEmpty(out, KIND.STATUS, request));
  }

  /**
   * Administration of tokens and snapshots, for operators; some commands take longer than other requests.
   * Errors: FORBIDDEN, NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT.
   */
  administer(command: object, timeoutMillis = this.#timeoutMillis): Promise<Record<string, unknown>> {
    return this.#plain((out, request) => encodeJson(out, KIND.ADMIN, request, command), timeoutMillis);
  }

  #plain(encode: Encode, timeoutMillis = this.#timeoutMillis): Promise<Record<string, unknown>> {
    return this.#link.request(performance.now() + timeoutMillis, KIND.REPLY, encode, decodeJson);
  }

  /** Time until the server answers, in milliseconds. */
  async ping(): Promise<number> {
    const startedAt = performance.now();
    await this.#link.request(
      this.#deadline(),
      KIND.SERVER_PONG,
      (out, request) => encodeEmpty(out, KIND.PING, request),
      () => undefined,
    );
    return performance.now() - startedAt;
  }

  /** Waits for what is in flight, then closes. Subscriptions end without an error. */
  close(): Promise<void> {
    return this.#link.close();
  }

  #deadline(): number {
    return performance.now() + this.#timeoutMillis;
  }

  /** Runs again when the server is busy, after the delay it asks for, until the deadline. */
  #withPatience<Result>(attempt: (deadline: number) => Promise<Result>): Promise<Result> {
    const deadline = this.#deadline();
    const again = async (error: unknown): Promise<Result> => {
      if (!(error instanceof TruthError) || error.code !== 'BUSY') throw error;
      const { retryAfterMillis } = error.details;
      const delay = typeof retryAfterMillis === 'number' ? retryAfterMillis : BUSY_MILLIS;
      if (performance.now() + delay > deadline) throw error;
      // Spread out, so that all who were refused together do not come back together.
      await sleep(delay * (1 + Math.random()));
      return attempt(deadline).catch(again);
    };
    return attempt(deadline).catch(again);
  }
}

function rangeOf(options: ReadOptions) {
  return {
    direction: options.direction ?? 'forwards',
    from: options.from ?? null,
    limit: options.limit ?? PAGE_EVENTS,
  } as const;
}
