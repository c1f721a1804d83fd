/** The thread that waits for the disk while the writer's goes on hashing. */
import { workerData } from 'node:worker_threads';
import { RealDisk, realClock } from '../io/index.ts';
import type { QueueMemory } from './queue.ts';
import { serveSyncs } from './sync-channel.ts';

serveSyncs(workerData as QueueMemory, new RealDisk(), realClock);
