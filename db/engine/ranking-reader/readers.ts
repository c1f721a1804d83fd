/** The readers of a database: what they begin with, and that none of them has what is being erased. */
import { TruthError } from '../../errors.ts';
import { type Clock, type Disk, RealDisk, type Scheduler } from '../../io/index.ts';
import { MemoryBudget, pastScratchFolder, ScratchFiles } from '../../materializer/index.ts';
import type { Epochs, KeyRing } from '../../tenancy/index.ts';
import type { Sequence } from '../../types.ts';
import { type Log, StableMark } from '../../wal/index.ts';
import type { RankingFound } from '../ranking-answers.ts';
import type { ReaderQuestion, ReaderStart } from './messages.ts';
import { InlineReader, type Reader, ThreadedReader } from './reader.ts';
import { restorePoints } from './restore-points.ts';

export interface RankingReadersOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** With its entries opened. */
  readonly log: Log;
  readonly ring: KeyRing;
  readonly epochs: Epochs;
  readonly unknownKeys: ReaderStart['unknownKeys'];
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
  readonly #past: Reader;
  #held: TruthError | null = null;
  #closed = false;

  constructor(options: RankingReadersOptions) {
    this.#options = options;
    const { disk, directory, log, scheduler, report } = options;
    const { logId } = log.identity;
    // Another thread can only use the real disk.
    this.#past =
      disk instanceof RealDisk
        ? new ThreadedReader({ start: () => this.#start(), scheduler, report })
        : new InlineReader({
            ...options,
            ...{ logId, points: () => restorePoints(disk, directory, logId) },
            memory: new MemoryBudget({ bytesMax: null, scratch: null }),
          });
    this.#clearScratch();
  }

  /** Everything up to here is stable, and in the views of the database. */
  reached(position: Sequence): void {
    this.#mark.reached(position);
  }

  /** About the past. Errors: those of `Reader.ask`. */
  ask(question: ReaderQuestion): Promise<RankingFound> {
    return this.#held === null ? this.#past.ask(question) : Promise.reject(this.#held);
  }

  /** Forgets everything that was read, and answers with the error until `release`. */
  async hold(error: TruthError): Promise<void> {
    this.#held = error;
    await this.#past.drop(error);
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
    const { disk, directory, report } = this.#options;
    if (disk instanceof RealDisk) new ScratchFiles({ disk, folder: pastScratchFolder(directory), report });
  }

  #start(): ReaderStart {
    const { directory, log, ring, epochs, unknownKeys, memoryBytes } = this.#options;
    return {
      ...{
        directory,
        unknownKeys,
        memoryBytes,
        scratch: pastScratchFolder(directory),
        logId: log.identity.logId,
        stable: this.#mark.memory,
      },
      keks: ring.empty ? [] : ring.opening,
      epochs: epochs.known,
    };
  }
}
