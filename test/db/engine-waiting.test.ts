/** Appends for which the log has no room at the moment: they wait, and are decided in the order of the calls. */
import { beforeEach, expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine, openEngineOver } from '../../db/engine.ts';
import type { AppendResult } from '../../db/kernel/event.ts';
import type { Revision } from '../../db/types.ts';
import { append, bytesOf, eventDraft, eventDrafts } from './support/event-drafts.ts';
import { MemoryLog } from './support/memory-log.ts';
import { temporaryData } from './support/temporary.ts';

const MIB = 1 << 20;
let log: MemoryLog;
let engine: Engine;

beforeEach(async () => {
  log = new MemoryLog();
  engine = await openEngineOver(log, { directory: temporaryData() });
  log.setBusy(true);
});

/** `waiting`, the revision, or the code of the refusal. */
function outcomes(answers: readonly Promise<AppendResult>[]): Promise<(string | number)[]> {
  const waiting = new Promise<string>((resolve) => setTimeout(() => resolve('waiting'), 20));
  const outcome = (answer: Promise<AppendResult>) =>
    answer.then(
      ({ lastRevision }) => lastRevision,
      (error: { code: string }) => error.code,
    );
  return Promise.all(answers.map((answer) => Promise.race([outcome(answer), waiting])));
}

test('they are decided in the order of the calls, with the bytes they were called with', async () => {
  const data = bytesOf('first');
  const answers = [
    engine.append(append('s', [eventDraft('a', { data })], { expected: 'none' })),
    engine.append(append('s', [eventDraft('b')], { expected: 0 as Revision })),
    engine.append(append('s', [eventDraft('c')], { expected: 'none' })),
  ];
  data.set(bytesOf('later'));
  expect(await outcomes(answers)).toEqual(['waiting', 'waiting', 'waiting']);
  expect(engine.status().inFlight).toBe(3);
  log.setBusy(false);
  expect(await outcomes(answers)).toEqual([0, 1, 'WRONG_EXPECTED_REVISION']);
  const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10 });
  expect(events.map((event) => Buffer.from(event.data).toString())).toEqual(['first', 'b']);
});

test('one that finds room does not overtake those who wait', async () => {
  const first = engine.append(append('s', eventDrafts(1)));
  const second = engine.append(append('s', eventDrafts(1)));
  log.setBusy(false);
  expect(await outcomes([first, second, engine.append(append('s', eventDrafts(1)))])).toEqual([0, 1, 2]);
});

test('more than may wait are refused with BUSY and leave no trace', async () => {
  const waiting = Array.from({ length: 1024 }, () => engine.append(append('s', eventDrafts(1))));
  await expect(engine.append(append('s', eventDrafts(1)))).rejects.toMatchObject({
    code: 'BUSY',
    details: { retryAfterMillis: 5 },
  });
  log.setBusy(false);
  expect((await Promise.all(waiting)).at(-1)).toMatchObject({ lastRevision: 1023 });
  expect(engine.status().events).toBe(1024);
});

test('a writer that fails refuses them', async () => {
  const answer = engine.append(append('s', eventDrafts(1)));
  log.failWriter('EIO');
  expect(await outcomes([answer])).toEqual(['WRITER_FAILED']);
});

test('closing waits for them', async () => {
  const answer = engine.append(append('s', eventDrafts(1)));
  const closing = engine.close();
  log.setBusy(false);
  await closing;
  expect(await outcomes([answer])).toEqual([0]);
});

test.each([
  { what: 'entries that each need a segment', segmentBytes: MIB, dataBytes: 900_000, count: 40 },
  {
    what: 'the largest entries',
    segmentBytes: 64 * MIB,
    entryBytesMax: 16 * MIB,
    dataBytes: 15 * MIB,
    count: 4,
  },
])(
  'a burst of $what in one turn is taken whole',
  async ({ segmentBytes, entryBytesMax, dataBytes, count }) => {
    const directory = temporaryData();
    initDatabase({ directory, segmentBytes, ...(entryBytesMax === undefined ? {} : { entryBytesMax }) });
    const real = await openEngine({ directory });
    const burst = Array.from({ length: count }, (_, at) =>
      real.append(append('s', [eventDraft(`${at}`, { data: new Uint8Array(dataBytes).fill(at) })])),
    );
    const answers = await Promise.all(burst);
    expect(answers.map(({ lastRevision }) => lastRevision)).toEqual(answers.map((_, at) => at));
    await real.close();
  },
  60_000,
);
