import { describe, expect, test } from 'vitest';
import { type Source, sourcesBelow } from './sources.ts';

/**
 * Rooms from the ground up; a file may import from its own room and from rooms listed before it, except where a room
 * names what it may see. Files directly under db/ are rooms of their own.
 */
const GROUND = ['db/types.ts', 'db/errors.ts', 'db/version.ts', 'db/numeric', 'db/hash', 'db/io'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'db/types.ts': ['db/errors.ts'],
  'db/errors.ts': [],
  'db/version.ts': [],
  'db/numeric': GROUND,
  'db/hash': GROUND,
  'db/io': GROUND,
  'db/wal': GROUND,
  'db/kernel': [...GROUND, 'db/wal', 'db/streams/event.ts'],
  'db/materializer': [...GROUND, 'db/wal', 'db/kernel'],
  'db/streams': [...GROUND, 'db/wal', 'db/kernel', 'db/materializer'],
  'db/snapshot': [...GROUND, 'db/wal', 'db/materializer'],
  'db/backup': [...GROUND, 'db/wal', 'db/snapshot', 'db/audit'],
  'db/sql': [...GROUND, 'db/wal', 'db/kernel', 'db/materializer'],
  'db/ranking': [...GROUND, 'db/wal', 'db/kernel', 'db/materializer', 'db/streams/hash-table.ts'],
  'db/reducers': [...GROUND, 'db/wal', 'db/kernel', 'db/materializer', 'db/sql'],
  'db/tenancy': [...GROUND, 'db/wal', 'db/kernel', 'db/materializer', 'db/streams/event.ts'],
  'db/audit': [...GROUND, 'db/wal'],
  'db/engine': [
    ...GROUND,
    'db/wal',
    'db/kernel',
    'db/materializer',
    'db/streams',
    'db/snapshot',
    'db/ranking',
    'db/sql',
    'db/reducers',
    'db/tenancy',
    'db/audit',
  ],
  'db/engine.ts': [
    ...GROUND,
    'db/engine',
    'db/wal',
    'db/kernel',
    'db/materializer',
    'db/streams',
    'db/snapshot',
    'db/ranking',
    'db/sql',
    'db/reducers',
    'db/tenancy',
    'db/audit',
  ],
  'db/sim': [
    ...GROUND,
    'db/engine.ts',
    'db/wal',
    'db/kernel',
    'db/materializer',
    'db/streams',
    'db/snapshot',
    'db/ranking',
  ],
  'db/protocol': [
    ...GROUND,
    'db/wal/log.ts',
    'db/streams/event.ts',
    'db/ranking/ground.ts',
    'db/ranking/kernel/command.ts',
    'db/ranking/retrieve/query.ts',
    'db/sql/contract.ts',
    'db/sql/types/sql-type.ts',
  ],
  'db/client': [
    ...GROUND,
    'db/protocol',
    'db/wal/log.ts',
    'db/streams/event.ts',
    'db/audit/verifier.ts',
    'db/audit/bundle-verifier.ts',
    'db/audit/checkpoint.ts',
    'db/ranking/ground.ts',
    'db/ranking/evaluate/bucket.ts',
    'db/ranking/retrieve/language/index.ts',
    'db/sql/contract.ts',
    'db/sql/types/sql-type.ts',
    'db/sql/types/timestamp-text.ts',
  ],
  'db/config.ts': [...GROUND, 'db/protocol', 'db/wal'],
  'db/server': [
    ...GROUND,
    'db/config.ts',
    'db/protocol',
    'db/engine.ts',
    'db/wal',
    'db/kernel',
    'db/materializer',
    'db/streams',
    'db/ranking',
    'db/sql',
    'db/tenancy',
  ],
  'db/follow': [...GROUND, 'db/wal', 'db/engine.ts', 'db/protocol', 'db/client'],
  'db/producers': [...GROUND, 'db/engine.ts', 'db/protocol', 'db/streams/event.ts'],
  'db/embedded': [
    ...GROUND,
    'db/engine.ts',
    'db/sql/contract.ts',
    'db/client/query-result.ts',
    'db/client/sql-values.ts',
  ],
  'db/embedded.ts': [
    ...GROUND,
    'db/engine.ts',
    'db/embedded',
    'db/producers',
    'db/protocol',
    'db/streams/event.ts',
  ],
  'db/cli': [
    ...GROUND,
    'db/config.ts',
    'db/protocol',
    'db/client',
    'db/follow',
    'db/server',
    'db/engine.ts',
    'db/snapshot',
    'db/backup',
    'db/audit',
    'db/wal',
    'db/streams',
    'db/tenancy',
    'db/ranking',
    'db/sql',
    'db/reducers',
  ],
  'db/main.ts': [...GROUND, 'db/cli', 'db/protocol', 'db/wal/format.ts'],
  'db/bin.ts': ['db/main.ts'],
  installer: [],
  image: ['installer', 'db/main.ts', 'scripts/progress.ts', 'scripts/version.ts'],
};

const sources = sourcesBelow('db', 'installer', 'image');

function roomOf(path: string): string {
  const [top, second] = path.split('/');
  return top === 'db' ? `db/${second}` : (top ?? '');
}

describe('the rooms of the house', () => {
  test('every source stands in a room that the rules know', () => {
    const unknown = sources
      .map((source) => source.path)
      .filter((path) => MAY_IMPORT[roomOf(path)] === undefined);
    expect(unknown).toEqual([]);
  });

  test('imports go down only', () => {
    const upward = sources.flatMap((source) => {
      const room = roomOf(source.path);
      const allowed = MAY_IMPORT[room] ?? [];
      return source.imports
        .filter((path) => path.endsWith('.ts'))
        .filter((path) => roomOf(path) !== room && !allowed.includes(roomOf(path)) && !allowed.includes(path))
        .map((path) => `${source.path} imports ${path}`);
    });
    expect(upward).toEqual([]);
  });

  test('no file imports itself through others', () => {
    expect(cycles(sources)).toEqual([]);
  });
});

/** Imports of types alone do not count: they are gone at run time. */
function cycles(all: readonly Source[]): string[] {
  const graph = new Map(all.map((source) => [source.path, runtimeImports(source)]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  for (const start of graph.keys()) {
    const stack: { path: string; rest: string[] }[] = [];
    if (state.get(start) === undefined) enter(start);
    while (stack.length > 0) {
      const top = stack.at(-1);
      const next = top?.rest.pop();
      if (top === undefined) break;
      if (next === undefined) {
        state.set(top.path, 'done');
        stack.pop();
      } else if (state.get(next) === 'open') {
        found.push([...stack.map((frame) => frame.path), next].join(' → '));
      } else if (state.get(next) === undefined && graph.has(next)) {
        enter(next);
      }
    }
    function enter(path: string): void {
      state.set(path, 'open');
      stack.push({ path, rest: [...(graph.get(path) ?? [])] });
    }
  }
  return found;
}

function runtimeImports(source: Source): string[] {
  const typeOnly = new Set(
    [...source.text.matchAll(/import type [^;]*?from '(\.[^']+)'/g)].map((match) =>
      match[1]?.split('/').at(-1),
    ),
  );
  const lazy = new Set(
    [...source.text.matchAll(/import\('(\.[^']+)'\)/g)].map((match) => match[1]?.split('/').at(-1)),
  );
  return source.imports.filter((path) => {
    const name = path.split('/').at(-1);
    return !typeOnly.has(name) && !lazy.has(name);
  });
}
