/**
 * The way of entries that are no command's: changes of tenants, erasures, what is audited. They are decided where they come
 * from; here they get their place and whoever wrote them hears when the views have them.
 */
import type { TruthError } from '../errors.ts';
import type { Clock } from '../io/index.ts';
import type { DecidedEntry } from '../kernel/index.ts';
import { Fifo } from '../streams/index.ts';
import type { SystemEntry } from '../tenancy/index.ts';
import { type CommitOrdinal, type RecordedAt, SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import type { LiveFeed } from './live-feed.ts';

const ORDINAL_NONE = 0 as CommitOrdinal;

interface Waiting {
  readonly position: Sequence;
  readonly resolve: (position: Sequence) => void;
  readonly reject: (error: Error) => void;
}

export class SystemPath {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #feed: LiveFeed;
  readonly #waiting = new Fifo<Waiting>();
  #failure: TruthError | null = null;

  constructor(options: { readonly log: Log; readonly clock: Clock; readonly feed: LiveFeed }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#feed = options.feed;
  }

  /** Resolves with the place of the last entry when the views have it. Errors: those of the log. */
  append(entries: readonly SystemEntry[]): Promise<Sequence> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) throw this.#failure;
      const decided = entries.map(
        ({ type, tenant, payload, subject }): DecidedEntry => ({
          ...{ sequence: SEQUENCE_NONE, ordinal: ORDINAL_NONE, partitionKey: 0n, flags: 0 },
          ...{ type, tenant, payload, subject },
        }),
      );
      const { first, last } = this.#log.append(decided, this.#clock.nowNanos() as RecordedAt);
      this.#feed.appended(first, decided);
      this.#waiting.push({ position: last, resolve, reject });
    });
  }

  /** The views have everything up to `position`. */
  applied(position: Sequence): void {
    for (let next = this.#waiting.peek(); next !== undefined && next.position <= position; ) {
      this.#waiting.shift();
      next.resolve(next.position);
      next = this.#waiting.peek();
    }
  }

  /** Nothing in flight will ever become stable. */
  fail(error: TruthError): void {
    this.#failure = error;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      next.reject(error);
  }
}
