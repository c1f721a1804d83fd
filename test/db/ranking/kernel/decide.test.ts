import { describe, expect, test } from 'vitest';
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { EntityNumber, KindId, Micros, TupleNumber } from '../../../../db/ranking/ground.ts';
import {
  type BatchReply,
  DELETED,
  decodeEntity,
  type EntityEntry,
  OUTCOME,
  type RankingDecision,
  type SignalDraft,
  SignalRecords,
} from '../../../../db/ranking/kernel/index.ts';
import { put, RankingLog, signalOf } from '../entities/ranking-log.ts';
import { attribute, EVERYTHING, embedding, entity, ITEM, USER } from '../schema/definitions.ts';

const SECOND = 1_000_000;
const DAY = 86_400 * SECOND;

function world(): RankingLog {
  const log = new RankingLog();
  log.define(...EVERYTHING);
  log.put(
    put('creator', 'ann'),
    put('item', 'a', { made_by: 'ann' }),
    put('item', 'b'),
    put('user', 'u', { country: 'fr' }),
  );
  log.commit();
  return log;
}

function entities(decision: RankingDecision): EntityEntry[] {
  if (decision.outcome !== 'accepted') throw new Error(decision.outcome);
  return decision.entries
    .filter(({ type }) => type === KERNEL_ENTRY.rankingEntity)
    .map(({ payload }) => decodeEntity(payload));
}

function records(decision: RankingDecision): SignalRecords {
  if (decision.outcome !== 'accepted') throw new Error(decision.outcome);
  return SignalRecords.of(decision.entries.at(-1)!.payload);
}

function signals(log: RankingLog, ...drafts: SignalDraft[]): RankingDecision {
  return log.decide({ command: 'signals', signals: drafts, failure: 'each' });
}

function batch(decision: RankingDecision): BatchReply {
  if (decision.outcome === 'refused' || decision.reply.reply !== 'batch') throw new Error(decision.outcome);
  return decision.reply;
}

describe('a signal', () => {
  test('has numbers, creator, tuple and weight when it is decided', () => {
    const log = world();
    const decided = records(signals(log, signalOf('view', 'a', { user: 'u', at: (log.now - 5) as Micros })));
    decided.moveTo(0);
    const { target, user, creator, tuple, weight, at, late } = decided;
    expect({ target, user, creator, tuple, weight, at: log.now - at, late }).toEqual({
      ...{ target: 1, user: 1, creator: 1, tuple: 1, weight: 1, at: 5, late: false },
    });
  });

  test('brings its user about, and refuses what it is about when that is unknown', () => {
    const log = world();
    const decision = signals(
      log,
      signalOf('view', 'a', { user: 'new' }),
      signalOf('view', 'zz', { user: 'x' }),
    );
    expect(entities(decision).map(({ key, created, number }) => [key, created, number])).toEqual([
      ['new', true, 2],
    ]);
    expect(batch(decision).refusals).toEqual([
      { index: 1, code: 'NOT_FOUND', message: 'there is no item "zz": write it before signals about it' },
    ]);
    expect([...batch(decision).outcomes]).toEqual([OUTCOME.accepted, OUTCOME.refused]);
  });

  test('about what was deleted is refused, and one by a deleted user brings them about anew', () => {
    const log = world();
    const gone = (kind: string, key: string) => ({ action: 'delete', kind, key }) as const;
    log.put(gone('item', 'a'), gone('user', 'u'));
    const decision = signals(log, signalOf('view', 'a'), signalOf('view', 'b', { user: 'u' }));
    expect(batch(decision).refusals.map(({ index, code }) => [index, code])).toEqual([[0, 'NOT_FOUND']]);
    const [user] = entities(decision);
    expect([user!.created, user!.number, user!.before.state, user!.tuple]).toEqual([false, 1, DELETED, 0]);
  });

  test.each([
    ['a weight that is NaN', signalOf('view', 'a', { weight: Number.NaN }), /weight NaN/],
    ['an infinite weight', signalOf('view', 'a', { weight: Number.POSITIVE_INFINITY }), /weight Infinity/],
    ['a weight out of bounds', signalOf('view', 'a', { weight: -1 }), /from 0 to 1000000/],
    ['a weight that is text', signalOf('view', 'a', { weight: '1' as unknown as number }), /weight 1:/],
    ['a signal that is not there', signalOf('vieww', 'a'), /did you mean "view"/],
    [
      'a clock in 2099',
      signalOf('view', 'a', { at: 4_070_908_800_000_000 as Micros }),
      /2099-01-01.*two minutes ahead/,
    ],
    ['a time before 1970', signalOf('view', 'a', { at: -1 as Micros }), /from 0/],
    ['half a microsecond', signalOf('view', 'a', { at: 0.5 as Micros }), /whole number/],
    ['an empty key', signalOf('view', ''), /key of item is empty/],
    ['a control character', signalOf('view', 'a', { user: 'x\n' }), /U\+000a/],
    ['half of a surrogate pair', signalOf('view', 'a', { user: '\ud800' }), /surrogate/],
    ['a key of 257 bytes', signalOf('view', 'a', { user: 'é'.repeat(129) }), /258 bytes/],
    ['a key that is none', signalOf('view', 7 as unknown as string), /number, not text/],
    ['an endless id', signalOf('view', 'a', { id: 'x'.repeat(300) }), /id of a signal/],
  ])('is refused by itself: %s', (_, draft, message) => {
    const reply = batch(signals(world(), draft, signalOf('view', 'b')));
    expect([...reply.outcomes]).toEqual([OUTCOME.refused, OUTCOME.accepted]);
    expect(reply.refusals[0]?.message).toMatch(message);
  });

  test('two minutes ahead is let in, and one from long ago is late', () => {
    const log = world();
    const ahead = (log.now + 120 * SECOND) as Micros;
    const decided = records(
      signals(
        log,
        signalOf('view', 'a', { at: ahead }),
        signalOf('view', 'a', { at: (log.now - 31 * DAY) as Micros }),
      ),
    );
    expect(decided.count).toBe(2);
    decided.moveTo(1);
    expect(decided.late).toBe(true);
  });

  test('of a past that is imported in order is not late, however old it is', () => {
    const log = world();
    const old = (days: number) => signalOf('view', 'a', { at: (log.now - (3650 - days) * DAY) as Micros });
    const decided = records(signals(log, old(0), old(400), old(380), old(300)));
    const late = Array.from({ length: 4 }, (_, at) => {
      decided.moveTo(at);
      return decided.late;
    });
    expect(late).toEqual([false, false, false, true]);
  });

  test('refuses all of the batch when that is said', () => {
    const drafts = [signalOf('view', 'a'), signalOf('view', 'zz'), signalOf('view', 'yy')];
    const decision = world().decide({ command: 'signals', signals: drafts, failure: 'all' });
    expect(decision.outcome).toBe('refused');
    if (decision.outcome === 'refused')
      expect(decision.error.message).toMatch(/element 1 of the batch.*\(and 1 more\)/);
  });

  test('of a batch that is empty or endless is refused', () => {
    const log = world();
    const many = Array.from({ length: 10_001 }, () => signalOf('view', 'a'));
    for (const drafts of [[], many])
      expect(log.decide({ command: 'signals', signals: drafts, failure: 'each' }).outcome).toBe('refused');
  });

  test('is cut into entries that the log takes', () => {
    const log = world();
    const drafts = Array.from({ length: 100 }, () => signalOf('view', 'a'));
    const command = { command: 'signals', signals: drafts, failure: 'each' } as const;
    log.input = () => ({
      now: log.now,
      limits: { entryBytesMax: 600, commandBytesMax: 1 << 20, entryOverheadBytes: 63 },
      sealed: false,
    });
    const decision = log.decide(command);
    if (decision.outcome !== 'accepted') throw new Error(decision.outcome);
    expect(decision.entries.map(({ payload }) => SignalRecords.of(payload).count)).toEqual([
      ...Array(10).fill(10),
    ]);
    expect(new Set(decision.entries.map(({ subject }) => subject))).toEqual(new Set([null]));
    log.input = () => ({
      now: log.now,
      limits: { entryBytesMax: 600, commandBytesMax: 5_000, entryOverheadBytes: 63 },
      sealed: false,
    });
    expect(log.decide(command)).toMatchObject({ outcome: 'refused', error: { code: 'TOO_LARGE' } });
  });
});

describe('a signal that was sent before', () => {
  const at = 1_699_999_999_000_000 as Micros;
  const draft = signalOf('view', 'a', { user: 'u', at });

  test('is a duplicate: in the batch, in flight, and in the view', () => {
    const log = world();
    expect([...batch(signals(log, draft, draft)).outcomes]).toEqual([OUTCOME.accepted, OUTCOME.duplicate]);
    log.signal(draft);
    expect([...batch(signals(log, draft)).outcomes]).toEqual([OUTCOME.duplicate]);
    log.commit();
    expect(signals(log, draft).outcome).toBe('unchanged');
  });

  test('is another one when anything of it differs', () => {
    const log = world();
    log.signal(draft);
    const others = [
      ...[
        { ...draft, target: 'b' },
        { ...draft, user: null },
        { ...draft, weight: 2 },
        { ...draft, signal: 'like' },
      ],
      ...[
        { ...draft, at: (at + 1) as Micros },
        { ...draft, id: 'x' },
      ],
    ];
    expect(batch(signals(log, ...others)).accepted).toBe(others.length);
  });

  test('is known by the id of the client alone, when it gives no time', () => {
    const log = world();
    const own = signalOf('view', 'a', { id: 'request 1' });
    log.signal(own);
    log.now = (log.now + 60 * SECOND) as Micros;
    expect(batch(signals(log, own, { ...own, id: 'request 2' })).duplicates).toBe(1);
  });

  test('is never one without time and id: whoever views twice views twice', () => {
    const log = world();
    const plain = signalOf('view', 'a', { user: 'u' });
    log.signal(plain, plain);
    log.commit();
    expect(batch(signals(log, plain, plain)).accepted).toBe(2);
  });

  test('is forgotten after a day', () => {
    const log = world();
    log.signal(draft);
    log.commit();
    log.now = (log.now + DAY - SECOND) as Micros;
    expect(batch(signals(log, draft)).duplicates).toBe(1);
    log.now = (log.now + 2 * SECOND) as Micros;
    expect(batch(signals(log, draft)).accepted).toBe(1);
  });
});

describe('an entity', () => {
  test('keeps what is not named, and is not written when nothing changes', () => {
    const log = world();
    log.put(put('item', 'a', { category: 'music', tags: ['x', 'y', 'x'], length: 90 }));
    log.put(put('item', 'a', { category: null, rating: 4.5 }));
    log.commit();
    const item = log.schema.kinds.find(({ name }) => name === 'item')!;
    const value = (name: string) =>
      log.tenant.value(item.id, 1 as EntityNumber, item.attributes.find((each) => each.name === name)!.id);
    expect(['category', 'tags', 'length', 'rating'].map(value)).toEqual([null, ['x', 'y'], 90, 4.5]);
    const again = put('item', 'a', { tags: ['x', 'y'], rating: 4.5, made_by: 'ann' }, { state: 'active' });
    const reply = log.put(again);
    expect(reply).toMatchObject({ accepted: 0, unchanged: 1 });
  });

  test('brings its creator about', () => {
    const log = world();
    const decision = log.decide({
      ...{ command: 'put-entities', failure: 'all' },
      entities: [put('item', 'c', { made_by: 'bob' }), put('item', 'd', { made_by: 'bob' })],
    });
    expect(entities(decision).map(({ key, number, creator }) => [key, number, creator])).toEqual([
      ['bob', 2, 0],
      ['c', 3, 2],
      ['d', 4, 2],
    ]);
  });

  test('says what it was before: creator and state', () => {
    const log = world();
    const decision = log.decide({
      ...{ command: 'put-entities', failure: 'all' },
      entities: [
        put('item', 'a', { made_by: null }, { state: 'archived' }),
        { action: 'delete', kind: 'item', key: 'a' },
      ],
    });
    expect(entities(decision).map(({ state, creator, before }) => [state, creator, before])).toEqual([
      [1, 0, { creator: 1, state: 0 }],
      [DELETED, 0, { creator: 0, state: 1 }],
    ]);
  });

  test('that is deleted and written again has nothing of before', () => {
    const log = world();
    log.put(put('item', 'a', { category: 'music' }), { action: 'delete', kind: 'item', key: 'a' });
    log.put(put('item', 'a', { length: 1 }));
    log.commit();
    const item = log.schema.kinds.find(({ name }) => name === 'item')!;
    expect(log.tenant.numberOf(item.id, 'a')).toBe(1);
    expect(log.tenant.value(item.id, 1 as EntityNumber, item.attributes[0]!.id)).toBeNull();
    expect(log.tenant.creatorOf(item.id, 1 as EntityNumber)).toBe(0);
  });

  test.each([
    ['a field that is not there', put('item', 'a', { catgory: 'x' }), /did you mean "category"/],
    ['a kind that is not there', put('itm', 'a'), /did you mean "item"/],
    ['a state that is not there', put('item', 'a', {}, { state: 'actve' }), /did you mean "active"/],
    ['text for a number', put('item', 'a', { length: 'long' }), /give a whole number/],
    ['a broken number', put('item', 'a', { length: 1.5 }), /give a whole number/],
    ['NaN', put('item', 'a', { rating: Number.NaN }), /a finite number/],
    ['a number for a keyword', put('item', 'a', { category: 7 }), /give it as text/],
    ['an empty keyword', put('item', 'a', { category: '' }), /is empty/],
    [
      'too many keywords',
      put('item', 'a', { tags: Array.from({ length: 65 }, (_, index) => `${index}`) }),
      /at most 64/,
    ],
    ['a vector of 3', put('item', 'a', { content: [1, 2, 3] }), /give 4/],
    ['a vector with NaN', put('item', 'a', { content: [1, 2, 3, Number.NaN] }), /NaN at 3/],
    ['a vector beyond single precision', put('item', 'a', { content: [1, 2, 3, 1e300] }), /finite/],
    ['a vector without direction', put('item', 'a', { content: [0, 0, 0, 0] }), /no direction/],
    ['a vector that comes about by itself', put('user', 'u', { content: [1, 2, 3, 4] }), /by itself/],
    ['a text too long', put('item', 'a', { title: 'x'.repeat(300_000) }), /262144/],
    ['a time in 2099', put('item', 'a', {}, { at: 4_070_908_800_000_000 as Micros }), /ahead/],
    ['a creator that is no key', put('item', 'a', { made_by: 7 }), /not text/],
  ])('is refused by itself: %s', (_, draft, message) => {
    const decision = world().decide({
      ...{
        command: 'put-entities',
        entities: [put('item', 'b', { length: 5 }), draft],
        failure: 'each',
      },
    });
    expect([...batch(decision).outcomes]).toEqual([OUTCOME.accepted, OUTCOME.refused]);
    expect(batch(decision).refusals[0]?.message).toMatch(message);
  });
});

describe('a tuple', () => {
  const tupleOf = (log: RankingLog, key: string): TupleNumber => {
    const kind = log.schema.kinds.find(({ name }) => name === 'user')!.id;
    return log.inFlight.tupleOf(kind, log.inFlight.find(kind, key));
  };

  test('stands for the values of dimensions, whoever has them', () => {
    const log = world();
    log.put(
      put('user', 'v', { country: 'fr', city: 'lyon' }),
      put('user', 'w', { country: 'fr', age: 30 }),
      put('user', 'x'),
    );
    expect(['u', 'v', 'w', 'x'].map((key) => tupleOf(log, key))).toEqual([1, 1, 2, 0]);
    log.commit();
    log.put(put('user', 'u', { age: 30 }), put('user', 'w', { country: null, age: null }));
    expect(['u', 'w'].map((key) => tupleOf(log, key))).toEqual([2, 0]);
  });

  test('is given once, however often a command writes its user', () => {
    const log = world();
    log.put(
      put('user', 'z', { age: 1 }),
      put('user', 'z', { age: 1 }, { at: 5 as Micros }),
      put('user', 'y', { age: 1 }),
    );
    expect(log.inFlight.lastTuple).toBe(2);
    log.put(put('user', 'z', { age: 2 }));
    expect(tupleOf(log, 'z')).toBe(3);
    log.commit();
    expect(log.tenant.lastTuple).toBe(3);
  });

  test('of other dimensions is another one, from the next signal on', () => {
    const log = world();
    log.put(put('user', 'city dweller', { city: 'lyon' }));
    expect(tupleOf(log, 'city dweller')).toBe(0);
    const attributes = USER.attributes.map((each) =>
      each.name === 'city' ? { ...each, dimension: true } : each,
    );
    log.define({ ...USER, attributes });
    for (const settle of [() => {}, () => log.commit()]) {
      settle();
      const decision = signals(
        log,
        signalOf('view', 'a', { user: 'city dweller' }),
        signalOf('view', 'a', { user: 'u' }),
      );
      const decided = records(decision);
      const tuples = [0, 1].map((index) => {
        decided.moveTo(index);
        return decided.tuple;
      });
      expect(tuples).toEqual([2, 3]);
      expect(entities(decision).map(({ key, attributes: set }) => [key, set.length])).toEqual([
        ['city dweller', 0],
        ['u', 0],
      ]);
    }
  });
});

describe('an edge', () => {
  const edge = (more: object) => ({
    ...({ command: 'relate', relationship: 'affinity', from: 'u', to: 'ann' } as const),
    ...({ weight: 'default', at: null } as const),
    ...more,
  });

  test('leads from a user that comes about to what is there', () => {
    const decision = world().decide(edge({ from: 'new' }));
    expect(entities(decision).map(({ key }) => key)).toEqual(['new']);
  });

  test.each([
    ['an end that is not there', edge({ to: 'nobody' }), /no creator "nobody"/],
    ['a relationship that is not there', edge({ relationship: 'afinity' }), /did you mean/],
    ['a weight that is NaN', edge({ weight: Number.NaN }), /weight NaN/],
    ['a time in 2099', edge({ at: 4_070_908_800_000_000 }), /ahead/],
    ['an empty key', edge({ from: '' }), /empty/],
  ])('is refused with %s', (_, command, message) => {
    const decision = world().decide(command);
    expect(decision).toMatchObject({
      outcome: 'refused',
      error: { message: expect.stringMatching(message) },
    });
  });
});

describe('an exposure', () => {
  test('names what was shown, which has to be there', () => {
    const log = world();
    const command = {
      ...({
        command: 'expose',
        experiment: 'e',
        arm: 'b',
        user: 'new',
        kind: 'item',
        items: ['b', 'a'],
      } as const),
    };
    expect(entities(log.decide(command)).map(({ key }) => key)).toEqual(['new']);
    expect(log.decide({ ...command, items: ['zz'] }).outcome).toBe('refused');
    expect(log.decide({ ...command, arm: '' }).outcome).toBe('refused');
  });
});

describe('a definition', () => {
  test('says what it would do, and does it only when it is asked to', () => {
    const log = world();
    log.put(put('item', 'a', { length: 9 }));
    const definition = { ...ITEM, attributes: ITEM.attributes.filter(({ name }) => name !== 'length') };
    const command = { command: 'define', definition, permission: 'safe', run: 'dry run' } as const;
    const dry = log.decide(command);
    expect(dry).toMatchObject({ outcome: 'unchanged', reply: { needs: 'rebuild', version: 9 } });
    expect(log.decide({ ...command, run: 'apply' }).outcome).toBe('refused');
    expect(log.decide({ ...command, run: 'apply', permission: 'rebuild' }).outcome).toBe('accepted');
    expect(log.decide({ ...command, definition: ITEM, run: 'apply' }).outcome).toBe('unchanged');
  });

  test('counts what is in flight', () => {
    const log = world();
    log.signal(signalOf('view', 'a'), signalOf('view', 'b'));
    const { signals: types, relationships } = log.schema;
    expect(log.inFlight.facts.signals(types[0]!.id)).toBe(2);
    log.commit();
    expect(log.inFlight.facts.signals(types[0]!.id)).toBe(2);
    expect(log.inFlight.facts.edges(relationships[0]!.id)).toBe(0);
    log.write({
      command: 'relate',
      relationship: 'affinity',
      from: 'u',
      to: 'ann',
      weight: 1,
      at: null,
    });
    expect(log.inFlight.facts.edges(relationships[0]!.id)).toBe(1);
  });

  test('is in force for the command behind it, before any view has it', () => {
    const log = world();
    log.define(
      entity('podcast', { attributes: [attribute('host', 'keyword')], embeddings: [embedding('voice')] }),
    );
    log.put(put('podcast', 'p', { host: 'ann', voice: Float32Array.of(1, 0, 0, 0) }));
    const kind = log.schema.kinds.at(-1)!.id as KindId;
    expect(log.inFlight.find(kind, 'p')).toBe(1);
    log.commit();
    expect(log.tenant.numberOf(kind, 'p')).toBe(1);
  });
});
