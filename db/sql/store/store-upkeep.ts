/**
 * What keeps the files of stores in order beside the thread that writes them: moving the WAL into the file before it grows
 * large, and making durable what was committed. Both wait for the disk, so a thread of their own does it.
 */
import { statSync } from 'node:fs';
import { type SaveRunner, type SaveStep, ThreadedRunner } from '../../materializer/index.ts';
import type { SqliteStore } from './sqlite-store.ts';

/** Size of a WAL from which its pages are moved into the file. */
const WAL_BYTES = 8 * 1024 * 1024;
/** Commits of a store between two looks at its WAL. */
const LOOK_COMMITS = 32;

export class StoreUpkeep {
  readonly #runner: SaveRunner = new ThreadedRunner();
  readonly #commits = new Map<string, number>();
  readonly #moving = new Set<string>();
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  /** After each commit, with the stores that had a part in it. */
  committed(stores: readonly SqliteStore[]): void {
    for (const { path } of stores) {
      const commits = (this.#commits.get(path) ?? 0) + 1;
      this.#commits.set(path, commits % LOOK_COMMITS);
      if (commits < LOOK_COMMITS || this.#moving.has(path) || walBytes(path) < WAL_BYTES) continue;
      this.#moving.add(path);
      // A failure costs nothing but a larger WAL; the next look tries again.
      this.#run({ kind: 'move wal', path })
        .catch(() => {})
        .finally(() => this.#moving.delete(path));
    }
  }

  /** Makes durable what is committed in the files at those paths, and the names in the folders. */
  async sync(paths: readonly string[], folders: readonly string[]): Promise<void> {
    for (const path of paths) {
      await this.#run({ kind: 'sync file', path });
      await this.#run({ kind: 'sync file', path: `${path}-wal` });
    }
    for (const path of folders) await this.#run({ kind: 'sync folder', path });
  }

  close(): void {
    this.#closed = true;
    void this.#runner.close();
  }

  /** One after the other. */
  #run(step: SaveStep): Promise<void> {
    const done = this.#last.then(() => (this.#closed ? undefined : this.#runner.run(step)));
    this.#last = done.catch(() => {});
    return done;
  }
}

function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}
