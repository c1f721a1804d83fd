import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDraft, ExpectedRevision, StreamName } from '../../../db/kernel/event.ts';
import { type AppendEvents, type Decision, decide, EventEncoder, evolve } from '../../../db/kernel/index.ts';
import type { Revision, Sequence, TenantId } from '../../../db/types.ts';
import { eventDraft, eventDrafts, idOf, type RandomRequest, randomRequest } from '../support/event-drafts.ts';
import { EventModel, type ModelAnswer } from '../support/event-model.ts';

const LIMITS = { entryBytesMax: 1 << 16, commandBytesMax: 1 << 20, entryOverheadBytes: 63 };

function command(
  events: readonly EventDraft[],
  expected: ExpectedRevision = 'any',
  stream = 's',
): AppendEvents {
  return { kind: 'append-events', stream: stream as StreamName, expected, events };
}

function decideOn(model: EventModel, asked: AppendEvents, limits = LIMITS): Decision {
  return decide(model, asked, {
    tenant: 0 as TenantId,
    partitionKey: 5n,
    limits,
    known: model.known(asked.stream, asked.events),
    encoder: new EventEncoder(),
  });
}

/** Decides, and lets the model take in what was accepted at the positions after `position`. */
function run(model: EventModel, asked: AppendEvents, position: number): Decision {
  const decision = decideOn(model, asked);
  if (decision.outcome === 'accepted') {
    for (const [index, { type, tenant, payload }] of decision.entries.entries()) {
      evolve(model, { sequence: (position + 1 + index) as Sequence, type, tenant, payload });
    }
  }
  return decision;
}

function modelWith(events: readonly EventDraft[]): EventModel {
  const model = new EventModel();
  run(model, command(events), 0);
  return model;
}

function refusal(decision: Decision): { code: string; message: string; details: object; restsOn: number } {
  if (decision.outcome !== 'refused') throw new Error(`was ${decision.outcome}`);
  const { code, message, details } = decision.error;
  return { code, message, details, restsOn: decision.restsOn };
}

describe('an append', () => {
  test('continues the stream where it ends and carries everything in its entries', () => {
    const model = modelWith(eventDrafts(3));
    const events = eventDrafts(2);
    const decision = run(model, command(events, 2 as Revision), 3);
    expect(decision).toMatchObject({ outcome: 'accepted', firstRevision: 3, lastRevision: 4 });
    expect(model.streams.get('s')!.slice(3)).toEqual([
      { ...events[0], revision: 3, position: 4 },
      { ...events[1], revision: 4, position: 5 },
    ]);
  });

  test.each<[ExpectedRevision, boolean, boolean]>([
    ['any', true, true],
    ['none', true, false],
    ['exists', false, true],
    [0 as Revision, false, false],
    [1 as Revision, false, true],
  ])(
    'expecting %s is taken by a missing stream: %s, by one at revision 1: %s',
    (expected, missing, there) => {
      expect(decideOn(new EventModel(), command(eventDrafts(1), expected)).outcome === 'accepted').toBe(
        missing,
      );
      expect(
        decideOn(modelWith(eventDrafts(2)), command(eventDrafts(1), expected)).outcome === 'accepted',
      ).toBe(there);
    },
  );

  test('that expected wrongly learns the actual revision, -1 when there is no stream', () => {
    const there = refusal(decideOn(modelWith(eventDrafts(2)), command(eventDrafts(1), 'none')));
    expect(there).toMatchObject({
      code: 'WRONG_EXPECTED_REVISION',
      details: { expected: 'none', actual: 1 },
      restsOn: 2,
    });
    const missing = refusal(decideOn(new EventModel(), command(eventDrafts(1), 7 as Revision)));
    expect(missing).toMatchObject({
      code: 'WRONG_EXPECTED_REVISION',
      details: { expected: 7, actual: -1 },
      restsOn: 0,
    });
  });
});

describe('the same request again', () => {
  test('is answered as before, whatever it expects by now', () => {
    const events = eventDrafts(3);
    const model = modelWith(events);
    run(model, command(eventDrafts(4)), 3);
    for (const expected of ['any', 'none', 99 as Revision] as const) {
      expect(decideOn(model, command(events, expected))).toEqual({
        outcome: 'duplicate',
        firstRevision: 0,
        lastRevision: 2,
        position: 3,
        restsOn: 3,
      });
    }
  });

  test.each<[string, Partial<EventDraft>]>([
    ['data', { data: Buffer.from('other') }],
    ['type', { type: 'other' }],
    ['content type', { contentType: 'binary' }],
    ['metadata', { metadata: Buffer.from('other') }],
  ])('with other %s is a conflict', (_, change) => {
    const event = eventDraft();
    const decision = refusal(decideOn(modelWith([event]), command([{ ...event, ...change }])));
    expect(decision.code).toBe('EVENT_ID_CONFLICT');
    expect(decision.message).toContain('other content at revision 0');
    expect(decision.restsOn).toBe(1);
  });

  test('mixed with new events is a conflict that names the event', () => {
    const event = eventDraft();
    const decision = refusal(decideOn(modelWith([event]), command([event, eventDraft()])));
    expect(decision).toMatchObject({ code: 'EVENT_ID_CONFLICT', details: { index: 1 } });
    expect(decision.message).toContain('is new while other events');
  });

  test('in another order is a conflict', () => {
    const events = eventDrafts(2);
    expect(refusal(decideOn(modelWith(events), command(events.toReversed()))).code).toBe('EVENT_ID_CONFLICT');
  });

  test('in another stream is a new event: ids are told apart per stream', () => {
    const event = eventDraft();
    expect(decideOn(modelWith([event]), command([event], 'any', 'elsewhere')).outcome).toBe('accepted');
  });
});

describe('a malformed request', () => {
  test.each<[string, readonly EventDraft[], string, string]>([
    ['no events', [], 'INVALID_ARGUMENT', 'at least one'],
    ['an id of 15 bytes', [eventDraft('x', { id: new Uint8Array(15) })], 'INVALID_ARGUMENT', '15 bytes'],
    ['an empty type', [eventDraft('x', { type: '' })], 'INVALID_ARGUMENT', 'type of event 0 is empty'],
    [
      'a control character in a type',
      [eventDraft(), eventDraft('x', { type: 'a\tb' })],
      'INVALID_ARGUMENT',
      'type of event 1',
    ],
    ['a type of 257 bytes', [eventDraft('x', { type: 't'.repeat(257) })], 'INVALID_ARGUMENT', '257 bytes'],
    [
      'one id twice',
      [eventDraft('x', { id: idOf(1) }), eventDraft(), eventDraft('y', { id: idOf(1) })],
      'INVALID_ARGUMENT',
      'events 0 and 2',
    ],
    ['an entry too large', [eventDraft('x'.repeat(1 << 16))], 'TOO_LARGE', '65536 for one entry'],
    ['10,001 events', eventDrafts(10_001), 'TOO_LARGE', 'more than 10000'],
    [
      'too many bytes',
      Array.from({ length: 30 }, () => eventDraft('x'.repeat(40_000))),
      'TOO_LARGE',
      'for one command',
    ],
  ])('with %s is refused', (_, events, code, message) => {
    const decision = refusal(decideOn(new EventModel(), command(events)));
    expect(decision.code).toBe(code);
    expect(decision.message).toContain(message);
    expect(decision.restsOn).toBe(0);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 60])('expecting revision %s is refused', (expected) => {
    expect(refusal(decideOn(new EventModel(), command(eventDrafts(1), expected as Revision))).code).toBe(
      'INVALID_ARGUMENT',
    );
  });

  test('10,000 events are taken', () => {
    expect(
      decideOn(new EventModel(), command(eventDrafts(10_000)), { ...LIMITS, commandBytesMax: 1 << 24 })
        .outcome,
    ).toBe('accepted');
  });
});

function shown(decision: Decision): ModelAnswer {
  if (decision.outcome === 'refused') {
    const { code, details } = decision.error;
    const { actual } = details as { actual: number };
    return code === 'WRONG_EXPECTED_REVISION'
      ? { outcome: 'refused', code, actual }
      : { outcome: 'refused', code };
  }
  return { outcome: decision.outcome, first: decision.firstRevision, last: decision.lastRevision };
}

describe('random requests', () => {
  const requests = fc.array(randomRequest, { minLength: 1, maxLength: 60 });

  function runAll(list: readonly RandomRequest[]): {
    answers: ModelAnswer[];
    expected: ModelAnswer[];
    model: EventModel;
  } {
    const model = new EventModel();
    const answers: ModelAnswer[] = [];
    const expected: ModelAnswer[] = [];
    let position = 0;
    for (const request of list) {
      expected.push(model.answer(request.stream, request.expected, request.events));
      const decision = run(model, { kind: 'append-events', ...request }, position);
      answers.push(shown(decision));
      position += 10;
    }
    return { answers, expected, model };
  }

  test('get the answers the plain model gives', () => {
    fc.assert(
      fc.property(requests, (list) => {
        const { answers, expected } = runAll(list);
        expect(answers).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test('get the same decisions a second time: same state, same command, same input', () => {
    fc.assert(
      fc.property(requests, (list) => {
        const a = runAll(list);
        const b = runAll(list);
        expect(b.answers).toEqual(a.answers);
        expect([...b.model.streams]).toEqual([...a.model.streams]);
      }),
    );
  });

  test('change nothing while they are only decided', () => {
    fc.assert(
      fc.property(requests, randomRequest, (list, request) => {
        const { model } = runAll(list);
        const before = structuredClone([...model.streams]);
        decideOn(model, { kind: 'append-events', ...request });
        expect([...model.streams]).toEqual(before);
      }),
    );
  });

  test('rest on what they were answered from, never on more', () => {
    fc.assert(
      fc.property(requests, randomRequest, (list, request) => {
        const { model } = runAll(list);
        const decision = decideOn(model, { kind: 'append-events', ...request });
        if (decision.outcome === 'accepted') return;
        const positions = (model.streams.get(request.stream) ?? []).map(({ position }) => position);
        expect([0, ...positions]).toContain(decision.restsOn);
      }),
    );
  });
});
