import { statSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { connect } from '../../../db/client/index.ts';
import { frameChecksum } from '../../../db/protocol/checksum.ts';
import {
  ByteWriter,
  encodeAppend,
  encodeCredit,
  encodeEmpty,
  encodeReadAll,
  encodeReadStream,
  encodeSubscribe,
  FRAME_HEADER,
  KIND,
  newUuid,
} from '../../../db/protocol/index.ts';
import type { StreamName } from '../../../db/streams/event.ts';
import type { Sequence } from '../../../db/types.ts';
import { MemoryEngine } from '../support/memory-engine.ts';
import { RawClient } from '../support/raw-client.ts';
import { type Serving, startServing } from '../support/serving.ts';

let serving: Serving | null = null;
const raws: RawClient[] = [];

async function serve(...options: Parameters<typeof startServing>): Promise<Serving> {
  serving = await startServing(...options);
  return serving;
}

function raw(of: Serving, kind: 'tcp' | 'tls' = 'tcp'): RawClient {
  const client = new RawClient(of[kind]);
  raws.push(client);
  return client;
}

async function greeted(of: Serving, kind: 'tcp' | 'tls' = 'tcp'): Promise<RawClient> {
  const client = raw(of, kind);
  client.hello(of.tcp.token);
  await client.until(() => client.frames.some((frame) => frame.kind === KIND.WELCOME));
  return client;
}

function appendOf(bytes: number, stream = 's') {
  return {
    stream: stream as StreamName,
    expected: 'any',
    ack: 'durable',
    events: [
      {
        id: newUuid(),
        type: 't',
        contentType: 'binary',
        data: new Uint8Array(bytes),
        metadata: new Uint8Array(0),
      },
    ],
  } as const;
}

afterEach(async () => {
  for (const client of raws.splice(0)) client.destroy();
  await serving?.close();
  serving = null;
});

test.each([
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a TLS hello to the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'.padEnd(64, 'z')],
  ['noise', '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f'.repeat(8)],
])('%s is told that this is another protocol, and closed', async (_what, bytes) => {
  const of = await serve();
  const client = raw(of);
  client.socket.write(Buffer.from(bytes, 'latin1'));
  const error = await client.lastWords();
  expect(['PROTOCOL', 'TOO_LARGE', 'TIMEOUT']).toContain(error?.code);
});

test('a frame with a wrong checksum is told so, and closed', async () => {
  const of = await serve();
  const client = await greeted(of);
  client.send((out) => {
    const start = out.begin(KIND.PING, 5);
    out.end(start);
    out.patchU32(start, 12345);
  });
  expect(await client.lastWords()).toMatchObject({ code: 'PROTOCOL' });
});

test('a stranger may not make the server hold a large frame', async () => {
  const of = await serve();
  const client = raw(of);
  const header = Buffer.alloc(FRAME_HEADER.bytes);
  header.writeUInt32LE(100_000, FRAME_HEADER.at.length);
  client.socket.write(header);
  expect(await client.lastWords()).toMatchObject({ code: 'TOO_LARGE', details: { limit: 4096 } });
});

test('a frame over the limit is refused with both numbers, before its bytes are taken', async () => {
  const of = await serve({ bodyBytesMax: 1000 });
  const client = await greeted(of);
  client.send((out) => encodeAppend(out, 2, appendOf(2000)));
  expect(await client.lastWords()).toMatchObject({ code: 'TOO_LARGE', details: { limit: 1000 } });
});

test('the first frame must be HELLO', async () => {
  const of = await serve();
  const client = raw(of);
  client.send((out) => encodeEmpty(out, KIND.PING, 1));
  expect(await client.lastWords()).toMatchObject({
    code: 'PROTOCOL',
    message: expect.stringContaining('HELLO'),
  });
});

test.each(['', 'wrong'])('the token "%s" is refused', async (token) => {
  const of = await serve();
  const client = raw(of);
  client.hello(token);
  expect(await client.lastWords()).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(of.counters.refusedTokens).toBe(1);
});

test('who says nothing after connecting is told and closed in time', async () => {
  const of = await serve({ handshakeMillis: 300 });
  const client = raw(of);
  expect(await client.lastWords(3000)).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('HELLO'),
  });
});

test('who opens a connection to the TLS port and says nothing is closed in time', async () => {
  const of = await serve({ handshakeMillis: 300 });
  const client = new RawClient({ ...of.tcp, port: of.tls.port });
  raws.push(client);
  await client.lastWords(3000);
  expect(client.closed).toBe(true);
});

test('who leaves a frame half sent is told and closed in time', async () => {
  const of = await serve({ frameMillis: 300 });
  const client = await greeted(of);
  client.socket.write(Buffer.alloc(10));
  expect(await client.lastWords(3000)).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining('frame'),
  });
});

test('a client that went without a word is asked, then closed; one that answers stays', async () => {
  const of = await serve({ idleMillis: 300 });
  const gone = await greeted(of);
  const alive = await of.connect();
  expect(await gone.lastWords(4000)).toMatchObject({ code: 'TIMEOUT' });
  expect(gone.frames.map((frame) => frame.kind)).toContain(KIND.SERVER_PING);
  expect(await alive.ping()).toBeLessThan(1000);
  expect(of.counters.timedOut).toBe(1);
});

test.each(['tcp', 'tls'] as const)(
  'a %s reader that takes nothing is closed, and costs its share until then',
  async (kind) => {
    const engine = new MemoryEngine();
    const of = await serve({ stallMillis: 500, inFlightMax: 1000 }, engine);
    const db = await of.connect();
    for (let index = 0; index < 40; index++)
      await db.append('s', { type: 't', data: new Uint8Array(500_000) });
    const client = await greeted(of, kind);
    client.socket.pause();
    for (let request = 2; request < 200; request++) {
      client.send((out) => encodeReadAll(out, request, { from: null, limit: 5, direction: 'forwards' }));
    }
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, of.counters.outgoingBytes);
    }, 20);
    const deadline = performance.now() + 8000;
    while (of.counters.stalled === 0 && performance.now() < deadline)
      await new Promise((r) => setTimeout(r, 20));
    clearInterval(watch);
    expect(of.counters.stalled).toBe(1);
    // One page of 2.5 MB beyond the congestion limit, whatever was asked for.
    expect(most).toBeLessThan(5_000_000);
  },
);

test('with too many answers owed the server stops reading instead of remembering', async () => {
  const engine = new MemoryEngine();
  const of = await serve({ inFlightMax: 8 }, engine);
  let release = () => {};
  engine.hold = new Promise((resolve) => {
    release = resolve;
  });
  const client = await greeted(of);
  for (let request = 2; request < 52; request++)
    client.send((out) => encodeAppend(out, request, appendOf(10)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(engine.events).toHaveLength(8);
  engine.hold = null;
  release();
  await client.until(() => client.frames.filter((frame) => frame.kind === KIND.APPENDED).length === 50);
  expect(client.frames.filter((frame) => frame.kind === KIND.APPENDED).map((frame) => frame.request)).toEqual(
    Array.from({ length: 50 }, (_, index) => index + 2),
  );
});

test('with too many bytes of appends under way connections wait their turn, and all are served', async () => {
  const engine = new MemoryEngine();
  const of = await serve({ inFlightBytesMax: 100_000 }, engine);
  let release = () => {};
  engine.hold = new Promise((resolve) => {
    release = resolve;
  });
  const clients = await Promise.all(Array.from({ length: 5 }, () => greeted(of)));
  for (const client of clients) {
    for (let request = 2; request < 12; request++) {
      client.send((out) => encodeAppend(out, request, appendOf(30_000)));
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  // Three make less than the limit, the fourth passes it and is the last.
  expect(engine.events).toHaveLength(4);
  // Who only reads is not held up by a writer that waits.
  const reader = await of.connect();
  expect((await reader.readAllPage()).events).toHaveLength(4);
  engine.hold = null;
  release();
  for (const client of clients) {
    await client.until(() => client.frames.filter((frame) => frame.kind === KIND.APPENDED).length === 10);
  }
});

test('a subscription sends no more than its credit and goes on when given more', async () => {
  const of = await serve();
  const db = await of.connect();
  for (let index = 0; index < 20; index++) await db.append('s', { type: 't', data: new Uint8Array(100_000) });
  const client = await greeted(of);
  const received = () =>
    client.frames.filter((f) => f.kind === KIND.EVENTS).reduce((sum, f) => sum + f.bytes, 0);
  client.send((out) => encodeSubscribe(out, 2, { after: 0 as Sequence, stream: null, credit: 250_000 }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const first = received();
  expect(first).toBeGreaterThan(200_000);
  // The frame that empties the credit may overdraw it, by one frame's size.
  expect(first).toBeLessThan(250_000 + 300_000);
  client.send((out) => encodeCredit(out, 2, 5_000_000));
  await client.until(() => received() > 2_000_000);
  client.send((out) => encodeEmpty(out, KIND.CANCEL, 2));
  await client.until(() => client.frames.some((frame) => frame.kind === KIND.ENDED && frame.request === 2));
  expect(of.counters.subscriptions).toBe(0);
});

test('a client that has said all it wants still gets its answers', async () => {
  const of = await serve();
  const client = await greeted(of);
  for (let request = 2; request < 7; request++)
    client.send((out) => encodeAppend(out, request, appendOf(10)));
  client.socket.end();
  expect(await client.lastWords()).toBeNull();
  expect(client.frames.filter((frame) => frame.kind === KIND.APPENDED)).toHaveLength(5);
});

test('revoking a token ends its connections at once and lets no new one in', async () => {
  const of = await serve();
  const operator = await of.connect();
  const made = await operator.administer({
    command: 'token-create',
    name: 'app',
    role: 'writer',
    hash: null,
  });
  const address = { ...of.tls, token: made['token'] as string };
  const app = await connect(address);
  await app.append('s', { type: 't', data: 1 });
  const tail = await app.subscribe();
  await operator.administer({ command: 'token-revoke', token: 'app' });
  await expect(
    (async () => {
      for await (const _ of tail);
    })(),
  ).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(app.append('s', { type: 't', data: 2 })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  await expect(connect(address)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await operator.ping()).toBeGreaterThan(0);
});

test('a role may do what it may, and is told what it may not', async () => {
  const of = await serve();
  const operator = await of.connect();
  const as = async (role: string) => {
    const made = await operator.administer({ command: 'token-create', name: role, role, hash: null });
    return connect({ ...of.tls, token: made['token'] as string });
  };
  const writer = await as('writer');
  const reader = await as('reader');
  await writer.append('s', { type: 't', data: 1 });
  expect((await reader.readStreamPage('s')).events).toHaveLength(1);
  await expect(reader.append('s', { type: 't', data: 1 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
  for (const db of [writer, reader]) {
    await expect(db.administer({ command: 'token-list' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await db.close();
  }
});

test('a revoked operator can be replaced through the local socket, which only this user may open', async () => {
  const of = await serve();
  expect(statSync(of.unix.path).mode & 0o777).toBe(0o600);
  const local = await connect(of.unix);
  await local.administer({ command: 'token-revoke', token: 'admin' });
  await expect(of.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  const made = await local.administer({
    command: 'token-create',
    name: 'admin',
    role: 'operator',
    hash: null,
  });
  const again = await connect({ ...of.tls, token: made['token'] as string });
  await again.close();
  await local.close();
});

test('one connection too many is told BUSY', async () => {
  const of = await serve({ connectionsMax: 2 });
  await greeted(of);
  await greeted(of);
  const third = raw(of);
  expect(await third.lastWords()).toMatchObject({ code: 'BUSY' });
  expect(of.counters.sessionsRefused).toBe(1);
});

test('a client that does not speak TLS is dropped by the TLS port and others are served', async () => {
  const of = await serve();
  const client = new RawClient({ ...of.tcp, port: of.tls.port });
  raws.push(client);
  client.hello(of.tcp.token);
  await client.lastWords();
  const db = await of.connect();
  expect(await db.ping()).toBeGreaterThan(0);
});

test('a name that is none is answered under its id and the connection goes on', async () => {
  const of = await serve();
  const client = await greeted(of);
  client.send((out) => encodeAppend(out, 2, appendOf(1, '$system')));
  client.send((out) =>
    encodeReadStream(out, 4, {
      stream: 'a\u0007' as StreamName,
      from: null,
      limit: 1,
      direction: 'forwards',
    }),
  );
  client.send((out) =>
    encodeSubscribe(out, 5, { after: 0 as Sequence, stream: '$x' as StreamName, credit: 1000 }),
  );
  client.send((out) => encodeAppend(out, 3, appendOf(1, 'fine')));
  await client.until(() =>
    client.frames.some((frame) => frame.kind === KIND.APPENDED && frame.request === 3),
  );
  for (const request of [2, 4, 5]) {
    const refused = client.frames.find((frame) => frame.request === request);
    expect(refused?.error).toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
});

test('damaged and random frames by the hundred leave the server serving', async () => {
  const of = await serve({ frameMillis: 200 });
  const out = new ByteWriter();
  encodeAppend(out, 2, appendOf(200));
  const append = Buffer.from(out.taken());
  const damage = fc.array(fc.tuple(fc.nat({ max: append.length - 1 }), fc.nat({ max: 255 })), {
    maxLength: 4,
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((random) => Buffer.from(random)),
    damage.map((changes) => {
      const frame = Buffer.from(append);
      for (const [at, value] of changes) frame[at] = value;
      // Half of them with a checksum that fits, so that what is behind it is reached.
      if (changes.length % 2 === 0) {
        frame.writeUInt32LE(frame.length - FRAME_HEADER.bytes, FRAME_HEADER.at.length);
        frame.writeUInt32LE(
          frameChecksum(frame, FRAME_HEADER.at.length, frame.length),
          FRAME_HEADER.at.checksum,
        );
      }
      return frame;
    }),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const client = await greeted(of);
      client.socket.end(sent);
      await client.lastWords();
      for (const { error } of client.frames) {
        if (error !== null) expect(['INTERNAL', 'CLOSED']).not.toContain(error.code);
      }
    }),
    { numRuns: 300 },
  );
  const db = await of.connect();
  await db.append('after', { type: 't', data: 1 });
  expect(of.counters.incomingBytes).toBe(0);
});

test('requests with the id 0, unknown kinds and broken bodies end the connection with a reason', async () => {
  const of = await serve();
  const wrong: ((client: RawClient) => void)[] = [
    (client) => client.send((out) => encodeEmpty(out, KIND.PING, 0)),
    (client) => client.send((out) => encodeEmpty(out, 50, 9)),
    (client) => client.send((out) => encodeEmpty(out, KIND.APPEND, 9)),
    (client) => client.send((out) => encodeEmpty(out, KIND.WELCOME, 9)),
  ];
  for (const send of wrong) {
    const client = await greeted(of);
    send(client);
    expect(await client.lastWords()).toMatchObject({ code: 'PROTOCOL' });
  }
});
