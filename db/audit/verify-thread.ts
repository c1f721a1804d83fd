/** A thread that checks segments of a log and computes their part of the trees, one after the other as it is given them. */
import { parentPort, workerData } from 'node:worker_threads';
import { RealDisk } from '../io/index.ts';
import { verifySegment } from '../wal/verify-segment.ts';
import { SegmentLeaves } from './segment-leaves.ts';
import type { SegmentAnswer, SegmentQuestion } from './verify-segments.ts';

const disk = new RealDisk();
const directory = workerData as string;
let leaves: SegmentLeaves | null = null;

parentPort?.on('message', (question: SegmentQuestion) => {
  if (question.kind === 'check') {
    const { task, cuts, kept, trees } = question;
    leaves = new SegmentLeaves(task.name.firstSequence, cuts, kept, trees);
    const findings = verifySegment(disk, directory, task, leaves);
    answer({ kind: 'checked', findings, counts: leaves.counts() });
  } else if (leaves !== null) {
    answer({ kind: 'trees', stretches: leaves.stretches(new Map(question.before)) });
    leaves = null;
  }
});

function answer(said: SegmentAnswer): void {
  parentPort?.postMessage(said);
}
