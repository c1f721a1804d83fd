/** A thread of the pool: carries out one query after the other on read-only connections of its own. */
import { randomUUID } from 'node:crypto';
import { getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { plainError } from '../../errors.ts';
import { realClock } from '../../io/index.ts';
import { CatalogCache } from '../catalog/index.ts';
import { tagOf } from '../execute/answer.ts';
import { Budget, cancelledError } from '../execute/budget.ts';
import { openQuery } from '../execute/open-query.ts';
import { rowBytes } from '../execute/row-bytes.ts';
import { Planner } from '../plan/planner.ts';
import { openStoreReader, type StoreConnection } from '../store/index.ts';
import { AnswerRows } from './answer-rows.ts';
import {
  CHUNK_BYTES,
  CONTROL,
  type ReaderJob,
  type ReaderNews,
  type ReaderStart,
  withRealParameters,
} from './job.ts';

/** A tenth of the weight of a thread that has not stepped back. */
const NICE_STEP = 10;
const NICE_MAX = 19;
/** Tenants whose connections are kept open; those that were not asked about for longest are closed. */
const TENANTS_MAX = 32;

/** What is kept of one tenant. */
interface Opened {
  readonly connection: StoreConnection;
  readonly catalogs: CatalogCache;
}

const control = new Int32Array((workerData as ReaderStart).control);
const planner = new Planner();
const opened = new Map<string, Opened>();

stepBack();

parentPort?.on('message', (job: ReaderJob) => {
  try {
    answer(job);
  } catch (error) {
    tell({ news: 'failed', id: job.id, error: plainError(error, { sqlstate: 'XX000' }) });
  }
});

/**
 * On a machine with fewer free processors than readers, the threads that write go first. For Linux a priority is a thread's
 * own, and 0 means the one that asks; elsewhere it would be the whole process's.
 */
function stepBack(): void {
  if (process.platform === 'linux') setPriority(0, Math.min(NICE_MAX, getPriority(0) + NICE_STEP));
}

function answer({ id, path, query: plain, waitedMillis }: ReaderJob): void {
  const query = withRealParameters(plain);
  const { connection, catalogs } = openedOf(path);
  const cancelled = (): boolean => Atomics.load(control, CONTROL.cancelled) === id;
  const budget = new Budget({ limits: query.limits, clock: realClock, cancelled, waitedMillis });
  const tools = { planner, catalogs, present: null, randomUuid: randomUUID };
  const snapshot = connection.snapshot();
  try {
    const open = openQuery(snapshot, query, budget, tools);
    tell({ news: 'columns', id, columns: open.columns });
    const rows = new AnswerRows(open.columns);
    let count = 0;
    for (const row of open.rows) {
      if (row === null) continue;
      rows.add(row);
      budget.hold(rowBytes(row));
      budget.answer(++count);
      if (rows.bytes >= CHUNK_BYTES) send(id, rows, cancelled);
    }
    if (rows.bytes > 0) send(id, rows, cancelled);
    const [tag, notices] = [tagOf(open, count), open.notices(count)];
    tell({ news: 'done', id, tag, count, position: open.position, reads: open.reads(), notices });
  } finally {
    snapshot.close();
  }
}

/** Waits while as many chunks as allowed are under way: the ordering thread reads them between other things. */
function send(id: number, rows: AnswerRows, cancelled: () => boolean): void {
  while (Atomics.load(control, CONTROL.credits) <= 0) {
    if (cancelled()) throw cancelledError();
    Atomics.wait(control, CONTROL.credits, 0, 1_000);
  }
  Atomics.sub(control, CONTROL.credits, 1);
  const bytes = rows.take();
  parentPort?.postMessage({ news: 'rows', id, bytes } satisfies ReaderNews, [bytes.buffer]);
}

function tell(news: ReaderNews): void {
  parentPort?.postMessage(news);
}

function openedOf(path: string): Opened {
  const kept = opened.get(path);
  opened.delete(path);
  const found = kept ?? { connection: openStoreReader(path), catalogs: new CatalogCache() };
  // Behind all others: the first is the one that was not asked about for longest.
  opened.set(path, found);
  const [oldest] = opened.keys();
  if (opened.size > TENANTS_MAX && oldest !== undefined) {
    opened.get(oldest)?.connection.close();
    opened.delete(oldest);
  }
  return found;
}
