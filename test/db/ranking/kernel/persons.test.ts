/** For whom entries are sealed, and in what order a batch is decided where persons are in it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { Micros } from '../../../../db/ranking/ground.ts';
import {
  decodeEntity,
  decodeNumbers,
  type RankingCommand,
  type RankingEntry,
  type SignalDraft,
  SignalRecords,
} from '../../../../db/ranking/kernel/index.ts';
import type { EntityDefinition } from '../../../../db/ranking/schema/definition.ts';
import { put, RankingLog, signalOf } from '../entities/ranking-log.ts';
import { EVERYTHING } from '../schema/definitions.ts';

const DAY = 86_400_000_000;

/** The schema of everything, with these kinds of persons. */
function world(...persons: readonly string[]): RankingLog {
  const log = new RankingLog();
  log.define(
    ...EVERYTHING.map((each) =>
      each.define === 'entity'
        ? ({ ...each, person: persons.includes(each.name) } as EntityDefinition)
        : each,
    ),
  );
  log.put(put('creator', 'ann'), put('item', 'a', { made_by: 'ann' }), put('item', 'b'));
  log.commit();
  return log;
}

function entriesOf(log: RankingLog, command: RankingCommand): readonly RankingEntry[] {
  const decision = log.decide(command);
  if (decision.outcome !== 'accepted') throw new Error(decision.outcome);
  return decision.entries;
}

function signals(log: RankingLog, ...drafts: SignalDraft[]): readonly RankingEntry[] {
  return entriesOf(log, { command: 'signals', signals: drafts, failure: 'each' });
}

const NAMES = Object.fromEntries(Object.entries(KERNEL_ENTRY).map(([name, type]) => [type, name]));

function shown(entries: readonly RankingEntry[]): string[] {
  return entries.map(({ type, subject }) => `${NAMES[type]} ${subject}`);
}

describe('an entry is sealed for', () => {
  test('whoever a signal is by, one entry a person, behind what says that their numbers are given', () => {
    const log = world('user');
    const entries = signals(
      log,
      signalOf('view', 'a', { user: 'u' }),
      signalOf('view', 'a'),
      signalOf('view', 'b', { user: 'v' }),
      signalOf('view', 'b', { user: 'u' }),
    );
    expect(shown(entries)).toEqual([
      'rankingNumbers null',
      ...[
        'rankingEntity u',
        'rankingSignals u',
        'rankingSignals null',
        'rankingEntity v',
        'rankingSignals v',
      ],
    ]);
    expect(decodeNumbers(entries[0]!.payload)).toMatchObject({ last: 2 });
    expect(SignalRecords.of(entries[2]!.payload).count).toBe(2);
  });

  test('nobody where nobody is a person', () => {
    const entries = signals(
      world(),
      signalOf('view', 'a', { user: 'u' }),
      signalOf('view', 'a', { user: 'v' }),
    );
    expect(shown(entries)).toEqual(['rankingEntity null', 'rankingEntity null', 'rankingSignals null']);
  });

  test('what a signal is about, where that is a person and whoever it is by is none', () => {
    const entries = signals(world('item'), signalOf('view', 'b', { user: 'u' }), signalOf('view', 'a'));
    expect(shown(entries)).toEqual(['rankingEntity null', 'rankingSignals b', 'rankingSignals a']);
  });

  test('the entity itself, and a creator that comes to be with an item', () => {
    const log = world('user', 'creator');
    const entities = [put('user', 'u'), put('item', 'c', { made_by: 'bob' }), put('user', 'v')];
    const entries = entriesOf(log, { command: 'put-entities', entities, failure: 'all' });
    expect(shown(entries)).toEqual([
      ...['rankingNumbers null', 'rankingNumbers null', 'rankingEntity u', 'rankingEntity bob'],
      ...['rankingEntity null', 'rankingEntity v'],
    ]);
    expect(entries.slice(0, 2).map(({ payload }) => decodeNumbers(payload).last)).toEqual([2, 2]);
  });

  test('nobody where it says that somebody is not there any more, and names nobody then', () => {
    const log = world('user');
    const [ann, gone] = [put('user', 'u'), { action: 'delete', kind: 'user', key: 'u' } as const];
    log.put(ann);
    log.commit();
    const entries = entriesOf(log, { command: 'put-entities', entities: [gone], failure: 'all' });
    expect(shown(entries)).toEqual(['rankingEntity null']);
    expect(decodeEntity(entries[0]!.payload)).toMatchObject({ key: '', number: 1, at: 0 });
    // In flight and in the view, and somebody who comes back has the number they had.
    for (const settle of [() => {}, () => log.commit()]) {
      log.put(gone);
      settle();
      expect(() => log.put(gone)).not.toThrow();
      expect(shown(entriesOf(log, { command: 'put-entities', entities: [ann], failure: 'all' }))).toEqual([
        'rankingEntity u',
      ]);
      log.put(ann);
      settle();
      const kind = log.schema.kinds.find(({ name }) => name === 'user')!.id;
      expect([
        log.inFlight.find(kind, 'u'),
        log.inFlight.stateOf(kind, log.inFlight.find(kind, 'u')),
      ]).toEqual([1, 0]);
    }
  });

  test('the end an edge begins at, or else the one it leads to', () => {
    const relate = (from: string, to: string): RankingCommand => ({
      ...{ command: 'relate', relationship: 'affinity', from, to, weight: 'default', at: null },
    });
    expect(shown(entriesOf(world('user', 'creator'), relate('u', 'ann'))).at(-1)).toBe('rankingEdge u');
    expect(shown(entriesOf(world('creator'), relate('u', 'ann'))).at(-1)).toBe('rankingEdge ann');
    expect(shown(entriesOf(world(), relate('u', 'ann'))).at(-1)).toBe('rankingEdge null');
  });

  test('whoever was shown something', () => {
    const expose = (user: string | null): RankingCommand => ({
      ...{ command: 'expose', experiment: 'e', arm: 'x', user, kind: 'item', items: ['a'] },
    });
    expect(shown(entriesOf(world('user'), expose('u')))).toEqual([
      ...['rankingNumbers null', 'rankingEntity u', 'rankingExposure u'],
    ]);
    expect(shown(entriesOf(world('user'), expose(null)))).toEqual(['rankingExposure null']);
  });
});

test('numbers of persons whose entries are left out are not given again', () => {
  const log = world('user');
  log.signal(signalOf('view', 'a', { user: 'u' }), signalOf('view', 'a', { user: 'v' }));
  const commit = log.commit();
  const kind = log.schema.kinds.find(({ name }) => name === 'user')!.id;
  const left = new RankingLog();
  for (const { entries } of [...log.commits.slice(0, -1), commit])
    left.entities.onCommit({
      ...commit,
      entries: entries.filter(
        ({ type, payload }) =>
          type !== KERNEL_ENTRY.rankingEntity || !['u', 'v'].includes(decodeEntity(payload).key),
      ),
    });
  expect([left.tenant.find(kind, 'v'), left.tenant.last(kind)]).toEqual([0, 2]);
  expect([left.tenant.size(kind), left.inFlight.last(kind)]).toEqual([0, 2]);
});

const draft: fc.Arbitrary<SignalDraft> = fc.record({
  signal: fc.constantFrom('view', 'like', 'nothing'),
  target: fc.constantFrom('a', 'b', 'missing'),
  user: fc.constantFrom('u', 'v', 'w', '', null),
  weight: fc.constantFrom(null, 1, -7e9),
  at: fc.constantFrom(null, 1, 2, 40).map((days) => days && ((1_700_000_000_000_000 - days * DAY) as Micros)),
  id: fc.constantFrom(null, 'x', 'y'),
});

test('a batch with persons fares as the same signals sent person by person', () => {
  fc.assert(
    fc.property(fc.array(draft, { minLength: 1, maxLength: 30 }), (drafts) => {
      const [together, apart] = [world('user'), world('user')];
      const people = [...new Set(drafts.map(({ user }) => user))];
      const decision = together.decide({ command: 'signals', signals: drafts, failure: 'each' });
      if (decision.outcome === 'refused' || decision.reply.reply !== 'batch') throw new Error('refused');
      const outcomes: number[] = [];
      const payloads: Uint8Array[] = [];
      for (const person of people) {
        const places = drafts.flatMap(({ user }, place) => (user === person ? [place] : []));
        const own = {
          command: 'signals',
          signals: places.map((at) => drafts[at]!),
          failure: 'each',
        } as const;
        const decided = apart.decide(own);
        if (decided.outcome === 'refused' || decided.reply.reply !== 'batch') throw new Error('refused');
        for (const [at, place] of places.entries()) outcomes[place] = decided.reply.outcomes[at]!;
        if (decided.outcome === 'accepted')
          payloads.push(
            ...decided.entries
              .filter(({ type }) => type !== KERNEL_ENTRY.rankingNumbers)
              .map(({ payload }) => payload),
          );
        apart.write(own);
      }
      expect([...decision.reply.outcomes]).toEqual(outcomes);
      expect(decision.reply.refusals.map(({ index }) => index)).toEqual(
        outcomes.flatMap((outcome, place) => (outcome === 3 ? [place] : [])),
      );
      const entries = decision.outcome === 'accepted' ? decision.entries : [];
      expect(
        entries.filter(({ type }) => type !== KERNEL_ENTRY.rankingNumbers).map(({ payload }) => payload),
      ).toEqual(payloads);
    }),
  );
});
