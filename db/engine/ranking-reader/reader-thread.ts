/** A reader's thread: views of its own, with nothing but files and shared memory to go by. */
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorCode, plainError, TruthError } from '../../errors.ts';
import { RealDisk, realClock, realScheduler } from '../../io/index.ts';
import { MemoryBudget, ScratchFiles } from '../../materializer/index.ts';
import { EntryOpener, Epochs, GivenKeys } from '../../tenancy/index.ts';
import { type LogReader, openSharedReader, StableMark } from '../../wal/index.ts';
import { READ_VIEWS } from '../ranking-views.ts';
import { LiveViews } from './live-views.ts';
import type { LiveQuestion, PastQuestion, ReaderJob, ReaderNews, ReaderStart } from './messages.ts';
import { PastViews } from './past-views.ts';
import { restorePoints } from './restore-points.ts';

/** A tenth of the weight of a thread that has not stepped back. */
const NICE_STEP = 10;
const NICE_MAX = 19;
/** After these everything is read anew: the log may have been repaired, or its files be under another key. */
const SUSPECT: readonly ErrorCode[] = ['CORRUPT', 'GAP', 'IO', 'KEY_UNAVAILABLE', 'INTERNAL'];

type OpenedLog = Pick<LogReader, 'read' | 'readBackwards' | 'stable'> & { close(): void };

const start = workerData as ReaderStart;
const disk = new RealDisk();
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const report = (line: string): void => tell({ news: 'report', line });

if (start.role === 'past') answerAboutThePast();
else answerAboutNow();

/** One question after the other. */
function answerAboutThePast(): void {
  stepBack();
  let log: OpenedLog | null = null;
  let views: PastViews | null = null;
  let turn: Promise<void> = Promise.resolve();
  const answer = async ({ id, question }: ReaderJob<PastQuestion>): Promise<void> => {
    try {
      log ??= openedLog();
      views ??= newPastViews(log);
      tell({ news: 'answer', id, found: await views.answer(question) });
    } catch (error) {
      tell({ news: 'failed', id, error: plainError(error) });
      if (error instanceof TruthError && !SUSPECT.includes(error.code)) return;
      views?.forget();
      views = null;
      log?.close();
      log = null;
    }
  };
  parentPort?.on('message', (job: ReaderJob<PastQuestion>) => {
    turn = turn.then(() => answer(job));
  });
}

/** What cannot be followed any more ends the thread: it begins anew when it is wanted. */
function answerAboutNow(): void {
  const { directory, logId } = start;
  const log = openedLog();
  const views = new LiveViews({
    beside: { log, logId, definitions: READ_VIEWS, memory: newMemory(), report },
    points: restorePoints(disk, directory, logId),
    applied: new StableMark(start.applied),
    ...{ clock: realClock, scheduler: realScheduler, pause },
  });
  parentPort?.on('message', ({ id, question }: ReaderJob<LiveQuestion>) => {
    views.answer(question).then(
      (found) => tell({ news: 'answer', id, found }),
      (error: unknown) => tell({ news: 'failed', id, error: plainError(error) }),
    );
  });
  views.run(new AbortController().signal).catch((error: unknown) => {
    report(`a reader of ranking ends: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  });
}

/** Threads that write go first. For Linux a priority is a thread's own; elsewhere it would be the whole process's. */
function stepBack(): void {
  if (process.platform === 'linux') setPriority(0, Math.min(NICE_MAX, getPriority(0) + NICE_STEP));
}

function tell(news: ReaderNews): void {
  parentPort?.postMessage(news);
}

function newPastViews(log: OpenedLog): PastViews {
  const { directory, logId } = start;
  return new PastViews({
    ...{ log, logId, clock: realClock, memory: newMemory(), pause, report },
    points: () => restorePoints(disk, directory, logId),
  });
}

function newMemory(): MemoryBudget {
  const { scratch: folder, memoryBytes: bytesMax } = start;
  return new MemoryBudget({ bytesMax, scratch: new ScratchFiles({ disk, folder, report }) });
}

function openedLog(): OpenedLog {
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
