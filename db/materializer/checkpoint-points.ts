import type { Disk } from '../io/index.ts';
import { sequence } from '../types.ts';
import { partsReader } from './checkpoint-store.ts';
import { readManifest } from './manifest.ts';
import type { RestorePoint } from './restore-point.ts';

/**
 * The checkpoints of views as they are on disk now, each a point of its own, newest first: for whoever reads beside the one that
 * writes them. One that is replaced meanwhile reads as CORRUPT.
 */
export function checkpointPoints(disk: Disk, directory: string, logId: string): RestorePoint[] {
  return readManifest(disk, directory, logId, () => {})
    .filter(({ files }) => files === undefined)
    .sort((a, b) => b.applied - a.applied)
    .map((record) => ({
      name: `the checkpoint at ${record.applied}`,
      position: sequence(record.applied),
      chain: record.chain,
      view: (name, version) =>
        name === record.name && version === record.version
          ? { digest: null, reader: partsReader(disk, directory, record) }
          : null,
    }));
}
