/** A reader's thread: one question after the other, on views of its own, with nothing but files and shared memory to go by. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, TruthError } from '../../errors.ts';
import { RealDisk, realClock } from '../../io/index.ts';
import { MemoryBudget, ScratchFiles } from '../../materializer/index.ts';
import { EntryOpener, Epochs, GivenKeys } from '../../tenancy/index.ts';
import { type LogReader, openSharedReader, StableMark } from '../../wal/index.ts';
import { plainError, type ReaderJob, type ReaderNews, type ReaderStart } from './messages.ts';
import { ReaderViews } from './reader-views.ts';
import { restorePoints } from './restore-points.ts';

/** A tenth of the weight of a thread that has not stepped back. */
const NICE_STEP = 10;
const NICE_MAX = 19;

/** After these everything is read anew: the log may have been repaired, or its files be under another key. */
const SUSPECT: readonly ErrorCode[] = ['CORRUPT', 'GAP', 'IO', 'KEY_UNAVAILABLE', 'INTERNAL'];

const start = workerData as ReaderStart;
const disk = new RealDisk();
let log: ReturnType<typeof openedLog> | null = null;
let views: ReaderViews | null = null;
let turn: Promise<void> = Promise.resolve();

stepBack();

parentPort?.on('message', (job: ReaderJob) => {
  turn = turn.then(() => answer(job));
});

/** Threads that write go first. For Linux a priority is a thread's own; elsewhere it would be the whole process's. */
function stepBack(): void {
  if (process.platform === 'linux') setPriority(0, Math.min(NICE_MAX, getPriority(0) + NICE_STEP));
}

async function answer({ id, question }: ReaderJob): Promise<void> {
  try {
    log ??= openedLog();
    views ??= newViews(log);
    tell({ news: 'answer', id, found: await views.answer(question) });
  } catch (error) {
    tell({ news: 'failed', id, error: plainError(error) });
    if (error instanceof TruthError && !SUSPECT.includes(error.code)) return;
    views?.forget();
    views = null;
    log?.close();
    log = null;
  }
}

function tell(news: ReaderNews): void {
  parentPort?.postMessage(news);
}

function newViews(log: ReturnType<typeof openedLog>): ReaderViews {
  const { directory, logId, scratch, memoryBytes } = start;
  const report = (line: string): void => tell({ news: 'report', line });
  return new ReaderViews({
    ...{ logId, log, clock: realClock },
    points: () => restorePoints(disk, directory, logId),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    memory: new MemoryBudget({
      bytesMax: memoryBytes,
      scratch: new ScratchFiles({ disk, folder: scratch, report }),
    }),
    report,
  });
}

function openedLog(): Pick<LogReader, 'read' | 'readBackwards' | 'stable'> & { close(): void } {
  const { directory, logId, keks, unknownKeys } = start;
  const log = openSharedReader({ disk, directory, mark: new StableMark(start.stable) });
  const epochs = new Epochs(disk, directory, () => null);
  for (const epoch of start.epochs) epochs.note(epoch);
  const keys = new GivenKeys({ disk, directory, logId, keks });
  const opener = new EntryOpener({ logId, keys, epochs, unknownKeys });
  return {
    get stable() {
      return log.stable;
    },
    async *read(options) {
      for await (const commit of log.read(options)) yield opener.opened(commit);
    },
    // For places of commits only: what is in them is not looked at.
    readBackwards: (from) => log.readBackwards(from),
    close: () => log.close(),
  };
}
