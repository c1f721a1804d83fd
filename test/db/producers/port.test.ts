/** Port and producers, both in one thread: what is answered, what is refused, and what is bounded. */
import { EventEmitter } from 'node:events';
import { beforeEach, expect, test } from 'vitest';
import { type Engine, openEngineOver } from '../../../db/engine.ts';
import { TruthError } from '../../../db/errors.ts';
import type { AppendRequest, AppendResult } from '../../../db/kernel/event.ts';
import { ringsOf } from '../../../db/producers/handle.ts';
import { connectProducer, openProducerPort, type ProducerPort } from '../../../db/producers/index.ts';
import { RingWriter } from '../../../db/producers/ring.ts';
import type { Revision } from '../../../db/types.ts';
import { append, bytesOf, eventDraft, eventDrafts } from '../support/event-drafts.ts';
import { MemoryLog } from '../support/memory-log.ts';
import { temporaryData } from '../support/temporary.ts';

const KIB = 1024;
let engine: Engine;
let port: ProducerPort;

beforeEach(async () => {
  engine = await openEngineOver(new MemoryLog(), { directory: temporaryData() });
  port = openProducerPort(engine);
});

/** An engine that decides nothing before it is told to; `decided` are the streams in the order of their coming. */
function heldEngine() {
  const decided: string[] = [];
  const waiting: { request: AppendRequest; settled: AppendSettled }[] = [];
  return {
    decided,
    submit: (request: AppendRequest, settled: AppendSettled): void => {
      decided.push(request.stream);
      waiting.push({ request, settled });
    },
    answer: (count: number): void => {
      for (const { request, settled } of waiting.splice(0, count)) settled(resultOf(request));
    },
  };
}

/** An engine that refuses everything for the same reason. */
function refusingEngine(error: Error) {
  return {
    submit: (_request: AppendRequest, settled: AppendSettled): void => queueMicrotask(() => settled(error)),
  };
}

type AppendSettled = Parameters<Engine['submit']>[1];

function resultOf({ stream }: AppendRequest): AppendResult {
  const revision = 0 as Revision;
  return {
    ...{ stream, firstRevision: revision, lastRevision: revision },
    ...{ position: 1 as AppendResult['position'], duplicate: false, durable: true },
  };
}

const codeOf = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'accepted',
    (error: TruthError) => error.code,
  );

async function settled(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('an append is answered as the engine answers it, duplicates and refusals too', async () => {
  const producer = connectProducer(port.handle());
  const events = [eventDraft('ä', { metadata: bytesOf('m') }), eventDraft('b', { contentType: 'binary' })];
  const first = await producer.append(append('ström', events, { expected: 'none' }));
  expect(first).toMatchObject({
    stream: 'ström',
    firstRevision: 0,
    lastRevision: 1,
    duplicate: false,
    durable: true,
  });
  expect(await producer.append(append('ström', events))).toEqual({ ...first, duplicate: true });
  await expect(
    producer.append(append('ström', eventDrafts(1), { expected: 7 as Revision })),
  ).rejects.toMatchObject({ code: 'WRONG_EXPECTED_REVISION', details: { expected: 7, actual: 1 } });
  await expect(
    producer.append(append('ström', [eventDraft()], { durability: 'async', ack: 'applied' })),
  ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('"durable"') });
  const { events: read } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10 });
  const shown = ({ id, type, contentType, data, metadata }: (typeof events)[number]) => ({
    ...{ id, type, contentType, data, metadata },
  });
  expect(read.map(shown)).toEqual(events.map(shown));
  await producer.close();
});

test('what no engine would be asked is refused where it is called', async () => {
  const producer = connectProducer(port.handle());
  const refused = [
    append('s', []),
    append('', eventDrafts(1)),
    append('s', eventDrafts(1), { expected: -1 as Revision }),
    append('s', eventDrafts(1), { expected: 0.5 as Revision }),
    append('s', [eventDraft('x', { type: '' })]),
    append('s', [eventDraft('x', { id: new Uint8Array(4) })]),
  ];
  for (const request of refused) expect(await codeOf(producer.append(request))).toBe('INVALID_ARGUMENT');
  expect(port.status()).toMatchObject({ queued: 0, underWay: 0, bytesUnderWay: 0 });
  expect(await codeOf(producer.append(append('s', eventDrafts(1))))).toBe('accepted');
});

test('the caller may use its bytes for something else once the call has returned, also when the append waits in line', async () => {
  const producer = connectProducer(port.handle({ requests: 1 }), { waitingMax: 2 });
  const data = [bytesOf('one'), bytesOf('two'), bytesOf('three')];
  const answers = data.map((each) => producer.append(append('s', [eventDraft('', { data: each })])));
  for (const each of data) each.fill(0);
  await Promise.all(answers);
  const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10 });
  expect(events.map((event) => Buffer.from(event.data).toString())).toEqual(['one', 'two', 'three']);
});

test('appends are decided in the order of the calls, those that waited in line too', async () => {
  const producer = connectProducer(port.handle({ requests: 2, requestBytes: 512 * KIB }), {
    waitingMax: 200,
  });
  const answers = Array.from({ length: 200 }, (_, revision) =>
    producer.append(
      append('s', [eventDraft('x'.repeat((revision * 131) % 3000))], {
        expected: revision === 0 ? 'none' : ((revision - 1) as Revision),
      }),
    ),
  );
  const results = await Promise.all(answers);
  expect(results.map(({ lastRevision }) => lastRevision)).toEqual(results.map((_, revision) => revision));
});

test('a full queue refuses with BUSY and a delay, or lets as many wait as was agreed', async () => {
  const held = heldEngine();
  port = openProducerPort(held);
  const refusing = connectProducer(port.handle({ requests: 2 }), { whenFull: 'refuse' });
  const taken = [refusing.append(append('a', eventDrafts(1))), refusing.append(append('b', eventDrafts(1)))];
  await expect(refusing.append(append('c', eventDrafts(1)))).rejects.toMatchObject({
    code: 'BUSY',
    retry: true,
    details: {
      retryAfterMillis: expect.toSatisfy(
        (millis) => Number.isInteger(millis) && millis >= 1 && millis <= 1000,
      ),
    },
  });
  const waiting = connectProducer(port.handle({ requests: 1 }), { waitingMax: 2 });
  const inLine = ['d', 'e', 'f'].map((stream) => waiting.append(append(stream, eventDrafts(1))));
  expect(await codeOf(waiting.append(append('g', eventDrafts(1))))).toBe('BUSY');
  await settled();
  expect(held.decided).toEqual(['a', 'b', 'd']);
  for (let round = 0; round < 5; round++) {
    held.answer(10);
    await settled();
  }
  expect(await Promise.all([...taken, ...inLine].map(codeOf))).toEqual(new Array(5).fill('accepted'));
  expect(held.decided).toEqual(['a', 'b', 'd', 'e', 'f']);
});

test('what waits in line is given as soon as the port has taken what was before it, answered or not', async () => {
  const held = heldEngine();
  port = openProducerPort(held);
  const producer = connectProducer(port.handle({ requestBytes: 4 * KIB }));
  const large = (stream: string) => {
    producer.append(append(stream, [eventDraft('x'.repeat(3 * KIB))])).catch(() => {});
  };
  large('a');
  await settled();
  // The part that takes answers sleeps by now, and nothing has told it of a line.
  for (const stream of ['b', 'c']) large(stream);
  await expect.poll(() => held.decided).toEqual(['a', 'b', 'c']);
  port.close();
});

test('a producer that sleeps with a line is woken by room alone', async () => {
  const held = heldEngine();
  port = openProducerPort(held, { bytesUnderWayMax: 1 });
  const [other, producer] = [
    connectProducer(port.handle()),
    connectProducer(port.handle({ requestBytes: 4 * KIB })),
  ];
  other.append(append('other', eventDrafts(1))).catch(() => {});
  await settled();
  for (const stream of ['given', 'in line']) {
    producer.append(append(stream, [eventDraft('x'.repeat(3 * KIB))])).catch(() => {});
  }
  await settled();
  expect(port.status()).toMatchObject({ queued: 1, underWay: 1 });
  held.answer(1);
  await expect.poll(() => held.decided).toEqual(['other', 'given']);
  // Nothing of this producer has been answered.
  await expect.poll(() => port.status()).toMatchObject({ queued: 1, underWay: 1 });
  port.close();
});

test('where only one append fits at a time, all producers come in turns', async () => {
  const held = heldEngine();
  port = openProducerPort(held, { bytesUnderWayMax: 1 });
  for (const stream of ['x', 'y', 'z']) {
    const producer = connectProducer(port.handle({ requests: 2 }), { waitingMax: 100 });
    for (let each = 0; each < 20; each++) producer.append(append(stream, eventDrafts(1))).catch(() => {});
  }
  for (let count = 1; count <= 30; count++) {
    await expect.poll(() => held.decided.length, { interval: 1 }).toBe(count);
    held.answer(1);
  }
  for (const stream of ['x', 'y', 'z']) {
    expect(held.decided.filter((each) => each === stream).length).toBeGreaterThanOrEqual(9);
  }
  port.close();
});

test('the delay that is suggested grows with the time answers take', async () => {
  const held = heldEngine();
  port = openProducerPort(held);
  const producer = connectProducer(port.handle({ requests: 1 }), { whenFull: 'refuse' });
  producer.append(append('a', eventDrafts(1)));
  await new Promise((resolve) => setTimeout(resolve, 60));
  const refused = await producer.append(append('b', eventDrafts(1))).catch((error: TruthError) => error);
  expect(refused).toBeInstanceOf(TruthError);
  expect((refused as TruthError).details['retryAfterMillis']).toBeGreaterThanOrEqual(55);
});

test('an append that can never fit is too large, and one as large as the queue is not', async () => {
  const producer = connectProducer(port.handle({ requestBytes: 4 * KIB }));
  await producer.append(append('small', eventDrafts(1)));
  const frameBytes = 16 + 24 + 1 + 28 + 'tested'.length;
  const exactly = eventDraft('x'.repeat(4 * KIB - frameBytes));
  await expect(producer.append(append('s', [eventDraft('x'.repeat(4 * KIB))]))).rejects.toMatchObject({
    code: 'TOO_LARGE',
    details: { bytesMax: 4 * KIB },
  });
  expect(await codeOf(producer.append(append('s', [exactly])))).toBe('accepted');
  const larger = eventDraft('x'.repeat(4 * KIB - frameBytes + 1));
  expect(await codeOf(producer.append(append('s', [larger])))).toBe('TOO_LARGE');
});

test('an answer too long for its place keeps its code', async () => {
  const broken = new TruthError('VIEW_UNAVAILABLE', 'ä'.repeat(5000), { view: 'v'.repeat(500) });
  port = openProducerPort(refusingEngine(broken));
  const producer = connectProducer(port.handle());
  await expect(producer.append(append('s', eventDrafts(1)))).rejects.toMatchObject({
    code: 'VIEW_UNAVAILABLE',
    message: `${'ä'.repeat(200)}…`,
    details: {},
  });
  port = openProducerPort(refusingEngine(new Error('a bug')));
  await expect(connectProducer(port.handle()).append(append('s', eventDrafts(1)))).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining('a bug'),
  });
});

test('nobody starves: one append of a quiet producer is decided within a turn of those who flood', async () => {
  const held = heldEngine();
  port = openProducerPort(held);
  const floods = ['x', 'y', 'z'].map((stream) => {
    const producer = connectProducer(port.handle({ requests: 16_384, requestBytes: 1 << 24 }));
    for (let each = 0; each < 16_000; each++) producer.append(append(stream, eventDrafts(1))).catch(() => {});
    return stream;
  });
  const quiet = connectProducer(port.handle());
  quiet.append(append('quiet', eventDrafts(1))).catch(() => {});
  await expect.poll(() => held.decided.includes('quiet'), { interval: 1 }).toBe(true);
  expect(held.decided.indexOf('quiet')).toBeLessThan(512 + floods.length);
  await expect.poll(() => held.decided.length, { timeout: 20_000 }).toBe(48_001);
  const place = (stream: string, nth: number): number =>
    held.decided.flatMap((each, at) => (each === stream ? [at] : []))[nth] as number;
  for (const nth of [1000, 8000, 15_000]) {
    const places = floods.map((stream) => place(stream, nth));
    expect(Math.max(...places) - Math.min(...places)).toBeLessThan(1024);
  }
  port.close();
});

test('no more bytes are under way in the engine than was agreed, and everything is answered in the end', async () => {
  const held = heldEngine();
  port = openProducerPort(held, { bytesUnderWayMax: 10 * KIB });
  const producers = [0, 1].map(() => connectProducer(port.handle()));
  const answers = producers.flatMap((producer) =>
    Array.from({ length: 40 }, () => producer.append(append('s', [eventDraft('x'.repeat(KIB))]))),
  );
  for (let round = 0; round < 200 && held.decided.length < answers.length; round++) {
    await settled(1);
    expect(port.status().bytesUnderWay).toBeLessThan(12 * KIB);
    held.answer(3);
  }
  held.answer(100);
  expect(await Promise.all(answers.map(codeOf))).toEqual(new Array(80).fill('accepted'));
  expect(port.status()).toEqual({
    producers: 2,
    queued: 0,
    underWay: 0,
    bytesUnderWay: 0,
    bytesUnderWayMax: 10 * KIB,
  });
});

test('closing the port rejects what is under way or waits, and whoever comes later', async () => {
  const held = heldEngine();
  port = openProducerPort(held);
  const handle = port.handle({ requests: 2 });
  const producer = connectProducer(handle);
  const answers = ['a', 'b', 'c'].map((stream) => producer.append(append(stream, eventDrafts(1))));
  await settled();
  held.answer(1);
  await expect(answers[0]).resolves.toMatchObject({ stream: 'a' });
  port.close();
  expect(await Promise.all(answers.slice(1).map(codeOf))).toEqual(['CLOSED', 'CLOSED']);
  expect(await codeOf(producer.append(append('d', eventDrafts(1))))).toBe('CLOSED');
  expect(() => connectProducer(port.handle())).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  held.answer(10);
  await settled();
  await producer.close();
});

test('an answer that left before the port closed arrives', async () => {
  const producer = connectProducer(port.handle());
  const answer = producer.append(append('s', eventDrafts(1)));
  await expect.poll(() => engine.status().events, { interval: 1 }).toBe(1);
  port.close();
  await expect(answer).resolves.toMatchObject({ lastRevision: 0 });
});

test('closing a producer waits for its answers; then the port forgets it', async () => {
  const producer = connectProducer(port.handle());
  const answers = Array.from({ length: 10 }, () => producer.append(append('s', eventDrafts(1))));
  const closed = producer.close();
  expect(await codeOf(producer.append(append('s', eventDrafts(1))))).toBe('CLOSED');
  await closed;
  expect(await Promise.all(answers.map(codeOf))).toEqual(new Array(10).fill('accepted'));
  await expect.poll(() => port.status().producers).toBe(0);
});

test('a handle is connected once', () => {
  const handle = port.handle();
  connectProducer(handle);
  expect(() => connectProducer(handle)).toThrow(expect.objectContaining({ code: 'LOCKED' }));
});

test('sizes that make no sense are refused', () => {
  const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
  expect(() => port.handle({ requests: 0 })).toThrow(refused);
  expect(() => port.handle({ requests: 100_000 })).toThrow(refused);
  expect(() => port.handle({ requestBytes: 100 })).toThrow(refused);
  expect(() => openProducerPort(engine, { bytesUnderWayMax: Number.NaN })).toThrow(refused);
  expect(() => connectProducer(port.handle(), { waitingMax: -1 })).toThrow(refused);
});

test('a thread whose handle is released finds its appends rejected', async () => {
  port = openProducerPort(heldEngine());
  const handle = port.handle();
  const producer = connectProducer(handle);
  const answer = producer.append(append('s', eventDrafts(1)));
  port.release(handle);
  expect(await codeOf(answer)).toBe('CLOSED');
  expect(await codeOf(producer.append(append('s', eventDrafts(1))))).toBe('CLOSED');
});

test('a port has so many producers and no more, until one is released', () => {
  const small = { requests: 1, requestBytes: 4 * KIB };
  const handles = Array.from({ length: 4096 }, () => port.handle(small));
  expect(() => port.handle(small)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  port.release(handles[7]!);
  connectProducer(port.handle(small));
  port.close();
});

test('a released handle gives back its place; what its thread had written and not published is never taken', async () => {
  const handle = port.handle();
  const other = connectProducer(port.handle());
  const thread = new EventEmitter();
  port.releaseOnExit(handle, thread);
  new RingWriter(handle.memory, ringsOf(handle).requests).put(bytesOf('half of a command'));
  expect(await codeOf(other.append(append('s', eventDrafts(1))))).toBe('accepted');
  thread.emit('exit');
  expect(port.status()).toMatchObject({ producers: 1, queued: 0 });
  expect(() => connectProducer(handle)).toThrow(expect.objectContaining({ code: 'CLOSED' }));
  expect(await codeOf(other.append(append('s', eventDrafts(1))))).toBe('accepted');
  expect(engine.status().events).toBe(2);
});

test('memory that somebody else has written into ends that producer and no other', async () => {
  const handle = port.handle();
  const [damaged, other] = [connectProducer(handle), connectProducer(port.handle())];
  await damaged.append(append('s', eventDrafts(1)));
  const answer = damaged.append(append('s', eventDrafts(1)));
  const { bytes } = ringsOf(handle).requests;
  const memory = new Uint8Array(handle.memory.buffer);
  memory[bytes + 30] = (memory[bytes + 30] as number) ^ 1;
  expect(await codeOf(answer)).toBe('PROTOCOL');
  expect(await codeOf(damaged.append(append('s', eventDrafts(1))))).toBe('PROTOCOL');
  expect(await codeOf(other.append(append('s', eventDrafts(1))))).toBe('accepted');
  expect(engine.status().events).toBe(2);
});
