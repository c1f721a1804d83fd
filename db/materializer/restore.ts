/** Which views can go on from their checkpoint, and what becomes of the others'. */
import type { Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { ViewRecord } from './manifest.ts';
import { commitAt } from './replay.ts';
import type { Slot } from './slot.ts';

interface RestoreContext {
  readonly log: Log;
  readonly store: CheckpointStore;
  readonly report: (line: string) => void;
}

/** Restores what can be restored and returns those; the other slots are empty and rebuilding afterwards, and `report` said why. */
export async function restoreViews(
  slots: readonly Slot[],
  context: RestoreContext,
): Promise<ReadonlySet<Slot>> {
  const restored = new Set<Slot>();
  for (const slot of slots) if (await restoreView(slot, context)) restored.add(slot);
  return restored;
}

async function restoreView(slot: Slot, { log, store, report }: RestoreContext): Promise<boolean> {
  const record = store.record(slot.name);
  if (record === null) return false;
  const again = `view "${slot.name}" is rebuilt`;
  const doubt = await doubtOf(record, log);
  if (doubt !== null) {
    const path = store.setAside(record, doubt);
    const why = doubt === 'ahead' ? 'is ahead of the log' : 'comes from another branch of the log';
    report(
      `${again}: its checkpoint at ${record.applied} ${why} (stable: ${log.stable}) and was moved to ${path}.*`,
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
    report(
      `${again}: its checkpoint cannot be used (${error instanceof Error ? error.message : String(error)})`,
    );
    return false;
  }
}

/**
 * A checkpoint holds what was stable. If the log ends before it, or its chain is another one there, the log has lost
 * commits since, or went on from a restored copy.
 */
async function doubtOf(record: ViewRecord, log: Log): Promise<'ahead' | 'branch' | null> {
  if (record.applied > log.stable) return 'ahead';
  const commit = await commitAt(log, record.applied as Sequence);
  if (commit === null) return 'branch';
  return Buffer.from(commit.chain).toString('hex') === record.chain ? null : 'branch';
}
