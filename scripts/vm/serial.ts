/** One serial line of a machine: a screen a person would see, and everything that ever came over it. */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { KeyName } from './keys.ts';
import { serialBytes } from './keys.ts';
import { Screen } from './screen.ts';

const COLUMNS = 80;
const ROWS = 24;

export class SerialLine {
  readonly screen: Screen;
  readonly logPath: string;
  readonly #socket: Duplex;
  readonly #log: WriteStream;
  readonly #watchers = new Set<() => void>();
  #text = '';

  /** Everything received is written to `logPath` as it came. `attended`: a person's terminal answers queries, not this screen. */
  constructor(socket: Duplex, logPath: string, attended: boolean) {
    this.#socket = socket;
    this.logPath = logPath;
    this.#log = createWriteStream(logPath);
    this.screen = new Screen(COLUMNS, ROWS, (reply) => {
      if (!attended) this.send(reply);
    });
    socket.on('data', (bytes: Buffer) => void this.#receive(bytes));
    socket.once('close', () => this.#log.end());
  }

  /** Everything received so far, without escape sequences. */
  plainText(): string {
    return stripVTControlCharacters(this.#text).replaceAll('\r', '');
  }

  /** How much has been received: pass it to `textSince` later. */
  mark(): number {
    return this.#text.length;
  }

  /** What came after `mark`, without escape sequences. */
  textSince(mark: number): string {
    return stripVTControlCharacters(this.#text.slice(mark)).replaceAll('\r', '');
  }

  send(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  press(...keys: readonly KeyName[]): void {
    for (const key of keys) this.send(serialBytes(key));
  }

  /** Calls `changed` whenever the screen has changed, until the returned function is called. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  /** Hands the line's bytes, both ways, to somebody else as well: a person's terminal. Returns a function that stops it. */
  tap(listener: (bytes: Buffer) => void): () => void {
    this.#socket.on('data', listener);
    return () => this.#socket.off('data', listener);
  }

  async #receive(bytes: Buffer): Promise<void> {
    this.#log.write(bytes);
    this.#text += bytes.toString('utf8');
    await this.screen.write(bytes);
    for (const changed of this.#watchers) changed();
  }
}
