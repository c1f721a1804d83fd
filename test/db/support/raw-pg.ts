/** A client of PostgreSQL's protocol that sends exactly what a test says and collects what comes back. Without TLS, as `admin`. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { FROM_CLIENT, PROTOCOL_3_0 } from '../../../db/server/pg/constants.ts';
import { MessageReader } from '../../../db/server/pg/message-reader.ts';
import { MessageWriter } from '../../../db/server/pg/message-writer.ts';

export interface RawReply {
  /** Its letter. */
  readonly kind: string;
  readonly bytes: Buffer;
  /** Of ErrorResponse and NoticeResponse: fields by letter. */
  readonly fields: Readonly<Record<string, string>>;
}

const REPLY_BYTES_MAX = 64 * 1024 * 1024;

export class RawPg {
  readonly socket: Socket;
  readonly replies: RawReply[] = [];
  readonly #reader = new MessageReader(REPLY_BYTES_MAX);
  closed = false;

  constructor(port: number) {
    this.#reader.lettered = true;
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  #take(chunk: Buffer): void {
    this.#reader.push(chunk);
    while (this.#reader.next()) {
      const kind = String.fromCharCode(this.#reader.kind);
      const bytes = Buffer.from(this.#reader.body.bytes(this.#reader.body.remaining, 'reply'));
      this.replies.push({ kind, bytes, fields: kind === 'E' || kind === 'N' ? fieldsOf(bytes) : {} });
    }
  }

  /** Logs in with SCRAM-SHA-256 and waits until the server is ready. */
  async login(password: string, parameters: Readonly<Record<string, string>> = {}): Promise<void> {
    this.startup({ user: 'admin', database: 'truthdb', ...parameters });
    await this.proofOf(password);
    await this.ready(1);
  }

  startup(parameters: Readonly<Record<string, string>>): void {
    const out = new MessageWriter();
    out.i32(0);
    out.i32(PROTOCOL_3_0);
    for (const [name, value] of Object.entries(parameters)) {
      out.text(name);
      out.text(value);
    }
    out.u8(0);
    const bytes = Buffer.from(out.taken());
    bytes.writeInt32BE(bytes.length);
    this.socket.write(bytes);
  }

  /** The client's side of SCRAM. */
  async proofOf(password: string): Promise<void> {
    await this.until(() => this.replies.length >= 1);
    const bare = 'n=,r=rOprNGfwEbeRWgbNEkqO';
    this.send((out) => {
      const start = out.begin(FROM_CLIENT.PASSWORD);
      out.text('SCRAM-SHA-256');
      out.i32(3 + bare.length);
      out.bytes(Buffer.from(`n,,${bare}`));
      out.end(start);
    });
    await this.until(() => this.replies.length >= 2);
    const answer = this.replies[1]?.bytes.subarray(4).toString() ?? '';
    const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(answer) ?? [];
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=biws,r=${nonce}`;
    const stored = createHash('sha256').update(clientKey).digest();
    const signature = hmac(stored, `${bare},${answer},${withoutProof}`);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] as number)));
    this.send((out) => {
      const start = out.begin(FROM_CLIENT.PASSWORD);
      out.bytes(Buffer.from(`${withoutProof},p=${proof.toString('base64')}`));
      out.end(start);
    });
  }

  send(write: (out: MessageWriter) => void): void {
    const out = new MessageWriter();
    write(out);
    this.socket.write(Buffer.from(out.taken()));
  }

  query(text: string): void {
    this.send((out) => {
      const start = out.begin(FROM_CLIENT.QUERY);
      out.text(text);
      out.end(start);
    });
  }

  /** Letters of everything that came, e.g. `12DCZ`. */
  get kinds(): string {
    return this.replies.map(({ kind }) => kind).join('');
  }

  /** Waits until the server has said so many times that it is ready. */
  ready(times: number): Promise<void> {
    return this.until(() => this.replies.filter(({ kind }) => kind === 'Z').length >= times);
  }

  async until(condition: () => boolean, millis = 8000): Promise<void> {
    const deadline = performance.now() + millis;
    while (!condition()) {
      if (this.closed) throw new Error(`the connection closed first, after ${this.kinds}`);
      if (performance.now() > deadline)
        throw new Error(`it did not happen within ${millis} ms; ${this.kinds} came`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Waits until the server closes; the fields of the last error. */
  async lastWords(millis = 8000): Promise<Readonly<Record<string, string>>> {
    const deadline = performance.now() + millis;
    while (!this.closed) {
      if (performance.now() > deadline) throw new Error(`the server did not close; ${this.kinds} came`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return this.replies.findLast(({ kind }) => kind === 'E')?.fields ?? {};
  }
}

function fieldsOf(bytes: Buffer): Record<string, string> {
  const parts = bytes.toString('utf8').split('\0');
  return Object.fromEntries(
    parts.filter((part) => part !== '').map((part) => [part.slice(0, 1), part.slice(1)]),
  );
}

function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
