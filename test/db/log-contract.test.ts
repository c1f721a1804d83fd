import { randomBytes } from 'node:crypto';
import { describe } from 'vitest';
import { RealDisk, realClock } from '../../db/io/index.ts';
import { initLog, openLog } from '../../db/wal/index.ts';
import type { Log } from '../../db/wal/log.ts';
import { logContract } from './support/log-contract.ts';
import { MemoryLog } from './support/memory-log.ts';
import { temporaryData } from './support/temporary.ts';

describe('a log in memory', () => {
  logContract({
    open: async () => new MemoryLog(),
    reopen: async (log) => {
      await log.close();
      return (log as MemoryLog).crash();
    },
  });
});

describe.each([{ inline: false }, { inline: true }])('a log on disk, inline: $inline', ({ inline }) => {
  const directories = new WeakMap<Log, string>();
  const disk = new RealDisk();
  const openIn = async (directory: string): Promise<Log> => {
    const log = await openLog({ directory, disk, clock: realClock, random: randomBytes, inline });
    directories.set(log, directory);
    return log;
  };
  logContract({
    open: async () => {
      const directory = temporaryData();
      initLog({ directory, disk, random: randomBytes, segmentBytes: 1 << 20 });
      return openIn(directory);
    },
    reopen: async (log) => {
      await log.close();
      return openIn(directories.get(log)!);
    },
  });
});
