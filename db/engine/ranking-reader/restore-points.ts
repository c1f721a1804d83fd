import type { Disk } from '../../io/index.ts';
import { checkpointPoints, type RestorePoint } from '../../materializer/index.ts';
import { SnapshotStore } from '../../snapshot/index.ts';

/** Copies of views as they are on disk now, checkpoints and snapshots, newest first. `logId`: 16 bytes. */
export function restorePoints(disk: Disk, directory: string, logId: Uint8Array): RestorePoint[] {
  const id = Buffer.from(logId).toString('hex');
  return [
    ...checkpointPoints(disk, directory, id),
    ...new SnapshotStore(disk, directory).restorePoints(id, () => {}),
  ].sort((a, b) => b.position - a.position);
}
