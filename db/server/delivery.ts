/**
 * One flow of frames to one connection, as fast as its receiver takes them: it is sent only while the receiver has given
 * credit and the connection has room, so that one that stalls costs what is in hand and nothing more.
 */
import { TruthError } from '../errors.ts';
import { SUBSCRIPTION_CREDIT_MAX } from '../protocol/index.ts';
import { asTruthError } from './failures.ts';
import type { Outbox } from './outbox.ts';

export abstract class Delivery {
  protected readonly out: Outbox;
  readonly #abort = new AbortController();
  #credit: number;
  #wake: (() => void) | null = null;

  /** `credit`: bytes the receiver lets come before it gives more. */
  constructor(out: Outbox, credit: number) {
    this.out = out;
    this.#credit = credit;
  }

  protected get signal(): AbortSignal {
    return this.#abort.signal;
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
    try {
      if (this.#credit > SUBSCRIPTION_CREDIT_MAX) {
        throw new TruthError('INVALID_ARGUMENT', `credit of more than ${SUBSCRIPTION_CREDIT_MAX} bytes`);
      }
      await this.deliver(sent);
      return null;
    } catch (error) {
      return this.signal.aborted ? null : asTruthError(error);
    }
  }

  /** Sends everything, waiting for `room` before each frame; returns when there is no more or `room` said so. */
  protected abstract deliver(sent: () => void): Promise<void>;

  /** Takes what `encode` writes off the credit; returns its bytes. */
  protected send(encode: (out: Outbox['writer']) => void): number {
    const before = this.out.writer.length;
    encode(this.out.writer);
    const bytes = this.out.writer.length - before;
    this.#credit -= bytes;
    return bytes;
  }

  /** Waits until a frame may be sent; false when the delivery was cancelled instead. */
  protected async room(): Promise<boolean> {
    while (!this.signal.aborted && (this.#credit <= 0 || this.out.congested)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    return !this.signal.aborted;
  }
}
