/** Lines that a person types at a terminal, with history and editing, and what Ctrl-C means at each moment. */
import { createInterface, type Interface } from 'node:readline';

/** `interrupted`: Ctrl-C while typing. `end`: Ctrl-D, or the terminal is gone. */
export type TypedLine =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'end' };

export interface LineInput {
  ask(prompt: string): Promise<TypedLine>;
  /** Aborted by Ctrl-C until the next call of `ask`. */
  whileRunning(): AbortSignal;
  close(): void;
}

const HISTORY_LINES = 1000;

export class ReadlineInput implements LineInput {
  readonly #readline: Interface;
  #running: AbortController | null = null;
  #waiting: ((typed: TypedLine) => void) | null = null;
  /** Lines that were pasted together. */
  readonly #typed: string[] = [];
  #ended = false;

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#readline = createInterface({ input, output, terminal: true, historySize: HISTORY_LINES });
    this.#readline.on('line', (text) => {
      if (this.#waiting === null) this.#typed.push(text);
      else this.#settle({ kind: 'line', text });
    });
    this.#readline.on('SIGINT', () => {
      this.#typed.length = 0;
      if (this.#running !== null) this.#running.abort();
      else this.#settle({ kind: 'interrupted' });
    });
    this.#readline.on('close', () => {
      this.#ended = true;
      this.#settle({ kind: 'end' });
    });
  }

  ask(prompt: string): Promise<TypedLine> {
    this.#running = null;
    const typed = this.#typed.shift();
    if (typed !== undefined) return Promise.resolve({ kind: 'line', text: typed });
    if (this.#ended) return Promise.resolve({ kind: 'end' });
    this.#readline.setPrompt(prompt);
    this.#readline.prompt();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  whileRunning(): AbortSignal {
    this.#running = new AbortController();
    return this.#running.signal;
  }

  close(): void {
    this.#readline.close();
  }

  #settle(typed: TypedLine): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(typed);
  }
}
