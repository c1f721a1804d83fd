import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TruthError } from '../../../../db/errors.ts';
import {
  formatBinary,
  formatText,
  parseBinary,
  parseText,
  type SqlType,
  typeName,
  wireType,
} from '../../../../db/sql/types/index.ts';
import { type Postgres, startPostgres } from '../../support/postgres.ts';
import { Random, randomText } from '../expression/random-values.ts';

const TYPES: readonly SqlType[] = [
  { kind: 'integer' },
  { kind: 'bigint' },
  { kind: 'double' },
  { kind: 'decimal', precision: null, scale: null },
  { kind: 'text', lengthMax: null },
  { kind: 'boolean' },
  { kind: 'timestamp' },
  { kind: 'bytes' },
  { kind: 'json' },
  { kind: 'uuid' },
];
const VALUES_PER_TYPE = 400;
const SEND = {
  ...{
    integer: 'int4',
    bigint: 'int8',
    double: 'float8',
    decimal: 'numeric_',
    text: 'text',
    boolean: 'bool',
  },
  ...{ timestamp: 'timestamp_', bytes: 'bytea', json: 'json_', uuid: 'uuid_' },
} as const;

/** What people write, rightly or wrongly, for each type. */
const INPUTS: Readonly<Record<SqlType['kind'], readonly string[]>> = {
  integer: [
    ...[
      '0',
      '-0',
      '+7',
      ' 12 ',
      '\t3\n',
      '2147483647',
      '2147483648',
      '-2147483648',
      '-2147483649',
      '',
      ' ',
      'x',
      '1x',
    ],
    ...['1.5', '1e3', '0x10', '1_000', '--1', '+ 1', '99999999999999999999x', '１'],
  ],
  bigint: [
    ...[
      '0',
      '9223372036854775807',
      '9223372036854775808',
      '-9223372036854775808',
      '-9223372036854775809',
      ' +5 ',
    ],
    ...['', 'abc', '1.0', '12 3'],
  ],
  double: [
    ...[
      '0',
      '-0',
      '1.',
      '.5',
      '1e3',
      '1E-3',
      ' 7 ',
      'NaN',
      'nan',
      '-nan',
      'inf',
      '+Infinity',
      '-iNf',
      'infinit',
      '1e',
    ],
    ...[
      '1e400',
      '-1e400',
      '1e-400',
      '0e-400',
      '4.9e-324',
      '1e23',
      '9007199254740993',
      '123456789012345678',
      '',
      '.',
      'e5',
    ],
    ...['1.2.3', '1e15', '1e14', '0.0001', '0.00001', '5e-324', '1.7976931348623157e308', '1,5'],
  ],
  decimal: [
    ...[
      '0',
      '-0.00',
      '1.',
      '.5',
      '1e3',
      '1.50e-2',
      ' 7 ',
      '',
      '.',
      '1e',
      '1e+2',
      '1e131071',
      '1e131072',
      '1e-16383',
    ],
    ...['1e-16384', '123456789012345678901234567890.123456789', '1.2.3', 'abc', '1 2', '+.5e1'],
  ],
  text: ['', ' a ', 'é😀', "it's", '\\x', 'NULL'],
  boolean: [
    ...[
      't',
      'T',
      'true',
      'TRUE',
      'tru',
      'f',
      'fal',
      'false',
      'y',
      'ye',
      'yes',
      'n',
      'no',
      'on',
      'of',
      'off',
      '1',
      '0',
    ],
    ...[' t ', '', 'o', 'truely', '2', '10', 'onn'],
  ],
  timestamp: [
    ...[
      '2020-02-29',
      '2020-02-30',
      '2021-02-29',
      '1900-02-29',
      '2000-02-29',
      '2020-13-01',
      '2020-00-10',
      '2020-1-2',
    ],
    ...[
      '2020-01-01 24:00:00',
      '2020-01-01 24:00:01',
      '2020-01-01 23:59:60',
      '2020-01-01 23:60:00',
      '2020-01-01 1:2:3',
    ],
    ...[
      '2020-01-01 10:11',
      '2020-01-01T10:11:12Z',
      '2020-01-01 10:11:12+02',
      '2020-01-01 10:11:12-02:30',
      'epoch',
    ],
    ...[
      '2020-01-01 10:11:12.1',
      '2020-01-01 10:11:12.1234567',
      '2020-01-01 10:11:12.9999995',
      '2020-01-01 10:11:12.',
    ],
    ...[
      '0001-01-01',
      '0000-01-01',
      '0044-03-15 BC',
      '4714-11-24 BC',
      '4714-11-23 BC',
      '294276-12-31 23:59:59.999999',
    ],
    ...[
      '294277-01-01',
      '12020-06-01 01:02:03',
      '',
      'x',
      '2020',
      '2020-01',
      '2020-01-01 10',
      ' 2020-01-01 ',
      '2020-01-01 BC',
    ],
  ],
  bytes: [
    ...[
      '\\x',
      '\\x00FF',
      '\\xabc',
      '\\xgg',
      '\\x12 34',
      '\\x1 2',
      '\\x 12\n34 ',
      'abc',
      'a\\\\b',
      'a\\001',
      'a\\9',
      'a\\',
      'é',
    ],
    ...['\\377', '\\400', '\\X12'],
  ],
  json: [
    ...[
      '{}',
      '[]',
      '1',
      '"a"',
      'null',
      ' {"a" : [1, 2] } ',
      '{"a":1,}',
      '[1,]',
      "{'a':1}",
      '{a:1}',
      '',
      'nul',
      '01',
      '1.',
    ],
    ...[
      '-',
      '"\\u00e9"',
      '"\\u12"',
      '"\\x"',
      '"a',
      '{"a":1}}',
      '1 2',
      '"\t"',
      '[1,[2,[3]]]',
      'NaN',
      '1e5',
      '.5',
      '\uFEFF1',
    ],
  ],
  uuid: [
    ...[
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      'A0EEBC999C0B4EF8BB6D6BB9BD380A11',
      '{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}',
    ],
    ...[
      'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1',
      '{a0eebc999c0b4ef8bb6d6bb9bd380a11',
    ],
    ...[
      'a0eebc999c0b4ef8bb6d6bb9bd380a11}',
      ' a0eebc999c0b4ef8bb6d6bb9bd380a11',
      'a0e-ebc999c0b4ef8bb6d6bb9bd380a11',
      '',
    ],
    ...['g0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0eebc999c0b4ef8bb6d6bb9bd380a11-'],
  ],
};

let postgres: Postgres;
let client: pg.Client;

beforeAll(async () => {
  postgres = await startPostgres();
  client = new pg.Client({
    host: postgres.host,
    port: postgres.port,
    user: postgres.user,
    database: postgres.database,
  });
  await client.connect();
  await client.query(`create function read(value text, type text) returns text language plpgsql as $$
    declare answer text;
    begin execute 'select ($1::' || type || ')::text' into answer using value; return answer;
    exception when others then return 'E' || sqlstate; end $$`);
});

afterAll(async () => {
  await client?.end();
  await postgres?.stop();
});

describe.each(TYPES)('$kind', (type) => {
  test('reads and writes text as PostgreSQL does', async () => {
    const asked = 'select read(v, $2) as answer from unnest($1::text[]) with ordinality q(v, o) order by o';
    const answers = await client.query<{ answer: string }>(asked, [INPUTS[type.kind], typeName(type)]);
    const ours = INPUTS[type.kind].map((text) => [text, read(type, text)]);
    expect(ours).toEqual(INPUTS[type.kind].map((text, index) => [text, answers.rows[index]!.answer]));
  });

  test('writes and reads binary as PostgreSQL does', async () => {
    const random = new Random(7);
    const texts = Array.from({ length: VALUES_PER_TYPE }, () => randomText(type, random));
    const asked = `select encode(${SEND[type.kind]}send(v::${typeName(type)}), 'hex') as bytes, v::${typeName(type)}::text as text
      from unnest($1::text[]) with ordinality q(v, o) order by o`;
    const { rows } = await client.query<{ bytes: string; text: string }>(asked, [texts]);
    for (const [index, text] of texts.entries()) {
      const value = parseText(type, text);
      const { bytes, text: shown } = rows[index]!;
      // A boolean's text is t or f as output and a word as a cast.
      if (type.kind !== 'boolean') expect(formatText(type, value)).toBe(shown);
      expect([text, Buffer.from(formatBinary(type, value)).toString('hex')]).toEqual([text, bytes]);
      expect(parseBinary(type, Buffer.from(bytes, 'hex'))).toEqual(value);
    }
  });

  test('has the number, the size and the name that PostgreSQL has for it', async () => {
    const asked = 'select oid::int, typlen, format_type(oid, null) as name from pg_type where oid = $1';
    const { rows } = await client.query(asked, [wireType(type).oid]);
    expect(rows).toEqual([{ oid: wireType(type).oid, typlen: wireType(type).size, name: typeName(type) }]);
  });
});

test('precision, scale and length are part of a column as PostgreSQL describes it', async () => {
  const types: SqlType[] = [
    { kind: 'decimal', precision: 10, scale: 2 },
    { kind: 'decimal', precision: 5, scale: 0 },
    { kind: 'text', lengthMax: 20 },
  ];
  for (const type of types) {
    const { oid, modifier } = wireType(type);
    const { rows } = await client.query<{ name: string }>('select format_type($1, $2) as name', [
      oid,
      modifier,
    ]);
    expect(rows[0]!.name).toBe(typeName(type));
  }
});

test('shortest texts of ten thousand doubles are the ones that PostgreSQL writes', async () => {
  const random = new Random(11);
  const bits = new DataView(new ArrayBuffer(8));
  const values = Array.from({ length: 10_000 }, (_, index) => {
    bits.setUint32(0, random.upTo(2 ** 32));
    bits.setUint32(4, random.upTo(2 ** 32));
    const value = bits.getFloat64(0);
    // Random bits are hardly ever where a short text lies half-way between two doubles.
    return index % 2 === 0 ? value : (1 + random.upTo(99)) * Number(`1e${15 + random.upTo(20)}`);
  }).filter(Number.isFinite);
  const sent = values.map((value) => Buffer.from(formatBinary({ kind: 'double' }, value)).toString('hex'));
  // A float8 comes as its own text, which PostgreSQL reads exactly.
  const asked =
    "select v::float8::text as text, encode(float8send(v::float8), 'hex') as bytes from unnest($1::text[]) with ordinality q(v, o) order by o";
  const { rows } = await client.query<{ text: string; bytes: string }>(asked, [
    values.map((value) => value.toPrecision(17)),
  ]);
  expect(rows.map(({ bytes }) => bytes)).toEqual(sent);
  expect(values.map((value) => formatText({ kind: 'double' }, value))).toEqual(rows.map(({ text }) => text));
});

function read(type: SqlType, text: string): string {
  try {
    const value = parseText(type, text);
    if (type.kind === 'boolean') return value === true ? 'true' : 'false';
    return formatText(type, value);
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return `E${error.details['sqlstate']}`;
  }
}
