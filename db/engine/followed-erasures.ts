/**
 * Erasures that a copy hears of: what the source has erased is destroyed here too, of the keys that were given to the copy. One
 * after the other, and after whoever hands on the commit has finished; what is wrong is reported.
 */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { ViewCommit } from '../materializer/index.ts';
import type { Tenants } from '../tenancy/index.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';

export interface FollowedErasuresOptions {
  readonly tenants: Pick<Tenants, 'followErasures'>;
  readonly closing: AbortSignal;
  readonly report: (line: string) => void;
}

export class FollowedErasures {
  readonly #options: FollowedErasuresOptions;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: FollowedErasuresOptions) {
    this.#options = options;
  }

  /** A commit that the views have. */
  applied(commit: ViewCommit): void {
    if (commit.entries.some(({ type }) => type === KERNEL_ENTRY.erasure)) void this.follow(SEQUENCE_NONE);
  }

  /** `computedBefore`: the oldest position of a copy that a view went on from, 0 for none. Never rejects. */
  follow(computedBefore: Sequence): Promise<void> {
    this.#turn = this.#turn.then(() => this.#follow(computedBefore));
    return this.#turn;
  }

  /** Resolves when nothing is being erased. */
  settled(): Promise<void> {
    return this.#turn;
  }

  async #follow(computedBefore: Sequence): Promise<void> {
    const { tenants, closing, report } = this.#options;
    try {
      if (!closing.aborted) await tenants.followErasures(computedBefore);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      report(`ALARM: what the source has erased may still be readable in this copy: ${reason}`);
    }
  }
}
