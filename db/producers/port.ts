/** The ordering thread's end of all producers: takes from them in turns, a bounded amount at a time, and sleeps between. */
import { TruthError } from '../errors.ts';
import { type Bell, WAKE } from './bell.ts';
import {
  checkWithin,
  createHandle,
  createPortBell,
  type HandleOptions,
  PORT_STATE,
  type ProducerHandle,
  portBellOf,
} from './handle.ts';
import { type Admission, ServedProducer, type SubmittingEngine } from './served-producer.ts';

/** What is taken in one turn of the event loop, so that sockets and timers get theirs: a few milliseconds of work. */
const TURN_REQUESTS = 512;
const TURN_BYTES = 1024 * 1024;
const UNDER_WAY_BYTES_DEFAULT = 32 * 1024 * 1024;
const UNDER_WAY_BYTES_MAX = 1024 * 1024 * 1024;
/** Each takes gigabytes of addresses, though not of memory; a process has some 16,000 times as many. */
const PRODUCERS_MAX = 4096;

export interface ProducerPortOptions {
  /** Bytes of appends of all producers together that may be under way in the engine; beyond, they stay in their queues. 32 MiB. */
  readonly bytesUnderWayMax?: number;
}

export interface ProducerPortStatus {
  /** Handles given out and not released. */
  readonly producers: number;
  /** Appends that wait in the producers' queues. */
  readonly queued: number;
  /** Appends taken and not answered. */
  readonly underWay: number;
  readonly bytesUnderWay: number;
  readonly bytesUnderWayMax: number;
}

/** A thread whose end can be heard of, as a Worker. */
export interface EndingThread {
  once(event: 'exit', listener: () => void): unknown;
}

export class ProducerPort {
  readonly #engine: SubmittingEngine;
  readonly #admission: ByteAdmission;
  readonly #bellMemory = createPortBell();
  readonly #bell: Bell = portBellOf(this.#bellMemory);
  #producers: ServedProducer[] = [];
  /** Who is asked first in the next turn. */
  #first = 0;
  #scheduled = false;
  #asleep = false;
  #closed = false;

  /** Errors: INVALID_ARGUMENT. */
  constructor(engine: SubmittingEngine, { bytesUnderWayMax = UNDER_WAY_BYTES_DEFAULT }: ProducerPortOptions) {
    checkWithin('bytesUnderWayMax', bytesUnderWayMax, 1, UNDER_WAY_BYTES_MAX);
    this.#engine = engine;
    this.#admission = new ByteAdmission(bytesUnderWayMax, () => this.#schedule());
    this.#listen();
  }

  /** A handle for one producer in one thread, to be passed there as data. Errors: INVALID_ARGUMENT, TOO_LARGE (too many). */
  handle(options: HandleOptions = {}): ProducerHandle {
    if (this.#producers.length >= PRODUCERS_MAX) {
      throw new TruthError(
        'TOO_LARGE',
        `this port has ${PRODUCERS_MAX} producers, which is the most: release handles whose threads have ended`,
        { producersMax: PRODUCERS_MAX },
      );
    }
    const handle = createHandle(this.#bellMemory, options);
    const producer = new ServedProducer(handle, this.#engine, this.#admission);
    if (this.#closed) producer.end(PORT_STATE.closed);
    else this.#producers.push(producer);
    return handle;
  }

  /**
   * Forgets a producer, whether its thread lives or not: what it has published and the port has not taken is dropped, what
   * was taken goes on unanswered. A thread that is still there finds its appends rejected with CLOSED.
   */
  release(handle: ProducerHandle): void {
    const producer = this.#producers.find((each) => each.handle === handle);
    if (producer === undefined) return;
    producer.end(PORT_STATE.closed);
    this.#producers = this.#producers.filter((each) => each !== producer);
  }

  /** Releases the handle when the thread it was given to has ended, however that happens. */
  releaseOnExit(handle: ProducerHandle, thread: EndingThread): void {
    thread.once('exit', () => this.release(handle));
  }

  status(): ProducerPortStatus {
    const { bytes, bytesMax } = this.#admission;
    return {
      producers: this.#producers.length,
      queued: sum(this.#producers, (producer) => producer.queued),
      underWay: sum(this.#producers, (producer) => producer.underWay),
      bytesUnderWay: bytes,
      bytesUnderWayMax: bytesMax,
    };
  }

  /** Takes nothing more. Appends under way are rejected with CLOSED in their threads: they may or may not be in the log. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const producer of this.#producers) producer.end(PORT_STATE.closed);
    this.#producers = [];
    // Ends the sleep, which would hold on to this port.
    this.#bell.ring();
  }

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#turn();
    });
  }

  /** Everybody gets the same share of a turn, one request at least. */
  #turn(): void {
    if (this.#closed) return;
    const producers = this.#producers;
    const share = Math.max(1, producers.length);
    const quantum = { requests: Math.max(1, Math.floor(TURN_REQUESTS / share)), bytes: TURN_BYTES / share };
    const first = this.#first;
    for (let at = 0; at < producers.length; at++) {
      const index = (first + at) % producers.length;
      // Where admission ends a turn, the next begins behind who was the last to get something.
      if (producers[index]?.take(quantum)) this.#first = (index + 1) % producers.length;
    }
    if (producers.some((producer) => producer.finished)) {
      for (const { handle } of producers.filter((producer) => producer.finished)) this.release(handle);
    }
    this.#listen();
  }

  /** Goes on at once where there is something to take, otherwise when a producer rings. */
  #listen(): void {
    const { signal } = this.#bell;
    if (this.#takeable) {
      this.#schedule();
      return;
    }
    if (this.#asleep) return;
    const sleep = this.#bell.sleep(signal, WAKE.work);
    if (sleep === null) {
      this.#schedule();
      return;
    }
    this.#asleep = true;
    sleep.then(() => {
      this.#asleep = false;
      this.#turn();
    });
  }

  /** While nothing is admitted there is nothing to do; admission itself tells when that ends. */
  get #takeable(): boolean {
    return this.#admission.open && this.#producers.some((producer) => producer.queued > 0);
  }
}

/** Bytes under way for all producers together. One append may pass the limit, so that none is too large for ever. */
class ByteAdmission implements Admission {
  readonly bytesMax: number;
  readonly #opened: () => void;
  bytes = 0;

  constructor(bytesMax: number, opened: () => void) {
    this.bytesMax = bytesMax;
    this.#opened = opened;
  }

  get open(): boolean {
    return this.bytes < this.bytesMax;
  }

  take(bytes: number): void {
    this.bytes += bytes;
  }

  give(bytes: number): void {
    const closed = !this.open;
    this.bytes -= bytes;
    if (closed && this.open) this.#opened();
  }
}

function sum<Item>(items: readonly Item[], count: (item: Item) => number): number {
  return items.reduce((total, item) => total + count(item), 0);
}
