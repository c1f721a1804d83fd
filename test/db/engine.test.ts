/** The engine over a log whose stability the test decides: what is answered, when, and what is seen meanwhile. */
import { describe, expect, test, vi } from 'vitest';
import { type Engine, openEngineOver, VIEWS } from '../../db/engine.ts';
import type { TruthError } from '../../db/errors.ts';
import type { AppendResult, StreamName } from '../../db/kernel/event.ts';
import type { RecordedAt, Revision, Sequence, TenantId } from '../../db/types.ts';
import type { Durability, EntryDraft } from '../../db/wal/log.ts';
import { append, bytesOf, eventDraft, eventDrafts } from './support/event-drafts.ts';
import { MemoryLog, type MemoryLogOptions } from './support/memory-log.ts';
import { temporaryData } from './support/temporary.ts';
import { textView } from './support/text-view.ts';

const MANUAL: MemoryLogOptions = { stability: 'manual', groups: 'manual' };

async function openOver(log: MemoryLog, directory = temporaryData()): Promise<Engine> {
  return openEngineOver(log, { directory });
}

/** What has become of a promise so far. */
function watch(promise: Promise<AppendResult>): { state: string; result?: AppendResult; error?: TruthError } {
  const seen: { state: string; result?: AppendResult; error?: TruthError } = { state: 'waiting' };
  promise.then(
    (result) => Object.assign(seen, { state: 'answered', result }),
    (error) => Object.assign(seen, { state: 'refused', error }),
  );
  return seen;
}

/** Lets everything happen that needs no more than turns of the event loop. */
async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function commit(log: MemoryLog): void {
  log.closeGroup();
  log.stabilise();
}

async function dataOf(engine: Engine, stream: string): Promise<string[]> {
  const page = await engine.readStream({
    stream: stream as StreamName,
    direction: 'forwards',
    from: 'start',
    limit: 100,
  });
  return page.events.map(({ data }) => Buffer.from(data).toString());
}

describe('an append', () => {
  test('is answered, and seen by readers, when its commit is stable and not before', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    const answer = watch(engine.append(append('s', [eventDraft('a'), eventDraft('b')])));
    await turns();
    log.closeGroup();
    await turns();
    expect(answer.state).toBe('waiting');
    await expect(dataOf(engine, 's')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await engine.readAll({ direction: 'forwards', from: 'start', limit: 10 })).events).toEqual([]);
    expect(engine.status().inFlight).toBe(1);
    log.stabilise();
    await turns();
    expect(answer).toEqual({
      state: 'answered',
      result: {
        stream: 's',
        firstRevision: 0,
        lastRevision: 1,
        position: 4,
        duplicate: false,
        durable: true,
      },
    });
    expect(await dataOf(engine, 's')).toEqual(['a', 'b']);
    expect(engine.status()).toMatchObject({ inFlight: 0, events: 2, streams: 1 });
  });

  test('is decided in the order of the calls: those of one turn see each other and share a commit', async () => {
    const engine = await openOver(new MemoryLog());
    const answers = await Promise.all([
      engine.append(append('s', [eventDraft('a')], { expected: 'none' })),
      engine.append(append('s', [eventDraft('b')], { expected: 0 as Revision })),
      engine.append(append('t', [eventDraft('c')], { expected: 'none' })),
      engine.append(append('s', [eventDraft('d')], { expected: 'exists' })),
    ]);
    expect(answers.map(({ lastRevision }) => lastRevision)).toEqual([0, 1, 0, 2]);
    expect(await dataOf(engine, 's')).toEqual(['a', 'b', 'd']);
    const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10 });
    expect(new Set(events.map(({ recordedAt }) => recordedAt)).size).toBe(1);
  });

  test('copies the bytes it is given in the call', async () => {
    const engine = await openOver(new MemoryLog());
    const data = bytesOf('first');
    const answer = engine.append(append('s', [eventDraft('x', { data })]));
    data.set(bytesOf('later'));
    await answer;
    await engine.append(append('s', [eventDraft('x', { data })]));
    expect(await dataOf(engine, 's')).toEqual(['first', 'later']);
  });
});

describe('an answer that rests on appends in flight', () => {
  test('waits for them: a duplicate', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    const events = eventDrafts(2);
    const first = watch(engine.append(append('s', events)));
    const again = watch(engine.append(append('s', events)));
    log.closeGroup();
    await turns();
    expect([first.state, again.state]).toEqual(['waiting', 'waiting']);
    log.stabilise();
    await turns();
    expect(again.result).toEqual({ ...first.result, duplicate: true });
    expect(engine.status().events).toBe(2);
  });

  test.each([
    ['a wrong revision', append('s', eventDrafts(1), { expected: 'none' }), 'WRONG_EXPECTED_REVISION'],
    ['an id conflict', append('s', [eventDraft('other', { id: new Uint8Array(16) })]), 'EVENT_ID_CONFLICT'],
  ])('waits for them: %s', async (_, request, code) => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    watch(engine.append(append('s', [eventDraft('one', { id: new Uint8Array(16) })])));
    const refused = watch(engine.append(request));
    log.closeGroup();
    await turns();
    expect(refused.state).toBe('waiting');
    log.stabilise();
    await turns();
    expect(refused.error).toMatchObject({ code });
  });

  test('does not wait when it rests on nothing in flight', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    watch(engine.append(append('s', eventDrafts(1))));
    await expect(engine.append(append('t', eventDrafts(1), { expected: 'exists' }))).rejects.toMatchObject({
      details: { actual: -1 },
    });
    await expect(engine.append(append('s', []))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('is lost with them when the writer fails; reading goes on', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    watch(engine.append(append('s', [eventDraft('kept')])));
    commit(log);
    const failures: Error[] = [];
    engine.onFailure((error) => failures.push(error));
    const events = eventDrafts(1);
    const waiting = [engine.append(append('s', events)), engine.append(append('s', events))].map(watch);
    log.closeGroup();
    log.failWriter('fdatasync: EIO');
    await turns();
    expect(failures).toHaveLength(1);
    for (const { error } of waiting) expect(error).toMatchObject({ code: 'WRITER_FAILED' });
    await expect(engine.append(append('s', eventDrafts(1)))).rejects.toMatchObject({ code: 'WRITER_FAILED' });
    expect(await dataOf(engine, 's')).toEqual(['kept']);
    await engine.close();
  });
});

describe('durability', () => {
  const lax = { ack: 'durable', durability: 'async' } as const;

  test('async is answered when it is written, says so, and is shown only when it is stable', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    const answer = watch(engine.append(append('s', [eventDraft('a')], lax)));
    log.closeGroup();
    await turns();
    expect(answer.state).toBe('waiting');
    log.write();
    await turns();
    expect(answer.result).toMatchObject({ durable: false, duplicate: false, firstRevision: 0 });
    await expect(dataOf(engine, 's')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    commit(log);
    expect(await dataOf(engine, 's')).toEqual(['a']);
  });

  test('async is not answered by a write that never happens', async () => {
    const log = new MemoryLog(MANUAL);
    const engine = await openOver(log);
    const answer = watch(engine.append(append('s', [eventDraft('a')], lax)));
    log.closeGroup();
    log.failWriter('EIO');
    await turns();
    expect(answer.error).toMatchObject({ code: 'WRITER_FAILED' });
  });

  test('async with the answer "applied" is refused, also where the log itself is async', async () => {
    const engine = await openOver(new MemoryLog());
    await expect(engine.append(append('s', eventDrafts(1), { durability: 'async' }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    const relaxed = await openOver(new MemoryLog({ durability: 'async' }));
    await expect(relaxed.append(append('s', eventDrafts(1)))).rejects.toThrow(
      '"applied" with durability "async"',
    );
    expect(await relaxed.append(append('s', eventDrafts(1), { durability: 'sync' }))).toMatchObject({
      durable: true,
    });
    expect(await relaxed.append(append('s', eventDrafts(1), { ack: 'durable' }))).toMatchObject({
      durable: false,
    });
  });

  test('asked for is passed on to the log', async () => {
    const log = new MemoryLog();
    const asked: unknown[] = [];
    const appendTo = log.append.bind(log);
    Object.assign(log, {
      append: (entries: readonly EntryDraft[], recordedAt: RecordedAt, durability?: Durability) => {
        asked.push(durability);
        return appendTo(entries, recordedAt);
      },
    });
    const engine = await openOver(log);
    await engine.append(append('s', eventDrafts(1), { durability: 'sync', ack: 'durable' }));
    await engine.append(append('s', eventDrafts(1)));
    expect(asked).toEqual(['sync', undefined]);
  });
});

describe('reading', () => {
  async function filled(): Promise<Engine> {
    const engine = await openOver(new MemoryLog());
    for (let at = 0; at < 25; at++)
      await engine.append(append(at % 5 === 0 ? 'fives' : 'rest', [eventDraft(`${at}`)]));
    return engine;
  }

  test.each(['forwards', 'backwards'] as const)(
    'a stream %s page by page gives each event once',
    async (direction) => {
      const engine = await filled();
      const read: number[] = [];
      let from: Revision | 'start' | 'end' = direction === 'forwards' ? 'start' : 'end';
      for (let pages = 0; pages < 10; pages++) {
        const page = await engine.readStream({ stream: 'rest' as StreamName, direction, from, limit: 6 });
        read.push(...page.events.map(({ revision }) => revision));
        if (page.end) break;
        from = page.next as Revision;
      }
      const all = Array.from({ length: 20 }, (_, revision) => revision);
      expect(read).toEqual(direction === 'forwards' ? all : all.reverse());
    },
  );

  test.each(['forwards', 'backwards'] as const)(
    'all streams %s page by page gives each event once',
    async (direction) => {
      const engine = await filled();
      const read: string[] = [];
      let from: Sequence | 'start' | 'end' = direction === 'forwards' ? 'start' : 'end';
      for (let pages = 0; pages < 10; pages++) {
        const page = await engine.readAll({ direction, from, limit: 7 });
        read.push(...page.events.map(({ data }) => Buffer.from(data).toString()));
        if (page.end) break;
        from = page.next as Sequence;
      }
      const all = Array.from({ length: 25 }, (_, at) => `${at}`);
      expect(read).toEqual(direction === 'forwards' ? all : all.reverse());
    },
  );

  test('at the edges: past the end is an empty page from which one can go on, before the start there is nothing', async () => {
    const engine = await filled();
    const rest = 'rest' as StreamName;
    expect(await engine.readStream({ stream: rest, direction: 'forwards', from: 'end', limit: 5 })).toEqual({
      events: [],
      end: true,
      next: 20,
    });
    expect(
      await engine.readStream({ stream: rest, direction: 'forwards', from: 90 as Revision, limit: 5 }),
    ).toEqual({ events: [], end: true, next: 90 });
    const first = await engine.readStream({
      stream: rest,
      direction: 'backwards',
      from: 0 as Revision,
      limit: 5,
    });
    expect([first.events.length, first.end, first.next]).toEqual([1, true, 0]);
    const beyond = await engine.readStream({
      stream: rest,
      direction: 'backwards',
      from: 90 as Revision,
      limit: 1,
    });
    expect(beyond.events[0]!.revision).toBe(19);
    const end = await engine.readAll({ direction: 'forwards', from: 'end', limit: 5 });
    expect([end.events, end.end]).toEqual([[], true]);
    await engine.append(append('later', [eventDraft('later')]));
    const later = await engine.readAll({ direction: 'forwards', from: end.next as Sequence, limit: 5 });
    expect(later.events.map(({ stream }) => stream)).toEqual(['later']);
    expect(await engine.readAll({ direction: 'backwards', from: 0 as Sequence, limit: 5 })).toEqual({
      events: [],
      end: true,
      next: 0,
    });
  });

  test('knows that the last event of a page was the last one', async () => {
    const engine = await filled();
    const page = await engine.readStream({
      stream: 'fives' as StreamName,
      direction: 'forwards',
      from: 'start',
      limit: 5,
    });
    expect([page.events.length, page.end, page.next]).toEqual([5, true, 5]);
  });

  test('is bounded by bytes as well, but a large event always fits', async () => {
    const engine = await openOver(new MemoryLog());
    const large = 'x'.repeat(1_000_000);
    for (let at = 0; at < 6; at++) await engine.append(append('s', [eventDraft(large)]));
    const page = await engine.readStream({
      stream: 's' as StreamName,
      direction: 'forwards',
      from: 'start',
      limit: 100,
    });
    expect([page.events.length, page.end, page.next]).toEqual([4, false, 4]);
  });

  test.each([0, -1, 1.5, 10_001])('refuses a limit of %s', async (limit) => {
    const engine = await filled();
    await expect(engine.readAll({ direction: 'forwards', from: 'start', limit })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    await expect(
      engine.readStream({ stream: 'rest' as StreamName, direction: 'forwards', from: 'start', limit }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('events long past memory come from the log just the same', async () => {
    const log = new MemoryLog();
    const directory = temporaryData();
    const engine = await openOver(log, directory);
    for (let at = 0; at < 300; at++)
      await engine.append(append(at % 3 === 0 ? 'third' : 'rest', [eventDraft(`${at}`)]));
    const before = await dataOf(engine, 'third');
    const all = await engine.readAll({ direction: 'forwards', from: 'start', limit: 1000 });
    await engine.close();
    const again = await openOver(log.crash(), directory);
    expect(await dataOf(again, 'third')).toEqual(before);
    expect(await again.readAll({ direction: 'forwards', from: 'start', limit: 1000 })).toMatchObject({
      events: all.events,
    });
    const backwards = await again.readStream({
      stream: 'rest' as StreamName,
      direction: 'backwards',
      from: 'end',
      limit: 1000,
    });
    expect(backwards.events.map(({ revision }) => revision)).toEqual(
      Array.from({ length: 200 }, (_, at) => 199 - at),
    );
  });
});

describe('views beside the stream index', () => {
  test('are added by one line and kept like the others: live, replayed and restored they are the same', async () => {
    const log = new MemoryLog();
    const directory = temporaryData();
    const notes = textView('notes');
    const engine = await openEngineOver(log, { directory, views: [notes] });
    for (let at = 0; at < 10; at++) await engine.append(append(`s${at % 3}`, eventDrafts(3)));
    const live = notes.made[0]!.digest();
    expect(engine.status().views.map(({ name, state }) => [name, state])).toEqual(
      [...VIEWS.map(({ name }) => name), 'notes'].map((name) => [name, 'live']),
    );
    await engine.close();
    const restored = textView('notes');
    await openEngineOver(log.crash(), { directory, views: [restored] });
    expect(restored.made[0]!.digest()).toBe(live);
    const replayed = textView('notes');
    await openEngineOver(log.crash(), { directory: temporaryData(), views: [replayed] });
    expect(replayed.made[0]!.digest()).toBe(live);
  });

  test('that throw hold nobody up', async () => {
    const log = new MemoryLog();
    const notes = textView('notes');
    const lines: string[] = [];
    const engine = await openEngineOver(log, {
      directory: temporaryData(),
      views: [notes],
      progress: (line) => lines.push(line),
    });
    await engine.append(append('s', eventDrafts(1)));
    notes.made[0]!.throwAt = (log.next + 1) as Sequence;
    expect(await engine.append(append('s', eventDrafts(1)))).toMatchObject({ lastRevision: 1 });
    expect(await engine.append(append('s', eventDrafts(1)))).toMatchObject({ lastRevision: 2 });
    expect(engine.status().views.find(({ name }) => name === 'notes')).toMatchObject({
      state: 'failed',
      applied: 4,
    });
    expect(lines.join()).toContain('"notes" stays at 4');
  });

  test('are saved in the background after so many entries', async () => {
    const engine = await openEngineOver(new MemoryLog(), {
      directory: temporaryData(),
      checkpointEntries: 10,
    });
    for (let at = 0; at < 11; at++) await engine.append(append('s', eventDrafts(1)));
    await vi.waitFor(() => expect(engine.status().views[0]!.checkpoint).toBeGreaterThan(10), 20_000);
    await engine.close();
  });
});

describe('a database that cannot be trusted to write', () => {
  test('reads, and refuses appends with the reason, when a view is ahead of its log', async () => {
    const log = new MemoryLog();
    const directory = temporaryData();
    const engine = await openOver(log, directory);
    for (let at = 0; at < 5; at++) await engine.append(append('s', [eventDraft(`${at}`)]));
    await engine.close();
    const shorter = await openOver(log.lose(3), directory);
    expect(shorter.status().readOnly).toContain('durable commits are missing');
    await expect(shorter.append(append('s', eventDrafts(1)))).rejects.toMatchObject({ code: 'VIEW_AHEAD' });
    expect(await dataOf(shorter, 's')).toEqual(['0', '1']);
    await shorter.close();
  });

  test('says so when the log holds an event the stream index cannot take', async () => {
    const log = new MemoryLog(MANUAL);
    const payload = new Uint8Array(40);
    log.append([{ type: 16, tenant: 0 as TenantId, partitionKey: 0n, flags: 0, payload }], 1n as RecordedAt);
    commit(log);
    const engine = await openOver(log);
    await expect(engine.append(append('s', eventDrafts(1)))).rejects.toMatchObject({
      code: 'VIEW_UNAVAILABLE',
      details: { applied: 2 },
    });
    await expect(dataOf(engine, 's')).rejects.toMatchObject({ code: 'VIEW_UNAVAILABLE' });
    expect(engine.status().views[0]).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('format version 0'),
    });
  });
});

describe('closing', () => {
  test('answers what is in flight first, and refuses everything afterwards', async () => {
    const log = new MemoryLog();
    const engine = await openOver(log);
    const answer = watch(engine.append(append('s', eventDrafts(1))));
    const closing = engine.close();
    await expect(engine.append(append('s', eventDrafts(1)))).rejects.toMatchObject({ code: 'CLOSED' });
    await closing;
    expect(answer.state).toBe('answered');
    await expect(engine.readAll({ direction: 'forwards', from: 'start', limit: 1 })).rejects.toMatchObject({
      code: 'CLOSED',
    });
    await expect(dataOf(engine, 's')).rejects.toMatchObject({ code: 'CLOSED' });
    expect(engine.close()).toBe(engine.close());
  });
});
