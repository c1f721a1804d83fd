import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import type {
  AttributeId,
  EntityNumber,
  KindId,
  Micros,
  RelationshipId,
  SignalId,
  SlotId,
  TupleNumber,
} from '../../../../db/ranking/ground.ts';
import {
  decodeEdge,
  decodeEntity,
  decodeExposure,
  decodeNumbers,
  type EdgeEntry,
  type EntityEntry,
  type ExposureEntry,
  encodeEdge,
  encodeEntity,
  encodeExposure,
  encodeNumbers,
  type NumbersEntry,
  type Signal,
  SignalRecords,
  SignalsEncoder,
} from '../../../../db/ranking/kernel/index.ts';

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const number = fc.integer({ min: 1, max: 0xffff_ffff }) as fc.Arbitrary<EntityNumber>;
const anyNumber = u32 as fc.Arbitrary<EntityNumber>;
const u16 = fc.integer({ min: 0, max: 0xffff });
const time = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }) as fc.Arbitrary<Micros>;
const double = fc.double({ noNaN: true, noDefaultInfinity: true });
const text = fc.string({ unit: 'grapheme', maxLength: 20 });

const signal: fc.Arbitrary<Signal> = fc.record({
  signal: u16 as fc.Arbitrary<SignalId>,
  target: number,
  user: anyNumber,
  creator: anyNumber,
  tuple: u32 as fc.Arbitrary<TupleNumber>,
  at: time,
  weight: double,
  late: fc.boolean(),
  hashHigh: u32,
  hashLow: u32,
  checkHigh: u32,
  checkLow: u32,
});

const entity: fc.Arbitrary<EntityEntry> = fc.record({
  entry: fc.constant('entity' as const),
  kind: u16 as fc.Arbitrary<KindId>,
  number,
  key: text,
  created: fc.boolean(),
  at: fc.maxSafeInteger() as fc.Arbitrary<Micros>,
  state: fc.nat(255),
  creator: anyNumber,
  tuple: u32 as fc.Arbitrary<TupleNumber>,
  attributes: fc.array(
    fc.record({
      attribute: u16 as fc.Arbitrary<AttributeId>,
      value: fc.oneof(fc.constant(null), text, double, fc.boolean(), fc.array(text, { maxLength: 5 })),
    }),
    { maxLength: 5 },
  ),
  embeddings: fc.array(
    fc.record({
      slot: u16 as fc.Arbitrary<SlotId>,
      vector: fc.option(
        fc.float32Array({ minLength: 1, maxLength: 5, noNaN: true, noDefaultInfinity: true }),
      ),
    }),
    { maxLength: 2 },
  ),
  before: fc.record({ creator: anyNumber, state: fc.nat(255) }),
});

const edge: fc.Arbitrary<EdgeEntry> = fc.record({
  entry: fc.constant('edge' as const),
  relationship: u16 as fc.Arbitrary<RelationshipId>,
  from: number,
  to: number,
  at: time,
  weight: fc.option(double),
});

const exposure: fc.Arbitrary<ExposureEntry> = fc.record({
  entry: fc.constant('exposure' as const),
  experiment: text,
  arm: text,
  user: anyNumber,
  at: time,
  kind: u16 as fc.Arbitrary<KindId>,
  items: fc.array(anyNumber, { maxLength: 5 }),
});

const numbers: fc.Arbitrary<NumbersEntry> = fc.record({
  entry: fc.constant('numbers' as const),
  kind: fc.integer({ min: 1, max: 0xffff }) as fc.Arbitrary<KindId>,
  last: number,
});

describe('an entry', () => {
  test('of an entity is the same behind its bytes', () => {
    fc.assert(
      fc.property(entity, (entry) => {
        expect(decodeEntity(encodeEntity(entry))).toEqual(entry);
      }),
    );
  });

  test('of an edge is the same behind its bytes', () => {
    fc.assert(
      fc.property(edge, (entry) => {
        expect(decodeEdge(encodeEdge(entry))).toEqual(entry);
      }),
    );
  });

  test('of an exposure is the same behind its bytes', () => {
    fc.assert(
      fc.property(exposure, (entry) => {
        expect(decodeExposure(encodeExposure(entry))).toEqual(entry);
      }),
    );
  });

  test('of numbers that are given is the same behind its bytes', () => {
    fc.assert(
      fc.property(numbers, (entry) => {
        expect(decodeNumbers(encodeNumbers(entry))).toEqual(entry);
      }),
    );
  });

  test('of signals is the same record by record, however many were expected', () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 20 }), fc.nat(30), (signals, expected) => {
        const encoder = new SignalsEncoder(expected);
        for (const each of signals) encoder.add(each);
        expect(read(encoder.finish())).toEqual(signals);
        expect(encoder.count).toBe(0);
      }),
    );
  });

  test('of signals is the same where one encoder writes several, however many were expected', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(signal, { maxLength: 5 }), { maxLength: 8 }),
        fc.nat(20),
        fc.nat(9),
        (all, expected, payloads) => {
          const encoder = new SignalsEncoder(expected, payloads);
          const finished = all.map((signals) => {
            for (const each of signals) encoder.add(each);
            return encoder.finish();
          });
          expect(finished.map(read)).toEqual(all);
        },
      ),
    );
  });

  test('of signals can lie anywhere in a buffer', () => {
    const encoder = new SignalsEncoder(1);
    fc.assert(
      fc.property(signal, fc.nat(9), (each, offset) => {
        encoder.add(each);
        const payload = encoder.finish();
        const buffer = new Uint8Array(offset + payload.length);
        buffer.set(payload, offset);
        expect(read(buffer.subarray(offset))).toEqual([each]);
      }),
      { numRuns: 30 },
    );
  });

  test('of signals that was handed out is not written again', () => {
    const encoder = new SignalsEncoder(2);
    const [first, second] = fc.sample(signal, { numRuns: 2, seed: 1 });
    encoder.add(first!);
    const payload = encoder.finish();
    encoder.add(second!);
    encoder.finish();
    expect(read(payload)).toEqual([first]);
  });
});

describe('garbage', () => {
  const decoders = { decodeEntity, decodeEdge, decodeExposure, decodeNumbers, read };

  test.each(Object.entries(decoders))('is a typed error of %s', (_, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = 1;
        typed(() => decode(bytes));
      }),
      { numRuns: 500 },
    );
  });

  test('made of a good entry is a typed error or another entry', () => {
    const encoder = new SignalsEncoder(2);
    const [first, second] = fc.sample(signal, { numRuns: 2, seed: 1 });
    encoder.add(first!);
    encoder.add(second!);
    const [anEntity, anEdge, anExposure] = [entity, edge, exposure].map((each) =>
      fc.sample<EntityEntry | EdgeEntry | ExposureEntry>(each, { numRuns: 1, seed: 7 }).at(0),
    );
    const good: readonly (readonly [Uint8Array, (bytes: Uint8Array) => unknown])[] = [
      [encodeEntity(anEntity as EntityEntry), decodeEntity],
      [encodeEdge(anEdge as EdgeEntry), decodeEdge],
      [encodeExposure(anExposure as ExposureEntry), decodeExposure],
      [encodeNumbers(fc.sample(numbers, { numRuns: 1, seed: 7 })[0]!), decodeNumbers],
      [encoder.finish(), read],
    ];
    for (const [payload, decode] of good) {
      fc.assert(
        fc.property(fc.nat(payload.length - 1), fc.nat(255), fc.nat(payload.length), (at, value, length) => {
          const damaged = payload.slice(0, Math.max(1, length));
          damaged[at] = value;
          typed(() => decode(damaged));
        }),
        { numRuns: 300 },
      );
    }
  });

  test('that announces billions of records takes no memory for them', () => {
    const payload = new Uint8Array(16);
    payload[0] = 1;
    payload.fill(255, 4, 8);
    expect(() => SignalRecords.of(payload)).toThrow('does not add up');
  });
});

function read(payload: Uint8Array): Signal[] {
  const records = SignalRecords.of(payload);
  return Array.from({ length: records.count }, (_, index) => {
    records.moveTo(index);
    const { signal: type, target, user, creator, tuple, at, weight, late } = records;
    const { hashHigh, hashLow, checkHigh, checkLow } = records;
    return {
      signal: type,
      target,
      user,
      creator,
      tuple,
      at,
      weight,
      late,
      hashHigh,
      hashLow,
      checkHigh,
      checkLow,
    };
  });
}

function typed(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TruthError);
    expect(['CORRUPT', 'UNSUPPORTED_VERSION']).toContain((error as TruthError).code);
  }
}
