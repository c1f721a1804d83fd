/**
 * ALICE-style (Pillai et al., OSDI'14): one real run of the database is traced, every state that a power cut may leave of it
 * is made in memory, and the database is started over each.
 *
 *     program → strace-log       what is run, and what it did to the disk
 *     content, states            all that may be left of it
 *     check                      the start, and what it must show
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { checkState, type Found } from './check.ts';
import type { Recording } from './recording.ts';
import { type CrashStates, enumerateStates } from './states.ts';
import type { CheckStart } from './thread.ts';

export interface CrashReport extends Pick<CrashStates, 'cuts' | 'bounded'> {
  /** By phase: ways in which writes and names may be missing, and states that differ. */
  readonly combinations: Readonly<Record<string, number>>;
  readonly states: Readonly<Record<string, number>>;
  /** How many of the states were found with a torn tail, a snapshot, segments pruned. */
  readonly found: Readonly<Record<'tornTail' | 'snapshot' | 'pruned', number>>;
  /** What was promised and not kept, with the phase. */
  readonly broken: readonly string[];
}

export async function runCrashStates(options: {
  readonly recording: Recording;
  readonly thorough: boolean;
  readonly onProgress?: (done: number, of: number) => void;
}): Promise<CrashReport> {
  const { recording, thorough, onProgress = () => {} } = options;
  const all = enumerateStates({ ...recording, thorough });
  const found = { tornTail: 0, snapshot: 0, pruned: 0 };
  const broken: string[] = [];
  let done = 0;
  const threads = availableParallelism();
  const check = (thread: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const start: CheckStart = { recording, thorough, thread, threads };
      const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: start });
      worker.on('message', ({ phase, result }: { phase: string; result: Found }) => {
        done += 1;
        if (result.broken !== null) broken.push(`${phase}: ${result.broken}`);
        if (result.tornTail) found.tornTail += 1;
        if (result.snapshots > 0) found.snapshot += 1;
        if (result.pruned) found.pruned += 1;
        onProgress(done, all.distinct.size);
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
    });
  await Promise.all(Array.from({ length: threads }, (_, thread) => check(thread)));
  if (done !== all.distinct.size) throw new Error(`${done} of ${all.distinct.size} states were checked`);
  const states: Record<string, number> = {};
  for (const { phase } of all.distinct.values()) states[phase] = (states[phase] ?? 0) + 1;
  const { cuts, bounded } = all;
  return { cuts, bounded, combinations: Object.fromEntries(all.combinations), states, found, broken };
}

/** A sync of the recording, as it is called in reports. */
export interface SyncPoint {
  readonly operation: number;
  readonly phase: string;
  /** Such as `fdatasync /data/wal/….open`. */
  readonly name: string;
}

export function syncPoints({ operations }: Recording): SyncPoint[] {
  let phase = '';
  return operations.flatMap((each, operation): SyncPoint[] => {
    if (each.kind === 'say' && each.line.startsWith('phase ')) phase = each.line.slice('phase '.length);
    if (each.kind === 'sync') return [{ operation, phase, name: `${each.call} ${each.path}` }];
    return each.kind === 'sync-directory' ? [{ operation, phase, name: `fsync ${each.path}/` }] : [];
  });
}

/**
 * The same run as if one sync had never been: the first promise that is then broken, or null where none is. Looks only at
 * cuts in its phase and the next, and at states that the run as it was does not leave with the same promises.
 */
export async function brokenWithout(
  recording: Recording,
  { operation, phase }: SyncPoint,
): Promise<string | null> {
  const honest = enumerateStates({ ...recording, thorough: false });
  const order = [...new Set(syncPoints(recording).map((point) => point.phase))];
  const phases = order.slice(order.indexOf(phase), order.indexOf(phase) + 2);
  const operations = recording.operations.filter((_, at) => at !== operation);
  const { distinct } = enumerateStates({ ...recording, operations, thorough: false, phases });
  for (const [key, state] of distinct) {
    const known = honest.distinct.get(key);
    if (known !== undefined && JSON.stringify(known.claims) === JSON.stringify(state.claims)) continue;
    const { broken } = await checkState(state);
    if (broken !== null) return broken;
  }
  return null;
}

export function crashText({ cuts, bounded, combinations, states, found, broken }: CrashReport): string {
  const sum = (record: Readonly<Record<string, number>>): number =>
    Object.values(record).reduce((total, each) => total + each, 0);
  return [
    `${cuts} places to cut, ${sum(combinations)} ways to cut there, ${sum(states)} different states, ${broken.length} broken`,
    ...Object.keys(combinations).map(
      (phase) => `  ${phase}: ${combinations[phase]} ways, ${states[phase] ?? 0} states`,
    ),
    `  found with a torn tail ${found.tornTail}, with a snapshot ${found.snapshot}, with segments pruned ${found.pruned}`,
    ...(bounded > 0 ? [`  ${bounded} places with too many ways to try all`] : []),
    ...[...new Set(broken)].slice(0, 20).map((each) => `  ${each}`),
  ].join('\n');
}
