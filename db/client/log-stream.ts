/**
 * The log's own bytes from a server, over a connection of their own: frames wait here until they are asked for, never more
 * than the credit allows, and are handed out together with all that came meanwhile. It does not reconnect: only whoever
 * keeps the bytes knows where to go on.
 */
import { TruthError } from '../errors.ts';
import {
  type Address,
  type ByteReader,
  decodeError,
  decodeLogFrame,
  encodeCredit,
  encodeEmpty,
  encodeLogKept,
  encodeStreamLog,
  FRAME_HEADER,
  KIND,
  type LogFrame,
  PROTOCOL_VERSION_FOLLOWERS,
  type StreamLog,
  type Welcome,
} from '../protocol/index.ts';
import type { Sequence } from '../types.ts';
import { Connection, placeOf } from './connection.ts';

export interface LogStreamOptions {
  readonly address: Address;
  readonly from: StreamLog['from'];
  /** Name under which the server keeps the log for this receiver; an older server keeps nothing. */
  readonly follower?: string;
  /** Whether gaps are told in the stream rather than ending it; an older server does not tell. */
  readonly gaps?: boolean;
  /** Bytes the server may send ahead of the consumer. Default 4 MiB. */
  readonly window?: number;
  /** How long opening the connection may take. Default 10,000. */
  readonly connectMillis?: number;
  /** Silence after which the server is asked whether it lives, and again before it counts as gone. Default 10,000. */
  readonly silenceMillis?: number;
}

const WINDOW_DEFAULT = 4 * 1024 * 1024;
const REQUEST = 2;
/** How often the server hears at most what has been made durable. */
const KEPT_MILLIS = 500;
const CONNECT_MILLIS_DEFAULT = 10_000;
const SILENCE_MILLIS_DEFAULT = 10_000;

export class LogStream {
  readonly #address: Address;
  readonly #window: number;
  readonly #silenceMillis: number;
  #connection!: Connection;
  #welcome!: Welcome;
  #received: LogFrame[] = [];
  #receivedBytes = 0;
  /** Bytes consumed and not given back as credit. */
  #consumed = 0;
  #outcome: { readonly error: TruthError | null } | null = null;
  #wake: (() => void) | null = null;
  #heardAt = performance.now();
  #asked = false;
  #watch: NodeJS.Timeout | null = null;
  #named = false;
  #kept: Sequence | null = null;
  #keptTimer: NodeJS.Timeout | null = null;

  /** Errors: CONNECTION, TIMEOUT, UNAUTHENTICATED and what the server says at once. */
  static async open(options: LogStreamOptions): Promise<LogStream> {
    const stream = new LogStream(options);
    const { connection, welcome } = await Connection.open({
      address: options.address,
      connectMillis: options.connectMillis ?? CONNECT_MILLIS_DEFAULT,
      onFrame: (kind, request, body) => stream.#receive(kind, request, body),
      onClosed: (reason) => stream.#finish(reason),
    });
    stream.#begin(connection, welcome, options);
    return stream;
  }

  private constructor({ address, window, silenceMillis }: LogStreamOptions) {
    this.#address = address;
    this.#window = window ?? WINDOW_DEFAULT;
    this.#silenceMillis = silenceMillis ?? SILENCE_MILLIS_DEFAULT;
  }

  #begin(connection: Connection, welcome: Welcome, { from, follower, gaps }: LogStreamOptions): void {
    this.#connection = connection;
    this.#welcome = welcome;
    this.#watch = setInterval(() => this.#checkSilence(), this.#silenceMillis);
    const known = welcome.version >= PROTOCOL_VERSION_FOLLOWERS;
    this.#named = known && follower !== undefined;
    encodeStreamLog(connection.out, REQUEST, {
      from,
      credit: this.#window,
      follower: this.#named ? (follower ?? null) : null,
      gaps: known && gaps === true,
    });
    connection.schedule();
  }

  /** What the server said of itself. */
  get welcome(): Welcome {
    return this.#welcome;
  }

  /**
   * Everything that has come, at least one frame; null when the stream was closed here. What was handed out before counts
   * as consumed. Errors: PRUNED, FORKED, FORBIDDEN, CORRUPT, INVALID_ARGUMENT and those of the connection.
   */
  async next(): Promise<readonly LogFrame[] | null> {
    this.#giveCredit();
    while (this.#received.length === 0) {
      if (this.#outcome !== null) {
        if (this.#outcome.error !== null) throw this.#outcome.error;
        return null;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    const frames = this.#received;
    this.#consumed += this.#receivedBytes;
    this.#received = [];
    this.#receivedBytes = 0;
    return frames;
  }

  /** Everything up to there is on disk here: the server need not keep it for this follower. Told now and then. */
  kept(sequence: Sequence): void {
    if (!this.#named || this.#outcome !== null) return;
    this.#kept = sequence;
    this.#keptTimer ??= setTimeout(() => this.#tellKept(), KEPT_MILLIS);
  }

  close(): void {
    if (this.#outcome !== null) return;
    this.#tellKept();
    encodeEmpty(this.#connection.out, KIND.CANCEL, REQUEST);
    this.#received = [];
    this.#finish(null);
    this.#connection.end();
  }

  #receive(kind: number, request: number, body: ByteReader): void {
    this.#heardAt = performance.now();
    this.#asked = false;
    if (request !== REQUEST || this.#outcome !== null) return;
    if (kind === KIND.ERROR) {
      this.#finish(decodeError(body));
      this.#connection.end();
      return;
    }
    const bytes = body.remaining + FRAME_HEADER.bytes;
    const frame = decodeLogFrame(kind, body);
    if (frame === null) {
      if (kind === KIND.SERVER_PONG) return;
      throw new TruthError('PROTOCOL', `a stream of the log was answered by a frame of kind ${kind}`);
    }
    this.#received.push(frame);
    this.#receivedBytes += bytes;
    this.#wake?.();
  }

  #tellKept(): void {
    if (this.#keptTimer !== null) clearTimeout(this.#keptTimer);
    this.#keptTimer = null;
    if (this.#kept === null || this.#outcome !== null) return;
    encodeLogKept(this.#connection.out, REQUEST, this.#kept);
    this.#connection.schedule();
    this.#kept = null;
  }

  /** Half a window at a time: a frame for every frame would cost more than it tells. */
  #giveCredit(): void {
    const bytes = this.#consumed;
    if (bytes * 2 < this.#window || this.#outcome !== null) return;
    this.#consumed = 0;
    encodeCredit(this.#connection.out, REQUEST, bytes);
    this.#connection.schedule();
  }

  /** A machine that lost its power closes nothing. */
  #checkSilence(): void {
    if (performance.now() - this.#heardAt < this.#silenceMillis) return;
    if (this.#asked) {
      this.#finish(new TruthError('TIMEOUT', `${placeOf(this.#address)} has gone silent`));
      this.#connection.end();
      return;
    }
    this.#asked = true;
    encodeEmpty(this.#connection.out, KIND.PING, REQUEST);
    this.#connection.schedule();
  }

  #finish(error: TruthError | null): void {
    if (this.#outcome !== null) return;
    this.#outcome = { error };
    if (this.#watch !== null) clearInterval(this.#watch);
    if (this.#keptTimer !== null) clearTimeout(this.#keptTimer);
    this.#wake?.();
  }
}
