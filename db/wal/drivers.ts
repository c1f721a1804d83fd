/** The two ways to run a writer: in its own thread behind the ring, or inside the caller's. */
import type { Worker } from 'node:worker_threads';
import { type Clock, type Disk, type Scheduler, startThread } from '../io/index.ts';
import { QueueConsumer, type QueueMemory } from './queue.ts';
import { Writer, type WriterStart } from './writer.ts';
import type { WriterThreadData } from './writer-thread.ts';

/** The writer as the log drives it. */
export interface WriterDriver {
  /** Whether the caller must look for progress itself after `run`, because nothing will call it. */
  readonly inline: boolean;
  /** Called after something was published. */
  run(): void;
  /** Resolves when the writer has ended, after `stop` or by a failure. */
  ended(): Promise<void>;
}

/** Production: blocking I/O in a thread of its own. The queue's memory must be shared. */
export class ThreadDriver implements WriterDriver {
  readonly inline = false;
  readonly #ended: Promise<void>;

  constructor(queue: QueueMemory, start: WriterStart) {
    const data: WriterThreadData = { queue, start };
    const writer = startThread('wal-writer', data);
    const sync = startThread('wal-sync', queue);
    // A thread that dies without a word (out of memory, say) must not leave anybody waiting.
    for (const thread of [writer, sync]) {
      thread.on('error', (error: Error) => {
        new QueueConsumer(queue).publishFailure(error.message);
        void writer.terminate();
        void sync.terminate();
      });
    }
    this.#ended = Promise.all([exitOf(writer), exitOf(sync)]).then(() => {});
  }

  run(): void {}

  ended(): Promise<void> {
    return this.#ended;
  }
}

/** Tests and the simulator: everything published is written before `run` returns. */
export class InlineDriver implements WriterDriver {
  readonly inline = true;
  readonly #queue: QueueMemory;
  readonly #scheduler: Scheduler;
  readonly #writer: Writer;
  #over = false;

  constructor(
    queue: QueueMemory,
    start: WriterStart,
    io: {
      readonly disk: Disk;
      readonly clock: Clock;
      readonly random: (bytes: number) => Uint8Array;
      readonly scheduler: Scheduler;
    },
  ) {
    this.#queue = queue;
    this.#scheduler = io.scheduler;
    this.#writer = new Writer(queue, start, io, null);
  }

  run(): void {
    if (this.#over) return;
    try {
      while (this.#writer.cycle());
      this.#writer.prepareSpares();
      if (this.#writer.unsynced) this.#scheduler.after(1, () => this.run());
      if (this.#writer.stopping) {
        this.#over = true;
        this.#writer.close();
      }
    } catch (error) {
      this.#over = true;
      new QueueConsumer(this.#queue).publishFailure(error instanceof Error ? error.message : String(error));
    }
  }

  async ended(): Promise<void> {}
}

function exitOf(thread: Worker): Promise<void> {
  return new Promise((resolve) => thread.once('exit', () => resolve()));
}
