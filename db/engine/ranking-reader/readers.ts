/** The readers of a database: what they begin with, and that none of them has what is being erased. */
import { TruthError } from '../../errors.ts';
import { type Clock, type Disk, RealDisk, type Scheduler } from '../../io/index.ts';
import { MemoryBudget, ScratchFiles, scratchOfReader } from '../../materializer/index.ts';
import type { Epochs, KeyRing } from '../../tenancy/index.ts';
import type { Sequence } from '../../types.ts';
import { type Log, StableMark } from '../../wal/index.ts';
import type { RankingFound } from '../ranking-answers.ts';
import { LiveReaders, type LiveReadersStatus } from './live-readers.ts';
import type { LiveQuestion, PastQuestion, ReaderStart } from './messages.ts';
import { InlineReader, type Reader, ThreadedReader } from './reader.ts';
import { restorePoints } from './restore-points.ts';

const PAST = 'past';

export interface RankingReadersOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** With its entries opened. */
  readonly log: Log;
  readonly ring: KeyRing;
  readonly epochs: Epochs;
  readonly unknownKeys: ReaderStart['unknownKeys'];
  /** Threads that answer about now; 0: the ordering thread does. */
  readonly live: number;
  /** What the views of a reader may take of the memory. */
  readonly memoryBytes: number;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly pause: () => Promise<void>;
  readonly report: (line: string) => void;
}

export class RankingReaders {
  readonly #options: RankingReadersOptions;
  readonly #mark = new StableMark();
  readonly #past: Reader<PastQuestion>;
  readonly #live: LiveReaders | null;
  #held: TruthError | null = null;
  #closed = false;

  constructor(options: RankingReadersOptions) {
    this.#options = options;
    const { disk, directory, log, clock, scheduler, report } = options;
    const { logId } = log.identity;
    // Another thread can only use the real disk.
    const hasThreads = disk instanceof RealDisk;
    const start = (): ReaderStart => ({
      ...{ ...this.#start(PAST), role: 'past', applied: new StableMark().memory },
    });
    this.#past = hasThreads
      ? new ThreadedReader({ start, ended: () => {}, scheduler, report })
      : new InlineReader({
          ...options,
          ...{ logId, points: () => restorePoints(disk, directory, logId) },
          memory: new MemoryBudget({ bytesMax: null, scratch: null }),
        });
    this.#live =
      hasThreads && options.live > 0
        ? new LiveReaders({
            readers: options.live,
            start: (reader) => this.#start(`live-${reader}`),
            ...{ clock, scheduler, report },
          })
        : null;
    this.#clearScratch();
  }

  /** Everything up to here is stable, and in the views of the database. */
  reached(position: Sequence): void {
    this.#mark.reached(position);
  }

  /** About the past. Errors: those of `Reader.ask`. */
  askThen(question: PastQuestion): Promise<RankingFound> {
    return this.#held === null ? this.#past.ask(question) : Promise.reject(this.#held);
  }

  /** About now; null where the ordering thread is to answer. Errors: those of `LiveReaders.ask`. */
  askNow(question: LiveQuestion): Promise<RankingFound | null> | null {
    return this.#held === null ? (this.#live?.ask(question) ?? null) : null;
  }

  /** Of those that answer about now; null where there are none. */
  status(): LiveReadersStatus | null {
    return this.#live?.status() ?? null;
  }

  /** Forgets everything that was read, and answers with the error until `release`. */
  async hold(error: TruthError): Promise<void> {
    this.#held = error;
    await Promise.all([this.#past.drop(error), this.#live?.drop(error)]);
    this.#clearScratch();
  }

  release(): void {
    if (!this.#closed) this.#held = null;
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.hold(new TruthError('CLOSED', 'the database is closed: open it again'));
  }

  /** A thread that was ended, or a process, has left what it had spilled. */
  #clearScratch(): void {
    const { disk, directory, live, report } = this.#options;
    if (!(disk instanceof RealDisk)) return;
    for (const reader of [PAST, ...Array.from({ length: live }, (_, at) => `live-${at}`)])
      new ScratchFiles({ disk, folder: scratchOfReader(directory, reader), report });
  }

  #start(reader: string): Omit<ReaderStart, 'role' | 'applied'> {
    const { directory, log, ring, epochs, unknownKeys, memoryBytes } = this.#options;
    return {
      ...{ directory, unknownKeys, memoryBytes, scratch: scratchOfReader(directory, reader) },
      ...{ logId: log.identity.logId, stable: this.#mark.memory },
      keks: ring.empty ? [] : ring.opening,
      epochs: epochs.known,
    };
  }
}
