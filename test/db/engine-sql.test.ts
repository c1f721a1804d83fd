/** The way of a command on tables to its answer, over a log whose disk is in the test's hand. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Engine, openEngineOver, type Replication } from '../../db/engine.ts';
import { TruthError } from '../../db/errors.ts';
import { KERNEL_ENTRY } from '../../db/kernel/entry-types.ts';
import type { SqlSession } from '../../db/sql/contract.ts';
import { type RecordedAt, TENANT_DEFAULT } from '../../db/types.ts';
import { sessionOf, told } from './sql/session/open-sql.ts';
import { append, eventDrafts } from './support/event-drafts.ts';
import { MemoryLog } from './support/memory-log.ts';
import { temporaryData } from './support/temporary.ts';

let log: MemoryLog;
let engine: Engine;
let session: SqlSession;

/** Turns of the event loop, in which groups close. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A group ends after some milliseconds, so what shares one on an idle machine may need several on a busy one. */
async function stabilised<T>(answer: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  answer.then(settle, settle);
  while (!isSettled) {
    await turns();
    log.stabilise();
  }
  return answer;
}

/** `pending`, or what the session was told. */
async function soFar(answer: Promise<unknown>): Promise<unknown> {
  await turns();
  return Promise.race([answer, new Promise((resolve) => setImmediate(() => resolve('pending')))]);
}

beforeEach(async () => {
  log = new MemoryLog({ stability: 'manual' });
  engine = await openEngineOver(log, { directory: temporaryData() });
  session = sessionOf(engine);
  await stabilised(told(session, 'CREATE TABLE t (id integer PRIMARY KEY, n integer)'));
  await stabilised(told(session, 'INSERT INTO t VALUES (1, 1)'));
});

function all(): Promise<unknown> {
  return told(sessionOf(engine), 'SELECT id FROM t ORDER BY id');
}

describe('until its last entry is durable', () => {
  test('nobody is answered and nobody sees anything', async () => {
    const insert = told(session, 'INSERT INTO t VALUES (2, 2)');
    expect(await soFar(insert)).toBe('pending');
    expect(await all()).toEqual([[1]]);
    expect(await stabilised(insert)).toBe('INSERT 0 1');
    expect(await all()).toEqual([[1], [2]]);
  });

  test('refusals wait for what they rest on', async () => {
    const [insert, again] = [2, 2].map((id) => told(sessionOf(engine), `INSERT INTO t VALUES (${id}, 0)`));
    expect(await soFar(again!)).toBe('pending');
    expect(await stabilised(Promise.all([insert, again]))).toEqual(['INSERT 0 1', '23505']);
  });

  test('what rests on durable rows alone is answered at once', async () => {
    expect(await soFar(told(session, 'INSERT INTO t VALUES (1, 0)'))).toBe('23505');
    expect(await soFar(told(session, 'UPDATE t SET n = 2 WHERE id = 9'))).toBe('UPDATE 0');
    expect(await soFar(told(session, 'CREATE TABLE IF NOT EXISTS t (id integer)'))).toBe('CREATE TABLE');
  });

  test('commands that come meanwhile are the next group', async () => {
    const first = told(sessionOf(engine), 'INSERT INTO t VALUES (2, 2)');
    await turns();
    const next = [3, 4].map((id) => told(sessionOf(engine), `INSERT INTO t VALUES (${id}, 0)`));
    expect(await soFar(next[0]!)).toBe('pending');
    expect(engine.status().commandsWaiting).toBe(3);
    const entries = log.next;
    expect(await stabilised(first)).toBe('INSERT 0 1');
    await turns();
    // Both of them and no commit between.
    expect(log.next - entries).toBe(3);
    expect(await stabilised(Promise.all(next))).toEqual(['INSERT 0 1', 'INSERT 0 1']);
  });

  test.each([
    ['one after the other', 1],
    ['at the same time', 2],
  ])('commands that the log has put into two commits are two groups, durable %s', async (_when, commits) => {
    const append = log.append.bind(log);
    let calls = 0;
    log.append = (...given) => {
      // As when the group it was to join has become too large.
      if (++calls === 2) log.closeGroup();
      return append(...given);
    };
    const answers = [2, 3, 4].map((id) => told(sessionOf(engine), `INSERT INTO t VALUES (${id}, 0)`));
    await turns();
    log.stabilise(commits);
    expect(await answers[0]).toBe('INSERT 0 1');
    if (commits === 1) {
      expect(await soFar(answers[1]!)).toBe('pending');
      expect(await all()).toEqual([[1], [2]]);
    }
    expect(await stabilised(answers[1]!)).toBe('INSERT 0 1');
    expect(await stabilised(answers[2]!)).toBe('INSERT 0 1');
    expect(await all()).toEqual([[1], [2], [3], [4]]);
    expect(engine.status().commandsWaiting).toBe(0);
  });

  test('events go on being appended', async () => {
    const insert = told(session, 'INSERT INTO t VALUES (2, 2)');
    await turns();
    const event = engine.append(append('s', eventDrafts(1)));
    await turns();
    log.stabilise(1);
    expect(await insert).toBe('INSERT 0 1');
    expect(await stabilised(event)).toMatchObject({ lastRevision: 0 });
  });
});

describe('where the log says no', () => {
  test('commands wait for room, in their order', async () => {
    log.setBusy(true);
    const answers = [2, 2, 3].map((id) => told(sessionOf(engine), `INSERT INTO t VALUES (${id}, 0)`));
    expect(await soFar(answers[0]!)).toBe('pending');
    log.setBusy(false);
    expect(await stabilised(Promise.all(answers))).toEqual(['INSERT 0 1', '23505', 'INSERT 0 1']);
  });

  test('more than may wait are refused with BUSY', async () => {
    log.setBusy(true);
    const answers = Array.from({ length: 4096 }, (_, id) =>
      told(sessionOf(engine), 'INSERT INTO t VALUES ($1, 0)', String(id + 2)),
    );
    await turns();
    const one = sessionOf(engine).execute('INSERT INTO t VALUES (0, 0)', []);
    await expect(one).rejects.toMatchObject({ code: 'BUSY', details: { sqlstate: '53300' } });
    log.setBusy(false);
    while (engine.status().commandsWaiting > 0) {
      await turns();
      log.stabilise();
    }
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['INSERT 0 1']));
  });

  test('more bytes than may wait are refused too, one alone is not', async () => {
    await stabilised(told(session, 'CREATE TABLE large (s text)'));
    log.setBusy(true);
    const large = 'x'.repeat(34 * 1024 * 1024);
    const first = told(sessionOf(engine), 'INSERT INTO large VALUES ($1)', large);
    const second = told(sessionOf(engine), 'INSERT INTO large VALUES ($1)', large);
    expect(await soFar(second)).toBe('53300');
    log.setBusy(false);
    // The log itself takes no entry of that size.
    expect(await stabilised(first)).toBe('54000');
  });

  test('a disk that is full refuses the command and keeps those around it', async () => {
    const refused = new TruthError('DISK_FULL', 'there is no space');
    const appended = log.append.bind(log);
    const answers = [2, 3, 4].map((id) => told(sessionOf(engine), `INSERT INTO t VALUES (${id}, 0)`));
    let calls = 0;
    log.append = (...given) => {
      if (++calls === 2) throw refused;
      return appended(...given);
    };
    expect(await stabilised(Promise.all(answers))).toEqual(['INSERT 0 1', 'DISK_FULL', 'INSERT 0 1']);
    expect(await all()).toEqual([[1], [2], [4]]);
    expect(await stabilised(told(session, 'INSERT INTO t VALUES (3, 0)'))).toBe('INSERT 0 1');
  });

  test('a writer that fails takes everything in flight with it, and readers see what was durable', async () => {
    const inFlight = [
      told(sessionOf(engine), 'INSERT INTO t VALUES (2, 2)'),
      told(sessionOf(engine), 'CREATE TABLE u (id integer)'),
    ];
    await turns();
    const waiting = told(sessionOf(engine), 'INSERT INTO t VALUES (3, 3)');
    await turns();
    log.failWriter('EIO');
    expect(await Promise.all([...inFlight, waiting])).toEqual(Array(3).fill('WRITER_FAILED'));
    expect(await all()).toEqual([[1]]);
    expect(await told(session, 'INSERT INTO t VALUES (4, 4)')).toBe('WRITER_FAILED');
    expect(await told(session, 'SELECT * FROM u')).toBe('42P01');
    await engine.close();
  });
});

describe('closing', () => {
  test('answers what is in flight and refuses what comes after', async () => {
    const insert = told(session, 'INSERT INTO t VALUES (2, 2)');
    await turns();
    const closing = engine.close();
    const late = told(sessionOf(engine), 'INSERT INTO t VALUES (3, 3)');
    expect(await stabilised(insert)).toBe('INSERT 0 1');
    await closing;
    expect(await late).toBe('CLOSED');
    expect(await all()).toBe('CLOSED');
  });
});

describe('where nothing may be written', () => {
  test('a copy refuses commands with its own words, and can be read', async () => {
    const refusal = new TruthError('READ_ONLY', 'this is a copy');
    const replication: Replication = {
      onReplicated: () => () => {},
      onGap: () => () => {},
      refusal: () => refusal,
      status: () => ({ source: 'x', connected: true, lag: null, reconnects: 0, problem: null }),
    };
    engine = await openEngineOver(log.crash(), { directory: temporaryData(), replication });
    session = sessionOf(engine);
    expect(await told(session, 'INSERT INTO t VALUES (5, 5)')).toBe('READ_ONLY');
    expect(await all()).toEqual([[1]]);
  });

  test('a copy shows what it is given', async () => {
    let replicate: Parameters<Replication['onReplicated']>[0] = () => {};
    const replication: Replication = {
      onReplicated: (listener) => {
        replicate = listener;
        return () => {};
      },
      onGap: () => () => {},
      refusal: () => new TruthError('READ_ONLY', 'this is a copy'),
      status: () => ({ source: 'x', connected: true, lag: null, reconnects: 0, problem: null }),
    };
    const copy = await openEngineOver(log.crash(), { directory: temporaryData(), replication });
    // What lies beside the epoch that the copy began by itself.
    await stabilised(engine.append(append('s', eventDrafts(2))));
    const after = log.next;
    await stabilised(told(session, 'INSERT INTO t VALUES (2, 2)'));
    for await (const commit of log.read({ from: after, follow: false })) replicate(commit);
    expect(await told(sessionOf(copy), 'SELECT id FROM t ORDER BY id')).toEqual([[1], [2]]);
  });

  test('a view of tables that has failed answers nothing, and streams go on', async () => {
    const payload = Uint8Array.of(1, 1, 2, 3);
    const entry = { type: KERNEL_ENTRY.rows, tenant: TENANT_DEFAULT, partitionKey: 0n, flags: 0, payload };
    const broken = log.crash(0, { stability: 'manual' });
    broken.append([entry], 1n as RecordedAt);
    await turns();
    broken.stabilise();
    log = broken.crash();
    engine = await openEngineOver(log, { directory: temporaryData() });
    session = sessionOf(engine);
    expect(await told(session, 'SELECT * FROM t')).toBe('VIEW_UNAVAILABLE');
    expect(await told(session, 'INSERT INTO t VALUES (5, 5)')).toBe('VIEW_UNAVAILABLE');
    const event = engine.append(append('s', eventDrafts(1)));
    expect(await stabilised(event)).toMatchObject({ lastRevision: 0 });
  });
});
