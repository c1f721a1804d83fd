/** The thread that owns the log's files: runs one writer until it is told to stop or the disk fails it. */
import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { RealDisk, realClock } from '../io/index.ts';
import { QueueConsumer, type QueueMemory } from './queue.ts';
import { SyncChannel } from './sync-channel.ts';
import { Writer, type WriterStart } from './writer.ts';

/** What the ordering thread hands over. */
export interface WriterThreadData {
  readonly queue: QueueMemory;
  readonly start: WriterStart;
}

run(workerData as WriterThreadData);

function run({ queue, start }: WriterThreadData): void {
  const channel = new SyncChannel(queue);
  try {
    const writer = new Writer(
      queue,
      start,
      { disk: new RealDisk(), clock: realClock, random: randomBytes },
      channel,
    );
    while (!writer.stopping) {
      if (writer.cycle() || writer.wait()) continue;
      // Nothing came for a while: prepare what will be needed, a little at a time.
      writer.idle();
    }
    writer.close();
  } catch (error) {
    new QueueConsumer(queue).publishFailure(error instanceof Error ? error.message : String(error));
  } finally {
    channel.close();
  }
}
