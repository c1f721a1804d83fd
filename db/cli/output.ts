/** Many lines of results into a file, which is there whole or not at all, or to standard output, at the pace of whoever takes them. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Terminal } from './command.ts';

const PIECE_CHARACTERS = 64 * 1024;

export interface Output {
  readonly lines: number;
  line(text: string): Promise<void>;
  finish(): Promise<void>;
  /** Instead of `finish`: leaves no half of a file. */
  discard(): Promise<void>;
}

/** `out`: a path, or undefined for standard output. */
export function openOutput(out: string | undefined, terminal: Terminal): Output {
  return new LineOutput(out === undefined ? new StandardSink(terminal) : new FileSink(resolve(out)));
}

interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<void>;
  discard(): Promise<void>;
}

class LineOutput implements Output {
  readonly #sink: Sink;
  #piece: string[] = [];
  #characters = 0;
  lines = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  async line(text: string): Promise<void> {
    this.#piece.push(text, '\n');
    this.#characters += text.length;
    this.lines += 1;
    if (this.#characters >= PIECE_CHARACTERS) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#sink.finish();
  }

  discard(): Promise<void> {
    return this.#sink.discard();
  }

  async #flush(): Promise<void> {
    const text = this.#piece.join('');
    this.#piece = [];
    this.#characters = 0;
    if (text !== '') await this.#sink.write(Buffer.from(text));
  }
}

class StandardSink implements Sink {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#terminal.bytes(bytes);
  }

  async finish(): Promise<void> {}

  async discard(): Promise<void> {}
}

class FileSink implements Sink {
  readonly #path: string;
  readonly #file;
  #failure: Error | null = null;

  constructor(path: string) {
    this.#path = path;
    this.#file = createWriteStream(`${path}.tmp`, { flush: true });
    this.#file.on('error', (error) => {
      this.#failure = error;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (!this.#file.write(bytes)) await once(this.#file, 'drain');
  }

  async finish(): Promise<void> {
    this.#file.end();
    await once(this.#file, 'close');
    if (this.#failure !== null) throw this.#failure;
    await rename(`${this.#path}.tmp`, this.#path);
  }

  async discard(): Promise<void> {
    this.#file.destroy();
    await rm(`${this.#path}.tmp`, { force: true });
  }
}
