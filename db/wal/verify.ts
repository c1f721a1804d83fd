/**
 * Checks a whole log from its bytes alone: each segment by itself (verify-segment.ts), several at once where there are
 * threads, then that they belong together. Changes nothing and needs no lock; of a log that is being written the very end
 * may be in motion.
 */
import { once } from 'node:events';
import { type Disk, RealDisk, startThread } from '../io/index.ts';
import { checkIdentity, listSegments } from './catalog.ts';
import { type Gap, lostSegment, readGaps, restOf } from './gaps.ts';
import { type Floor, readFloor } from './metadata.ts';
import { segmentFileName } from './segment.ts';
import {
  type SegmentEnd,
  type SegmentFindings,
  type SegmentReport,
  type SegmentTask,
  type TornTailFound,
  type VerifyProblem,
  verifySegment,
} from './verify-segment.ts';

export type { SegmentReport, VerifyProblem } from './verify-segment.ts';

export interface VerifyOptions {
  readonly directory: string;
  readonly disk: Disk;
  readonly progress?: (message: string) => void;
}

export interface VerifyReport {
  /** True when there is no problem. A torn tail is none: nothing durable is missing. Gaps are none: they were declared. */
  readonly ok: boolean;
  /** Hex. */
  readonly logId: string;
  readonly segments: readonly SegmentReport[];
  /** First sequence there is: 1 unless the log was pruned. */
  readonly firstSequence: number;
  readonly commits: number;
  readonly lastSequence: number;
  /** Chain at the end, hex. */
  readonly chain: string;
  /** In the log's order. */
  readonly problems: readonly VerifyProblem[];
  /** Ranges that were declared lost. What lies on both sides is whole by itself; that it belongs together is unproven. */
  readonly gaps: readonly Gap[];
  readonly tornTail: TornTailFound | null;
}

/** Throws NOT_FOUND or, when files of the log are missing, CORRUPT. Everything else is reported. */
export function verifyLog({ disk, directory, progress = () => {} }: VerifyOptions): VerifyReport {
  const plan = verifyPlan(disk, directory);
  const findings = plan.tasks.map((task, at) => {
    progress(progressLine(task, at, plan.tasks.length));
    return verifySegment(disk, directory, task);
  });
  return verifyReport(plan, findings);
}

/** The same with so many segments at once, each in a thread of its own. Only on the real disk. */
export async function verifyLogInThreads(options: {
  readonly directory: string;
  readonly threads: number;
  readonly progress: (message: string) => void;
}): Promise<VerifyReport> {
  const { directory, progress } = options;
  const plan = verifyPlan(new RealDisk(), directory);
  const findings: SegmentFindings[] = new Array(plan.tasks.length);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    const thread = startThread('wal-verify', directory);
    try {
      while (next < plan.tasks.length) {
        const at = next++;
        const task = plan.tasks[at]!;
        const answer = once(thread, 'message');
        thread.postMessage(task);
        // Rejects when the thread fails.
        [findings[at]] = (await answer) as [SegmentFindings];
        progress(progressLine(task, done++, plan.tasks.length));
      }
    } finally {
      await thread.terminate();
    }
  };
  const threads = Math.min(options.threads, plan.tasks.length);
  await Promise.all(Array.from({ length: threads }, work));
  return verifyReport(plan, findings);
}

/** Segments to check, and what is known of the log besides. */
export interface VerifyPlan {
  readonly tasks: readonly SegmentTask[];
  readonly gaps: readonly Gap[];
  readonly floor: Floor | null;
}

/** Errors: NOT_FOUND, CORRUPT when files of the log are missing. */
export function verifyPlan(disk: Disk, directory: string): VerifyPlan {
  const names = listSegments(disk, directory);
  const gaps = readGaps(disk, directory).map(({ recorded: _, ...gap }) => gap);
  const tasks = names.map((name, at) => ({ name, gaps, last: at === names.length - 1 }));
  return { tasks, gaps, floor: readFloor(disk, directory) };
}

function progressLine({ name }: SegmentTask, at: number, of: number): string {
  return `segment ${at + 1} of ${of}: ${segmentFileName(name.index, name.firstSequence, name.state)}`;
}

/** `findings` of the plan's segments, in its order. */
export function verifyReport(plan: VerifyPlan, findings: readonly SegmentFindings[]): VerifyReport {
  const problems = findings.flatMap((each, at) => [
    ...joinProblems(plan, findings, at).map((problem) => problemAtHeader(each, problem)),
    ...each.problems,
  ]);
  const segments = findings.map(({ report }) => report);
  const identity = findings.find(({ header }) => header !== null)?.header?.identity;
  const end = findings.at(-1)?.end ?? null;
  return {
    ok: problems.length === 0,
    logId: identity === undefined ? '' : hex(identity.logId),
    segments,
    firstSequence: segments[0]?.firstSequence ?? 1,
    commits: segments.reduce((sum, segment) => sum + segment.commits, 0),
    lastSequence: segments.at(-1)?.lastSequence ?? 0,
    chain: end === null ? '' : hex(end.chain),
    problems,
    gaps: plan.gaps,
    tornTail: findings.at(-1)?.tornTail ?? null,
  };
}

/** Why a segment does not belong where it stands. */
function joinProblems(
  { gaps, floor }: VerifyPlan,
  findings: readonly SegmentFindings[],
  at: number,
): string[] {
  const { header, report } = findings[at]!;
  if (header === null) return [];
  const problems: string[] = [];
  const identity = findings.find((each) => each.header !== null)!.header!.identity;
  try {
    checkIdentity(identity, { name: report.name, header });
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const gap = restOf(gaps, header.index - 1, header.identity.segmentBytes);
  if (gap !== null) {
    if (header.firstSequence !== gap.to + 1)
      problems.push(`does not continue the gap before it, which ends with sequence ${gap.to}`);
  } else if (at === 0) {
    problems.push(...startProblems(gaps, floor, findings[at]!));
  } else {
    problems.push(...continuationProblems(findings[at - 1]!.end, findings[at]!));
  }
  return problems;
}

/** The first segment begins the log, or stands where the log was pruned. */
function startProblems(gaps: readonly Gap[], floor: Floor | null, { header }: SegmentFindings): string[] {
  if (header === null || lostSegment(gaps, header.index - 1) !== null) return [];
  const chain = floor?.chain ?? '00'.repeat(header.chainHead.length);
  if (header.firstSequence === (floor?.sequence ?? 1) && hex(header.chainHead) === chain) return [];
  return [
    floor === null
      ? 'is not the beginning of a log'
      : `is not the floor of this log, sequence ${floor.sequence}`,
  ];
}

/** `end` is null when the segment before is damaged and this one must be taken at its word. */
function continuationProblems(end: SegmentEnd | null, { header }: SegmentFindings): string[] {
  if (end === null || header === null) return [];
  if (header.firstSequence !== end.sequence + 1 || header.lastOrdinal !== end.ordinal) {
    return [`does not continue sequence ${end.sequence} and commit ${end.ordinal} of the segment before it`];
  }
  const same = Buffer.compare(header.chainHead, end.chain) === 0;
  return same ? [] : ['its chain does not continue the one of the segment before it'];
}

function problemAtHeader({ report }: SegmentFindings, problem: string): VerifyProblem {
  return { segment: report.name, offset: 0, sequence: report.firstSequence, problem, next: null };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
