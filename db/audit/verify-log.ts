/**
 * Verifies a data directory from its files alone: the log's structure, checksums and chain; the checkpoints' signatures; that
 * each checkpoint is what the log leads to; and that it extends a checkpoint somebody has kept. Says what no signature covers.
 */
import { availableParallelism } from 'node:os';
import { TruthError } from '../errors.ts';
import { type Disk, RealDisk } from '../io/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { segmentFileName } from '../wal/segment.ts';
import { type VerifyPlan, type VerifyReport, verifyPlan, verifyReport } from '../wal/verify.ts';
import type { KeptCheckpoint } from './checkpoint.ts';
import { HASH_BYTES } from './format.ts';
import { firstRewritten } from './rewritten-entry.ts';
import type { KeptLeaves } from './segment-leaves.ts';
import { SignedCheckpoints } from './signed-checkpoints.ts';
import { SigningKeys } from './signing-keys.ts';
import { TreeComparison } from './tree-comparison.ts';
import { TreeStore } from './tree-store.ts';
import {
  type Certificate,
  type Checkpoint,
  decodeCheckpoint,
  gapLeafHash,
  hex,
  ProofError,
  verifyCertificates,
  verifyCheckpoint,
} from './verifier.ts';
import { checkErasures, type ErasuresReport } from './verify-erasures.ts';
import { checkSegments, checkSegmentsInThreads, type SegmentsToCheck } from './verify-segments.ts';

export interface VerifyDataOptions {
  readonly directory: string;
  readonly disk: Disk;
  /** Public root key that somebody knows; null to take the one that lies beside the data. */
  readonly rootKey: Uint8Array | null;
  /** A checkpoint that somebody has kept, which the log must lead to; null for none. */
  readonly expected: KeptCheckpoint | null;
  /** Whether the trees are computed; without them a checkpoint is compared by chain and position alone. */
  readonly trees: boolean;
  /** Segments at once; 0: on this thread, as disks other than the real one must. */
  readonly threads: number;
  readonly progress: (line: string) => void;
}

export interface DataProblem {
  /** `log`: the files contradict themselves. `signature`: what was signed is not what is there. `expected`: not what was kept. */
  readonly kind: 'log' | 'signature' | 'expected';
  readonly segment: string | null;
  readonly offset: number | null;
  readonly sequence: number | null;
  readonly problem: string;
}

/** JSON-safe. */
export interface DataReport {
  /** Nothing is wrong. What is unsigned or unproven is said beside it. */
  readonly ok: boolean;
  readonly log: VerifyReport;
  /** Hex; null where there is none. */
  readonly rootKey: string | null;
  /** Whether somebody named the root key. Without that, who can write the files can also replace the key. */
  readonly pinned: boolean;
  readonly checkpoints: number;
  /** The newest one whose signature holds. */
  readonly signed: { readonly size: number; readonly recordedAt: string; readonly root: string } | null;
  readonly erasures: ErasuresReport;
  /** What lies behind it, which nobody has signed; null when there is nothing. */
  readonly unsigned: { readonly from: number; readonly to: number } | null;
  /** What could be neither shown nor refuted. */
  readonly unproven: readonly string[];
  readonly problems: readonly DataProblem[];
}

/** Errors: NOT_FOUND, CORRUPT when files of the log are missing. Everything else is reported. */
export async function verifyData(options: VerifyDataOptions): Promise<DataReport> {
  const { disk, directory, expected, trees } = options;
  const logId = readLogId(disk, directory) ?? '';
  const keys = keysOf(options, logId);
  // Before the files are listed: beside a server that signs on, what was signed by now is in the files that are there then.
  const signed = signedOf(disk, directory, logId, keys);
  const plan = verifyPlan(disk, directory);
  const kept = expected === null ? null : expectedOf(expected, logId, keys);
  const store = new TreeStore(disk, directory, logId);
  const comparison = new TreeComparison({
    plan,
    store,
    checkpoints: signed.checkpoints,
    expected: kept?.checkpoint ?? null,
    trees,
  });
  const segments: SegmentsToCheck = {
    directory,
    tasks: plan.tasks,
    cuts: comparison.cuts,
    kept: keptLeaves(plan, store),
    before: comparison.tenantsBefore,
    trees,
    done: progressOf(plan, options.progress),
  };
  const checked =
    options.threads > 0
      ? await checkSegmentsInThreads(options.threads, segments)
      : checkSegments(disk, segments);
  const log = verifyReport(
    plan,
    checked.map(({ findings }) => findings),
  );
  comparison.run(checked, segments.kept, log);
  const rewritten = firstRewritten({ disk, directory }, store, comparison.rewritten);
  store.close();
  const {
    problems: wrongErasures,
    unproven: unprovenErasures,
    ...erasures
  } = checkErasures({
    ...{ disk, directory, logId, erased: comparison.erased, complete: comparison.complete },
    certificates: keys.rootKey === null ? null : keys.certificates,
  });
  const problems = [
    ...log.problems.map((each): DataProblem => ({ ...each, kind: 'log' })),
    ...keys.problems,
    ...signed.problems,
    ...(kept?.problems ?? []),
    ...(rewritten === null ? [] : [rewritten]),
    ...comparison.problems,
    ...wrongErasures.map((each): DataProblem => ({ ...NOWHERE, kind: 'signature', ...each })),
  ];
  const last = signed.checkpoints.at(-1) ?? null;
  return {
    ok: problems.length === 0,
    log,
    rootKey: keys.rootKey === null ? null : hex(keys.rootKey),
    pinned: options.rootKey !== null,
    checkpoints: signed.checkpoints.length,
    signed: last === null ? null : { size: last.size, recordedAt: String(last.recordedAt), root: last.root },
    erasures,
    unsigned: unsignedPart(log, last),
    unproven: [...keys.unproven, ...comparison.unproven, ...unprovenErasures],
    problems,
  };
}

/** As many as there are processors. */
export function threadsFor(disk: Disk): number {
  return disk instanceof RealDisk ? availableParallelism() : 0;
}

interface Keys {
  readonly rootKey: Uint8Array | null;
  readonly certificates: readonly Certificate[];
  readonly problems: readonly DataProblem[];
  readonly unproven: readonly string[];
}

function keysOf({ disk, directory, rootKey }: VerifyDataOptions, logId: string): Keys {
  const keys = new SigningKeys(disk, directory, logId);
  const pinned = rootKey ?? keys.rootKey;
  if (pinned === null) {
    const unproven = [
      'there are no signing keys: nothing is signed, and checksums stop accidents, not attackers',
    ];
    return { rootKey: null, certificates: [], problems: [], unproven };
  }
  try {
    return {
      rootKey: pinned,
      certificates: verifyCertificates(pinned, keys.certificates),
      problems: [],
      unproven: [],
    };
  } catch (error) {
    return { rootKey: pinned, certificates: [], problems: [signatureProblem(error, null)], unproven: [] };
  }
}

/** The checkpoints whose signatures hold, up to the first that does not. */
function signedOf(disk: Disk, directory: string, logId: string, keys: Keys) {
  const records = new SignedCheckpoints(disk, directory);
  const checkpoints: Checkpoint[] = [];
  for (let at = 0; at < records.count && keys.rootKey !== null; at++) {
    try {
      const checkpoint = verifyCheckpoint(keys.certificates, records.at(at));
      const before = checkpoints.at(-1);
      if (checkpoint.logId !== logId)
        throw new ProofError(`the checkpoint of size ${checkpoint.size} is of log ${checkpoint.logId}`);
      if (
        checkpoint.size <= (before?.size ?? 0) ||
        checkpoint.previous !== (before?.hash ?? '00'.repeat(HASH_BYTES))
      )
        throw new ProofError(
          `the checkpoint of size ${checkpoint.size} does not follow the one stored before it: one was removed or put in`,
        );
      checkpoints.push(checkpoint);
    } catch (error) {
      return { checkpoints, problems: [signatureProblem(error, checkpoints.at(-1)?.size ?? 0)] };
    }
  }
  return { checkpoints, problems: [] };
}

/** A kept checkpoint counts as it is: it was kept. Its signature is checked where the key is known. */
const NOWHERE = { segment: null, offset: null, sequence: null } as const;

function expectedOf(expected: KeptCheckpoint, logId: string, { rootKey }: Keys) {
  const checkpoint = decodeCheckpoint(expected.checkpoint);
  if (checkpoint.logId !== logId) {
    const problem = `the expected checkpoint is of log ${checkpoint.logId}, this is log ${logId}`;
    return { checkpoint, problems: [{ ...NOWHERE, kind: 'expected', problem } as const] };
  }
  if (rootKey === null || expected.certificates.length === 0) return { checkpoint, problems: [] };
  try {
    verifyCheckpoint(verifyCertificates(rootKey, expected.certificates), expected.checkpoint);
    return { checkpoint, problems: [] };
  } catch (error) {
    const { problem } = signatureProblem(error, null);
    const said = `the expected checkpoint itself: ${problem}`;
    return { checkpoint, problems: [{ ...signatureProblem(error, null), problem: said }] };
  }
}

function signatureProblem(error: unknown, sequence: number | null): DataProblem {
  if (!(error instanceof ProofError) && !(error instanceof TruthError)) throw error;
  return { kind: 'signature', segment: null, offset: null, sequence, problem: error.message };
}

/** Leaves of lost ranges as the stored tree has them. */
function keptLeaves({ gaps }: VerifyPlan, store: TreeStore): KeptLeaves[] {
  return gaps
    .filter(({ to }) => to <= store.sequence)
    .map(({ from, to }) => {
      const leaves = Array.from({ length: to - from + 1 }, (_, at) => store.entries.leaf(from - 1 + at));
      // Trees that were computed after the loss know no more than the range.
      if (hex(leaves[0]!.hash) === hex(gapLeafHash(from, to))) return null;
      const hashes = new Uint8Array(Buffer.concat(leaves.map(({ hash }) => hash)));
      const erasures = erasuresIn(store, from, to);
      return { from, to, hashes, marks: leaves.map(({ mark }) => mark), erasures };
    })
    .filter((each) => each !== null);
}

function erasuresIn({ erasures }: TreeStore, from: number, to: number): number[] {
  if (erasures === null) return [];
  const first = erasures.leavesUpTo(from - 1, erasures.leaves);
  const end = erasures.leavesUpTo(to, erasures.leaves);
  return Array.from({ length: end - first }, (_, at) => erasures.leaf(first + at).mark);
}

function progressOf({ tasks }: VerifyPlan, progress: (line: string) => void): (at: number) => void {
  let done = 0;
  return (at) => {
    done += 1;
    const { index, firstSequence, state } = tasks[at]!.name;
    progress(`segment ${done} of ${tasks.length}: ${segmentFileName(index, firstSequence, state)}`);
  };
}

function unsignedPart({ firstSequence, lastSequence }: VerifyReport, last: Checkpoint | null) {
  const from = Math.max((last?.size ?? 0) + 1, firstSequence);
  return from > lastSequence ? null : { from, to: lastSequence };
}
