import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TruthError } from '../../../db/errors.ts';
import { Decimal } from '../../../db/numeric/decimal.ts';
import {
  ByteReader,
  ByteWriter,
  decodeSqlClose,
  decodeSqlExecute,
  decodeSqlPrepare,
  decodeSqlPrepared,
  decodeSqlResult,
  encodeSqlClose,
  encodeSqlExecute,
  encodeSqlPrepare,
  encodeSqlPrepared,
  encodeSqlResult,
  FRAME_HEADER,
  SQL_ROWS_BYTES_TARGET,
} from '../../../db/protocol/index.ts';
import type { SqlColumn, SqlNotice, SqlParameter, SqlResult } from '../../../db/sql/contract.ts';
import type { Row, SqlType, SqlValue } from '../../../db/sql/types/sql-type.ts';
import type { Sequence } from '../../../db/types.ts';

/** The bodies of the frames that `write` writes. */
function bodies(write: (out: ByteWriter) => void): ByteReader[] {
  const out = new ByteWriter();
  write(out);
  const bytes = Buffer.from(out.taken());
  const found: ByteReader[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + FRAME_HEADER.bytes + bytes.readUInt32LE(at + FRAME_HEADER.at.length);
    const body = new ByteReader();
    body.reset(bytes, at + FRAME_HEADER.bytes, end);
    found.push(body);
    at = end;
  }
  return found;
}

const micros = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 20 }))
  .map(([unscaled, scale]) => new Decimal(unscaled, scale));
const VALUES: Readonly<Record<SqlType['kind'], fc.Arbitrary<SqlValue>>> = {
  integer: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  bigint: micros,
  double: fc.double(),
  decimal,
  text: fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  boolean: fc.boolean(),
  timestamp: micros,
  bytes: fc.uint8Array({ maxLength: 40 }),
  json: fc.json(),
  uuid: fc.uuid(),
};
const type: fc.Arbitrary<SqlType> = fc.oneof(
  fc
    .constantFrom(
      ...(['integer', 'bigint', 'double', 'boolean', 'timestamp', 'bytes', 'json', 'uuid'] as const),
    )
    .map((kind): SqlType => ({ kind })),
  fc.option(fc.nat({ max: 1000 })).map((lengthMax): SqlType => ({ kind: 'text', lengthMax })),
  fc.constantFrom<SqlType>(
    { kind: 'decimal', precision: null, scale: null },
    { kind: 'decimal', precision: 10, scale: 2 },
  ),
);
const column: fc.Arbitrary<SqlColumn> = fc.record({ name: fc.string({ maxLength: 20 }), type });

const result: fc.Arbitrary<SqlResult> = fc.array(column, { minLength: 1, maxLength: 20 }).chain((columns) => {
  const row: fc.Arbitrary<Row> = fc.tuple(...columns.map(({ type: of }) => fc.option(VALUES[of.kind])));
  const position = fc.nat().map((at) => at as Sequence);
  const notice: fc.Arbitrary<SqlNotice> = fc.record({
    message: fc.string(),
    table: fc.string({ maxLength: 63 }),
    entries: fc.maxSafeNat(),
    erasedAt: fc.array(position, { maxLength: 16 }),
  });
  return fc.record({
    tag: fc.constantFrom('SELECT 3', 'INSERT 0 1'),
    columns: fc.constant(columns),
    rows: fc.array(row, { maxLength: 12 }),
    count: fc.nat(),
    position,
    notices: fc.option(fc.array(notice, { maxLength: 3 }), { nil: undefined }),
  });
});

test('rows of every type arrive as they were sent', () => {
  fc.assert(
    fc.property(result, (sent) => {
      const [body] = bodies((out) => expect(encodeSqlResult(out, 1, sent, 0)).toBeNull());
      const { columns, rows, end } = decodeSqlResult(body as ByteReader, null);
      expect(columns).toEqual(sent.columns);
      expect(rows).toEqual(sent.rows);
      const { tag, count, position, notices = [] } = sent;
      expect(end).toEqual({ tag, count, position, notices });
    }),
  );
});

test('many rows take many frames, each bounded, and one large row travels alone', () => {
  const rows = Array.from(
    { length: 50 },
    (_, index): Row => [index, 'x'.repeat(index === 7 ? 300_000 : 9000)],
  );
  const columns: SqlColumn[] = [
    { name: 'n', type: { kind: 'integer' } },
    { name: 't', type: { kind: 'text', lengthMax: null } },
  ];
  const sent: SqlResult = { tag: 'SELECT 50', columns, rows, count: 50, position: 9 as Sequence };
  const frames = bodies((out) => {
    for (let next: number | null = 0; next !== null; ) next = encodeSqlResult(out, 1, sent, next);
  });
  expect(frames.length).toBeGreaterThan(3);
  expect(frames.filter((frame) => frame.remaining > SQL_ROWS_BYTES_TARGET + 10_000)).toHaveLength(1);
  let known: readonly SqlColumn[] | null = null;
  const received = frames.flatMap((frame, index) => {
    const part = decodeSqlResult(frame, known);
    known = part.columns ?? known;
    expect(part.end === null).toBe(index < frames.length - 1);
    return part.rows;
  });
  expect(received).toEqual(rows);
});

test('statements and their parameters arrive as they were sent', () => {
  const parameter: fc.Arbitrary<SqlParameter> = fc.oneof(
    fc.option(VALUES.text as fc.Arbitrary<string>).map((text): SqlParameter => ({ given: 'text', text })),
    fc
      .oneof(VALUES.integer, VALUES.double, VALUES.bigint, VALUES.bytes, VALUES.boolean)
      .map((value): SqlParameter => ({ given: 'value', value })),
  );
  const at = fc.oneof(
    fc.constant({ asOf: 'now' } as const),
    fc.nat().map((position) => ({ asOf: 'position', position }) as const),
    fc.nat().map((millis) => ({ asOf: 'moment', micros: millis }) as const),
  );
  const execute = fc.record({
    session: fc.nat(),
    statement: VALUES.text as fc.Arbitrary<string>,
    parameters: fc.array(parameter, { maxLength: 8 }),
    at,
  });
  fc.assert(
    fc.property(execute, (sent) => {
      const [body] = bodies((out) => encodeSqlExecute(out, 1, sent));
      expect(decodeSqlExecute(body as ByteReader)).toEqual(sent);
    }),
  );
});

test('what is prepared and closed arrives as it was sent', () => {
  const description = fc.record({
    parameters: fc.array(type, { maxLength: 5 }),
    columns: fc.option(fc.array(column, { maxLength: 5 })),
  });
  fc.assert(
    fc.property(description, fc.integer({ min: 1, max: 0xffff_ffff }), (sent, number) => {
      const [described] = bodies((out) => encodeSqlPrepared(out, 1, sent));
      expect(decodeSqlPrepared(described as ByteReader)).toEqual(sent);
      const [prepare] = bodies((out) => encodeSqlPrepare(out, 1, { statement: number, text: 'SELECT ü' }));
      expect(decodeSqlPrepare(prepare as ByteReader)).toEqual({ statement: number, text: 'SELECT ü' });
      const [close] = bodies((out) => encodeSqlClose(out, 1, { what: 'session', number }));
      expect(decodeSqlClose(close as ByteReader)).toEqual({ what: 'session', number });
    }),
  );
});

test('whatever bytes come, they are read or refused, and a count that is only claimed costs nothing', () => {
  const decoders = [
    decodeSqlExecute,
    decodeSqlPrepare,
    decodeSqlPrepared,
    decodeSqlClose,
    (body: ByteReader) => decodeSqlResult(body, null),
  ];
  const ones = fc
    .uint8Array({ maxLength: 80 })
    .map((bytes) => bytes.map((byte) => (byte > 200 ? 255 : byte > 100 ? 0 : byte)));
  fc.assert(
    fc.property(
      fc.constantFrom(...decoders),
      fc.oneof(fc.uint8Array({ maxLength: 80 }), ones),
      (decode, bytes) => {
        const body = new ByteReader();
        body.reset(Buffer.from(bytes), 0, bytes.length);
        try {
          decode(body);
        } catch (error) {
          expect(error).toBeInstanceOf(TruthError);
        }
      },
    ),
    { numRuns: 3000 },
  );
});
