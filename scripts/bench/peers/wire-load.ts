/**
 * A load generator for peers without a good one of their own: some connections, on each a fixed number of requests under
 * way, answered ones replaced at once and in one write. What a request is and how an answer looks is the peer's dialect.
 */
import { connect, type Socket } from 'node:net';

/** One connection's side of a protocol. */
export interface Dialect {
  /** What to say first. */
  readonly greeting: () => Buffer;
  /** True once greeted: requests may follow. */
  readonly ready: () => boolean;
  /** Bytes of the next `count` requests. They are sent before this is called again. */
  readonly requests: (count: number) => Buffer;
  /** Requests completely answered by this chunk. Errors: whatever the peer refused with. */
  readonly answered: (chunk: Buffer) => number;
  /** Bytes owed to the peer whatever the load: replies to pings, flow control. Null when there are none. */
  readonly owed: () => Buffer | null;
}

const ANSWER_MILLIS = 20_000;

export class WireLoad {
  readonly #links: readonly WireLink[];

  private constructor(links: readonly WireLink[]) {
    this.#links = links;
  }

  static async open(port: number, clients: number, dialect: () => Dialect): Promise<WireLoad> {
    const links = Array.from({ length: clients }, () => new WireLink(port, dialect()));
    await Promise.all(links.map((link) => link.greeted));
    return new WireLoad(links);
  }

  /** Requests answered per second. */
  async run(seconds: number, inFlight: number): Promise<number> {
    const began = performance.now();
    const until = began + seconds * 1000;
    const answered = await Promise.all(this.#links.map((link) => link.run(until, inFlight)));
    return (answered.reduce((sum, each) => sum + each, 0) / (performance.now() - began)) * 1000;
  }

  close(): void {
    for (const link of this.#links) link.close();
  }
}

class WireLink {
  readonly greeted: Promise<void>;
  readonly #dialect: Dialect;
  readonly #socket: Socket;
  #greet: { resolve: () => void; reject: (error: Error) => void } | null = null;
  #slice: { until: number; under: number; answered: number; settle: (error: Error | null) => void } | null =
    null;

  constructor(port: number, dialect: Dialect) {
    this.#dialect = dialect;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.greeted = new Promise((resolve, reject) => {
      this.#greet = { resolve, reject };
    });
    this.#socket.on('connect', () => this.#socket.write(dialect.greeting()));
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error('the peer closed the connection')));
  }

  /** Keeps `inFlight` requests under way until the time is over; returns how many were answered. */
  run(until: number, inFlight: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(
        () => this.#fail(new Error('the peer stopped answering')),
        until - performance.now() + ANSWER_MILLIS,
      );
      const slice = {
        until,
        under: inFlight,
        answered: 0,
        settle: (error: Error | null) => {
          clearTimeout(late);
          this.#slice = null;
          if (error === null) resolve(slice.answered);
          else reject(error);
        },
      };
      this.#slice = slice;
      this.#socket.write(this.#dialect.requests(inFlight));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    try {
      const answered = this.#dialect.answered(chunk);
      const owed = this.#dialect.owed();
      if (owed !== null) this.#socket.write(owed);
      if (this.#greet !== null && this.#dialect.ready()) {
        this.#greet.resolve();
        this.#greet = null;
      }
      if (answered > 0) this.#replace(answered);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #replace(answered: number): void {
    const slice = this.#slice;
    if (slice === null) throw new Error('an answer to nothing');
    slice.answered += answered;
    if (performance.now() < slice.until) {
      this.#socket.write(this.#dialect.requests(answered));
      return;
    }
    slice.under -= answered;
    if (slice.under === 0) slice.settle(null);
  }

  #fail(error: Error): void {
    this.#greet?.reject(error);
    this.#greet = null;
    this.#slice?.settle(error);
    this.#socket.destroy();
  }
}
