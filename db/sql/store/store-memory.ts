/** What a store knows of itself beside the versions: counters, actors, digest, whether erased bytes are left. In memory as of the last write. */
import type { StatementSync } from 'node:sqlite';
import type { Space } from './contract.ts';
import { COUNT_PREFIX, countName } from './sqlite-reader.ts';

/** Actors whose number is remembered. */
const ACTORS_MAX = 1024;

const SET_META = 'INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2';

export class StoreMemory {
  readonly #statement: (text: string) => StatementSync;
  readonly #counts = new Map<Space, number>();
  /** Of these the file does not know the number yet. */
  readonly #recount = new Set<Space>();
  readonly #actors = new Map<string, number>();

  /** `statement`: prepared, giving arrays. */
  constructor(statement: (text: string) => StatementSync) {
    this.#statement = statement;
  }

  /** What the file says, in place of what was known; returns the rest of it. */
  load(): { readonly digest: string; readonly residue: boolean } {
    this.#counts.clear();
    this.#recount.clear();
    this.#actors.clear();
    const rows = this.#statement('SELECT name, value FROM meta').all() as unknown as [string, string][];
    const meta = new Map(rows);
    for (const [name, count] of meta) {
      if (name.startsWith(COUNT_PREFIX))
        this.#counts.set(Number(name.slice(COUNT_PREFIX.length)) as Space, Number(count));
    }
    return { digest: meta.get('digest') ?? '', residue: meta.get('residue') !== '' };
  }

  count(space: Space): number {
    return this.#counts.get(space) ?? 0;
  }

  add(space: Space, more: number): void {
    this.#counts.set(space, this.count(space) + more);
    this.#recount.add(space);
  }

  /** The number of an actor, made when it is new. */
  actor(name: string): number {
    const known = this.#actors.get(name);
    if (known !== undefined) return known;
    this.#statement('INSERT INTO actors (name) VALUES (?1) ON CONFLICT DO NOTHING').run(name);
    const [id] = this.#statement('SELECT id FROM actors WHERE name = ?1').get(name) as unknown as [number];
    if (this.#actors.size >= ACTORS_MAX) this.#actors.clear();
    this.#actors.set(name, id);
    return id;
  }

  /** Before a commit. */
  save(digest: string): void {
    for (const space of this.#recount) this.set(countName(space), String(this.count(space)));
    this.#recount.clear();
    this.set('digest', digest);
  }

  set(name: string, value: string): void {
    this.#statement(SET_META).run(name, value);
  }
}
