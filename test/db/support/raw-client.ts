/** A client that does exactly what a test says, right or wrong, and collects what the server answers. */

import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TruthError } from '../../../db/errors.ts';
import {
  type Address,
  ByteWriter,
  decodeError,
  encodeHello,
  FrameReader,
  KIND,
} from '../../../db/protocol/index.ts';

export interface RawFrame {
  readonly kind: number;
  readonly request: number;
  readonly error: TruthError | null;
  readonly bytes: number;
}

function open(address: Address): Socket {
  if (address.kind === 'unix') return connectTcp(address.path);
  const { host, port } = address;
  return address.kind === 'tls'
    ? connectTls({ host, port, rejectUnauthorized: false })
    : connectTcp(port, host);
}

export class RawClient {
  readonly frames: RawFrame[] = [];
  readonly socket: Socket;
  readonly #reader = new FrameReader(64 * 1024 * 1024);
  readonly #waiting = new Set<() => void>();
  closed = false;

  constructor(address: Address) {
    this.socket = open(address);
    this.socket.on('data', (chunk: Buffer) => this.#take(chunk));
    this.socket.on('error', () => this.#wake());
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  #take(chunk: Buffer): void {
    this.#reader.push(chunk);
    while (this.#reader.next()) {
      const { kind, request, body } = this.#reader;
      const bytes = body.remaining;
      this.frames.push({ kind, request, bytes, error: kind === KIND.ERROR ? decodeError(body) : null });
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  send(write: (out: ByteWriter) => void): void {
    const out = new ByteWriter();
    write(out);
    this.socket.write(Buffer.from(out.taken()));
  }

  hello(token: string, versionMax = 1): void {
    this.send((out) => encodeHello(out, 1, { versionMin: 1, versionMax, token, name: 'raw' }));
  }

  /** Resolves when the condition holds; fails when the connection closes first or time runs out. */
  async until(condition: () => boolean, millis = 8000): Promise<void> {
    const deadline = performance.now() + millis;
    while (!condition()) {
      if (this.closed) throw new Error('the connection closed first');
      if (performance.now() > deadline) throw new Error(`it did not happen within ${millis} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 50);
        const waiting = this.#waiting;
        function wake() {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        }
        waiting.add(wake);
      });
    }
  }

  /** Waits for the server to close, and returns the error it gave for the connection itself. */
  async lastWords(millis = 8000): Promise<TruthError | null> {
    const deadline = performance.now() + millis;
    while (!this.closed) {
      if (performance.now() > deadline) throw new Error(`the server did not close within ${millis} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return this.frames.findLast((frame) => frame.kind === KIND.ERROR && frame.request === 0)?.error ?? null;
  }

  destroy(): void {
    this.socket.destroy();
  }
}
