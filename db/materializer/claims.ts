/** What the views prove to be durable: they hold nothing that was not. The log's recovery asks for it before they are open. */
import { join } from 'node:path';
import { type Disk, RealDisk } from '../io/index.ts';
import { SEQUENCE_NONE, sequence } from '../types.ts';
import type { DurableClaim } from '../wal/index.ts';
import { readLogId } from '../wal/metadata.ts';
import { readManifest, VIEWS } from './manifest.ts';
import type { ViewDefinition } from './materializer.ts';
import { viewsAhead } from './set-aside.ts';

/** Commits that views with files of their own hold in them: written when they were stable, like every checkpoint. */
function heldPositions(
  disk: Disk,
  directory: string,
  logId: string,
  definitions: readonly ViewDefinition[],
): DurableClaim[] {
  if (!(disk instanceof RealDisk)) return [];
  return definitions.flatMap(({ name, version, files }) => {
    const found = files?.find(join(directory, VIEWS, name), Buffer.from(logId, 'hex'), version);
    const last = Math.max(0, ...(found?.files ?? []).map(({ commit }) => commit?.sequence ?? 0));
    return last === 0 ? [] : [{ source: `the files of view "${name}"`, sequence: sequence(last) }];
  });
}

/** Positions of the checkpoints, and of those set aside because the log was behind them: they vouch for it as long as they lie there. */
export function appliedPositions(
  disk: Disk,
  directory: string,
  definitions: readonly ViewDefinition[],
): DurableClaim[] {
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
  return [...counting, ...heldPositions(disk, directory, logId, definitions), ...aside];
}
