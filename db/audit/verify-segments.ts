/**
 * Checks all segments of a log and computes their parts of the trees, several segments at once where there are threads. A
 * thread reads a segment once: it checks it, hashes its leaves and says how many each tenant has; as soon as the segments
 * before it are counted it hears where its tenants' leaves belong, and sends the subtrees. Memory: one segment's leaves a thread.
 */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { type Disk, startThread } from '../io/index.ts';
import { type SegmentFindings, type SegmentTask, verifySegment } from '../wal/verify-segment.ts';
import { type KeptLeaves, SegmentLeaves, type Stretch } from './segment-leaves.ts';

export type SegmentQuestion =
  | {
      readonly kind: 'check';
      readonly task: SegmentTask;
      readonly cuts: readonly number[];
      readonly kept: readonly KeptLeaves[];
      readonly trees: boolean;
    }
  | { readonly kind: 'before'; readonly before: readonly (readonly [tenant: number, count: number])[] };

export type SegmentAnswer =
  | {
      readonly kind: 'checked';
      readonly findings: SegmentFindings;
      readonly counts: readonly (readonly [tenant: number, count: number])[];
    }
  | { readonly kind: 'trees'; readonly stretches: readonly Stretch[] };

export interface CheckedSegment {
  readonly findings: SegmentFindings;
  readonly stretches: readonly Stretch[];
}

export interface SegmentsToCheck {
  readonly directory: string;
  readonly tasks: readonly SegmentTask[];
  /** Where the trees are wanted, ascending. */
  readonly cuts: readonly number[];
  readonly kept: readonly KeptLeaves[];
  /** Whether the trees are computed at all. */
  readonly trees: boolean;
  /** Entries of each tenant before the first segment. */
  readonly before: ReadonlyMap<number, number>;
  /** Calls with each segment's number in the list when it is done. */
  readonly done: (at: number) => void;
}

/** On this thread, whatever the disk. */
export function checkSegments(disk: Disk, options: SegmentsToCheck): CheckedSegment[] {
  const { directory, tasks, kept, trees, done } = options;
  const before = new Map(options.before);
  return tasks.map((task, at) => {
    const leaves = new SegmentLeaves(task.name.firstSequence, cutsOf(options, at), kept, trees);
    const findings = verifySegment(disk, directory, task, leaves);
    const counts = leaves.counts();
    const stretches = leaves.stretches(before);
    add(before, counts);
    done(at);
    return { findings, stretches };
  });
}

/** The same with threads, on the real disk. */
export async function checkSegmentsInThreads(
  threads: number,
  options: SegmentsToCheck,
): Promise<CheckedSegment[]> {
  const { directory, tasks } = options;
  const checked: CheckedSegment[] = new Array(tasks.length);
  // What is before each segment: known when all before it have been counted.
  const before = tasks.map(() => Promise.withResolvers<ReadonlyMap<number, number>>());
  before[0]?.resolve(options.before);
  let next = 0;
  const work = async (): Promise<void> => {
    const thread = startThread('proof-verify', directory);
    try {
      while (next < tasks.length) {
        const at = next++;
        const { kept, trees: wanted } = options;
        const question = { task: tasks[at]!, cuts: cutsOf(options, at), kept, trees: wanted };
        const counted = await ask(thread, { kind: 'check', ...question });
        if (counted.kind !== 'checked') throw new Error('a segment was not counted');
        const own = await before[at]!.promise;
        const behind = new Map(own);
        add(behind, counted.counts);
        before[at + 1]?.resolve(behind);
        const tenants = counted.counts.map(([tenant]) => [tenant, own.get(tenant) ?? 0] as const);
        const trees = await ask(thread, { kind: 'before', before: tenants });
        if (trees.kind !== 'trees') throw new Error('a segment has no trees');
        checked[at] = { findings: counted.findings, stretches: trees.stretches };
        options.done(at);
      }
    } finally {
      await thread.terminate();
    }
  };
  const workers = Array.from({ length: Math.min(threads, tasks.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    // The others must not wait for the one that failed.
    for (const each of before) each.reject(error);
    await Promise.allSettled(workers);
    throw error;
  }
  return checked;
}

async function ask(thread: Worker, question: SegmentQuestion): Promise<SegmentAnswer> {
  const answer = once(thread, 'message');
  thread.postMessage(question);
  // Rejects when the thread fails.
  const [said] = (await answer) as [SegmentAnswer];
  return said;
}

function cutsOf({ tasks, cuts }: SegmentsToCheck, at: number): number[] {
  const first = tasks[at]!.name.firstSequence;
  const next = tasks[at + 1]?.name.firstSequence ?? Number.POSITIVE_INFINITY;
  return cuts.filter((cut) => cut >= first && cut < next);
}

function add(counts: Map<number, number>, more: readonly (readonly [tenant: number, count: number])[]): void {
  for (const [tenant, count] of more) counts.set(tenant, (counts.get(tenant) ?? 0) + count);
}
