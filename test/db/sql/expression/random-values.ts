import type { SqlType } from '../../../../db/sql/types/index.ts';

/** The same numbers from the same seed on every machine. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Whole, 0 to `end` - 1. */
  upTo(end: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.upTo(items.length)]!;
  }
}

const INTEGERS = [
  '0',
  '1',
  '-1',
  '2',
  '3',
  '7',
  '10',
  '-13',
  '100',
  '2147483647',
  '-2147483648',
  '46341',
  '65536',
];
const BIGINTS = [
  ...INTEGERS,
  '9223372036854775807',
  '-9223372036854775808',
  '3037000500',
  '9007199254740993',
];
const DOUBLES = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '0.5',
    '1.5',
    '2.5',
    '-0.5',
    '0.1',
    '1e15',
    '1e23',
    '123456789.123',
    '1e-5',
    '-7.25',
  ],
  ...[
    '1e308',
    '4.9e-324',
    '2.2250738585072014e-308',
    'NaN',
    'Infinity',
    '-Infinity',
    '9007199254740993',
    '1e100',
  ],
];
const DECIMALS = [
  ...[
    '0',
    '0.00',
    '1',
    '1.0',
    '-1.50',
    '0.1',
    '3',
    '2.50',
    '12345678901234567890.123',
    '0.000001',
    '-0.5',
    '99.99',
  ],
  ...['1e20', '7', '1000', '0.3333333333333333333333', '-12.345', '100000000', '9999', '10000'],
];
const TEXTS = [
  ...[
    '',
    'a',
    'b',
    'abc',
    'ABC',
    'aXb',
    ' a ',
    'xx',
    'é',
    'É',
    'ß',
    '😀',
    '\u{ffff}',
    'a😀b',
    'ǅ',
    'Ω',
    '1',
    '42',
    '-7.5',
  ],
  ...['true', '2020-02-29', "it's", '100%', 'a_b', 'a\\b', 'null', '0', 'ababab', '{"a":1}'],
];
const TIMESTAMPS = [
  ...[
    '1970-01-01',
    '2000-01-01',
    '2020-02-29 23:59:59.999999',
    '1999-12-31 12:30:45.5',
    '2021-01-01 00:00:00.000001',
  ],
  ...[
    '0044-03-15 BC',
    '0001-01-01',
    '2024-12-30 01:02:03',
    '1900-02-28',
    '12000-06-15 10:00:00',
    '1969-12-31 23:59:59.5',
  ],
];
const BYTES = ['\\x', '\\x00', '\\x616263', '\\xff', '\\x00ff00', '\\xdeadbeef'];
const UUIDS = [
  '00000000-0000-0000-0000-000000000000',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
];
const JSONS = [
  ...['{"a":1,"b":[1, 2,{"a":null}]}', '[1,"two",{"a":"x\\u0041"},null]', '"text"', '12.50', 'null', 'true'],
  ...['{"a":{"b":{"a":true}},"a":{"é":1}}', ' { "a" : [ ] } ', '[]', '{}', '{"":0,"a":"\\ud83d\\ude00"}'],
];

/** A value of a type as text, often one at an edge. */
export function randomText(type: SqlType, random: Random): string {
  switch (type.kind) {
    case 'integer':
      return random.upTo(3) === 0 ? String(random.upTo(2_000) - 1_000) : random.pick(INTEGERS);
    case 'bigint':
      return random.upTo(3) === 0 ? String((random.upTo(2_000) - 1_000) * 1e9) : random.pick(BIGINTS);
    case 'double':
      return random.upTo(3) === 0 ? String((random.upTo(1e6) - 5e5) / 1_000) : random.pick(DOUBLES);
    case 'decimal':
      if (type.precision !== null) return ((random.upTo(2e6) - 1e6) / 100).toFixed(2);
      return random.upTo(3) === 0
        ? (random.upTo(2e6) / 1_000 - 1_000).toFixed(random.upTo(4))
        : random.pick(DECIMALS);
    case 'text':
      return random.pick(TEXTS);
    case 'boolean':
      return random.pick(['t', 'f']);
    case 'timestamp':
      return random.pick(TIMESTAMPS);
    case 'bytes':
      return random.pick(BYTES);
    case 'uuid':
      return random.pick(UUIDS);
    case 'json':
      return random.pick(JSONS);
  }
}
