import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { readLent } from '../../../db/server/lent-reads.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Both ends of a connection. */
async function pair(): Promise<{ accepted: Socket; client: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  closing.push(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { accepted, client };
}

test('what two connections send arrives whole, and is read into the same memory', async () => {
  const pairs = [await pair(), await pair()];
  const memory = new Set<ArrayBufferLike>();
  const received = pairs.map(({ accepted }) => {
    const chunks: Buffer[] = [];
    readLent(accepted, (bytes, lent) => {
      expect(lent).toBe(true);
      memory.add(bytes.buffer);
      chunks.push(Buffer.from(bytes));
    });
    return chunks;
  });
  const ended = pairs.map(({ accepted }) => once(accepted, 'end'));
  const sent = pairs.map((_, index) => Buffer.from(`connection ${index} `.repeat(250_000)));
  for (const [index, { client }] of pairs.entries()) client.end(sent[index] as Buffer);
  await Promise.all(ended);
  const whole = received.map((chunks, index) => Buffer.concat(chunks).equals(sent[index] as Buffer));
  expect(whole).toEqual([true, true]);
  expect(memory.size).toBe(1);
});

test('a paused connection reads nothing until it is resumed', async () => {
  const { accepted, client } = await pair();
  let bytes = 0;
  readLent(accepted, (chunk) => {
    bytes += chunk.length;
    accepted.pause();
  });
  client.write(Buffer.alloc(1_000_000));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const first = bytes;
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThan(1_000_000);
  accepted.resume();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(bytes).toBeGreaterThan(first);
});

test('a socket of another make is read the usual way', async () => {
  const { accepted, client } = await pair();
  Object.defineProperty(accepted, '_handle', { value: null, writable: true });
  let seen: boolean | null = null;
  readLent(accepted, (_, lent) => {
    seen = lent;
  });
  accepted.emit('data', Buffer.from('x'));
  client.end();
  expect(seen).toBe(false);
});
