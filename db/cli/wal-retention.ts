/** `truthdb wal archive|prune`: moving the oldest segments of a log away. Nothing goes by itself. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import { sequence } from '../types.ts';
import { archiveSegments, pruneSegments } from '../wal/index.ts';
import { type Arguments, type Command, misused, type Option } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';
import { connectTo, TARGET_OPTIONS } from './target.ts';

const BEFORE: Option = {
  flag: 'before',
  value: 'POSITION',
  help: 'whole segments that end before this position (required)',
};

export const walArchive: Command = {
  name: 'wal archive',
  summary: 'Copies the oldest segments of a log to another directory and marks them as archived.',
  detail:
    'Each copy is read back and verified. Works beside a running server. What is pruned afterwards is read from there.\n' +
    'An archive is laid out like a data directory: `truthdb wal verify --data ARCHIVE` checks it.',
  positionals: [],
  options: [
    BEFORE,
    { flag: 'to', value: 'DIR', help: 'directory of the archive; made if missing (required)' },
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
  ],
  example: 'truthdb wal archive --before 1000000 --to /mnt/archive --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const directory = resolve(required(walArchive, args, 'data'));
    const to = resolve(required(walArchive, args, 'to'));
    const before = beforeFrom(walArchive, args);
    const progress = (line: string): void => terminal.progress(line);
    const fresh = !existsSync(to);
    let archived: ReturnType<typeof archiveSegments>;
    try {
      archived = archiveSegments({ disk: new RealDisk(), directory, to, before, progress });
    } finally {
      // The server reads what was pruned from there; whatever else lies in a directory that was there is not ours to give.
      const made = fresh ? [directory, to] : [directory, join(to, 'wal'), join(to, 'metadata')];
      for (const each of made) if (existsSync(each)) giveTo(ownerOf(directory), each);
    }
    const segments = archived.map(({ index }) => index);
    await terminal.out(
      terminal.json
        ? JSON.stringify({ archived: { segments } })
        : `archived: ${segments.length === 0 ? 'nothing' : `segments ${segments.join(', ')}`}`,
    );
    return 0;
  },
};

export const walPrune: Command = {
  name: 'wal prune',
  summary: 'Removes the oldest segments of a log, unless somebody still needs them.',
  detail:
    'Refused, naming the holder, while a view, a snapshot, a reader or a follower needs one of them, or one is in no ' +
    'archive. What no archive has can then not be read, and views cannot be computed again from before it. With --data on the files ' +
    'of a stopped server, otherwise through the server.',
  positionals: [],
  options: [
    BEFORE,
    { flag: 'without-archive', value: null, help: 'lose segments that are in no archive' },
    { flag: 'data', value: 'DIR', help: 'directory of a database: its files, without a server' },
    ...TARGET_OPTIONS,
  ],
  example: 'truthdb wal prune --before 1000000',
  run: async (args, terminal) => {
    const before = beforeFrom(walPrune, args);
    const withoutArchive = args.switch('without-archive');
    const data = args.text('data');
    const pruned =
      data === undefined
        ? await pruneThroughServer()
        : await pruneFiles(resolve(data), sequence(before), withoutArchive);
    const what = pruned.segments.length === 0 ? 'nothing' : `segments ${pruned.segments.join(', ')}`;
    await terminal.out(
      terminal.json ? JSON.stringify({ pruned }) : `pruned: ${what}; the log begins at ${pruned.floor}`,
    );
    return 0;

    async function pruneThroughServer(): Promise<PrunedShown> {
      const db = await connectTo(args, terminal);
      try {
        return (await db.administer({ command: 'wal-prune', before, withoutArchive }))[
          'pruned'
        ] as PrunedShown;
      } finally {
        await db.close();
      }
    }
  },
};

interface PrunedShown {
  /** Indexes. */
  readonly segments: readonly number[];
  readonly floor: number;
}

async function pruneFiles(
  directory: string,
  before: ReturnType<typeof sequence>,
  withoutArchive: boolean,
): Promise<PrunedShown> {
  const { holdsOf } = await import('../engine.ts');
  const disk = new RealDisk();
  const lock = disk.lock(directory);
  if (lock === null) {
    throw new TruthError('LOCKED', `a server has ${directory} open: leave out --data to prune through it`);
  }
  try {
    const holds = holdsOf(disk, directory);
    const { removed, floor } = pruneSegments({ disk, directory, before, withoutArchive, holds });
    return { segments: removed.map(({ index }) => index), floor };
  } finally {
    lock.release();
    giveTo(ownerOf(directory), directory);
  }
}

function beforeFrom(command: Command, args: Arguments) {
  const before = args.number('before', 1);
  if (before === undefined) throw misused(command, '--before is missing');
  return sequence(before);
}

function required(command: Command, args: Arguments, flag: string): string {
  const value = args.text(flag);
  if (value === undefined) throw misused(command, `--${flag} is missing`);
  return value;
}
