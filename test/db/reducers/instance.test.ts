/** One call after another: nothing is left behind, and what is handed back is bounded. */
import { describe, expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { CallState } from '../../../db/reducers/call-state.ts';
import { parseDescriptor, tableOf } from '../../../db/reducers/descriptor.ts';
import { decodeReducerEntry, encodeReducerEntry, type ReducerEntry } from '../../../db/reducers/entry.ts';
import { ReducerInstance } from '../../../db/reducers/instance.ts';
import { programOf } from '../../../db/reducers/program.ts';
import type { Space } from '../../../db/sql/store/contract.ts';
import type { Sequence } from '../../../db/types.ts';
import { temporaryStore } from '../support/temporary-store.ts';
import { I32, I64, moduleOf, signed } from './support/assemble.ts';

const DESCRIPTION = '{"columns":[{"name":"a","type":"integer"}],"key":["a"]}';
const DATA_AT = 16;
const SCAN_AT = 2_048;
const constant = (value: number): number[] => [0x41, ...signed(value)];
const [PUT, SCAN] = [
  [0x10, 0],
  [0x10, 1],
] as const;

/**
 * Counts calls in a global and in memory, and puts global + 16 × memory + 256 × pages under the input's first byte. An input of
 * two bytes makes the memory grow; one of three puts what a scan finds first under 255; one of four names memory it does not have.
 */
const counting = moduleOf({
  functions: [
    {
      ...{ name: 'describe', params: [], results: [I64], locals: [] },
      body: [0x42, DATA_AT, 0x42, 32, 0x86, 0x42, ...signed(DESCRIPTION.length), 0x84],
    },
    { name: 'alloc', params: [I32], results: [I32], locals: [], body: constant(1_024) },
    {
      ...{ name: 'apply', params: [I32, I32], results: [], locals: [I32] },
      body: [
        ...[0x23, 0, ...constant(1), 0x6a, 0x24, 0],
        ...[...constant(4), ...constant(4), 0x28, 2, 0, ...constant(1), 0x6a, 0x36, 2, 0],
        ...[...constant(8), 0x23, 0, ...constant(4), 0x28, 2, 0, ...constant(16), 0x6c, 0x6a],
        ...[0x3f, 0, ...constant(256), 0x6c, 0x6a, 0x36, 2, 0],
        ...[0x20, 1, ...constant(2), 0x46, 0x04, 0x40, ...constant(1), 0x40, 0, 0x1a, 0x0b],
        ...[0x20, 1, ...constant(3), 0x46, 0x04, 0x40],
        ...[...constant(0), ...constant(0), ...constant(0), ...constant(0), ...constant(0)],
        ...[...constant(SCAN_AT), ...constant(64), ...SCAN, 0x21, 2],
        ...[
          ...constant(0),
          ...constant(12),
          ...constant(1),
          ...constant(SCAN_AT),
          0x20,
          2,
          ...PUT,
          0x0f,
          0x0b,
        ],
        ...[...constant(0), 0x20, 0, ...constant(1), ...constant(8)],
        ...[...constant(100_000), ...constant(4), 0x20, 1, ...constant(4), 0x46, 0x1b, ...PUT],
      ],
    },
  ],
  types: [
    { params: [I32, I32, I32, I32, I32], results: [] },
    { params: [I32, I32, I32, I32, I32, I32, I32], results: [I32] },
  ],
  imports: [
    { module: 'truthdb', name: 'put', type: 3 },
    { module: 'truthdb', name: 'scan', type: 4 },
  ],
  memory: [1, 3],
  globals: [0],
  data: [...Buffer.from(DESCRIPTION)],
});

const table = tableOf(parseDescriptor(DESCRIPTION), { id: 1, name: 'r', space: 17 as Space });

function opened() {
  const store = temporaryStore();
  store.begin();
  const instance = new ReducerInstance(programOf(counting).code);
  let at = 0;
  return {
    apply: (...input: number[]) => {
      at += 1;
      const state = new CallState(store, 16 as Space, table);
      const outcome = instance.apply(Uint8Array.from(input), state);
      if (outcome.outcome === 'done') state.write(at as Sequence);
      return outcome;
    },
    stored: (key: number) => store.get(16 as Space, Uint8Array.of(key))?.value ?? null,
  };
}

describe('a reducer that is called again', () => {
  test('finds its memory, its globals and its pages as they were', () => {
    const { apply, stored } = opened();
    const costs = new Set<number>();
    for (const key of [1, 2, 3]) costs.add(apply(key).fuel);
    expect(costs.size).toBe(1);
    apply(9, 9);
    apply(4);
    expect(apply(5, 0, 0, 0)).toMatchObject({
      outcome: 'stopped',
      kind: 'host',
      reason: 'it names bytes beyond its memory',
    });
    apply(6);
    const first = 1 + 16 + 256;
    for (const key of [1, 2, 3, 4, 6, 9]) expect(Buffer.from(stored(key)!).readUInt32LE()).toBe(first);
    expect(stored(5)).toBeNull();
  });

  test('walks through what calls before it have kept', () => {
    const { apply, stored } = opened();
    apply(7);
    expect(apply(1, 1, 1).outcome).toBe('done');
    // Under the byte at address 12, which is 0: key of 1 byte, value of 4.
    expect([...stored(0)!]).toEqual([1, 0, 0, 0, 4, 0, 0, 0, 7, 17, 1, 0, 0]);
  });
});

describe('an entry of reducers', () => {
  const entries: readonly ReducerEntry[] = [
    { entry: 'program', code: Uint8Array.of(1, 2, 3) },
    { entry: 'waiting', reducer: 7, version: 2 },
    {
      ...{ entry: 'past', reducer: 7, version: 2, to: { position: (2 ** 40) as Sequence, done: 3 } },
      inputs: [1, 2].map((position) => ({ position: position as Sequence, input: Uint8Array.of(position) })),
    },
  ];

  test.each(entries.map((entry) => [entry.entry, entry] as const))(
    'comes back as it went: %s',
    (_name, entry) => {
      expect(decodeReducerEntry(encodeReducerEntry(entry), 1 as Sequence)).toEqual(entry);
    },
  );

  test('is CORRUPT where it is cut, and of another version where it says so', () => {
    const code = (bytes: Uint8Array): string => {
      try {
        return decodeReducerEntry(bytes, 1 as Sequence).entry;
      } catch (error) {
        return error instanceof TruthError ? error.code : String(error);
      }
    };
    const past = encodeReducerEntry(entries[2]!);
    for (let length = 1; length < past.length; length++)
      expect(code(past.subarray(0, length))).toBe('CORRUPT');
    expect(code(Uint8Array.of(...past, 0))).toBe('CORRUPT');
    expect(code(past.with(0, 9))).toBe('UNSUPPORTED_VERSION');
  });
});
