import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import { canonicalJson, decodeChange, encodeChange } from '../../../../db/ranking/schema/codec.ts';
import { define, NO_FACTS, readDefinition, SchemaHistory } from '../../../../db/ranking/schema/index.ts';
import { change, EVERYTHING, FOR_YOU, historyOf, USER } from './definitions.ts';

describe('a change of a schema', () => {
  test('is the same behind its bytes', () => {
    const history = new SchemaHistory();
    const replayed = new SchemaHistory();
    for (const definition of EVERYTHING) {
      const { change: made } = define(history.record, definition, 'safe', NO_FACTS);
      history.applyChange(made!);
      const { schema, before } = replayed.apply(encodeChange(made!));
      expect(schema.version).toBe(before.version + 1);
    }
    expect(replayed.record).toEqual(history.record);
    expect(replayed.encode()).toEqual(history.encode());
  });

  test('does not go back', () => {
    const history = historyOf(EVERYTHING);
    expect(() => history.applyChange({ version: 3, steps: [] })).toThrow('has version 8 already');
  });

  test('has one form, whatever order its fields came in', () => {
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  });
});

describe('a kind of persons', () => {
  const people = { ...USER, person: true };

  test('is one behind its bytes, and others have the bytes they had before there were any', () => {
    const history = historyOf(EVERYTHING);
    expect(Buffer.from(history.encode()).toString()).not.toContain('person');
    change(history, people, 'rebuild');
    const decoded = SchemaHistory.decode(history.encode());
    expect(decoded.current.kinds.map(({ name, person }) => [name, person])).toEqual([
      ...[
        ['creator', false],
        ['item', false],
        ['user', true],
      ],
    ]);
  });

  test('is read from definitions that say it, and from those of before that do not', () => {
    const { person: _, ...silent } = people;
    expect(readDefinition(people)).toEqual(people);
    expect(readDefinition(silent)).toEqual({ ...people, person: false });
    expect(() => readDefinition({ ...people, person: 1 })).toThrow('person');
  });
});

describe('a history', () => {
  test('is the same behind its bytes, earlier versions included', () => {
    const history = historyOf(EVERYTHING);
    change(history, { ...FOR_YOU, terms: [] });
    const decoded = SchemaHistory.decode(history.encode());
    expect(decoded.record).toEqual(history.record);
    expect(decoded.profile('for_you', 1)?.terms).toHaveLength(2);
  });

  test('of which a byte has changed is another history or a typed error', () => {
    const bytes = historyOf(EVERYTHING).encode();
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        typed(() => SchemaHistory.decode(damaged));
      }),
      { numRuns: 300 },
    );
  });
});

describe('garbage', () => {
  test('is a typed error as a change', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => typed(() => decodeChange(bytes))),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(fc.json(), (json) => typed(() => decodeChange(Buffer.from(json)))),
      { numRuns: 200 },
    );
  });

  test('is a typed error as a definition', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => typed(() => readDefinition(value))),
      { numRuns: 300 },
    );
    let deep: unknown = { test: 'not' };
    for (let depth = 0; depth < 10_000; depth++) deep = { test: 'not', of: deep };
    const definition = { define: 'cohort', name: 'x', predicate: deep, text: '' };
    expect(() => readDefinition(definition)).toThrow('nested');
  });
});

describe('a definition in JSON', () => {
  test('is read as it was written', () => {
    for (const definition of EVERYTHING)
      expect(readDefinition(JSON.parse(JSON.stringify(definition)))).toEqual(definition);
  });

  test('says where it is wrong', () => {
    const wrong = { ...FOR_YOU, terms: [{ ...FOR_YOU.terms[0], weight: 'much' }] };
    expect(() => readDefinition(wrong)).toThrow(
      'definition.terms[0].weight is "much" where a number belongs',
    );
    expect(() => readDefinition({ ...FOR_YOU, extra: 1 })).toThrow('"extra"');
    expect(() => readDefinition({ ...FOR_YOU, exploration: { share: Number.NaN, withinMicros: 1 } })).toThrow(
      'NaN',
    );
  });
});

function typed(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
  }
}
