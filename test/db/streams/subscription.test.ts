import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Engine, openEngineOver } from '../../../db/engine.ts';
import type { RecordedEvent, StreamName } from '../../../db/kernel/event.ts';
import type { Sequence } from '../../../db/types.ts';
import { append, eventDraft, eventDrafts } from '../support/event-drafts.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { temporaryData } from '../support/temporary.ts';

const openOver = (log: MemoryLog, directory = temporaryData()) => openEngineOver(log, { directory });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Takes batches until `enough` says so, then ends the subscription. */
async function follow(
  engine: Engine,
  options: { from?: number; stream?: string; every?: () => Promise<unknown> },
  enough: (events: readonly RecordedEvent[]) => boolean,
): Promise<RecordedEvent[]> {
  const stop = new AbortController();
  const events: RecordedEvent[] = [];
  const { from = 0, stream, every } = options;
  const request = {
    from: from as Sequence,
    signal: stop.signal,
    ...(stream && { stream: stream as StreamName }),
  };
  if (enough(events)) return events;
  for await (const batch of engine.subscribe(request)) {
    events.push(...batch);
    if (enough(events)) break;
    await every?.();
  }
  return events;
}

const positionsOf = (events: readonly RecordedEvent[]) => events.map(({ position }) => position);

async function allOf(engine: Engine, stream?: string): Promise<RecordedEvent[]> {
  const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10_000 });
  return events.filter((event) => stream === undefined || event.stream === stream);
}

describe('a subscription', () => {
  test('gives what is there, says once that it has caught up, then gives what comes', async () => {
    const engine = await openOver(new MemoryLog());
    await engine.append(append('a', [eventDraft('1'), eventDraft('2')]));
    const stop = new AbortController();
    const batches: string[][] = [];
    const done = (async () => {
      for await (const batch of engine.subscribe({ from: 0 as Sequence, signal: stop.signal }))
        batches.push(batch.map(({ data }) => Buffer.from(data).toString()));
    })();
    while (batches.length < 2) await turn();
    await engine.append(append('b', [eventDraft('3')]));
    await engine.append(append('b', [eventDraft('4')]));
    while (batches.length < 4) await turn();
    stop.abort();
    await done;
    expect(batches).toEqual([['1', '2'], [], ['3'], ['4']]);
  });

  test('of one stream gives only its events, also when the stream comes to be later', async () => {
    const engine = await openOver(new MemoryLog());
    const wanted = follow(engine, { stream: 'later' }, (events) => events.length === 3);
    await engine.append(append('other', eventDrafts(2)));
    await engine.append(append('later', eventDrafts(1)));
    await engine.append(append('other', eventDrafts(2)));
    await engine.append(append('later', eventDrafts(2)));
    expect((await wanted).map(({ stream, revision }) => [stream, revision])).toEqual([
      ['later', 0],
      ['later', 1],
      ['later', 2],
    ]);
  });

  test('begins after its position, wherever that lies: between events, in a commit, at the end', async () => {
    const engine = await openOver(new MemoryLog());
    for (let at = 0; at < 5; at++) await engine.append(append(at % 2 === 0 ? 'even' : 'odd', eventDrafts(3)));
    for (const stream of [undefined, 'even', 'odd']) {
      const all = await allOf(engine, stream);
      const end = engine.status().log.stable;
      for (let from = 0; from <= end; from++) {
        const expected = positionsOf(all.filter(({ position }) => position > from));
        const events = await follow(
          engine,
          { from, ...(stream && { stream }) },
          (got) => got.length >= expected.length,
        );
        expect(positionsOf(events)).toEqual(expected);
      }
    }
  });

  test('from a position the log never had is refused', async () => {
    const engine = await openOver(new MemoryLog());
    const events = engine.subscribe({ from: 1000 as Sequence })[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { position: 1000 },
    });
  });

  test('ends quietly when aborted, waiting or not yet begun, and with CLOSED when the engine closes', async () => {
    const engine = await openOver(new MemoryLog());
    const stop = new AbortController();
    const waiting = engine.subscribe({ from: 0 as Sequence, signal: stop.signal })[Symbol.asyncIterator]();
    expect(await waiting.next()).toMatchObject({ value: [] });
    const next = waiting.next();
    stop.abort();
    expect(await next).toMatchObject({ done: true });
    const late = engine.subscribe({ from: 0 as Sequence, signal: stop.signal })[Symbol.asyncIterator]();
    expect(await late.next()).toMatchObject({ done: true });
    const open = engine.subscribe({ from: 0 as Sequence, stream: 's' as StreamName })[Symbol.asyncIterator]();
    expect(await open.next()).toMatchObject({ value: [] });
    const refused = expect(open.next()).rejects.toMatchObject({ code: 'CLOSED' });
    await engine.close();
    await refused;
  });

  test('gives batches of bounded size, however far behind it is', async () => {
    const log = new MemoryLog();
    const directory = temporaryData();
    const engine = await openOver(log, directory);
    for (let at = 0; at < 12; at++) await engine.append(append('s', eventDrafts(700)));
    for (let at = 0; at < 6; at++) await engine.append(append('s', [eventDraft('x'.repeat(200_000))]));
    await engine.close();
    const again = await openOver(log.crash(), directory);
    for (const options of [{}, { stream: 's' }]) {
      const sizes: number[] = [];
      let taken = 0;
      for await (const batch of again.subscribe({
        from: 0 as Sequence,
        ...(options as { stream?: StreamName }),
      })) {
        if (batch.length === 0) break;
        sizes.push(batch.length);
        taken += batch.length;
        expect(batch.reduce((sum, { data }) => sum + data.length, 0)).toBeLessThan(300_000);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(1000);
      expect(taken).toBe(12 * 700 + 6);
    }
  });
});

describe('many subscriptions under concurrent appends', () => {
  test('each get every event once and in order, whatever their pace and beginning', async () => {
    const behaviour = fc.record({
      pace: fc.nat({ max: 3 }),
      stream: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
      from: fc.nat({ max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(behaviour, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat({ max: 4 }), { minLength: 5, maxLength: 30 }),
        async (subscribers, appends) => {
          const engine = await openOver(new MemoryLog());
          for (let at = 0; at < 6; at++)
            await engine.append(append(at % 2 === 0 ? 'a' : 'b', eventDrafts(3)));
          const ends = Promise.withResolvers<void>();
          let total: RecordedEvent[] | null = null;
          const readers = subscribers.map(async ({ pace, stream, from }) => {
            const stop = new AbortController();
            const request = {
              from: from as Sequence,
              signal: stop.signal,
              ...(stream && { stream: stream as StreamName }),
            };
            const got: RecordedEvent[] = [];
            const enough = () => total !== null && got.length >= wantedOf(total, stream, from).length;
            void ends.promise.then(() => enough() && stop.abort());
            for await (const batch of engine.subscribe(request)) {
              got.push(...batch);
              if (enough()) break;
              for (let turns = 0; turns < pace; turns++) await turn();
            }
            return positionsOf(got);
          });
          for (const [at, count] of appends.entries()) {
            const appended = engine.append(append(at % 3 === 0 ? 'a' : 'b', eventDrafts(count + 1)));
            if (at % 4 === 0) await appended;
          }
          await engine.append(append('b', eventDrafts(1)));
          await engine.append(append('a', eventDrafts(1)));
          total = await allOf(engine);
          ends.resolve();
          for (const [at, got] of (await Promise.all(readers)).entries()) {
            expect(got).toEqual(positionsOf(wantedOf(total, subscribers[at]!.stream, subscribers[at]!.from)));
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('that fall out of memory go on from the log and come back', async () => {
    const engine = await openOver(new MemoryLog());
    const large = 'x'.repeat(400_000);
    const total = 60;
    let appended = 0;
    const slow = follow(
      engine,
      {
        every: async () => {
          while (appended < total) await turn();
        },
      },
      (events) => events.length === total,
    );
    const slowStream = follow(
      engine,
      {
        stream: 's',
        every: async () => {
          while (appended < total) await turn();
        },
      },
      (events) => events.length === total,
    );
    const fast = follow(engine, {}, (events) => events.length === total);
    for (; appended < total; appended++) await engine.append(append('s', [eventDraft(large)]));
    const expected = positionsOf(await fast);
    expect(positionsOf(await slow)).toEqual(expected);
    expect(positionsOf(await slowStream)).toEqual(expected);
  });

  test('a thousand of them share the events they are given', async () => {
    const engine = await openOver(new MemoryLog());
    const followers = Array.from({ length: 1000 }, () =>
      follow(engine, {}, (events) => events.length === 20),
    );
    await turn();
    for (let at = 0; at < 10; at++) await engine.append(append('s', eventDrafts(2)));
    const all = await Promise.all(followers);
    expect(
      all.every((events) => events.length === 20 && events.every((event, at) => event === all[0]![at])),
    ).toBe(true);
  });
});

describe('a subscriber that keeps its position', () => {
  test('sees every event once across crashes of the database and its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            appends: fc.integer({ min: 1, max: 6 }),
            take: fc.nat({ max: 8 }),
            lost: fc.nat({ max: 3 }),
          }),
          { minLength: 1, maxLength: 8 },
        ),
        async (lives) => {
          const directory = temporaryData();
          let log = new MemoryLog({ stability: 'manual', groups: 'manual' });
          const got: RecordedEvent[] = [];
          for (const { appends, take, lost } of lives) {
            const engine = await openEngineOver(log, { directory });
            for (let at = 0; at < appends; at++) {
              void engine.append(append(`s${at % 2}`, eventDrafts(2))).catch(() => {});
              log.closeGroup();
            }
            log.stabilise(Math.max(appends - lost, 0));
            const position = got.at(-1)?.position ?? 0;
            const waiting = (await allOf(engine)).filter((event) => event.position > position).length;
            const wanted = Math.min(take, waiting);
            got.push(...(await follow(engine, { from: position }, (events) => events.length >= wanted)));
            log = log.crash();
          }
          const engine = await openEngineOver(log, { directory });
          const all = positionsOf(await allOf(engine));
          const position = got.at(-1)?.position ?? 0;
          got.push(
            ...(await follow(
              engine,
              { from: position },
              (events) => events.length >= all.filter((at) => at > position).length,
            )),
          );
          expect(positionsOf(got)).toEqual(all);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function wantedOf(
  events: readonly RecordedEvent[],
  stream: string | undefined,
  from: number,
): RecordedEvent[] {
  return events.filter((event) => event.position > from && (stream === undefined || event.stream === stream));
}
