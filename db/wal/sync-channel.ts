/**
 * Lets an fdatasync run in a thread of its own while the writer hashes what comes next. One request at a time, through
 * words in the queue's memory:
 *
 *     writer                                  sync thread
 *     HANDLE := descriptor, BEGUN += 1,       waits for BEGUN to change, fdatasyncs HANDLE,
 *     notify; goes on with other work         fills ERROR or leaves it 0, DONE := BEGUN,
 *     DONE = BEGUN? collect                   signals the writer as the producer of the queue does
 */
import type { Clock, Disk, FileHandle } from '../io/index.ts';
import type { SyncRunner } from './flusher.ts';
import { type QueueMemory, QueueSignal, QueueStatistics, SYNC_AREA } from './queue.ts';

const WORD = { begun: 0, done: 1, handle: 2, errorBytes: 3 } as const;
const ERROR_AT = 32;
/** A handle no file has: the thread is to end. */
const HANDLE_NONE = -1;

interface Views {
  readonly words: Int32Array;
  readonly error: Uint8Array;
}

function createViews({ memory }: QueueMemory): Views {
  return {
    words: new Int32Array(memory.buffer, SYNC_AREA.offset, ERROR_AT / 4),
    error: new Uint8Array(memory.buffer, SYNC_AREA.offset + ERROR_AT, SYNC_AREA.bytes - ERROR_AT),
  };
}

/** The writer's end. */
export class SyncChannel implements SyncRunner {
  readonly #views: Views;

  constructor(queue: QueueMemory) {
    this.#views = createViews(queue);
  }

  begin(handle: FileHandle): void {
    this.#request(handle);
  }

  get finished(): boolean {
    const { words } = this.#views;
    return Atomics.load(words, WORD.done) === Atomics.load(words, WORD.begun);
  }

  collect(): void {
    const { words, error } = this.#views;
    for (;;) {
      const done = Atomics.load(words, WORD.done);
      if (done === Atomics.load(words, WORD.begun)) break;
      Atomics.wait(words, WORD.done, done);
    }
    const length = Atomics.load(words, WORD.errorBytes);
    if (length > 0) throw new Error(new TextDecoder().decode(error.slice(0, length)));
  }

  close(): void {
    this.#request(HANDLE_NONE);
  }

  #request(handle: number): void {
    const { words } = this.#views;
    Atomics.store(words, WORD.handle, handle);
    Atomics.add(words, WORD.begun, 1);
    Atomics.notify(words, WORD.begun);
  }
}

/** The sync thread: answers requests until it is closed. After an error it answers nothing more; the writer is over. */
export function serveSyncs(queue: QueueMemory, disk: Disk, clock: Clock): void {
  const { words, error } = createViews(queue);
  const signal = new QueueSignal(queue);
  const statistics = new QueueStatistics(queue);
  for (let done = 0; ; done = (done + 1) | 0) {
    Atomics.wait(words, WORD.begun, done);
    const handle = Atomics.load(words, WORD.handle);
    if (handle === HANDLE_NONE) return;
    const began = clock.monotonicNanos();
    try {
      disk.fdatasync(handle as FileHandle);
    } catch (thrown) {
      const text = new TextEncoder().encode(thrown instanceof Error ? thrown.message : String(thrown));
      error.set(text.subarray(0, error.length));
      Atomics.store(words, WORD.errorBytes, Math.min(text.length, error.length));
    }
    statistics.syncMicros.observe(Number(clock.monotonicNanos() - began) / 1000);
    Atomics.store(words, WORD.done, Atomics.load(words, WORD.begun));
    Atomics.notify(words, WORD.done);
    signal.raise();
  }
}
