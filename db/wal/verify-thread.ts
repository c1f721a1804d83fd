/** A thread that checks segments of a log, one after the other as it is given them. */
import { parentPort, workerData } from 'node:worker_threads';
import { RealDisk } from '../io/index.ts';
import { type SegmentTask, verifySegment } from './verify-segment.ts';

const disk = new RealDisk();

parentPort?.on('message', (task: SegmentTask) => {
  parentPort?.postMessage(verifySegment(disk, workerData as string, task));
});
