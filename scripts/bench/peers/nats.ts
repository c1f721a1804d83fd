/** NATS JetStream with a file store. Version 2.9 acknowledges before it syncs (every two minutes): shown, not compared. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Peer, payload, type Shape } from './peer.ts';
import { freePort, listens, missingProgram, startProcess, untilReady, versionLine } from './processes.ts';
import { type Dialect, WireLoad } from './wire-load.ts';

const SERVER = '/usr/sbin/nats-server';
const EMPTY = Buffer.alloc(0);

/** What a connection asks of JetStream before its load. */
interface Question {
  readonly subject: string;
  readonly body: string;
}
const MAKE_STREAM: Question = {
  subject: '$JS.API.STREAM.CREATE.LOG',
  body: JSON.stringify({ name: 'LOG', subjects: ['log'], storage: 'file', retention: 'limits' }),
};
const FIND_STREAM: Question = { subject: '$JS.API.STREAM.INFO.LOG', body: '' };

export const nats: Peer = {
  name: 'NATS JetStream',
  setting: 'file store; acknowledged before it is synced, no setting for it in 2.9',
  durable: false,
  checksums: 'HighwayHash-64 a message',
  load: 'own client, publish with a reply subject',
  absent: () => missingProgram(SERVER, 'nats-server'),
  version: () => versionLine(SERVER, ['--version']),
  entrants: (shape) => [{ name: 'NATS JetStream', open: (directory) => openNats(directory, shape) }],
};

async function openNats(directory: string, shape: Shape) {
  mkdirSync(directory);
  const port = await freePort();
  const config = join(directory, 'nats.conf');
  writeFileSync(
    config,
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${directory}", max_file_store: 64GB }\n`,
  );
  const server = startProcess(SERVER, ['-c', config]);
  await untilReady(server, 'nats-server', () => listens(port));
  // Messages go one by one: a batch is as many of them under way.
  const underWay = shape.inFlight * shape.batch;
  // Asked for by two connections at once, the second is refused for subjects that overlap: one makes the stream.
  (await WireLoad.open(port, 1, () => new NatsDialect(payload(shape.bytes), MAKE_STREAM))).close();
  const load = await WireLoad.open(
    port,
    shape.clients,
    () => new NatsDialect(payload(shape.bytes), FIND_STREAM),
  );
  return {
    run: (seconds: number) => load.run(seconds, underWay),
    close: async () => {
      load.close();
      await server.stop();
    },
  };
}

/** The text protocol of NATS: CONNECT, SUB to an inbox, PUB with it as the reply subject. */
class NatsDialect implements Dialect {
  static #inboxes = 0;
  /** Of this connection alone: whoever subscribes to a name gets its messages. */
  readonly #inbox = `_INBOX.load${++NatsDialect.#inboxes}`;
  readonly #request: Buffer;
  #ready = false;
  #owed: Buffer | null = null;
  #rest: Buffer = EMPTY;

  readonly #question: Question;

  constructor(data: Buffer, question: Question) {
    this.#question = question;
    this.#request = Buffer.concat([
      Buffer.from(`PUB log ${this.#inbox} ${data.length}\r\n`),
      data,
      Buffer.from('\r\n'),
    ]);
  }

  greeting(): Buffer {
    const { subject, body } = this.#question;
    const ask = `PUB ${subject} ${this.#inbox} ${body.length}\r\n${body}\r\n`;
    return Buffer.from(`CONNECT {"verbose":false,"echo":true}\r\nSUB ${this.#inbox} 1\r\n${ask}`);
  }

  ready(): boolean {
    return this.#ready;
  }

  requests(count: number): Buffer {
    return count === 1 ? this.#request : Buffer.concat(Array.from({ length: count }, () => this.#request));
  }

  owed(): Buffer | null {
    const owed = this.#owed;
    this.#owed = null;
    return owed;
  }

  answered(chunk: Buffer): number {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    let answered = 0;
    for (;;) {
      const end = bytes.indexOf('\r\n', at);
      if (end < 0) break;
      const line = bytes.toString('latin1', at, end);
      let next = end + 2;
      if (line.startsWith('MSG ')) {
        const length = Number(line.slice(line.lastIndexOf(' ') + 1));
        next += length + 2;
        if (next > bytes.length) break;
        answered += this.#message(bytes.toString('latin1', end + 2, end + 2 + length));
      } else if (line === 'PING') {
        this.#owed = Buffer.from('PONG\r\n');
      } else if (line.startsWith('-ERR')) {
        throw new Error(`NATS: ${line}`);
      }
      at = next;
    }
    this.#rest = bytes.subarray(at);
    return answered;
  }

  #message(body: string): number {
    if (body.includes('"error"')) throw new Error(`NATS: ${body}`);
    if (body.includes('"seq":')) return 1;
    this.#ready = true;
    return 0;
  }
}
