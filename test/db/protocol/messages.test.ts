import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ERROR_CODES, type ErrorCode, TruthError } from '../../../db/errors.ts';
import {
  ByteReader,
  ByteWriter,
  commonVersion,
  decodeAppend,
  decodeAppended,
  decodeCredit,
  decodeError,
  decodeHello,
  decodeJson,
  decodeLogFrame,
  decodeLogKept,
  decodePage,
  decodeReadAll,
  decodeReadStream,
  decodeStreamLog,
  decodeSubscribe,
  decodeWelcome,
  encodeAppend,
  encodeAppended,
  encodeCredit,
  encodeError,
  encodeHello,
  encodeJson,
  encodeLogFrame,
  encodeLogKept,
  encodePage,
  encodeReadAll,
  encodeReadStream,
  encodeStreamLog,
  encodeSubscribe,
  encodeWelcome,
  FRAME_HEADER,
  KIND,
  type LogFrame,
  PAGE_EVENTS_MAX,
  PROTOCOL_MAGIC,
  PROTOCOL_VERSION_MAX,
} from '../../../db/protocol/index.ts';
import {
  type AppendRequest,
  type EventDraft,
  PackedDraft,
  type RecordedEvent,
  type StreamName,
} from '../../../db/streams/event.ts';
import type { Epoch, RecordedAt, Revision, Sequence } from '../../../db/types.ts';

const safe = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const bytes = fc.uint8Array({ maxLength: 300 });
const name = (max: number) =>
  fc
    .string({ minLength: 1, maxLength: max, unit: 'grapheme' })
    .filter((text) => Buffer.byteLength(text) <= max && text.isWellFormed());
const stream = name(512).map((text) => text as StreamName);
const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
const contentType = fc.constantFrom('json' as const, 'binary' as const);

const draft: fc.Arbitrary<EventDraft> = fc.record({
  id,
  type: name(256),
  contentType,
  data: bytes,
  metadata: bytes,
});

const appendRequest: fc.Arbitrary<AppendRequest> = fc
  .record({
    stream,
    expected: fc.oneof(
      fc.constantFrom('any' as const, 'none' as const, 'exists' as const),
      safe.map((n) => n as Revision),
    ),
    events: fc.array(draft, { minLength: 1, maxLength: 8 }),
    ack: fc.constantFrom('applied' as const, 'durable' as const),
    subject: fc.oneof(fc.constant(null), name(256)),
    durability: fc.constantFrom(undefined, 'async' as const, 'sync' as const, 'group_sync' as const),
  })
  .map(({ durability, ...rest }) => (durability === undefined ? rest : { ...rest, durability }));

const recorded: fc.Arbitrary<RecordedEvent> = fc.record({
  id,
  type: name(256),
  contentType,
  data: bytes,
  metadata: bytes,
  stream,
  revision: safe.map((n) => n as Revision),
  position: safe.map((n) => n as Sequence),
  recordedAt: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((n) => n as RecordedAt),
});

/** As JSON says it: without −0, of which it knows nothing. */
const jsonObject = fc
  .dictionary(name(20), fc.jsonValue())
  .map((value) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>);

const range = fc.record({
  from: fc.oneof(fc.constant(null), safe),
  limit: fc.integer({ min: 1, max: PAGE_EVENTS_MAX }),
  direction: fc.constantFrom('forwards' as const, 'backwards' as const),
});

/** The body of the one frame that `encode` wrote. */
function bodyOf(encode: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter();
  encode(out);
  return Buffer.from(out.taken()).subarray(FRAME_HEADER.bytes);
}

function readerOf(body: Buffer): ByteReader {
  const reader = new ByteReader();
  reader.reset(body, 0, body.length);
  return reader;
}

function decodeNewestAppend(body: ByteReader): AppendRequest {
  return decodeAppend(body, PROTOCOL_VERSION_MAX);
}

/** Encodes, decodes, compares. */
function roundTrip<Value>(
  arbitrary: fc.Arbitrary<Value>,
  encode: (out: ByteWriter, value: Value) => void,
  decode: (body: ByteReader) => unknown,
): void {
  fc.assert(
    fc.property(arbitrary, (value) => {
      const decoded = decode(readerOf(bodyOf((out) => encode(out, value))));
      expect(plain(decoded)).toEqual(plain(value));
    }),
  );
}

/** Buffers and arrays of the same bytes compare equal. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof PackedDraft) {
    const { id, type, contentType, data, metadata } = value;
    return plain({ id, type, contentType, data, metadata });
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

test('every message is read as it was written', () => {
  roundTrip(appendRequest, (out, value) => encodeAppend(out, 1, value), decodeNewestAppend);
  roundTrip(
    fc.record({ events: fc.array(recorded, { maxLength: 6 }), end: fc.boolean(), next: safe }),
    (out, value) => encodePage(out, KIND.PAGE, 1, value),
    decodePage,
  );
  roundTrip(range, (out, value) => encodeReadAll(out, 1, value), decodeReadAll);
  roundTrip(
    fc.tuple(range, stream).map(([of, named]) => ({ stream: named, ...of })),
    (out, value) => encodeReadStream(out, 1, value),
    decodeReadStream,
  );
  roundTrip(
    fc.record({
      after: safe.map((n) => n as Sequence),
      stream: fc.oneof(fc.constant(null), stream),
      credit: fc.nat({ max: 0xffff_ffff }),
    }),
    (out, value) => encodeSubscribe(out, 1, value),
    decodeSubscribe,
  );
  roundTrip(fc.nat({ max: 0xffff_ffff }), (out, value) => encodeCredit(out, 1, value), decodeCredit);
  roundTrip(
    fc.record({
      versionMin: fc.nat({ max: 65_535 }),
      versionMax: fc.nat({ max: 65_535 }),
      token: name(100),
      name: name(100),
    }),
    (out, value) => encodeHello(out, 1, value),
    decodeHello,
  );
  roundTrip(jsonObject, (out, value) => encodeJson(out, KIND.REPLY, 1, value), decodeJson);
});

const ABOUT_NOBODY: AppendRequest = {
  stream: 's' as StreamName,
  expected: 'any',
  ack: 'applied',
  subject: null,
  events: [
    {
      ...{ id: new Uint8Array(16).fill(1), type: 't', contentType: 'binary' },
      ...{ data: Uint8Array.of(2), metadata: Uint8Array.of() },
    },
  ],
};

test('an append about nobody is the bytes it was before persons could be named, and every version reads it', () => {
  const body = bodyOf((out) => encodeAppend(out, 1, ABOUT_NOBODY));
  expect(body.toString('hex')).toBe(
    '0000000001000000' +
      '0000000000000000' +
      '0100000000000000' +
      '73' +
      '01010101010101010101010101010101' +
      '0100000000000000' +
      '01000000' +
      '74' +
      '02',
  );
  for (let version = 1; version <= PROTOCOL_VERSION_MAX; version++) {
    expect(plain(decodeAppend(readerOf(body), version))).toEqual(plain(ABOUT_NOBODY));
  }
});

test('a person is named from version 4 on', () => {
  const body = bodyOf((out) => encodeAppend(out, 1, { ...ABOUT_NOBODY, subject: 'p-17' }));
  expect(decodeAppend(readerOf(body), 4)).toMatchObject({ subject: 'p-17' });
  for (const version of [1, 2, 3]) {
    expect(() => decodeAppend(readerOf(body), version)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL',
        message: `subjectBytes must be zero in version ${version}: persons are named from version 4 on`,
      }),
    );
  }
});

test('a person without a name, or with one beyond all measure, is not written', () => {
  for (const subject of ['', 'x'.repeat(769)]) {
    const out = new ByteWriter();
    expect(() => encodeAppend(out, 1, { ...ABOUT_NOBODY, subject })).toThrow(/the subject takes \d+ bytes/);
    expect(out.length).toBe(0);
  }
});

test('WELCOME and APPENDED are read as they were written', () => {
  const welcome = {
    version: 1,
    bodyBytesMax: 17,
    inFlightMax: 18,
    appendEventsMax: 19,
    stable: (2 ** 40) as Sequence,
    logId: new Uint8Array(16).fill(9),
    epoch: 7 as Epoch,
    name: 'truthdb/1',
  };
  expect(plain(decodeWelcome(readerOf(bodyOf((out) => encodeWelcome(out, 1, welcome)))))).toEqual(
    plain(welcome),
  );
  const result = {
    stream: 's' as StreamName,
    firstRevision: 5 as Revision,
    lastRevision: 6 as Revision,
    position: (2 ** 50) as Sequence,
    duplicate: true,
    durable: false,
  };
  expect(
    decodeAppended(readerOf(bodyOf((out) => encodeAppended(out, 1, result))), 's' as StreamName),
  ).toEqual(result);
});

test('every error code crosses the wire with its message and details', () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const error = new TruthError(code, `what happened with ${code} – é`, { actual: 7, why: 'x' });
    const read = decodeError(readerOf(bodyOf((out) => encodeError(out, 1, error))));
    expect(read).toMatchObject({ code, message: error.message, details: error.details });
  }
});

test('an error code of a newer server becomes INTERNAL and keeps its number', () => {
  const body = bodyOf((out) => encodeError(out, 1, new TruthError('BUSY', 'm')));
  body.writeUInt16LE(999, 0);
  expect(decodeError(readerOf(body))).toMatchObject({ code: 'INTERNAL', details: { wire: 999 } });
});

const DECODERS: Readonly<Record<string, (body: ByteReader) => unknown>> = {
  decodeNewestAppend,
  decodePage,
  decodeReadAll,
  decodeReadStream,
  decodeSubscribe,
  decodeCredit,
  decodeHello,
  decodeWelcome,
  decodeError,
  decodeJson,
  decodeAppended: (body) => decodeAppended(body, 's' as StreamName),
};

/** Runs a decoder on bytes nobody sane sent: it either succeeds or throws an error of the family. */
function survives(decode: (body: ByteReader) => unknown, body: Uint8Array): void {
  try {
    decode(readerOf(Buffer.from(body)));
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
  }
}

test.each(Object.entries(DECODERS))('%s throws only typed errors on arbitrary bytes', (_name, decode) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (body) => survives(decode, body)),
    { numRuns: 3000 },
  );
});

test('decoders throw only typed errors on damaged messages, and never read past the end', () => {
  const damaged = fc.tuple(appendRequest, fc.nat(), fc.nat({ max: 255 }), fc.nat());
  fc.assert(
    fc.property(damaged, ([request, place, value, cut]) => {
      const body = bodyOf((out) => encodeAppend(out, 1, request));
      body[place % body.length] = value;
      const shorter = body.subarray(0, cut % (body.length + 1));
      for (const decode of Object.values(DECODERS)) {
        survives(decode, body);
        survives(decode, shorter);
      }
    }),
  );
});

test('what a log stream says reads as it was written', () => {
  const place = fc.record({
    after: safe.map((n) => n as Sequence),
    segment: fc.integer({ min: 1 }),
    offset: safe,
    chain: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  });
  const from = fc.oneof(
    place,
    fc.constant(null),
    safe.map((n) => n as Sequence),
  );
  fc.assert(
    fc.property(
      from,
      fc.nat(),
      fc.constantFrom(null, 'copy-1.north'),
      fc.boolean(),
      (wanted, credit, follower, gaps) => {
        const request = { from: wanted, credit, follower, gaps };
        const body = bodyOf((out) => encodeStreamLog(out, 1, request));
        expect(decodeStreamLog(readerOf(body))).toEqual(request);
      },
    ),
  );
});

test('a log stream as version 1 asks for it has no name and knows no gaps; flags without a meaning are refused', () => {
  const request = { from: 7 as Sequence, credit: 1, follower: null, gaps: false };
  const body = bodyOf((out) => encodeStreamLog(out, 1, request));
  expect(body.readUInt32LE(12)).toBe(0);
  body.writeUInt16LE(2, 14);
  expect(() => decodeStreamLog(readerOf(body))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});

test('the name of a follower is one that can be typed', () => {
  for (const name of ['../x', 'a b', '-x', 'ümlaut']) {
    const body = bodyOf((out) =>
      encodeStreamLog(out, 1, { from: null, credit: 1, follower: 'x'.repeat(name.length), gaps: true }),
    ).fill(name, 64);
    expect(() => decodeStreamLog(readerOf(body))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
  }
});

test('what a follower has kept reads as it was written', () => {
  roundTrip(
    safe.map((n) => n as Sequence),
    (out, kept) => encodeLogKept(out, 1, kept),
    decodeLogKept,
  );
});

const logFrame: fc.Arbitrary<LogFrame> = fc.oneof(
  fc.record({
    kind: fc.constant('segment' as const),
    index: safe,
    firstSequence: safe.map((n) => n as Sequence),
    offset: safe,
    header: bytes,
  }),
  fc.record({ kind: fc.constant('bytes' as const), offset: safe, bytes }),
  fc.record({
    kind: fc.constant('end' as const),
    sequence: safe.map((n) => n as Sequence),
    recordedAt: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map((n) => n as RecordedAt),
    segment: safe,
    offset: safe,
    caughtUp: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('gap' as const),
    segment: safe,
    offset: safe,
    end: safe,
    from: safe.map((n) => n as Sequence),
    to: safe.map((n) => n as Sequence),
  }),
);
const LOG_KINDS = {
  segment: KIND.LOG_SEGMENT,
  bytes: KIND.LOG_BYTES,
  end: KIND.LOG_END,
  gap: KIND.LOG_GAP,
};

test('frames of a log stream read as they were written', () => {
  fc.assert(
    fc.property(logFrame, (frame) => {
      const body = bodyOf((out) => encodeLogFrame(out, 1, frame));
      const read = decodeLogFrame(LOG_KINDS[frame.kind], readerOf(body));
      expect(read).toEqual(frame);
    }),
  );
});

test('a place of the log is said whole or not at all', () => {
  const body = bodyOf((out) =>
    encodeStreamLog(out, 1, { from: 7 as Sequence, credit: 1, follower: null, gaps: false }),
  );
  body.writeUInt8(1, body.length - 1);
  expect(() => decodeStreamLog(readerOf(body))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});

test('a count that the bytes cannot hold is refused before anything is made of it', () => {
  const body = bodyOf((out) => encodePage(out, KIND.PAGE, 1, { events: [], end: true, next: 0 }));
  body.writeUInt32LE(0xffff_ffff, 0);
  expect(() => decodePage(readerOf(body))).toThrow(expect.objectContaining({ code: 'PROTOCOL' }));
});

test('names that are not UTF-8 are refused: two names must never read as one', () => {
  const body = bodyOf((out) =>
    encodeReadStream(out, 1, { stream: 'ab' as StreamName, from: null, limit: 1, direction: 'forwards' }),
  );
  body[body.length - 1] = 0xff;
  expect(() => decodeReadStream(readerOf(body))).toThrow(/not valid UTF-8/);
});

test('versions: the highest both speak, or an error that names both ranges', () => {
  const hello = { token: '', name: '' };
  expect(commonVersion({ ...hello, versionMin: 1, versionMax: 9 })).toBe(5);
  expect(commonVersion({ ...hello, versionMin: 1, versionMax: 1 })).toBe(1);
  expect(() => commonVersion({ ...hello, versionMin: 6, versionMax: 9 })).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED_VERSION', details: { serverMin: 1, serverMax: 5 } }),
  );
});

test('HELLO of a newer client with further fields behind is still understood', () => {
  const body = Buffer.concat([
    bodyOf((out) => encodeHello(out, 1, { versionMin: 1, versionMax: 2, token: 't', name: 'n' })),
    Buffer.from('more'),
  ]);
  expect(decodeHello(readerOf(body))).toEqual({ versionMin: 1, versionMax: 2, token: 't', name: 'n' });
  expect(body.readUInt32LE(0)).toBe(PROTOCOL_MAGIC);
});

test('an append that cannot be said is refused before a byte of it is written', () => {
  const out = new ByteWriter();
  const event: EventDraft = {
    id: new Uint8Array(16),
    type: 't',
    contentType: 'json',
    data: new Uint8Array(),
    metadata: new Uint8Array(),
  };
  const append = { stream: 's' as StreamName, expected: 'any', ack: 'applied' } as const;
  const wrong: AppendRequest[] = [
    { ...append, events: [] },
    { ...append, events: [{ ...event, id: new Uint8Array(15) }] },
    { ...append, events: [event, { ...event, type: '' }] },
    { ...append, stream: 'x'.repeat(513) as StreamName, events: [event] },
  ];
  for (const request of wrong) {
    expect(() => encodeAppend(out, 1, request)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
    expect(out.length).toBe(0);
  }
});
