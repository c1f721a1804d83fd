/** As much of Redis's protocol as the benchmark needs: commands in pipelines on one connection, answers read but for their content. */
import { connect, type Socket } from 'node:net';

const CARRIAGE_RETURN = 13;
const KIND = { status: 43, error: 45, integer: 58, bulk: 36, array: 42 } as const;

/** Bytes of a command. */
export function encodeCommand(...words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
  return text;
}

/** Counts whole answers in what comes in pieces. Errors: what the server refused. */
export class AnswerReader {
  #rest: Buffer = Buffer.alloc(0);
  /** Values that belong to the answer which is being read. */
  #wanted = 1;
  /** Values of the last array that was read: for a look at whether anything came. */
  lastLength = 0;

  /** How many answers end in this piece. */
  take(chunk: Buffer): number {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let [at, answers] = [0, 0];
    for (;;) {
      const end = this.#value(bytes, at);
      if (end < 0) break;
      at = end;
      if (this.#wanted > 0) continue;
      answers += 1;
      this.#wanted = 1;
    }
    this.#rest = bytes.subarray(at);
    return answers;
  }

  /** Where the value that begins at `at` ends; -1 when it is not whole. */
  #value(bytes: Buffer, at: number): number {
    const line = bytes.indexOf(CARRIAGE_RETURN, at);
    if (line < 0 || line + 2 > bytes.length) return -1;
    const kind = bytes[at];
    const end = line + 2;
    if (kind === KIND.error) throw new Error(`redis refused: ${bytes.toString('utf8', at + 1, line)}`);
    if (kind === KIND.bulk) {
      const length = numberIn(bytes, at + 1, line);
      const whole = length < 0 ? end : end + length + 2;
      if (whole > bytes.length) return -1;
      this.#wanted -= 1;
      return whole;
    }
    if (kind === KIND.array) {
      this.lastLength = numberIn(bytes, at + 1, line);
      this.#wanted += Math.max(0, this.lastLength);
    }
    this.#wanted -= 1;
    return end;
  }
}

export class RedisLink {
  readonly #socket: Socket;
  readonly #reader = new AnswerReader();
  readonly #waiting: { left: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('redis closed the connection')));
  }

  static open(port: number): Promise<RedisLink> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new RedisLink(socket));
      });
    });
  }

  /** Values in the last array that was answered. */
  get lastLength(): number {
    return this.#reader.lastLength;
  }

  /** Sends so many commands, already encoded; resolves when all are answered. */
  send(commands: string, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ left: count, resolve, reject });
      this.#socket.write(commands);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    try {
      let answers = this.#reader.take(chunk);
      while (answers > 0) {
        const first = this.#waiting[0];
        if (first === undefined) throw new Error('redis answered what nobody had asked');
        const taken = Math.min(first.left, answers);
        first.left -= taken;
        answers -= taken;
        if (first.left > 0) continue;
        this.#waiting.shift();
        first.resolve();
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
    this.#socket.destroy();
  }
}

function numberIn(bytes: Buffer, from: number, to: number): number {
  let at = from;
  const negative = bytes[at] === 45;
  if (negative) at += 1;
  let number = 0;
  for (; at < to; at++) number = number * 10 + (bytes[at]! - 48);
  return negative ? -number : number;
}
