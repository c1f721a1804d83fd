/** Which views can go on from their checkpoint, and what becomes of the others'. */
import { TruthError } from '../errors.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { commitAt } from './replay.ts';
import { restoreFiles } from './restore-files.ts';
import type { RestorePoint } from './restore-point.ts';
import type { SetAsideReason } from './set-aside.ts';
import type { Slot } from './slot.ts';

interface RestoreContext {
  readonly log: Log;
  readonly store: CheckpointStore;
  readonly restorePoints: readonly RestorePoint[];
  readonly report: (line: string) => void;
}

/** Restores what can be restored and returns those; the other slots are empty and rebuilding afterwards, and `report` said why. */
export async function restoreViews(
  slots: readonly Slot[],
  context: RestoreContext,
): Promise<ReadonlySet<Slot>> {
  const restored = new Set<Slot>();
  for (const slot of slots) {
    const own = slot.files === null ? restoreView(slot, context) : restoreOwnFiles(slot, context);
    if ((await own) || (await restoreFromPoint(slot, context))) restored.add(slot);
  }
  return restored;
}

function restoreOwnFiles(slot: Slot, { log, store, report }: RestoreContext): Promise<boolean> {
  const doubt = (position: Sequence, chain: string): Promise<SetAsideReason | null> =>
    doubtOf(position, chain, log);
  return restoreFiles(slot, { log, store, report, doubtOf: doubt });
}

/** From the newest point that proves right. */
async function restoreFromPoint(
  slot: Slot,
  { log, restorePoints, report }: RestoreContext,
): Promise<boolean> {
  for (const point of restorePoints) {
    try {
      const copy = point.view(slot.name, slot.definition.version);
      if (copy === null) continue;
      const doubt = await doubtOf(point.position, point.chain, log);
      if (doubt !== null) {
        report(`${point.name} is passed over: it ${doubts(doubt)} (stable: ${log.stable})`);
        continue;
      }
      slot.restore(copy.reader, point.position);
      if (copy.digest !== null && slot.view.digest() !== copy.digest)
        throw new TruthError('CORRUPT', 'its content has another digest');
      // It is no checkpoint of the view's own: the next save writes one.
      slot.checkpoint = SEQUENCE_NONE;
      report(`view "${slot.name}" begins from ${point.name} at ${point.position}`);
      return true;
    } catch (error) {
      slot.reset();
      report(`${point.name} cannot be used for view "${slot.name}" (${messageOf(error)})`);
    }
  }
  return false;
}

async function restoreView(slot: Slot, { log, store, report }: RestoreContext): Promise<boolean> {
  const record = store.record(slot.name);
  if (record === null) return false;
  const again = `view "${slot.name}" is rebuilt`;
  const doubt = await doubtOf(record.applied as Sequence, record.chain, log);
  if (doubt !== null) {
    const path = store.setAside(record, doubt);
    report(
      `${again}: its checkpoint at ${record.applied} ${doubts(doubt)} (stable: ${log.stable}) and was moved to ${path}.*`,
    );
    return false;
  }
  if (record.version !== slot.definition.version) {
    store.drop(slot.name);
    report(
      `${again}: its checkpoint has version ${record.version}, this release makes ${slot.definition.version}`,
    );
    return false;
  }
  try {
    slot.restore(store.reader(record), record.applied as Sequence);
    return true;
  } catch (error) {
    slot.reset();
    store.drop(slot.name);
    report(`${again}: its checkpoint cannot be used (${messageOf(error)})`);
    return false;
  }
}

/**
 * A checkpoint holds what was stable. If the log ends before it, or its chain is another one there, the log has lost
 * commits since, or went on from a restored copy.
 */
async function doubtOf(position: Sequence, chain: string, log: Log): Promise<SetAsideReason | null> {
  if (position > log.stable) return 'ahead';
  const commit = await commitAt(log, position);
  if (commit === null) return 'branch';
  return Buffer.from(commit.chain).toString('hex') === chain ? null : 'branch';
}

function doubts(doubt: SetAsideReason): string {
  return doubt === 'ahead' ? 'is ahead of the log' : 'comes from another branch of the log';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
