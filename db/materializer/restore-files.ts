/**
 * Whether a view with files of its own can go on from them, and from where.
 *
 * The manifest says: everything up to P is in the files, and file f holds at least commit A(f). The files say: f holds its
 * commits up to C(f), none half. Then
 *
 *   - a commit of the log must be the one that a file holds: C(f) beyond the log's end is `ahead`; another commit there, or a
 *     chain at P that is not the manifest's, is `branch`. Commits at or before P that the log no longer has are taken on P's word;
 *   - replay goes on from P where every file named is there and C(f) >= A(f), otherwise from the least C(f) of those that are
 *     not (0 for one that is missing): the others skip what they have;
 *   - without a manifest, from 0: each file skips what it has.
 */
import { TruthError } from '../errors.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { ViewRecord } from './manifest.ts';
import type { FoundFiles, HeldCommit } from './materializer.ts';
import { commitAt } from './replay.ts';
import type { SetAsideReason } from './set-aside.ts';
import type { Slot } from './slot.ts';

interface FilesContext {
  readonly log: Log;
  readonly store: CheckpointStore;
  readonly report: (line: string) => void;
  /** Whether the log bears out a position and its chain. */
  readonly doubtOf: (position: Sequence, chain: string) => Promise<SetAsideReason | null>;
}

/** True when the slot goes on with its files; otherwise it is empty, and `report` said why. */
export async function restoreFiles(slot: Slot, context: FilesContext): Promise<boolean> {
  const { store, report, log } = context;
  const own = slot.files;
  if (own === null) return false;
  const { name, definition } = slot;
  const again = `view "${name}" is rebuilt`;
  const found = own.files.find(own.folder, log.identity.logId, definition.version);
  const record = store.record(name);
  if (found.files.length === 0 && (record === null || (record.files ?? []).length > 0)) {
    // Nothing of them is left: a snapshot is nearer than the beginning of the log.
    store.drop(name);
    return false;
  }
  if (isOfOtherVersion(record, definition.version) || found.problem?.kind === 'other version') {
    store.drop(name);
    report(`${again}: its files are of another version (${found.problem?.reason ?? record?.version})`);
    slot.reset();
    return false;
  }
  const last = Math.max(record?.applied ?? 0, ...found.files.map(({ commit }) => commit?.sequence ?? 0));
  const reject = (reason: SetAsideReason, why: string): false => {
    const path = store.setAsideFiles(name, last, reason);
    report(`${again}: ${why} (stable: ${log.stable}); its files were moved to ${path}.*`);
    slot.reset();
    return false;
  };
  if (found.problem !== null) return reject('damaged', `its files cannot be used: ${found.problem.reason}`);
  const doubt = await worstDoubt(record, found, context);
  if (doubt === 'ahead') return reject(doubt, `its files hold commits up to ${last}, more than the log`);
  if (doubt !== null) return reject(doubt, 'its files come from another branch of the log');
  const from = startOf(record, found);
  if (from !== record?.applied && !(await canReadFrom(log, from)))
    return reject('damaged', `files are missing, and the log no longer has what lies behind ${from}`);
  if (record !== null && from < record.applied)
    report(`view "${name}" goes on from ${from}, not ${record.applied}: files of it are missing or older`);
  slot.adopt(from, from === record?.applied ? from : SEQUENCE_NONE);
  return true;
}

/** A record of a view that was saved as parts says nothing of files. */
function isOfOtherVersion(record: ViewRecord | null, version: number): boolean {
  return record !== null && (record.version !== version || record.files === undefined);
}

async function worstDoubt(
  record: ViewRecord | null,
  { files }: FoundFiles,
  { log, doubtOf }: FilesContext,
): Promise<SetAsideReason | null> {
  const doubts: (SetAsideReason | null)[] = [];
  if (record !== null) doubts.push(await doubtOf(record.applied as Sequence, record.chain));
  for (const { commit } of files) {
    if (commit !== null) doubts.push(await doubtOfCommit(commit, record?.applied ?? 0, log));
  }
  return doubts.includes('ahead') ? 'ahead' : (doubts.find((doubt) => doubt !== null) ?? null);
}

async function doubtOfCommit(held: HeldCommit, vouchedFor: number, log: Log): Promise<SetAsideReason | null> {
  if (held.sequence > log.stable) return 'ahead';
  const commit = await commitAt(log, held.sequence);
  if (commit === null && held.sequence <= vouchedFor && (await isGone(log, held.sequence))) return null;
  return commit?.epoch === held.epoch && commit.recordedAt === held.recordedAt ? null : 'branch';
}

/** Whether the log once had a position and no longer has: pruned, or declared lost. */
async function isGone(log: Log, position: Sequence): Promise<boolean> {
  try {
    for await (const _commit of log.readBackwards(position)) return false;
    return true;
  } catch (error) {
    if (error instanceof TruthError && ['GAP', 'PRUNED'].includes(error.code)) return true;
    throw error;
  }
}

function startOf(record: ViewRecord | null, { files }: FoundFiles): Sequence {
  if (record === null) return SEQUENCE_NONE;
  const held = new Map(files.map(({ file, commit }) => [file, commit?.sequence ?? 0]));
  const behind = (record.files ?? [])
    .filter(({ file, applied }) => (held.get(file) ?? -1) < applied)
    .map(({ file }) => held.get(file) ?? 0);
  return Math.min(record.applied, ...behind) as Sequence;
}

async function canReadFrom(log: Log, position: Sequence): Promise<boolean> {
  if (position >= log.stable) return true;
  try {
    for await (const _commit of log.read({ from: (position + 1) as Sequence, follow: false })) break;
    return true;
  } catch (error) {
    if (!(error instanceof TruthError && ['GAP', 'PRUNED'].includes(error.code))) throw error;
    return error.code === 'GAP';
  }
}
