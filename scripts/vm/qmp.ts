/**
 * QEMU's machine protocol (QMP): line-delimited JSON, one greeting, then commands answered in order and events between
 * them. Only the commands used here are typed; one line in `QmpCommands` adds another.
 * Source: QEMU documentation, "QEMU QMP Reference Manual".
 */
import type { Duplex } from 'node:stream';

export interface QmpCommands {
  qmp_capabilities: { arguments: undefined; result: object };
  quit: { arguments: undefined; result: object };
  system_powerdown: { arguments: undefined; result: object };
  system_reset: { arguments: undefined; result: object };
  stop: { arguments: undefined; result: object };
  cont: { arguments: undefined; result: object };
  'query-status': { arguments: undefined; result: { running: boolean; status: string } };
  'query-blockstats': { arguments: { 'query-nodes'?: boolean }; result: BlockStatistics[] };
  screendump: { arguments: { filename: string }; result: object };
  'send-key': {
    arguments: { keys: { type: 'qcode'; data: string }[]; 'hold-time'?: number };
    result: object;
  };
  device_del: { arguments: { id: string }; result: object };
  'human-monitor-command': { arguments: { 'command-line': string }; result: string };
}

/** What one block device did since the machine started. */
export interface BlockStatistics {
  readonly qdev?: string;
  readonly 'node-name'?: string;
  readonly stats: Readonly<
    Record<'wr_operations' | 'wr_bytes' | 'unmap_operations' | 'flush_operations' | 'rd_bytes', number>
  >;
}

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

class QmpError extends Error {
  override readonly name = 'QmpError';
}

interface Pending {
  readonly command: string;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

type Message = { QMP: object } | { return: unknown } | { error: { class: string; desc: string } } | QmpEvent;

export class Qmp {
  readonly #stream: Duplex;
  readonly #pending: Pending[] = [];
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #rest = '';
  #closed: Error | undefined;

  /** Call `greet` before any other command. */
  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => this.#receive(text));
    stream.on('error', (error: Error) => this.#fail(error));
    stream.on('close', () =>
      this.#fail(new QmpError('QEMU closed its control connection: the machine is gone')),
    );
  }

  /** Leaves the negotiation mode in which QMP starts. */
  async greet(): Promise<void> {
    await this.execute('qmp_capabilities');
  }

  /** Answers come in the order of the commands. Rejects with QmpError when QEMU refuses or is gone. */
  execute<Name extends keyof QmpCommands>(
    command: Name,
    ...[parameters]: QmpCommands[Name]['arguments'] extends undefined ? [] : [QmpCommands[Name]['arguments']]
  ): Promise<QmpCommands[Name]['result']> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#pending.push({ command, resolve, reject });
      this.#stream.write(
        `${JSON.stringify({ execute: command, ...(parameters ? { arguments: parameters } : {}) })}\n`,
      );
    });
  }

  /** Calls `listener` for every event until the returned function is called. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #receive(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#dispatch(JSON.parse(line) as Message);
  }

  #dispatch(message: Message): void {
    if ('QMP' in message) return;
    if ('event' in message) {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const pending = this.#pending.shift();
    if (pending === undefined) throw new QmpError(`QEMU answered ${JSON.stringify(message)} to no command`);
    if ('error' in message) pending.reject(new QmpError(`${pending.command}: ${message.error.desc}`));
    else pending.resolve(message.return as never);
  }

  #fail(error: Error): void {
    this.#closed ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(this.#closed);
  }
}
