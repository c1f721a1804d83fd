import type { Worker } from 'node:worker_threads';
import { errorOf, TruthError } from '../../errors.ts';
import { type Clock, type Scheduler, startThread } from '../../io/index.ts';
import type { SqlColumn } from '../contract.ts';
import { cancelledError, timeoutError } from '../execute/budget.ts';
import type { Query, QueryAnswer } from '../execute/query.ts';
import type { Row } from '../types/sql-type.ts';
import { AnswerReader } from './answer-rows.ts';
import {
  CHUNK_CREDITS,
  CONTROL,
  type ReaderJob,
  type ReaderNews,
  type ReaderStart,
  withPlainParameters,
} from './job.ts';

export interface ReaderPoolOptions {
  /** 0: none, everything runs on the calling thread, as a simulated machine needs it. */
  readonly threads: number;
  /** Queries that may wait for a thread; more are refused with BUSY. */
  readonly waitingMax: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

/** A thread that has been told to end a query and has not done so for this long is ended itself. */
const GRACE_MILLIS = 1_000;
const NANOS_PER_MILLI = 1_000_000n;

interface Asked {
  readonly id: number;
  readonly path: string;
  readonly query: Query;
  readonly admitted: bigint;
  readonly rows: Row[];
  columns: readonly SqlColumn[] | null;
  decoder: AnswerReader | null;
  reader: Reader | null;
  /** Stops whatever waits for its end: timers and the signal's listener. */
  readonly undo: (() => void)[];
  readonly resolve: (answer: QueryAnswer) => void;
  readonly reject: (error: TruthError) => void;
}

interface Reader {
  readonly worker: Worker;
  readonly control: Int32Array;
  asked: Asked | null;
}

/**
 * Threads with connections of their own that carry out queries one at a time each, first come first served. Threads start
 * when they are first wanted and never keep the process alive by themselves; one that fails or hangs is replaced.
 */
export class ReaderPool {
  readonly #options: ReaderPoolOptions;
  readonly #readers: Reader[] = [];
  readonly #waiting = new Set<Asked>();
  #nextId = 1;
  #closed = false;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
  }

  /** Queries that wait for a thread, and that are being carried out. */
  get load(): { readonly waiting: number; readonly running: number; readonly waitingMax: number } {
    const running = this.#readers.filter(({ asked }) => asked !== null).length;
    return { waiting: this.#waiting.size, running, waitingMax: this.#options.waitingMax };
  }

  run(path: string, query: Query, signal: AbortSignal | null): Promise<QueryAnswer> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(cancelledError());
    if (this.#waiting.size >= this.#options.waitingMax) return Promise.reject(this.#busy());
    return new Promise((resolve, reject) => {
      const asked: Asked = {
        id: this.#nextId++,
        path,
        query,
        admitted: this.#options.clock.monotonicNanos(),
        rows: [],
        columns: null,
        decoder: null,
        reader: null,
        undo: [],
        resolve,
        reject,
      };
      this.#watch(asked, signal);
      this.#waiting.add(asked);
      this.#dispatch();
    });
  }

  /** Queries under way are refused with CLOSED. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const asked of [...this.#waiting]) this.#settle(asked, () => asked.reject(closedError()));
    const readers = this.#readers.splice(0);
    for (const { asked } of readers)
      if (asked !== null) this.#settle(asked, () => asked.reject(closedError()));
    await Promise.all(readers.map(({ worker }) => worker.terminate()));
  }

  #watch(asked: Asked, signal: AbortSignal | null): void {
    const { millisMax } = asked.query.limits;
    const { scheduler } = this.#options;
    asked.undo.push(scheduler.after(millisMax, () => this.#end(asked, timeoutError(millisMax))));
    if (signal === null) return;
    const cancel = (): void => this.#end(asked, cancelledError());
    signal.addEventListener('abort', cancel, { once: true });
    asked.undo.push(() => signal.removeEventListener('abort', cancel));
  }

  /** Tells the one who asked at once; the thread gets a little time to stop by itself. */
  #end(asked: Asked, error: TruthError): void {
    const reader = asked.reader;
    this.#settle(asked, () => asked.reject(error));
    if (reader === null) return;
    Atomics.store(reader.control, CONTROL.cancelled, asked.id);
    // One that waits for a chunk to be read is not to wait any longer.
    Atomics.notify(reader.control, CONTROL.credits);
    this.#options.scheduler.after(GRACE_MILLIS, () => {
      if (reader.asked === asked) this.#replace(reader);
    });
  }

  #settle(asked: Asked, tell: () => void): void {
    this.#waiting.delete(asked);
    for (const undo of asked.undo.splice(0)) undo();
    tell();
  }

  #dispatch(): void {
    for (const asked of [...this.#waiting]) {
      const reader = this.#idleReader();
      if (reader === null) return;
      this.#waiting.delete(asked);
      this.#send(reader, asked);
    }
  }

  #idleReader(): Reader | null {
    const idle = this.#readers.find(({ asked }) => asked === null);
    if (idle !== undefined) return idle;
    if (this.#closed || this.#readers.length >= this.#options.threads) return null;
    const reader = this.#startReader();
    this.#readers.push(reader);
    return reader;
  }

  #startReader(): Reader {
    const control = new Int32Array(new SharedArrayBuffer(CONTROL.length * Int32Array.BYTES_PER_ELEMENT));
    const start: ReaderStart = { control: control.buffer as SharedArrayBuffer };
    const worker = startThread('sql-reader', start);
    const reader: Reader = { worker, control, asked: null };
    worker.on('message', (news: ReaderNews) => this.#heard(reader, news));
    worker.on('error', (error) => this.#lost(reader, String(error)));
    worker.on('exit', () => this.#lost(reader, 'it has ended'));
    worker.unref();
    return reader;
  }

  #send(reader: Reader, asked: Asked): void {
    const { id, path, query } = asked;
    reader.asked = asked;
    asked.reader = reader;
    // A program that waits for an answer must not find its process gone before it is there.
    reader.worker.ref();
    Atomics.store(reader.control, CONTROL.cancelled, 0);
    Atomics.store(reader.control, CONTROL.credits, CHUNK_CREDITS);
    const waited = this.#options.clock.monotonicNanos() - asked.admitted;
    const job: ReaderJob = {
      id,
      path,
      query: withPlainParameters(query),
      waitedMillis: Number(waited / NANOS_PER_MILLI),
    };
    reader.worker.postMessage(job);
  }

  #heard(reader: Reader, news: ReaderNews): void {
    const asked = reader.asked;
    if (asked === null || asked.id !== news.id) return;
    switch (news.news) {
      case 'columns':
        asked.columns = news.columns;
        asked.decoder = new AnswerReader(news.columns);
        return;
      case 'rows':
        asked.decoder?.read(news.bytes, asked.rows);
        Atomics.add(reader.control, CONTROL.credits, 1);
        Atomics.notify(reader.control, CONTROL.credits);
        return;
      case 'done': {
        const { tag, count, position, reads, notices } = news;
        const { columns, rows } = asked;
        this.#free(reader);
        this.#settle(asked, () => asked.resolve({ tag, count, position, reads, notices, columns, rows }));
        return;
      }
      case 'failed':
        this.#free(reader);
        this.#settle(asked, () => asked.reject(errorOf(news.error)));
    }
  }

  #free(reader: Reader): void {
    reader.asked = null;
    reader.worker.unref();
    this.#dispatch();
  }

  #lost(reader: Reader, reason: string): void {
    if (!this.#readers.includes(reader)) return;
    const asked = reader.asked;
    this.#replace(reader);
    if (asked === null) return;
    const message = `the thread that carried out the query failed: ${reason}`;
    this.#settle(asked, () => asked.reject(new TruthError('INTERNAL', message, { sqlstate: 'XX000' })));
  }

  /** Ends a thread; another starts when it is wanted. */
  #replace(reader: Reader): void {
    const place = this.#readers.indexOf(reader);
    if (place < 0) return;
    this.#readers.splice(place, 1);
    reader.asked = null;
    void reader.worker.terminate();
    this.#dispatch();
  }

  #busy(): TruthError {
    const { waiting, running, waitingMax } = this.load;
    const message = `${waiting} queries wait for ${running} readers, and no more than ${waitingMax} may: try again in a moment`;
    return new TruthError('BUSY', message, { sqlstate: '53300', waiting, running });
  }
}

function closedError(): TruthError {
  return new TruthError('CLOSED', 'the database is closing: connect again', { sqlstate: '57P01' });
}
