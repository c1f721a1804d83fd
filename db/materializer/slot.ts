import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type {
  CheckpointReader,
  Materializer,
  ViewCommit,
  ViewDefinition,
  ViewGap,
  ViewState,
  ViewStatus,
} from './materializer.ts';

/** One view with the position the registry keeps for it. Positions only grow, whatever order commits are offered in. */
export class Slot {
  readonly definition: ViewDefinition;
  readonly #logId: Uint8Array;
  #view: Materializer;
  #state: ViewState = 'rebuilding';
  #applied: Sequence = SEQUENCE_NONE;
  #error: string | null = null;
  /** Position of the last checkpoint on disk. */
  checkpoint: Sequence = SEQUENCE_NONE;

  constructor(definition: ViewDefinition, logId: Uint8Array) {
    this.definition = definition;
    this.#logId = logId;
    this.#view = definition.create({ logId });
  }

  get name(): string {
    return this.definition.name;
  }

  get view(): Materializer {
    return this.#view;
  }

  get state(): ViewState {
    return this.#state;
  }

  get applied(): Sequence {
    return this.#applied;
  }

  get error(): string | null {
    return this.#error;
  }

  /** Fills the view from a checkpoint taken at a position; whatever the view throws is the caller's. */
  restore(reader: CheckpointReader, position: Sequence): void {
    this.#view.restore(reader);
    this.#applied = position;
    this.checkpoint = position;
  }

  /** Begins again with an empty view. */
  reset(): void {
    this.#view = this.definition.create({ logId: this.#logId });
    this.#applied = SEQUENCE_NONE;
    this.#state = 'rebuilding';
    this.#error = null;
    this.checkpoint = SEQUENCE_NONE;
  }

  goLive(): void {
    if (this.#state === 'rebuilding') this.#state = 'live';
  }

  /** The view cannot go on; it keeps its position and what it holds up to there. */
  fail(reason: string): void {
    this.#state = 'failed';
    this.#error = reason;
  }

  /** Applies the commit unless the view has it, or has failed. Returns false when the view failed just now. */
  apply(commit: ViewCommit): boolean {
    if (this.#state === 'failed' || commit.sequence <= this.#applied) return true;
    try {
      // A commit without entries moves the position only: a view must not be able to tell how the log was cut.
      if (commit.entries.length > 0) this.#view.onCommit(commit);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.fail(`threw at the commit at ${commit.sequence}: ${reason}`);
      return false;
    }
    this.#applied = commit.sequence;
    return true;
  }

  /** Tells the view of a gap in the log, unless it has what is behind it, or has failed. False when it failed just now. */
  gap(gap: ViewGap): boolean {
    if (this.#state === 'failed' || gap.to <= this.#applied) return true;
    try {
      this.#view.onGap?.(gap);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.fail(`threw at the gap from ${gap.from} to ${gap.to}: ${reason}`);
      return false;
    }
    return true;
  }

  status(): ViewStatus {
    const { name, version, scope } = this.definition;
    return {
      name,
      version,
      scope,
      state: this.#state,
      applied: this.#applied,
      checkpoint: this.checkpoint,
      error: this.#error,
    };
  }
}
