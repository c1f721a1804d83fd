import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { FROM_CLIENT } from '../../../../db/server/pg/constants.ts';
import type { MessageWriter } from '../../../../db/server/pg/message-writer.ts';
import { MemorySql } from '../../support/memory-sql.ts';
import { type PgServing, servePg } from '../../support/pg-serving.ts';
import { RawPg } from '../../support/raw-pg.ts';

const QUIET_MILLIS = 100;

async function raw(serving: PgServing): Promise<RawPg> {
  const client = new RawPg(serving.port);
  onTestFinished(() => {
    client.socket.destroy();
  });
  await client.login(serving.password);
  client.replies.length = 0;
  return client;
}

function parse(out: MessageWriter, name: string, text: string, types: readonly number[] = []): void {
  const start = out.begin(FROM_CLIENT.PARSE);
  out.text(name);
  out.text(text);
  out.i16(types.length);
  for (const type of types) out.i32(type);
  out.end(start);
}

function bind(
  out: MessageWriter,
  portal: string,
  name: string,
  values: readonly (string | Buffer | null)[] = [],
): void {
  const start = out.begin(FROM_CLIENT.BIND);
  out.text(portal);
  out.text(name);
  out.i16(values.length);
  for (const value of values) out.i16(Buffer.isBuffer(value) ? 1 : 0);
  out.i16(values.length);
  for (const value of values) {
    if (value === null) out.fieldNull();
    else out.fieldBytes(Buffer.from(value));
  }
  out.i16(0);
  out.end(start);
}

function execute(out: MessageWriter, portal: string, rows = 0): void {
  const start = out.begin(FROM_CLIENT.EXECUTE);
  out.text(portal);
  out.i32(rows);
  out.end(start);
}

function named(out: MessageWriter, kind: number, what: 'S' | 'P', name: string): void {
  const start = out.begin(kind);
  out.u8(what.charCodeAt(0));
  out.text(name);
  out.end(start);
}

const sync = (out: MessageWriter) => out.empty(FROM_CLIENT.SYNC);

test('steps of the extended protocol are answered one by one', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    parse(out, 's', 'ECHO integer');
    named(out, FROM_CLIENT.DESCRIBE, 'S', 's');
    bind(out, 'p', 's', [Buffer.from([0, 0, 0, 7])]);
    named(out, FROM_CLIENT.DESCRIBE, 'P', 'p');
    execute(out, 'p');
    named(out, FROM_CLIENT.CLOSE, 'P', 'p');
    named(out, FROM_CLIENT.CLOSE, 'S', 's');
    sync(out);
  });
  await client.ready(1);
  expect(client.kinds).toBe('1tT2TDC33Z');
  expect(client.replies[5]?.bytes.toString('latin1')).toBe('\0\x01\0\0\0\x017');
});

test('what Bind is answered waits for what Execute is, and for nothing where nothing more has come', async () => {
  const client = await raw(await servePg({ tls: false }));
  let packets = 0;
  client.socket.on('data', () => {
    packets += 1;
  });
  client.send((out) => parse(out, 'echo', 'ECHO integer'));
  await client.until(() => client.kinds === '1');
  client.send((out) => {
    bind(out, '', 'echo', ['7']);
    execute(out, '');
    sync(out);
  });
  await client.ready(1);
  expect(client.kinds).toBe('12DCZ');
  expect(packets).toBe(2);
  client.send((out) => {
    parse(out, '', 'WAIT');
    bind(out, '', '');
    execute(out, '');
    sync(out);
  });
  await new Promise((resolve) => setTimeout(resolve, QUIET_MILLIS));
  expect(client.kinds).toBe('12DCZ');
});

test('rows come in parts, and a portal is gone with its transaction', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    parse(out, '', 'ROWS 5 1');
    bind(out, 'p', '');
    execute(out, 'p', 2);
    execute(out, 'p', 2);
    execute(out, 'p', 2);
    sync(out);
    execute(out, 'p', 2);
    sync(out);
  });
  await client.ready(2);
  expect(client.kinds).toBe('12DDsDDsDCZEZ');
  expect(client.replies.find(({ kind }) => kind === 'E')?.fields['C']).toBe('34000');
});

test('after an error everything up to Sync is passed over', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    parse(out, '', 'FAIL 22012');
    bind(out, '', '');
    execute(out, '');
    execute(out, '');
    parse(out, 'later', 'ROWS 1');
    sync(out);
    named(out, FROM_CLIENT.DESCRIBE, 'S', 'later');
    sync(out);
  });
  await client.ready(2);
  expect(client.kinds).toBe('12EZEZ');
  expect(client.replies.filter(({ kind }) => kind === 'E').map(({ fields }) => fields['C'])).toEqual([
    '22012',
    '26000',
  ]);
});

test('what lies between two Syncs stands or falls together', async () => {
  const database = new MemorySql();
  const client = await raw(await servePg({ tls: false, database }));
  const notes = (out: MessageWriter, ...texts: string[]) => {
    for (const text of texts) {
      parse(out, '', text);
      bind(out, '', '');
      execute(out, '');
    }
    sync(out);
  };
  client.send((out) => notes(out, 'NOTE one', 'NOTE two', 'FAIL 23505'));
  client.send((out) => notes(out, 'NOTE three', 'NOTE four'));
  client.send((out) => notes(out, 'BEGIN', 'NOTE five'));
  await client.ready(3);
  expect(database.notes.map(({ word }) => word)).toEqual(['three', 'four']);
  expect(client.replies.filter(({ kind }) => kind === 'Z').map(({ bytes }) => bytes.toString())).toEqual([
    'I',
    'I',
    'T',
  ]);
  client.send((out) => notes(out, 'COMMIT'));
  await client.ready(4);
  expect(database.notes).toHaveLength(3);
});

test('limits on what a connection may keep', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    for (let index = 0; index < 1001; index++) parse(out, `s${index}`, 'ROWS 1');
    sync(out);
  });
  await client.ready(1);
  expect(client.replies.filter(({ kind }) => kind === '1')).toHaveLength(1000);
  expect(client.replies.find(({ kind }) => kind === 'E')?.fields).toMatchObject({ C: '54000' });
  client.send((out) => {
    parse(out, '', 'ROWS 3 1');
    for (let index = 0; index < 20; index++) {
      bind(out, `p${index}`, '');
      execute(out, `p${index}`, 1);
    }
    sync(out);
  });
  await client.ready(2);
  expect(client.replies.at(-2)?.fields['M']).toContain('16 portals with rows left');
});

/** As MessageWriter writes a text, but bytes that no text has. */
function bytesUpToZero(out: MessageWriter, bytes: readonly number[]): void {
  out.bytes(Buffer.from([...bytes, 0]));
}

test('a statement that is no UTF-8 fails as one, and the session goes on', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    const start = out.begin(FROM_CLIENT.QUERY);
    bytesUpToZero(out, [...Buffer.from('ROWS 1 é'), 0xc3, 0x28]);
    out.end(start);
  });
  client.query('ROWS 1');
  await client.ready(2);
  expect(client.kinds).toBe('EZTDCZ');
  expect(client.replies[0]?.fields).toMatchObject({
    S: 'ERROR',
    C: '22021',
    M: 'invalid byte sequence for encoding "UTF8": 0xc3 0x28',
  });
});

test('in the extended protocol everything behind a text that is no UTF-8 is passed over up to Sync', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.send((out) => {
    parse(out, 's', 'ROWS 1');
    for (const text of [[0xff], [0x80]]) {
      const start = out.begin(FROM_CLIENT.PARSE);
      bytesUpToZero(out, []);
      bytesUpToZero(out, text);
      out.i16(0);
      out.end(start);
    }
    bind(out, '', 's');
    sync(out);
    bind(out, '', 's');
    execute(out, '');
    sync(out);
  });
  await client.ready(2);
  expect(client.kinds).toBe('1EZ2DCZ');
  expect(client.replies[1]?.fields).toMatchObject({ S: 'ERROR', C: '22021' });
  client.send((out) => {
    bind(out, '', 's', [Buffer.from([1])]);
    const start = out.begin(FROM_CLIENT.DESCRIBE);
    out.u8('S'.charCodeAt(0));
    bytesUpToZero(out, [0xe2, 0x82]);
    out.end(start);
    sync(out);
  });
  await client.ready(3);
  expect(client.closed).toBe(false);
});

test('bytes that are no packet end the connection with a reason', async () => {
  const serving = await servePg({ tls: false });
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x08\0\x02\0\0', '\xff\xff\xff\xff\0\x03\0\0']) {
    const client = new RawPg(serving.port);
    client.socket.write(Buffer.from(bytes, 'latin1'));
    expect((await client.lastWords())['S']).toBe('FATAL');
  }
});

test('a message that claims too much is refused before it is sent', async () => {
  const client = await raw(await servePg({ tls: false }));
  client.socket.write(Buffer.from([FROM_CLIENT.QUERY, 0x7f, 0xff, 0xff, 0xff]));
  expect(await client.lastWords()).toMatchObject({ S: 'FATAL', C: '54000' });
});

test('a login that is never finished ends', async () => {
  const serving = await servePg({ tls: false, limits: { handshakeMillis: 200 } });
  const client = new RawPg(serving.port);
  client.startup({ user: 'admin', database: 'truthdb' });
  expect((await client.lastWords())['M']).toContain('the login was not complete');
});

test('bytes sent along with the request for TLS are not taken for something said within it', async () => {
  const serving = await servePg();
  const socket = connect(serving.port, '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => heard.push(chunk));
  socket.write(Buffer.from('0000000804d2162f0000', 'hex'));
  await new Promise((resolve) => socket.once('close', resolve));
  expect(Buffer.concat(heard).toString()).toContain('followed by something before its answer');
});

test('TLS begins after its request, and only then', async () => {
  const serving = await servePg();
  const socket = connect(serving.port, '127.0.0.1');
  socket.write(Buffer.from('0000000804d21630', 'hex'));
  expect(await next(socket)).toBe('N');
  socket.write(Buffer.from('0000000804d2162f', 'hex'));
  expect(await next(socket)).toBe('S');
  const secured = connectTls({ socket, ca: serving.certificate, servername: 'localhost' });
  await new Promise((resolve) => secured.once('secureConnect', resolve));
  expect(secured.authorized).toBe(true);
  secured.destroy();
});

function next(socket: ReturnType<typeof connect>): Promise<string> {
  return new Promise((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
}

test('a client that takes nothing is not written to without end, and is closed', async () => {
  const serving = await servePg({ tls: false, limits: { stallMillis: 300 } });
  const client = await raw(serving);
  client.socket.pause();
  for (let index = 0; index < 20; index++) client.query('ROWS 1000 2000');
  await expect.poll(() => serving.counters.stalled, { timeout: 8000 }).toBe(1);
  expect(serving.counters.outgoingBytes).toBeLessThan(8 * 1024 * 1024);
  await expect.poll(() => serving.listener.sessions, { timeout: 8000 }).toBe(0);
});

test('more connections than allowed are told so', async () => {
  const serving = await servePg({ tls: false, limits: { connectionsMax: 1 } });
  await raw(serving);
  const second = new RawPg(serving.port);
  expect(await second.lastWords()).toMatchObject({ S: 'FATAL', C: '53300' });
});

test('whatever a logged-in client sends, it is answered in order or the connection ends with a reason', async () => {
  const serving = await servePg({ tls: false });
  const message = fc.tuple(fc.constantFrom(...Object.values(FROM_CLIENT)), fc.uint8Array({ maxLength: 60 }));
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
      const client = new RawPg(serving.port);
      await client.login(serving.password);
      for (const [kind, body] of messages) {
        client.send((out) => {
          const start = out.begin(kind);
          out.bytes(body);
          out.end(start);
        });
      }
      client.socket.end();
      const last = await client.lastWords();
      expect(['XX000', undefined]).not.toContain(last['C'] ?? 'none');
    }),
    { numRuns: 60 },
  );
  expect(serving.counters.errors.get('INTERNAL')).toBeUndefined();
  await expect.poll(() => serving.listener.sessions).toBe(0);
  expect(serving.counters.incomingBytes).toBe(0);
});
