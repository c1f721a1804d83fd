import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAppend, FrameReader, KIND, PROTOCOL_VERSION_MAX } from '../../db/protocol/index.ts';
import { GrpcDialect } from '../../scripts/bench/peers/grpc-dialect.ts';
import { PostgresDialect } from '../../scripts/bench/peers/postgres-dialect.ts';
import { TruthdbDialect } from '../../scripts/bench/peers/truthdb-dialect.ts';

const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

function postgres(): PostgresDialect {
  return new PostgresDialect({ user: 'u', database: 'd', rows: [Buffer.from('x')], statements: 2 });
}

describe('the PostgreSQL load', () => {
  test('counts an answer when the server is ready again, after the start and the preparation', () => {
    const dialect = postgres();
    expect(dialect.answered(READY)).toBe(0);
    expect(dialect.ready()).toBe(false);
    expect(dialect.answered(READY)).toBe(0);
    expect(dialect.ready()).toBe(true);
    expect(dialect.answered(Buffer.concat([READY, READY]))).toBe(2);
  });

  test('counts the same however the bytes are cut', () => {
    const stream = Buffer.concat(Array.from({ length: 6 }, () => READY));
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const dialect = postgres();
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        let answered = 0;
        for (let at = 1; at < places.length; at++)
          answered += dialect.answered(stream.subarray(places[at - 1], places[at]));
        expect(answered).toBe(4);
      }),
    );
  });

  test('fails with what the server says', () => {
    const error = Buffer.from('E\0\0\0\x10Mno space\0\0', 'binary');
    error.writeUInt32BE(error.length - 1, 1);
    expect(() => postgres().answered(error)).toThrow('no space');
  });
});

describe('the load of TruthDB', () => {
  test('is whole frames, each with its own number and its own event ids', () => {
    const data = Buffer.from('payload');
    const dialect = new TruthdbDialect({ token: 't', stream: 's', data, batch: 3 });
    const reader = new FrameReader(1024 * 1024);
    reader.push(Buffer.concat([dialect.requests(2), dialect.requests(1)]));
    const requests = new Set<number>();
    const ids = new Set<string>();
    while (reader.next()) {
      expect(reader.kind).toBe(KIND.APPEND);
      requests.add(reader.request);
      for (const event of decodeAppend(reader.body, PROTOCOL_VERSION_MAX).events) {
        ids.add(Buffer.from(event.id).toString('hex'));
        expect(Buffer.from(event.data)).toEqual(data);
      }
    }
    expect([requests.size, ids.size]).toEqual([3, 9]);
  });
});

describe('the gRPC load', () => {
  test('keeps to the windows and sends the rest when they widen', () => {
    const dialect = new GrpcDialect('/s/M', () => Buffer.alloc(100_000));
    const first = dialect.requests(1);
    const sent = dataBytes(first);
    expect(sent).toBe(65_535);
    dialect.answered(frame(8, 0, 0, u32(1_000_000)));
    expect(dialect.owed()).toBeNull();
    dialect.answered(frame(8, 0, 1, u32(1_000_000)));
    expect(dataBytes(dialect.owed() ?? Buffer.alloc(0))).toBe(100_005 - 65_535);
  });

  test('counts a call with a message as answered and refuses one without', () => {
    const dialect = new GrpcDialect('/s/M', () => Buffer.alloc(10));
    dialect.requests(2);
    expect(dialect.answered(frame(1, 4, 1, Buffer.from([0x88])))).toBe(0);
    expect(dialect.answered(Buffer.concat([frame(0, 0, 1, Buffer.alloc(5)), frame(1, 5, 1, u32(0))]))).toBe(
      1,
    );
    expect(() => dialect.answered(frame(1, 5, 3, Buffer.from('grpc-status')))).toThrow('grpc-status');
  });
});

function frame(kind: number, flags: number, stream: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = kind;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function dataBytes(frames: Buffer): number {
  let bytes = 0;
  for (let at = 0; at < frames.length; ) {
    const length = frames.readUIntBE(at, 3);
    if (frames[at + 3] === 0) bytes += length;
    at += 9 + length;
  }
  return bytes;
}
