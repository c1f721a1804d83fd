/** A database on a disk in memory, with a view of text beside its own, and what its snapshots are compared with. */
import { type Engine, initDatabase, openEngine, VIEWS } from '../../../db/engine.ts';
import type { StreamName } from '../../../db/kernel/event.ts';
import type { SnapshotPolicy } from '../../../db/snapshot/index.ts';
import { eventDraft } from '../support/event-drafts.ts';
import { type TextViewDefinition, textView } from '../support/text-view.ts';
import { MemoryDisk } from '../wal/memory-disk.ts';
import { randomFrom, StepClock } from '../wal/support.ts';

export const DIRECTORY = '/data';

export interface Opened {
  readonly engine: Engine;
  readonly notes: TextViewDefinition;
  /** What it said while it opened and worked. */
  readonly lines: string[];
  readonly clock: StepClock;
}

export function newDatabase(): MemoryDisk {
  const disk = new MemoryDisk();
  initDatabase({ directory: DIRECTORY, disk, random: randomFrom(1), segmentBytes: 1 << 20 });
  return disk;
}

export async function openOn(
  disk: MemoryDisk,
  snapshots?: SnapshotPolicy,
  seed = 2,
  directory = DIRECTORY,
): Promise<Opened> {
  const notes = textView('notes');
  const lines: string[] = [];
  const clock = new StepClock();
  const engine = await openEngine({
    directory,
    disk,
    clock,
    random: randomFrom(seed),
    inline: true,
    ringBytes: 1 << 22,
    views: [notes],
    progress: (line) => lines.push(line),
    ...(snapshots === undefined ? {} : { snapshots }),
  });
  return { engine, notes, lines, clock };
}

/** Definitions a check needs, with instances of their own. */
export function definitions() {
  return [...VIEWS, textView('notes')];
}

export async function write(engine: Engine, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    const stream = `s${text.length % 3}` as StreamName;
    await engine.append({ stream, expected: 'any', events: [eventDraft(text)], ack: 'applied' });
  }
}

export function loseViews(disk: MemoryDisk, directory = DIRECTORY): void {
  for (const path of disk.paths()) {
    if (path.startsWith(`${directory}/views/`) || path.endsWith('/views.json')) disk.unlink(path);
  }
}

function loseSnapshots(disk: MemoryDisk, directory: string): void {
  for (const path of disk.paths()) if (path.startsWith(`${directory}/snapshots/`)) disk.unlink(path);
}

/** Digests of all views after opening the disk as it is. */
export async function digestsOf(disk: MemoryDisk, directory = DIRECTORY): Promise<Record<string, string>> {
  const { engine } = await openOn(disk, undefined, 99, directory);
  const { views } = await engine.snapshots.create();
  await engine.close();
  return Object.fromEntries(views.map(({ name, digest }) => [name, digest]));
}

/** Digests of all views after a replay from the log's beginning. */
export function replayedDigests(disk: MemoryDisk, directory = DIRECTORY): Promise<Record<string, string>> {
  const bare = disk.copy();
  loseViews(bare, directory);
  loseSnapshots(bare, directory);
  return digestsOf(bare, directory);
}

export function snapshotPaths(disk: MemoryDisk): string[] {
  return disk
    .paths()
    .filter((path) => path.startsWith(`${DIRECTORY}/snapshots/`))
    .sort();
}
