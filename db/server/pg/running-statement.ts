import type { TruthError } from '../../errors.ts';
import type { Stop } from './prepared.ts';

/** A statement under way, which may be told to end. */
export class RunningStatement implements Stop {
  #controller: AbortController | null = null;
  #reason: TruthError | null = null;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== null) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Why it was told to end; null while it was not. */
  get reason(): TruthError | null {
    return this.#reason;
  }

  abort(why: TruthError): void {
    this.#reason ??= why;
    this.#controller?.abort(why);
  }
}
