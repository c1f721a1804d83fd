/**
 * Random lives of a database, against the plain model: requests that meet each other in flight, commits that become
 * stable late, crashes that take the rest, closings, lost views.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Engine, initDatabase, openEngine, openEngineOver } from '../../db/engine.ts';
import { TruthError } from '../../db/errors.ts';
import type { AppendResult, EventDraft, StreamName } from '../../db/kernel/event.ts';
import type { Sequence } from '../../db/types.ts';
import { append, bytesOf, idOf, type RandomRequest, randomRequest } from './support/event-drafts.ts';
import { EventModel, type ModelAnswer } from './support/event-model.ts';
import { MemoryLog } from './support/memory-log.ts';
import { temporaryData } from './support/temporary.ts';
import { textView } from './support/text-view.ts';
import { MemoryDisk, SimulatedCrash } from './wal/memory-disk.ts';
import { pickFrom, randomFrom, StepClock } from './wal/support.ts';

type Step =
  | { readonly kind: 'append'; readonly request: RandomRequest }
  | { readonly kind: 'close group' }
  | { readonly kind: 'stabilise'; readonly commits: number }
  | { readonly kind: 'crash'; readonly keep: number }
  | { readonly kind: 'close and open' }
  | { readonly kind: 'lose views' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: randomRequest.map((request) => ({ kind: 'append', request }) as const) },
  { weight: 4, arbitrary: fc.constant({ kind: 'close group' } as const) },
  {
    weight: 3,
    arbitrary: fc.nat({ max: 3 }).map((commits) => ({ kind: 'stabilise', commits: commits + 1 }) as const),
  },
  { weight: 1, arbitrary: fc.nat({ max: 2 }).map((keep) => ({ kind: 'crash', keep }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'close and open' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'lose views' } as const) },
);

interface Issued {
  readonly request: RandomRequest;
  readonly expected: ModelAnswer;
  outcome: 'waiting' | AppendResult | TruthError;
}

/** A database, what it should hold, and what was asked of it since it was opened. */
class Life {
  readonly directory = temporaryData();
  log = new MemoryLog({ stability: 'manual', groups: 'manual' });
  engine!: Engine;
  model = new EventModel();
  notes = textView('notes');
  issued: Issued[] = [];
  #shadow = 0;

  async open(): Promise<void> {
    this.notes = textView('notes');
    this.engine = await openEngineOver(this.log, { directory: this.directory, views: [this.notes] });
    this.model = await modelOf(this.log);
    this.issued = [];
    this.#shadow = this.log.next;
  }

  append(request: RandomRequest): void {
    const expected = this.model.answer(request.stream, request.expected, request.events);
    const issued: Issued = { request, expected, outcome: 'waiting' };
    this.engine.append(append(request.stream, request.events, { expected: request.expected })).then(
      (result) => {
        issued.outcome = result;
      },
      (error) => {
        issued.outcome = error;
      },
    );
    if (expected.outcome === 'accepted') this.#take(request, expected.first);
    this.issued.push(issued);
  }

  /** The model sees an accepted request at once, as the kernel must. */
  #take({ stream, events }: RandomRequest, first: number): void {
    const there = this.model.streams.get(stream) ?? [];
    for (const [index, event] of events.entries()) {
      there.push({ ...event, revision: (first + index) as never, position: this.#shadow++ as Sequence });
    }
    this.model.streams.set(stream, there);
  }

  async crash(keep: number): Promise<void> {
    this.log = this.log.crash(keep);
    await this.open();
  }

  async closeAndOpen(): Promise<void> {
    this.log.closeGroup();
    this.log.stabilise();
    await this.engine.close();
    this.checkAnswers();
    this.log = this.log.crash();
    await this.open();
  }

  /** What was answered is what the model answers; what rests on something unstable was not answered yet. */
  checkAnswers(): void {
    for (const { expected, outcome, request } of this.issued) {
      if (outcome === 'waiting') continue;
      expect(shown(outcome), JSON.stringify(request)).toEqual(expected);
      if (!(outcome instanceof TruthError)) expect(outcome.position).toBeLessThanOrEqual(this.log.stable);
    }
  }
}

function shown(outcome: AppendResult | TruthError): ModelAnswer {
  if (outcome instanceof TruthError) {
    const { code, details } = outcome;
    const { actual } = details as { actual: number };
    return code === 'WRONG_EXPECTED_REVISION'
      ? { outcome: 'refused', code, actual }
      : { outcome: 'refused', code };
  }
  const { duplicate, firstRevision, lastRevision } = outcome;
  return { outcome: duplicate ? 'duplicate' : 'accepted', first: firstRevision, last: lastRevision };
}

/** The model of what is stable, from the log itself. */
async function modelOf(log: MemoryLog): Promise<EventModel> {
  const model = new EventModel();
  for await (const { entries } of log.read({ from: 1 as Sequence, follow: false })) {
    for (const entry of entries)
      if (entry.type === 16) model.eventAppended(entry.sequence, entry.tenant, new Uint8Array(entry.payload));
  }
  return model;
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

async function readsLike(engine: Engine, model: EventModel): Promise<void> {
  const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 10_000 });
  const count = [...model.streams.values()].reduce((sum, list) => sum + list.length, 0);
  expect(events).toHaveLength(count);
  for (const [stream, list] of model.streams) {
    const page = await engine.readStream({
      stream: stream as StreamName,
      direction: 'forwards',
      from: 'start',
      limit: 10_000,
    });
    expect(page.events.map(({ revision, position, id, data }) => ({ revision, position, id, data }))).toEqual(
      list.map(({ revision, position, id, data }) => ({ revision, position, id, data })),
    );
  }
}

test('a database answers and reads like the model, through whatever life it has', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), async (steps) => {
      const life = new Life();
      await life.open();
      for (const each of steps) {
        if (each.kind === 'append') life.append(each.request);
        else if (each.kind === 'close group') life.log.closeGroup();
        else if (each.kind === 'stabilise') life.log.stabilise(each.commits);
        else if (each.kind === 'crash') await life.crash(each.keep);
        else if (each.kind === 'close and open') await life.closeAndOpen();
        else rmSync(join(life.directory, 'views'), { recursive: true, force: true });
        await settle();
        life.checkAnswers();
        await readsLike(life.engine, await modelOf(life.log));
      }
      life.log.closeGroup();
      life.log.stabilise();
      await settle();
      life.checkAnswers();
      expect(life.issued.every(({ outcome }) => outcome !== 'waiting')).toBe(true);
      const replayed = textView('notes');
      await openEngineOver(life.log.crash(), { directory: temporaryData(), views: [replayed] });
      expect(replayed.made[0]!.digest()).toBe(life.notes.made.at(-1)!.digest());
    }),
    { numRuns: 60 },
  );
});

test('decisions do not depend on how requests were cut into commits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(randomRequest, { minLength: 1, maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      async (requests, cuts) => {
        const outcomes: ModelAnswer[][] = [];
        for (const cut of [() => false, () => true, (at: number) => cuts[at % cuts.length]!]) {
          const log = new MemoryLog({ stability: 'manual', groups: 'manual' });
          const engine = await openEngineOver(log, { directory: temporaryData() });
          const answers = requests.map((request, at) => {
            const answer = engine.append(
              append(request.stream, request.events, { expected: request.expected }),
            );
            if (cut(at)) log.closeGroup();
            return answer.then(shown, shown);
          });
          log.closeGroup();
          log.stabilise();
          outcomes.push(await Promise.all(answers));
        }
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[2]).toEqual(outcomes[0]);
      },
    ),
    { numRuns: 40 },
  );
});

const DIRECTORY = '/data';

async function openOn(disk: MemoryDisk): Promise<Engine> {
  return openEngine({
    directory: DIRECTORY,
    disk,
    clock: new StepClock(),
    random: randomFrom(2),
    inline: true,
    ringBytes: 1 << 22,
    checkpointEntries: 6,
  });
}

function requestOf(number: number): { stream: string; events: EventDraft[] } {
  const events = [0, 1].map((index) => ({
    id: idOf(number * 2 + index),
    type: 'tested',
    contentType: 'json' as const,
    data: bytesOf(`${number} ${index}`.padEnd(300, '.')),
    metadata: new Uint8Array(),
  }));
  return { stream: `s${number % 3}`, events };
}

/** Appends ten requests; returns how many were answered before the disk stopped. */
async function work(disk: MemoryDisk): Promise<number> {
  let answered = 0;
  try {
    const engine = await openOn(disk);
    for (let number = 0; number < 10; number++) {
      const { stream, events } = requestOf(number);
      await Promise.race([
        engine.append(append(stream, events)).then(() => answered++),
        new Promise((_, reject) => engine.onFailure(reject)),
      ]);
    }
    await engine.close();
  } catch (error) {
    if (disk.operations < disk.crashBefore && !(error instanceof SimulatedCrash)) throw error;
  }
  return answered;
}

test('power failing at any operation of log or views loses nothing answered, invents nothing, and a retry is told so', async () => {
  const fresh = new MemoryDisk();
  initDatabase({ directory: DIRECTORY, disk: fresh, random: randomFrom(1), segmentBytes: 1 << 20 });
  const whole = fresh.copy();
  await work(whole);
  const operations = whole.operations;
  expect(operations).toBeGreaterThan(60);
  for (let crashBefore = 1; crashBefore <= operations; crashBefore++) {
    const disk = fresh.copy();
    disk.crashBefore = crashBefore;
    const answered = await work(disk);
    const found = disk.crash(pickFrom(crashBefore));
    const engine = await openOn(found);
    const { events } = await engine.readAll({ direction: 'forwards', from: 'start', limit: 100 });
    const where = `crash before operation ${crashBefore} of ${operations}`;
    expect(events.length, where).toBeGreaterThanOrEqual(answered * 2);
    expect(
      events.map(({ data }) => Buffer.from(data).toString().trimEnd()),
      where,
    ).toEqual(
      Array.from({ length: events.length / 2 }, (_, number) => requestOf(number).events)
        .flat()
        .map(({ data }) => Buffer.from(data).toString()),
    );
    for (let number = 0; number < 10; number++) {
      const { stream, events: again } = requestOf(number);
      const { duplicate } = await engine.append(append(stream, again));
      expect(duplicate, where).toBe(number < events.length / 2);
    }
    expect(engine.status()).toMatchObject({ events: 20, readOnly: null });
    await engine.close();
  }
}, 120_000);
