import { TruthError } from '../errors.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type {
  CheckpointReader,
  FiledView,
  Materializer,
  ViewCommit,
  ViewContext,
  ViewDefinition,
  ViewFiles,
  ViewGap,
  ViewState,
  ViewStatus,
} from './materializer.ts';
import type { MemoryBudget } from './memory-budget.ts';

/** One view with the position the registry keeps for it. Positions only grow, whatever order commits are offered in. */
export class Slot {
  readonly definition: ViewDefinition;
  readonly #context: ViewContext;
  readonly #memory: MemoryBudget;
  #view: Materializer;
  #state: ViewState = 'rebuilding';
  #applied: Sequence = SEQUENCE_NONE;
  #error: string | null = null;
  #restoredFrom: Sequence = SEQUENCE_NONE;
  /** Position of the last checkpoint on disk. */
  checkpoint: Sequence = SEQUENCE_NONE;

  constructor(definition: ViewDefinition, context: ViewContext, memory: MemoryBudget) {
    this.definition = definition;
    this.#context = context;
    this.#memory = memory;
    this.#view = definition.create(context);
  }

  get name(): string {
    return this.definition.name;
  }

  get view(): Materializer {
    return this.#view;
  }

  /** Its own files, or null for a view that is saved as parts. */
  get files(): { readonly files: ViewFiles; readonly folder: string } | null {
    const { files } = this.definition;
    const { folder } = this.#context;
    return files === undefined || folder === null ? null : { files, folder };
  }

  /** The view as one with files of its own. */
  get filed(): FiledView {
    const view = this.#view as Materializer & Partial<FiledView>;
    if (this.files !== null && view.persist !== undefined) return view as FiledView;
    throw new TruthError('INTERNAL', `view "${this.name}" keeps no files of its own`);
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
    this.#view.restore(this.#counted(reader));
    this.#applied = position;
    this.checkpoint = position;
    this.#restoredFrom = position;
  }

  /** Where the copy was taken that the view went on from; 0: it was computed from the beginning. */
  get restoredFrom(): Sequence {
    return this.#restoredFrom;
  }

  /** Goes on with what the view's files hold: everything up to a position, and perhaps more. */
  adopt(position: Sequence, checkpoint: Sequence): void {
    this.#applied = position;
    this.checkpoint = checkpoint;
    // Not computed from the beginning, even where it is read from there: files skip what they have.
    this.#restoredFrom = Math.max(position, 1) as Sequence;
  }

  /** Begins again with an empty view. */
  reset(): void {
    this.#view.discard?.();
    this.#restoredFrom = SEQUENCE_NONE;
    this.#view = this.definition.create(this.#context);
    this.#applied = SEQUENCE_NONE;
    this.#state = 'rebuilding';
    this.#error = null;
    this.checkpoint = SEQUENCE_NONE;
  }

  /** False when the view failed just now. */
  goLive(): boolean {
    if (this.#state !== 'rebuilding') return true;
    try {
      this.#view.caughtUp?.();
    } catch (error) {
      this.fail(`threw when it had caught up: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
    this.#state = 'live';
    return true;
  }

  close(): void {
    this.#view.close?.();
  }

  /** What is read takes memory as commits do. */
  #counted(reader: CheckpointReader): CheckpointReader {
    const read = (name: string): Uint8Array => {
      const bytes = reader.read(name);
      this.#memory.taken(bytes.length);
      return bytes;
    };
    const chunks = reader.chunks === undefined ? {} : { chunks: (name: string) => reader.chunks!(name) };
    return { parts: reader.parts, read, ...chunks };
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
      const { entries, erased = [] } = commit;
      const hasMore = this.#view.seesErased === true && erased.length > 0;
      if (entries.length > 0 || hasMore) this.#view.onCommit(commit);
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
      memory: this.#view.memory?.() ?? null,
      error: this.#error,
    };
  }
}
