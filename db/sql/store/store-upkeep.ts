/**
 * What keeps the files of stores in order beside the thread that writes them: moving the WAL into the file before it grows
 * large, and making durable what was committed. Both wait for the disk, so a thread of their own does it.
 */
import { type SaveRunner, type SaveStep, ThreadedRunner } from '../../materializer/index.ts';
import type { SqliteStore } from './sqlite-store.ts';

/** Pages of a WAL that wait to be moved into the file: from here on they are, 8 MiB. */
const WAITING_PAGES = 2048;
/**
 * Pages of a WAL, moved or not, 64 MiB. SQLite writes it from its beginning again only when all of it has been moved, and a
 * thread beside a busy writer never is at the end. So past this the writer itself moves the last few.
 */
const WAL_PAGES_MAX = 16_384;
/** How few: a millisecond of copying, and the disk's time to make it durable. */
const LAST_PAGES = 256;
/** 256 MiB: past this it moves all there are, which slows it down to what the disk takes. */
const WAL_PAGES_TOO_MANY = 65_536;
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
    for (const store of stores) {
      const commits = (this.#commits.get(store.path) ?? 0) + 1;
      this.#commits.set(store.path, commits % LOOK_COMMITS);
      if (commits >= LOOK_COMMITS && !this.#moving.has(store.path)) this.#look(store);
    }
  }

  #look(store: SqliteStore): void {
    const { path } = store;
    const { pages, moved } = store.wal();
    const waiting = pages - moved;
    if (pages >= WAL_PAGES_TOO_MANY || (pages >= WAL_PAGES_MAX && waiting <= LAST_PAGES)) store.moveWal();
    else if (waiting >= WAITING_PAGES || pages >= WAL_PAGES_MAX) {
      this.#moving.add(path);
      // A failure costs nothing but a larger WAL; the next look tries again.
      this.#run({ kind: 'move wal', path })
        .catch(() => {})
        .finally(() => {
          this.#moving.delete(path);
          this.#commits.set(path, LOOK_COMMITS);
        });
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
