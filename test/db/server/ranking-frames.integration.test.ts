/** Frames of the ranking layer as nobody would send them: each is answered or ends its connection, and the server goes on. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frameChecksum } from '../../../db/protocol/checksum.ts';
import { ByteWriter, encodeJson, encodeSignals, FRAME_HEADER, KIND } from '../../../db/protocol/index.ts';
import { RawClient } from '../support/raw-client.ts';
import { openRealEngine, type RealEngine } from '../support/real-engine.ts';
import { type Serving, startServing } from '../support/serving.ts';

let real: RealEngine;
let serving: Serving;

beforeAll(async () => {
  real = await openRealEngine();
  serving = await startServing({ frameMillis: 200 }, real.engine);
  const db = await serving.connect();
  await db.ranking.execute('DEFINE ENTITY item (title TEXT SEARCH, embedding VECTOR(4))');
  await db.ranking.execute('DEFINE ENTITY user (country KEYWORD DIMENSION)');
  await db.ranking.execute('DEFINE SIGNAL view ON item POSITIVE EFFECTS (STATE seen)');
  await db.ranking.execute("UPSERT item @a SET title = 'Jazz', embedding = [1, 0, 0, 0]");
  await db.close();
});

afterAll(async () => {
  await serving.close();
  await real.stop();
});

function frame(write: (out: ByteWriter) => void): Buffer {
  const out = new ByteWriter();
  write(out);
  return Buffer.from(out.taken());
}

const rank = (value: unknown): Buffer => frame((out) => encodeJson(out, KIND.RANK, 7, value as object));
const signal = { signal: 'view', target: 'a', user: 'u', weight: 1, at: null, id: 'x' };
const FRAMES = [
  frame((out) => encodeSignals(out, 7, { signals: [signal, { ...signal, id: null }], failure: 'each' })),
  rank({ statement: 'RETRIEVE items FOR USER @u FILTER unseen LIMIT 5' }),
  rank({ statement: 'SEARCH items QUERY $1 VECTOR $2', parameters: ['jazz', [1, 0, 0, 0]] }),
  rank({ entities: [{ kind: 'item', key: 'b', set: { title: 'x', embedding: [1, 2, 3, 4] } }] }),
  rank({ relate: { relationship: 'follows', from: 'u', to: 'a' } }),
  rank({ expose: { experiment: 'e', arm: 'a', user: 'u', kind: 'item', items: ['a'] } }),
];

/** Half of them with a checksum that fits, so that what is behind it is reached. */
function damaged(whole: Buffer, changes: readonly (readonly [number, number])[], isFitting: boolean): Buffer {
  const bytes = Buffer.from(whole);
  for (const [at, value] of changes) {
    const from = isFitting ? FRAME_HEADER.bytes : 0;
    bytes[from + Math.floor(at * (bytes.length - from))] = value;
  }
  if (isFitting)
    bytes.writeUInt32LE(frameChecksum(bytes, FRAME_HEADER.at.length, bytes.length), FRAME_HEADER.at.checksum);
  return bytes;
}

test('damaged frames by the hundred are answered with typed errors, and the server goes on', async () => {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const changes = fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...FRAMES), changes, fc.boolean(), async (whole, done, isFitting) => {
      const client = new RawClient(serving.tcp);
      client.hello(serving.tcp.token);
      await client.until(() => client.frames.some(({ kind }) => kind === KIND.WELCOME));
      client.socket.end(damaged(whole, done, isFitting));
      await client.lastWords();
      for (const { error } of client.frames) if (error !== null) expect(error.code).not.toBe('INTERNAL');
      client.destroy();
    }),
    { numRuns: 300 },
  );
  const db = await serving.connect();
  expect((await db.ranking.retrieve('RETRIEVE items LIMIT 5')).hits.map(({ key }) => key)).toContain('a');
  await db.close();
  expect(serving.counters.incomingBytes).toBe(0);
});
