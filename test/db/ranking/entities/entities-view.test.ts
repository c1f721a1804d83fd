import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { EntitiesView } from '../../../../db/ranking/entities/entities-view.ts';
import type {
  AttributeId,
  EntityNumber,
  KindId,
  Micros,
  TupleNumber,
} from '../../../../db/ranking/ground.ts';
import {
  decodeEntity,
  type EntityDraft,
  type EntityState,
  encodeEntity,
  type SignalDraft,
} from '../../../../db/ranking/kernel/index.ts';
import type { EntityKind, Predicate } from '../../../../db/ranking/schema/model.ts';
import { type CommitOrdinal, TENANT_DEFAULT, type TenantId } from '../../../../db/types.ts';
import { attribute, CREATOR, change, EVERYTHING, historyOf, ITEM, USER } from '../schema/definitions.ts';
import { EntitiesModel, fulfils } from './entities-model.ts';
import { MemoryParts, NOW, put, RankingLog, signalOf } from './ranking-log.ts';

const STATES = ['active', 'archived'];
const DEFINITIONS = [CREATOR, ITEM, USER].map((each) => ({ ...each, states: STATES }));
const MINUTE = 60_000_000;

const option = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> =>
  fc.oneof(arbitrary, fc.constant(null), fc.constant(undefined));
const word = fc.constantFrom('a', 'b', 'c', 'd', 'é');
const itemSet = fc.record({
  category: option(word),
  tags: option(fc.array(word, { maxLength: 4 })),
  length: option(fc.integer({ min: -2, max: 5 })),
  rating: option(fc.constantFrom(0, 0.5, 2.5, -1)),
  live: option(fc.boolean()),
  released: option(fc.nat(3)),
  title: option(fc.string({ unit: 'grapheme', maxLength: 30 })),
  made_by: option(fc.constantFrom('m1', 'm2', 'm3')),
});
const userSet = fc.record({
  country: option(word),
  age: option(fc.nat(3)),
  premium: option(fc.boolean()),
  city: option(word),
});
const key = fc.integer({ min: 1, max: 45 }).map((number) => `k${number}`);
const state = fc.constantFrom(null, null, ...STATES);
const at = fc.oneof(fc.constant(null), fc.integer({ min: -5, max: 5 })) as fc.Arbitrary<Micros | null>;

const draft: fc.Arbitrary<EntityDraft> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ key, set: itemSet, state, at }).map((each) => putOf('item', each)) },
  { weight: 3, arbitrary: fc.record({ key, set: userSet, state, at }).map((each) => putOf('user', each)) },
  {
    weight: 1,
    arbitrary: fc.record({
      action: fc.constant('delete' as const),
      kind: fc.constantFrom('item', 'user', 'creator'),
      key,
    }),
  },
);

interface Round {
  readonly drafts: readonly EntityDraft[];
  readonly users: readonly string[];
  readonly commits: boolean;
}

const rounds: fc.Arbitrary<readonly Round[]> = fc.array(
  fc.record({
    drafts: fc.array(draft, { minLength: 1, maxLength: 25 }),
    users: fc.array(key, { maxLength: 4 }),
    commits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
);

function putOf(
  kind: string,
  { key: name, set, ...more }: { key: string; set: object; state: string | null; at: Micros | null },
): EntityDraft {
  const given = Object.entries(set).filter(([, value]) => value !== undefined);
  return put(kind, name, Object.fromEntries(given), more);
}

function play(log: RankingLog, model: EntitiesModel, { drafts, users, commits }: Round): void {
  log.now = (log.now + MINUTE) as Micros;
  log.put(...drafts);
  for (const each of drafts) model.apply(each, log.now);
  const signals: SignalDraft[] = users.map((user) => signalOf('made', 'anchor', { user }));
  if (signals.length > 0) log.signal(...signals);
  for (const each of signals) model.signal(each, log.now);
  if (commits) log.commit();
}

function started(): { readonly log: RankingLog; readonly model: EntitiesModel } {
  const log = new RankingLog();
  const model = new EntitiesModel(DEFINITIONS);
  log.define(...DEFINITIONS, {
    ...EVERYTHING[4]!,
    name: 'made',
    target: 'creator',
  } as (typeof EVERYTHING)[4]);
  log.put(put('creator', 'anchor'));
  model.apply(put('creator', 'anchor'), log.now);
  return { log, model };
}

function kindOf(log: RankingLog, name: string): EntityKind {
  return log.schema.kinds.find((kind) => kind.name === name)!;
}

describe('what decisions read', () => {
  test('is the same in flight and applied, and the same as a map has it', () => {
    fc.assert(
      fc.property(rounds, (all) => {
        const { log, model } = started();
        for (const round of all) {
          play(log, model, round);
          compare(log, model);
        }
        log.commit();
        compare(log, model);
        expect(log.inFlight.isEmpty).toBe(true);
      }),
      { numRuns: 15 },
    );
  });
});

describe('the view', () => {
  test('finds by conditions what looking at everything finds', () => {
    fc.assert(
      fc.property(rounds, fc.array(fc.nat(1_000_000), { minLength: 8, maxLength: 8 }), (all, seeds) => {
        const { log, model } = started();
        for (const round of all) {
          play(log, model, round);
          if (round.commits) for (const seed of seeds) checkCondition(log, model, seed);
        }
        log.commit();
        for (const seed of seeds) checkCondition(log, model, seed);
        checkSets(log, model);
      }),
      { numRuns: 15 },
    );
  });

  test('says the same live, replayed, and restored anywhere', () => {
    fc.assert(
      fc.property(rounds, fc.nat(8), (all, place) => {
        const { log, model } = started();
        let saved: { parts: MemoryParts; commits: number } | null = null;
        for (const [index, round] of all.entries()) {
          play(log, model, round);
          if (index === place) saved = { parts: MemoryParts.of(log.entities), commits: log.commits.length };
        }
        log.commit();
        const digest = log.entities.digest();
        expect(log.replayed(new EntitiesView()).digest()).toBe(digest);
        if (saved === null) return;
        const restored = new EntitiesView();
        restored.restore(saved.parts);
        log.entities = log.replayed(restored, saved.commits);
        expect(restored.digest()).toBe(digest);
        compare(log, model);
        checkSets(log, model);
        expect(MemoryParts.of(restored).parts).toEqual(
          MemoryParts.of(log.replayed(new EntitiesView())).parts,
        );
      }),
      { numRuns: 15 },
    );
  });

  test('keeps tenants apart, and nothing of one that does not rank', () => {
    const { log } = started();
    log.put(put('item', 'a', { category: 'x' }));
    const { entries, ...commit } = log.commit();
    expect(log.entities.tenant(9 as TenantId)).toBeNull();
    const other = entries.map((entry) => ({ ...entry, tenant: 9 as TenantId }));
    const before = log.entities.digest();
    log.entities.onCommit({ ...commit, ordinal: 2 as CommitOrdinal, entries: other });
    expect(log.entities.digest()).not.toBe(before);
    expect(log.entities.tenant(9 as TenantId)!.numberOf(kindOf(log, 'item').id, 'a')).toBe(1);
    const restored = new EntitiesView();
    restored.restore(MemoryParts.of(log.entities));
    expect(restored.digest()).toBe(log.entities.digest());
    for (const _step of restored.digestAhead()) expect(restored.digest()).toBe(log.entities.digest());
  });

  test('does not write again what has not changed', () => {
    const { log } = started();
    log.put(
      ...Array.from({ length: 9_000 }, (_, index) =>
        put('item', `i${index}`, { category: 'x', length: index }),
      ),
    );
    log.commit();
    const before = new Set(MemoryParts.of(log.entities).parts);
    log.put(put('user', 'u', { country: 'fr' }));
    log.commit();
    const after = MemoryParts.of(log.entities).parts.filter((part) => !before.has(part));
    expect(after.every((part) => !part.includes('.k2.'))).toBe(true);
  });

  test('goes on where entries are missing, erased or lost, with numbers as they were', () => {
    const { log } = started();
    log.put(put('item', 'a'), put('user', 'u', { country: 'fr' }));
    log.commit();
    log.put(put('item', 'gone'), put('user', 'gone', { country: 'de' }), put('user', 'x', { country: 'es' }));
    log.commit();
    log.put(put('item', 'b'), put('item', 'gone', { length: 1 }), put('user', 'v', { country: 'it' }));
    log.put(put('user', 'w', { country: 'de' }));
    log.commit();
    const view = new EntitiesView();
    view.onCommit(log.commits[0]!);
    view.onCommit(log.commits[2]!);
    const [item, user] = [kindOf(log, 'item').id, kindOf(log, 'user').id];
    const tenant = view.tenant(TENANT_DEFAULT)!;
    expect(['a', 'b', 'gone'].map((name) => tenant.numberOf(item, name))).toEqual([1, 3, 2]);
    expect(['u', 'v', 'w', 'gone', 'x'].map((name) => tenant.numberOf(user, name))).toEqual([1, 4, 5, 0, 0]);
    expect([1, 2, 3, 4, 5].map((number) => tenant.tupleOf(user, number as EntityNumber))).toEqual([
      1, 0, 0, 4, 2,
    ]);
    const country = kindOf(log, 'user').attributes[0]!.id;
    const german: Predicate = { test: 'compare', attribute: country, operator: '=', value: 'de' };
    expect([...tenant.tuples(german)]).toEqual([2]);
    expect(tenant.lastTuple).toBe(4);
    const restored = new EntitiesView();
    restored.restore(MemoryParts.of(view));
    expect(restored.digest()).toBe(view.digest());
    expect([...restored.tenant(TENANT_DEFAULT)!.tuples(german)]).toEqual([2]);
    const withoutSchema = new EntitiesView();
    withoutSchema.onCommit(log.commits[2]!);
    expect(withoutSchema.tenant(TENANT_DEFAULT)!.last(item)).toBe(0);
  });

  test('follows the schema: attributes that go, come, and are filtered by from now on', () => {
    const { log } = started();
    log.put(put('item', 'a', { category: 'x', length: 5 }), put('item', 'b', { category: 'y' }));
    log.commit();
    const unfiltered = ITEM.attributes.map((each) => ({ ...each, filter: false }));
    log.define({ ...ITEM, states: STATES, attributes: unfiltered.filter(({ name }) => name !== 'length') });
    log.put(put('item', 'c', { category: 'x' }));
    log.commit();
    const { id, attributes } = kindOf(log, 'item');
    const category = attributes[0]!.id;
    const equal: Predicate = { test: 'compare', attribute: category, operator: '=', value: 'x' };
    expect([...log.tenant.matching(id, equal)]).toEqual([]);
    log.define({ ...ITEM, states: STATES, attributes: [...ITEM.attributes, attribute('new', 'keyword')] });
    log.commit();
    expect([...log.tenant.matching(id, equal)]).toEqual([1, 3]);
    const length = kindOf(log, 'item').attributes.find(({ name }) => name === 'length')!.id;
    expect(log.tenant.value(id, 1 as EntityNumber, length)).toBeNull();
    expect(log.replayed(new EntitiesView()).digest()).toBe(log.entities.digest());
  });

  test('refuses a checkpoint that was damaged, or is another', () => {
    const { log } = started();
    log.put(
      ...Array.from({ length: 30 }, (_, index) =>
        put('item', `i${index}`, {
          category: `c${index % 3}`,
          tags: ['a', `t${index}`],
          title: `title ${index}`,
          live: true,
        }),
      ),
      put('user', 'u', { country: 'fr', age: 3 }),
    );
    log.commit();
    const good = MemoryParts.of(log.entities);
    const names = [...good.content.keys()];
    fc.assert(
      fc.property(
        fc.nat(names.length - 1),
        fc.nat(3),
        fc.nat(400),
        fc.nat(255),
        (part, how, place, value) => {
          const damaged = new MemoryParts();
          for (const [name, bytes] of good.content) damaged.content.set(name, bytes);
          const bytes = good.content.get(names[part]!)!.slice();
          if (how === 0) damaged.content.delete(names[part]!);
          else if (how === 1) damaged.content.set(names[part]!, bytes.slice(0, place % (bytes.length + 1)));
          else {
            if (bytes.length > 0) bytes[place % bytes.length] = value;
            damaged.content.set(names[part]!, bytes);
          }
          try {
            const view = new EntitiesView();
            view.restore(damaged);
            view.digest();
          } catch (error) {
            expect(error).toBeInstanceOf(TruthError);
          }
        },
      ),
      { numRuns: 400 },
    );
    const other = new MemoryParts();
    other.content.set('something', new Uint8Array(3));
    expect(() => new EntitiesView().restore(other)).toThrow(TruthError);
  });

  test('refuses an entry that gives a number a second key, or a key a second number', () => {
    const { log } = started();
    log.put(put('item', 'a'), put('item', 'b'));
    const { entries, ...commit } = log.commit();
    const last = entries.at(-1)!;
    expect(() => log.replayed(new EntitiesView()).onCommit({ ...commit, entries: [last] })).toThrow(
      TruthError,
    );
    const entry = decodeEntity(last.payload);
    for (const wrong of [
      { key: 'c', created: false },
      { number: 9 as EntityNumber },
      { tuple: 1 as TupleNumber },
    ]) {
      const payload = encodeEntity({ ...entry, ...wrong });
      const view = log.replayed(new EntitiesView());
      expect(() => view.onCommit({ ...commit, entries: [{ ...last, payload }] })).toThrow(TruthError);
    }
  });
});

/** All that can be asked about each entity, in flight and by the view when it has everything. */
function compare(log: RankingLog, model: EntitiesModel): void {
  const states = log.inFlight.isEmpty ? [log.inFlight, log.tenant] : [log.inFlight];
  for (const kind of log.schema.kinds) {
    const entities = model.kinds.get(kind.name)!;
    const expected = [...entities].map(([name, entity]) => ({
      ...{ number: entity.number, state: entity.state ?? 255, at: entity.state === null ? null : entity.at },
      creator: entity.creator === null ? 0 : model.kinds.get('creator')!.get(entity.creator)!.number,
      tuple: kind.name === 'user' && entity.state !== null ? model.tupleOf(name) : 0,
      values: kind.attributes.map((field) => entity.values.get(field.name) ?? null),
    }));
    for (const reader of states) {
      const found = [...entities.keys()].map((name) => entityOf(reader, kind, name));
      expect(found).toEqual(expected);
      expect(reader.last(kind.id)).toBe(entities.size);
      expect(reader.find(kind.id, 'nobody')).toBe(0);
    }
  }
  for (const reader of states) expect(reader.lastTuple).toBe(model.tuples.length);
}

function entityOf(reader: EntityState, kind: EntityKind, name: string) {
  const number = reader.find(kind.id, name);
  const state = reader.stateOf(kind.id, number);
  return {
    ...{ number, state, at: state === 255 ? null : reader.createdAt(kind.id, number) },
    creator: reader.creatorOf(kind.id, number),
    tuple: reader.tupleOf(kind.id, number),
    values: kind.attributes.map(({ id }) => reader.value(kind.id, number, id)),
  };
}

/** Keys, states, makers, the newest, and values side by side. */
function checkSets(log: RankingLog, model: EntitiesModel): void {
  const { tenant } = log;
  const item = kindOf(log, 'item');
  const entities = [...model.kinds.get('item')!.entries()];
  for (const [name, { number }] of entities) expect(tenant.keyOf(item.id, number as EntityNumber)).toBe(name);
  expect(tenant.keyOf(item.id, 9_999 as EntityNumber)).toBe('');
  const active = entities.filter(([, { state: each }]) => each === 0).map(([, entity]) => entity);
  expect([...tenant.active(item.id)]).toEqual(active.map(({ number }) => number).sort((a, b) => a - b));
  for (const [name, { number }] of model.kinds.get('creator')!) {
    const made = entities.filter(([, { creator }]) => creator === name).map(([, each]) => each.number);
    expect([...tenant.madeBy(item.id, number as EntityNumber)]).toEqual(made.sort((a, b) => a - b));
  }
  active.sort((a, b) => b.at - a.at || b.number - a.number);
  expect([...tenant.newest(item.id, 7)]).toEqual(active.slice(0, 7).map(({ number }) => number));
  checkColumns(
    log,
    item,
    entities.map(([, entity]) => entity),
  );
}

function checkColumns(
  { tenant }: RankingLog,
  item: EntityKind,
  entities: readonly { readonly number: number; readonly values: ReadonlyMap<string, unknown> }[],
): void {
  const targets = Uint32Array.from(entities, ({ number }) => number);
  const numbers = new Float64Array(targets.length);
  const keywords = new Int32Array(targets.length);
  const codes = new Map<string, number>();
  for (const { id, name } of item.attributes) {
    tenant.numbers(item.id, id, targets, targets.length, numbers);
    tenant.keywords(item.id, id, targets, targets.length, keywords);
    for (const [index, { values }] of entities.entries()) {
      const value = values.get(name);
      const plain = typeof value === 'number' || typeof value === 'boolean';
      expect(numbers[index]).toBe(plain ? Number(value) : Number.NaN);
      if (name !== 'category' || typeof value !== 'string') expect(keywords[index]).toBe(-1);
      else expect(keywords[index]).toBe(codes.get(value) ?? codes.set(value, keywords[index]!).get(value));
    }
  }
  tenant.numbers(item.id, 999 as AttributeId, targets, targets.length, numbers);
  expect(numbers.every(Number.isNaN)).toBe(true);
  expect(tenant.last(99 as KindId)).toBe(0);
}

/** A condition made of a seed, over items and over tuples. */
function checkCondition(log: RankingLog, model: EntitiesModel, seed: number): void {
  const item = kindOf(log, 'item');
  const condition = conditionOf(item, seed);
  const found = [...log.tenant.matching(item.id, condition)];
  const entities = [...model.kinds.get('item')!.values()];
  const expected = entities.filter(
    ({ state: each, values }) => each !== null && fulfils(item, values, condition),
  );
  expect(found).toEqual(expected.map(({ number }) => number).sort((a, b) => a - b));
  expect(log.tenant.estimate(item.id, condition)).toBeGreaterThanOrEqual(0);
  const user = kindOf(log, 'user');
  const dimensions = { ...user, attributes: user.attributes.filter(({ dimension }) => dimension) };
  const ofTuples = conditionOf(dimensions, seed);
  const rows = model.tuples.map((text) => JSON.parse(text) as (string | number | boolean | null)[]);
  const tuples = rows.flatMap((row, index) => {
    const values = new Map(dimensions.attributes.map(({ name }, at) => [name, row[at]!] as const));
    for (const [name, value] of values) if (value === null) values.delete(name);
    return fulfils(user, values, ofTuples) ? [index + 1] : [];
  });
  expect([...log.tenant.tuples(ofTuples)]).toEqual(tuples);
}

function conditionOf(kind: EntityKind, seed: number, depth = 0): Predicate {
  const pick = (count: number, place: number): number => Math.floor(seed / (7 * place + 1)) % count;
  const inner = (place: number): Predicate =>
    conditionOf(kind, Math.floor(seed / 3) + place * 7919, depth + 1);
  if (depth < 3 && pick(3, depth) > 0) {
    const test = (['and', 'or', 'not'] as const)[pick(3, depth + 1)]!;
    if (test === 'not') return { test, of: inner(1) };
    return { test, of: Array.from({ length: 1 + pick(3, depth + 2) }, (_, index) => inner(index)) };
  }
  const fields = kind.attributes.filter(({ type }) => type !== 'text');
  const { id, type } = fields[pick(fields.length, depth + 3)]!;
  const words = ['a', 'b', 'c', 'nothing', 'é'];
  if (pick(6, depth + 4) === 0) return { test: 'has', attribute: id, value: null };
  if (type === 'keywords') return { test: 'has', attribute: id, value: words[pick(5, depth + 5)]! };
  const value =
    type === 'keyword' ? words[pick(5, depth + 5)]! : type === 'boolean' ? pick(2, 5) === 1 : pick(6, 5) - 1;
  const equality = (['=', '<>'] as const)[pick(2, depth + 6)]!;
  if (type === 'boolean') return { test: 'compare', attribute: id, operator: equality, value };
  if (pick(3, depth + 7) === 0)
    return { test: 'in', attribute: id, values: [value as string, type === 'keyword' ? 'd' : 2] };
  if (type === 'keyword') return { test: 'compare', attribute: id, operator: equality, value };
  if (pick(3, depth + 8) === 0)
    return { test: 'between', attribute: id, low: value as number, high: pick(6, 9) };
  const operator = (['=', '<>', '<', '<=', '>', '>='] as const)[pick(6, depth + 9)]!;
  return { test: 'compare', attribute: id, operator, value };
}

describe('a change of the schema', () => {
  test('is counted from the same history everywhere', () => {
    const { log } = started();
    log.commit();
    const history = historyOf(DEFINITIONS);
    change(history, { ...EVERYTHING[4]!, name: 'made', target: 'creator' } as (typeof EVERYTHING)[4]);
    expect(log.tenant.schema).toEqual(history.current);
    expect(NOW).toBeLessThanOrEqual(log.now);
  });
});
