/** What a reducer reads and writes during a call, held against a map. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CallState } from '../../../db/reducers/call-state.ts';
import { parseDescriptor, tableOf } from '../../../db/reducers/descriptor.ts';
import { Stopped } from '../../../db/reducers/stopped.ts';
import { decodeTuple, encodeTuple } from '../../../db/reducers/tuple.ts';
import type { Space } from '../../../db/sql/store/contract.ts';
import type { SqlType, SqlValue } from '../../../db/sql/types/index.ts';
import type { Sequence } from '../../../db/types.ts';
import { temporaryStore } from '../support/temporary-store.ts';

const STATE = 16 as Space;
const ROWS = 17 as Space;
const description = `{"columns":[{"name":"n","type":"bigint"},{"name":"a","type":"text"},{"name":"b","type":"integer"}],"key":["a","b"]}`;
const table = tableOf(parseDescriptor(description), { id: 1, name: 'r', space: ROWS });
const KEY: readonly SqlType[] = [{ kind: 'text', lengthMax: null }, { kind: 'integer' }];
const VALUE: readonly SqlType[] = [{ kind: 'bigint' }];

let at = 0;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const keyOf = (a: string, b: number): Uint8Array => new Uint8Array(encodeTuple(KEY, [a, b]));
const hex = (part: Uint8Array): string => Buffer.from(part).toString('hex');

/** All that lies behind a prefix, in order, as a reducer walks through it. */
function walked(state: CallState, space: number, prefix: Uint8Array): string[] {
  const found: string[] = [];
  for (let after: Uint8Array = bytes(); ; ) {
    const next = state.next(space, prefix, after);
    if (next === null) return found;
    found.push(`${hex(next.key)}=${hex(next.value)}`);
    after = next.key;
  }
}

const key = fc.uint8Array({ minLength: 1, maxLength: 3, max: 2 });
const step = fc.record({
  do: fc.constantFrom('put', 'put', 'delete', 'end', 'fail'),
  space: fc.constantFrom(0, 1),
  key,
  value: fc.nat(9),
});

describe('the keys of a reducer', () => {
  test('are those of a map that forgets calls which failed', () => {
    const store = temporaryStore();
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), key, (steps, prefix) => {
        if (store.open) store.rollback();
        store.begin();
        let kept = [new Map<string, string>(), new Map<string, string>()] as const;
        let call = [new Map<string, string>(), new Map<string, string>()] as const;
        let state = new CallState(store, STATE, table);
        for (const { do: what, space, key: given, value } of steps) {
          const own =
            space === 0
              ? given
              : keyOf(
                  'k',
                  given.reduce((sum, byte) => sum * 3 + byte, 0),
                );
          const content = space === 0 ? bytes(value) : new Uint8Array(encodeTuple(VALUE, [BigInt(value)]));
          if (what === 'put') {
            state.put(space, own, content);
            call[space as 0 | 1].set(hex(own), hex(content));
          } else if (what === 'delete') {
            state.delete(space, own);
            call[space as 0 | 1].delete(hex(own));
          } else {
            at += 1;
            if (what === 'end') {
              state.write(at as Sequence);
              kept = [new Map(call[0]), new Map(call[1])];
            } else call = [new Map(kept[0]), new Map(kept[1])];
            state = new CallState(store, STATE, table);
          }
          const got = state.get(space, own);
          expect(got === null ? undefined : hex(got)).toBe(call[space as 0 | 1].get(hex(own)));
        }
        const inOrder = [...call[0]].sort(([one], [other]) => (one < other ? -1 : 1));
        const lines = inOrder.map(([name, content]) => `${name}=${content}`);
        expect(walked(state, 0, bytes())).toEqual(lines);
        expect(walked(state, 0, prefix)).toEqual(lines.filter((line) => line.startsWith(hex(prefix))));
        const numbers = [...call[1].keys()].map(
          (name) => decodeTuple(KEY, Buffer.from(name, 'hex'))[1] as number,
        );
        const walk = walked(state, 1, new Uint8Array(encodeTuple(KEY.slice(0, 1), ['k'])));
        expect(walk).toEqual(
          numbers
            .sort((a, b) => a - b)
            .map((b) => `${hex(keyOf('k', b))}=${call[1].get(hex(keyOf('k', b)))}`),
        );
        expect(walked(state, 1, new Uint8Array(encodeTuple(KEY.slice(0, 1), ['j'])))).toEqual([]);
        store.rollback();
      }),
      { numRuns: 100 },
    );
  });

  test.each<[string, (state: CallState) => unknown, RegExp]>([
    ['a third space', (state) => state.get(2, bytes(1)), /no space 2/],
    ['an empty key', (state) => state.put(0, bytes(), bytes(1)), /1 to 1024 bytes/],
    ['a value that is too long', (state) => state.put(0, bytes(1), new Uint8Array(65_537)), /65537 bytes/],
    [
      'a key with half a value in it',
      (state) => state.put(1, keyOf('a', 1).subarray(0, 8), bytes(0)),
      /ends in the middle/,
    ],
    ['a NULL in a key', (state) => state.put(1, bytes(0, 0), bytes(0)), /NULL/],
    [
      'a text where a number belongs',
      (state) => state.put(1, keyOf('a', 1), bytes(5, 0, 0, 0, 0)),
      /a text stands where/,
    ],
    ['more than the columns there are', (state) => state.put(1, keyOf('a', 1), bytes(0, 0)), /more follows/],
    [
      'a text that is not UTF-8',
      (state) => state.get(1, bytes(5, 1, 0, 0, 0, 255, 3, ...new Uint8Array(8))),
      /not UTF-8/,
    ],
    [
      'a number that does not fit',
      (state) => state.get(1, bytes(5, 0, 0, 0, 0, 3, 0, 0, 0, 128, 0, 0, 0, 0)),
      /out of range/,
    ],
    [
      'too many keys in one call',
      (state) => {
        for (let number = 0; number < 1_025; number++)
          state.put(0, bytes(1, number >> 8, number & 255), bytes(1));
      },
      /more than 1024 keys/,
    ],
  ])('do not take %s', (_what, act, message) => {
    const store = temporaryStore();
    expect(() => act(new CallState(store, STATE, table))).toThrow(Stopped);
    expect(() => act(new CallState(store, STATE, table))).toThrow(message);
  });
});

describe('values of a reducer', () => {
  const values: readonly [SqlType, SqlValue][] = [
    [{ kind: 'integer' }, -5],
    [{ kind: 'bigint' }, 2n ** 60n],
    [{ kind: 'double' }, 1.5],
    [{ kind: 'double' }, Number.NaN],
    [{ kind: 'text', lengthMax: null }, 'grüße'],
    [{ kind: 'boolean' }, true],
    [{ kind: 'boolean' }, false],
    [{ kind: 'timestamp' }, 1_700_000_000_000_000n],
    [{ kind: 'bytes' }, bytes(0, 255)],
    [{ kind: 'json' }, '{"a": 1}'],
    [{ kind: 'uuid' }, '01234567-89ab-cdef-0123-456789abcdef'],
    [{ kind: 'integer' }, null],
  ];

  test('come back as they went', () => {
    const types = values.map(([type]) => type);
    const row = values.map(([, value]) => value);
    expect(decodeTuple(types, new Uint8Array(encodeTuple(types, row)))).toEqual(row);
  });

  test.each([
    ['no JSON', 'nothing', /not JSON/],
    ['no key', '{"columns":[{"name":"a","type":"text"}],"key":[]}', /has to be/],
    ['a key that is no column', '{"columns":[{"name":"a","type":"text"}],"key":["b"]}', /not there/],
    ['JSON in a key', '{"columns":[{"name":"a","type":"json"}],"key":["a"]}', /JSON cannot/],
    ['a type nobody knows', '{"columns":[{"name":"a","type":"varchar"}],"key":["a"]}', /none of the types/],
    [
      'a name for the system',
      '{"columns":[{"name":"_a","type":"text"}],"key":["_a"]}',
      /begins with a letter/,
    ],
    [
      'a column twice',
      '{"columns":[{"name":"a","type":"text"},{"name":"a","type":"text"}],"key":["a"]}',
      /twice/,
    ],
  ])('are not described by %s', (_what, text, message) => {
    expect(() => parseDescriptor(text)).toThrow(message);
  });
});
