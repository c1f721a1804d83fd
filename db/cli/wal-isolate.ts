/** `truthdb wal isolate`: declares damage of a log lost, where there is no copy to repair it from. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { RealDisk, realClock, realScheduler } from '../io/index.ts';
import { SnapshotStore } from '../snapshot/index.ts';
import { sequence } from '../types.ts';
import { isolate } from '../wal/index.ts';
import { type Command, misused } from './command.ts';
import { giveTo, ownerOf } from './ownership.ts';

export const walIsolate: Command = {
  name: 'wal isolate',
  summary: 'Declares a damaged part of a log lost, so that the rest can be used again.',
  detail:
    'Only where no backup, archive or follower has it. Name the segment and a sequence that cannot be read, as ' +
    '`truthdb wal verify` shows them. The bytes are kept in metadata/isolated/; the gap is recorded in the log, and ' +
    'readers that come to it are told. The server must be stopped.',
  positionals: [],
  options: [
    { flag: 'segment', value: 'N', help: 'number of the damaged segment (required)' },
    { flag: 'sequence', value: 'N', help: 'a sequence that cannot be read (required)' },
    { flag: 'data', value: 'DIR', help: 'directory of the database (required)' },
  ],
  example: 'truthdb wal isolate --segment 3 --sequence 81215 --data /var/lib/truthdb',
  run: async (args, terminal) => {
    const data = args.text('data');
    const segment = args.number('segment', 1);
    const from = args.number('sequence', 1);
    if (data === undefined || segment === undefined || from === undefined) {
      throw misused(walIsolate, '--segment, --sequence and --data are needed');
    }
    const directory = resolve(data);
    const disk = new RealDisk();
    try {
      const isolated = await isolate({
        disk,
        directory,
        clock: realClock,
        scheduler: realScheduler,
        random: randomBytes,
        segment,
        sequence: sequence(from),
        marks: (await import('../engine.ts')).claimsOf(disk, directory),
        progress: (line) => terminal.progress(line),
      });
      const { to, copy, more } = isolated;
      for (const name of new SnapshotStore(disk, directory).setAside([isolated])) {
        terminal.say(`snapshot ${name} was taken of what is lost now; it is kept in snapshots/set-aside/`);
      }
      await terminal.out(
        terminal.json
          ? JSON.stringify(isolated)
          : `sequences ${isolated.from} to ${to} are a gap now; ${copy === null ? 'there were no bytes to keep' : `their bytes are in ${copy}`}`,
      );
      if (more !== null) {
        terminal.say(
          `this gap is declared, and the log does not open yet, because it has other damage: ${more}`,
        );
      }
    } finally {
      giveTo(ownerOf(directory), directory);
    }
    return 0;
  },
};
