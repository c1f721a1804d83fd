/**
 * Bugs planted on purpose, each a way in which such systems have lost data: a suite that does not see them proves nothing.
 * Some are lies of the disk, which is the same as the call not being there; the others change one place of the database's
 * source as it is loaded, in the simulator's threads only. A place that is not found exactly once is an error: the canary
 * has to move with the code.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SeedOptions, SimPlan } from '../../db/sim/index.ts';
import { repositoryRoot } from '../version.ts';

export interface Canary {
  readonly name: string;
  readonly bug: string;
  readonly lies?: NonNullable<SeedOptions['lies']>;
  readonly patch?: Patch;
  /** What of each seed's plan is given, for a bug that only one sort of run can show. */
  readonly plan?: Partial<SimPlan>;
}

export interface Patch {
  /** Path from the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export const CANARIES: readonly Canary[] = [
  {
    name: 'skipped-fsync',
    bug: 'segments are written and acknowledged without fdatasync',
    lies: { fdatasync: true },
  },
  {
    name: 'skipped-file-fsync',
    bug: 'small files are renamed into place without fsync',
    lies: { fsync: true },
  },
  {
    name: 'missing-directory-fsync',
    bug: 'new names are relied on before their directory is synced',
    lies: { fsyncDirectory: true },
  },
  {
    name: 'ack-before-fsync',
    bug: 'a sequence is called stable when its fdatasync begins',
    patch: {
      file: 'db/wal/flusher.ts',
      find: '    this.#disk.fdatasync(handle);',
      replace: '    this.#queue.publishStable(this.#written);\n    this.#disk.fdatasync(handle);',
    },
  },
  {
    name: 'ranking-answered-early',
    bug: 'a write of the ranking layer is answered before it is stable',
    plan: { level: 'engine', ranking: true },
    patch: {
      file: 'db/engine/ranking-path.ts',
      find: '  #settle(position: Sequence): void {',
      replace: '  #settle(position: Sequence): void {\n    position = this.#last;',
    },
  },
  {
    name: 'late-fsync',
    bug: 'a sync is still under way when its call has returned',
    lies: { lateSync: true },
  },
  {
    name: 'wrong-hash',
    bug: 'the chain leaves out the first bytes of a group',
    patch: {
      file: 'db/wal/chain.ts',
      find: '[previous, ...group, ',
      replace: '[previous, ...group.slice(1), ',
    },
  },
  {
    name: 'stale-segment',
    bug: 'a start takes a segment of another branch for the next one',
    plan: { kind: 'damage' },
    patch: {
      file: 'db/wal/recovery.ts',
      find: '  if (continues) return;',
      replace: '  if (continues || header.firstSequence > 0) return;',
    },
  },
  {
    name: 'off-by-one-commit',
    bug: 'a start zeroes what lies behind the last commit but one',
    patch: {
      file: 'db/wal/settle.ts',
      find: 'rewriteTail(disk, segment.handle, marked, offset, segmentBytes)',
      replace: 'rewriteTail(disk, segment.handle, marked, commits.at(-2)?.end ?? offset, segmentBytes)',
    },
  },
  {
    name: 'mark-too-high',
    bug: 'a commit calls one sequence more durable than is',
    patch: {
      file: 'db/wal/writer.ts',
      find: 'COMMIT.at.durableMark, this.#flusher.durable)',
      replace: 'COMMIT.at.durableMark, this.#flusher.durable + 1)',
    },
  },
  {
    name: 'trusting-the-page-cache',
    bug: 'a start does not write again what it accepts',
    plan: { kind: 'error' },
    patch: {
      file: 'db/wal/torn-tail.ts',
      find: '    disk.pwrite(handle, part, at);',
      replace: '    void at;',
    },
  },
];

/** Checks that the canary's place is there, without planting it. Throws when it is not. */
export function checkPatch({ name, patch }: Canary): void {
  if (patch !== undefined) patched(name, patch, readFileSync(join(repositoryRoot, patch.file), 'utf8'));
}

/** Changes the source as it is loaded from now on, in this thread. */
export function plant({ name, patch }: Canary): void {
  if (patch === undefined) return;
  const target = pathToFileURL(join(repositoryRoot, patch.file)).href;
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      if (url !== target) return loaded;
      const source =
        typeof loaded.source === 'string'
          ? loaded.source
          : Buffer.from(loaded.source as Uint8Array).toString();
      return { ...loaded, source: patched(name, patch, source) };
    },
  });
}

function patched(name: string, { file, find, replace }: Patch, source: string): string {
  const parts = source.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(
    `canary ${name}: its place is in ${file} ${parts.length - 1} times; look how the code does it now and plant it there`,
  );
}
