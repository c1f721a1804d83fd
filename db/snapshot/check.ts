/**
 * Snapshots without a server: is one good, byte for byte, as content and against the log; and put one in place of the
 * views, which then catch up from the log at the next opening.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import {
  type CheckpointReader,
  CheckpointStore,
  type FiledView,
  type HeldFile,
  inlineRunner,
  type ViewDefinition,
} from '../materializer/index.ts';
import type { Sequence } from '../types.ts';
import { listSegments } from '../wal/catalog.ts';
import { gapError, gapWith, readGaps } from '../wal/gaps.ts';
import { lockedError } from '../wal/init.ts';
import { walkSegment } from '../wal/walk.ts';
import type { SnapshotManifest, SnapshotView } from './format.ts';
import { checkBytes, readSnapshot, viewReader } from './snapshot-file.ts';
import { SnapshotStore } from './store.ts';

export interface SnapshotCheck {
  readonly name: string;
  /** True when there is no problem: views may begin from it. */
  readonly ok: boolean;
  readonly position: number | null;
  readonly bytes: number | null;
  readonly views: readonly { readonly name: string; readonly digest: string }[];
  readonly problems: readonly string[];
}

interface Place {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly name: string;
  /** The views this release knows. */
  readonly definitions: readonly ViewDefinition[];
}

/** Errors: NOT_FOUND. What is wrong with the snapshot is in the answer. */
export function verifySnapshot(place: Place): SnapshotCheck {
  const { disk, directory, name } = place;
  const path = new SnapshotStore(disk, directory).path(name);
  const none = { name, position: null, bytes: null, views: [] };
  try {
    const { manifest, bytes } = readSnapshot(disk, path);
    const problems = [
      ...problemsOf(() => checkBytes(disk, path, manifest)),
      ...manifest.views.flatMap((view) => problemsOf(() => checkView(place, path, manifest, view))),
      ...problemsOf(() => checkAgainstLog(disk, directory, manifest)),
    ];
    const views = manifest.views.map((view) => ({ name: view.name, digest: view.digest }));
    return { name, ok: problems.length === 0, position: manifest.sequence, bytes, views, problems };
  } catch (error) {
    return { ...none, ok: false, problems: [messageOf(error)] };
  }
}

/**
 * Makes the snapshot the views' checkpoint. Nothing is touched before it has proved right. Errors: NOT_FOUND, LOCKED, CORRUPT,
 * VIEW_AHEAD (the log ends before it), FORKED (the log has another history there, or is another log), PRUNED and GAP (the log
 * no longer has that commit).
 */
export async function restoreSnapshot(
  place: Place,
): Promise<{ readonly name: string; readonly position: number; readonly views: readonly string[] }> {
  const { disk, directory, name, definitions } = place;
  const lock = disk.lock(directory);
  if (lock === null) throw lockedError(directory);
  try {
    const path = new SnapshotStore(disk, directory).path(name);
    const { manifest } = readSnapshot(disk, path);
    checkAgainstLog(disk, directory, manifest);
    checkBytes(disk, path, manifest);
    const usable = manifest.views.filter((view) => definitionOf(definitions, view) !== null);
    for (const view of usable) checkView(place, path, manifest, view);
    const { logId, sequence: applied, chain } = manifest;
    const store = new CheckpointStore({ disk, directory, logId, report: () => {} });
    for (const view of usable) {
      const reader = viewReader(disk, path, view);
      const parts = reader.parts.map((part) => ({ name: part, chunks: () => [reader.read(part)] }));
      // Files of the checkpoint before are not to be kept as parts of this one.
      store.drop(view.name);
      const { name: of, version } = view;
      const position = { name: of, version, applied: applied as Sequence, chain: Buffer.from(chain, 'hex') };
      const runner = inlineRunner(disk, async () => {});
      const definition = definitionOf(definitions, view)!;
      const folder = definition.files === undefined ? null : store.folderOf(of);
      if (folder === null) await store.save({ ...position, parts }, runner);
      else
        await store.savePosition(
          { ...position, files: await filled(definition, folder, logId, reader) },
          runner,
        );
    }
    return { name, position: applied, views: usable.map((view) => view.name) };
  } finally {
    lock.release();
  }
}

/** Makes the files of a view that keeps its own. */
async function filled(
  definition: ViewDefinition,
  folder: string,
  logId: string,
  reader: CheckpointReader,
): Promise<readonly HeldFile[]> {
  const view = definition.create({ logId: Buffer.from(logId, 'hex'), folder }) as FiledView;
  try {
    view.restore(reader);
    return await view.persist();
  } finally {
    view.close?.();
  }
}

/** The content itself: what the view makes of it has the digest it had when it was taken. */
function checkView(
  { disk, definitions }: Pick<Place, 'disk' | 'definitions'>,
  path: string,
  { logId }: SnapshotManifest,
  view: SnapshotView,
): void {
  const definition = definitionOf(definitions, view);
  if (definition === null) {
    throw new TruthError(
      'UNSUPPORTED_VERSION',
      `view "${view.name}" has version ${view.version}, which this release does not read: it is rebuilt from the log`,
    );
  }
  const made = definition.create({ logId: Buffer.from(logId, 'hex'), folder: null });
  let digest: string;
  try {
    made.restore(viewReader(disk, path, view));
    digest = made.digest();
  } finally {
    made.discard?.();
  }
  if (digest !== view.digest) {
    throw new TruthError(
      'CORRUPT',
      `view "${view.name}" has digest ${digest}, it was taken with ${view.digest}`,
    );
  }
}

function definitionOf(
  definitions: readonly ViewDefinition[],
  { name, version }: SnapshotView,
): ViewDefinition | null {
  return definitions.find((each) => each.name === name && each.version === version) ?? null;
}

function checkAgainstLog(disk: Disk, directory: string, { logId, sequence, chain }: SnapshotManifest): void {
  const names = listSegments(disk, directory);
  const name = names.findLast(({ firstSequence }) => firstSequence <= sequence);
  if (name === undefined) {
    throw new TruthError(
      'PRUNED',
      `the log begins at ${names[0]?.firstSequence} and can no longer bear out a snapshot at ${sequence}`,
    );
  }
  const gap = gapWith(readGaps(disk, directory), sequence as Sequence);
  if (gap !== null) throw gapError(gap);
  const { header, end, found, sealed } = walkSegment(
    disk,
    directory,
    name,
    (commit) => commit.sequence <= sequence,
  );
  const owner = Buffer.from(header.identity.logId).toString('hex');
  if (owner !== logId) {
    throw new TruthError('FORKED', `the snapshot belongs to log ${logId}, this is log ${owner}`);
  }
  if (end.sequence < sequence && (found !== null || sealed)) {
    throw new TruthError(
      'VIEW_AHEAD',
      `the snapshot holds commits up to ${sequence}, the log can be read up to ${end.sequence}: durable commits are missing; bring them back from a copy`,
      { position: sequence, end: end.sequence },
    );
  }
  if (end.sequence !== sequence || Buffer.from(end.chain).toString('hex') !== chain) {
    throw new TruthError(
      'FORKED',
      `the log has another history at ${sequence}: the snapshot was taken on a branch that was abandoned`,
      { position: sequence },
    );
  }
}

function problemsOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
