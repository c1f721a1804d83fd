/** Backups of a database on a disk in memory, made and brought back in one call each. */
import {
  createBackup,
  DirectoryTarget,
  type RestoreUntil,
  restoreBackup,
  verifyBackup,
} from '../../../db/backup/index.ts';
import type { Engine } from '../../../db/engine.ts';
import { DIRECTORY, newDatabase, openOn } from '../snapshot/support.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { randomFrom, StepClock } from '../wal/support.ts';

export const RESTORED = '/restored';
/** Fills a segment of 1 MiB with few events. */
export const LARGE = 'x'.repeat(200_000);
export const END: RestoreUntil = { kind: 'end' };

export function backUp(disk: MemoryDisk, to: string, base: string | null = null, secrets = false) {
  return createBackup({
    disk,
    directory: DIRECTORY,
    target: new DirectoryTarget(disk, to),
    base,
    with: { tokens: secrets, tls: secrets, signing: false },
    clock: laterClock(),
    random: randomFrom(to.length * 1000 + to.charCodeAt(to.length - 1)),
    made: () => {},
    progress: () => {},
  });
}

/** Later than everything recorded: a backup is made after what is in it. */
export function laterClock(): StepClock {
  const clock = new StepClock();
  clock.advance(86_400_000_000_000n);
  return clock;
}

export function verify(disk: MemoryDisk, directory: string, base: string | null = null) {
  return verifyBackup({ disk, directory, base, progress: () => {} });
}

export function restore(disk: MemoryDisk, from: string, until: RestoreUntil = END, to = RESTORED) {
  return restoreBackup({
    disk,
    from,
    base: null,
    to,
    until,
    clock: laterClock(),
    random: randomFrom(7),
    progress: () => {},
  });
}

/** Files of a log by segment number, from its first byte to where it ends. */
export function segmentsOf(disk: MemoryDisk, directory: string): Map<string, Uint8Array> {
  const paths = disk.paths().filter((path) => path.startsWith(`${directory}/wal/0`));
  return new Map(paths.sort().map((path) => [path.split('/').at(-1)!.split('.')[0]!, disk.bytesOf(path)]));
}

/** Length of the stretch both begin with. */
export function commonBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length : at;
}

/** A restored log opened as a data directory of its own: its lines, as the view of text shows them. */
export async function linesOf(disk: MemoryDisk, directory: string): Promise<readonly string[]> {
  const { engine, notes } = await openOn(disk, undefined, 3, directory);
  await engine.close();
  return notes.made[0]!.lines;
}

export function sequenceOf(line: string): number {
  return Number(line.split(' ')[0]);
}

/** What the view of text says of everything up to a position. */
export function linesUpTo(lines: readonly string[], position: number): string[] {
  return lines.filter((line) => sequenceOf(line) <= position);
}

export async function live(): Promise<Live> {
  const disk = newDatabase();
  const { engine, notes, clock } = await openOn(disk);
  const idle = async (): Promise<void> => {
    const { stable } = engine.status().log;
    clock.advance(60_000_000n);
    while (engine.status().log.stable === stable) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { disk, engine, idle, lines: () => notes.made[0]!.lines };
}

export interface Live {
  readonly disk: MemoryDisk;
  readonly engine: Engine;
  lines(): readonly string[];
  /** Waits for the mark of the last commit, which an idle log writes by itself and a closed one has. */
  idle(): Promise<void>;
}

export function outcomeOf(check: () => string): string {
  try {
    return check();
  } catch (error) {
    return (error as { code: string }).code;
  }
}

export function place(disk: MemoryDisk, path: string, text: string): void {
  const handle = disk.open(path, 'create');
  disk.pwrite(handle, Buffer.from(text), 0);
  disk.fsync(handle);
  disk.close(handle);
}
