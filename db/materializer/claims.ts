/** What the views prove to be durable: they hold nothing that was not. The log's recovery asks for it before they are open. */
import { join } from 'node:path';
import type { Disk } from '../io/index.ts';
import { SEQUENCE_NONE, sequence } from '../types.ts';
import type { DurableClaim } from '../wal/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { readManifest, VIEWS } from './manifest.ts';
import { viewsAhead } from './set-aside.ts';

/** Positions of the checkpoints, and of those set aside because the log was behind them: they vouch for it as long as they lie there. */
export function appliedPositions(disk: Disk, directory: string): DurableClaim[] {
  const logId = readLogId(disk, directory);
  if (logId === null) return [];
  const counting = readManifest(disk, directory, logId, () => {}).map(({ name, applied }) => ({
    source: `view "${name}"`,
    sequence: sequence(applied),
  }));
  const aside = viewsAhead(disk, join(directory, VIEWS), SEQUENCE_NONE).map(({ view, applied, path }) => ({
    source: `view "${view}" in ${path}.*`,
    sequence: sequence(applied),
  }));
  return [...counting, ...aside];
}
