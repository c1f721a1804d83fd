/**
 * One stream of the log's bytes to one connection: read from the files only while the receiver has given credit and the
 * connection has room. A receiver that stalls holds one piece and an open file, and nothing the writer needs.
 */
import type { Engine } from '../engine.ts';
import { TruthError } from '../errors.ts';
import {
  encodeLogFrame,
  type LogFrame,
  PAGE_BYTES_TARGET,
  type StreamLog,
  SUBSCRIPTION_CREDIT_MAX,
} from '../protocol/index.ts';
import type { Sequence } from '../types.ts';
import type { LogBytesRequest, LogPiece } from '../wal/index.ts';
import type { Counters } from './counters.ts';
import { asTruthError } from './failures.ts';
import type { Outbox } from './outbox.ts';
import type { Principal, SessionHost } from './session-host.ts';

export class LogDelivery {
  readonly #engine: Engine;
  readonly #out: Outbox;
  readonly #request: number;
  readonly #from: StreamLog['from'];
  readonly #name: string;
  readonly #counters: Counters;
  readonly #abort = new AbortController();
  #credit: number;
  #wake: (() => void) | null = null;

  constructor(
    host: Pick<SessionHost, 'engine' | 'counters'>,
    principal: Principal,
    out: Outbox,
    request: number,
    stream: StreamLog,
  ) {
    this.#engine = host.engine;
    this.#counters = host.counters;
    this.#name = principal.name;
    this.#out = out;
    this.#request = request;
    this.#from = stream.from;
    this.#credit = stream.credit;
  }

  /** False when the receiver has given more than is allowed. */
  grant(bytes: number): boolean {
    this.#credit += bytes;
    this.wake();
    return this.#credit <= SUBSCRIPTION_CREDIT_MAX;
  }

  wake(): void {
    this.#wake?.();
  }

  cancel(): void {
    this.#abort.abort();
    this.wake();
  }

  /** Delivers until cancelled (null) or failed (the error). Never rejects. `sent` is called after each frame written. */
  async run(sent: () => void): Promise<TruthError | null> {
    const { signal } = this.#abort;
    try {
      if (this.#credit > SUBSCRIPTION_CREDIT_MAX) {
        throw new TruthError('INVALID_ARGUMENT', `credit of more than ${SUBSCRIPTION_CREDIT_MAX} bytes`);
      }
      for await (const piece of this.#engine.logBytes({
        from: placeOf(this.#from),
        name: this.#name,
        signal,
      })) {
        for (const frame of framesOf(piece)) {
          await this.#room();
          if (signal.aborted) return null;
          this.#send(frame);
          sent();
        }
        // The next piece is not even read before it may be sent.
        await this.#room();
      }
      return null;
    } catch (error) {
      return signal.aborted ? null : asTruthError(error);
    }
  }

  #send(frame: LogFrame): void {
    const before = this.#out.writer.length;
    encodeLogFrame(this.#out.writer, this.#request, frame);
    const bytes = this.#out.writer.length - before;
    this.#credit -= bytes;
    this.#counters.logStreamBytes += bytes;
  }

  async #room(): Promise<void> {
    while (!this.#abort.signal.aborted && (this.#credit <= 0 || this.#out.congested)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

function placeOf(from: StreamLog['from']): LogBytesRequest['from'] {
  if (from === null) return 'start';
  if (typeof from === 'number') return (from + 1) as Sequence;
  const { after, segment, offset, chain } = from;
  return { sequence: after, segment, offset, chain };
}

/** Large groups travel in several frames. */
function* framesOf(piece: LogPiece): Generator<LogFrame> {
  if (piece.kind !== 'bytes') {
    yield piece;
    return;
  }
  const { offset, bytes } = piece;
  for (let at = 0; at < bytes.length; at += PAGE_BYTES_TARGET) {
    yield { kind: 'bytes', offset: offset + at, bytes: bytes.subarray(at, at + PAGE_BYTES_TARGET) };
  }
}
