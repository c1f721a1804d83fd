/** A thread that checks sealed segments no faster than it may, and keeps what was found. It sleeps between its reads. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Disk, type FileHandle, isNotFound, RealDisk, realClock, writeSmallFile } from '../io/index.ts';
import { Pace } from './pace.ts';
import type { ScrubAnswer, ScrubQuestion, ScrubStart } from './scrub-worker.ts';
import { verifySegment } from './verify-segment.ts';

const { directory, bytesPerSecond } = workerData as ScrubStart;
const pace = new Pace(bytesPerSecond);
const asleep = new Int32Array(new SharedArrayBuffer(4));

class PacedDisk extends RealDisk {
  override pread(handle: FileHandle, target: Uint8Array, length: number, position: number): number {
    const bytes = super.pread(handle, target, length, position);
    Atomics.wait(asleep, 0, 0, Number(pace.delayAfter(bytes, realClock.monotonicNanos())) / 1e6);
    return bytes;
  }
}

const disk: Disk = new PacedDisk();

parentPort?.on('message', (question: ScrubQuestion) => {
  parentPort?.postMessage(answer(question));
});

function answer(question: ScrubQuestion): ScrubAnswer {
  try {
    if (question.kind === 'check') return { findings: verifySegment(disk, directory, question.task) };
    writeSmallFile(disk, question.path, question.bytes);
    return { findings: null };
  } catch (error) {
    if (isNotFound(error)) return { findings: null };
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
