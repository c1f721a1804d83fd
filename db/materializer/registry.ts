/**
 * All views of one log. Opening restores each from its checkpoint, or begins again where there is none that can be used,
 * and replays the log's tail; from then on `apply` hands every stable commit to every live view, in log order. A view
 * that throws stays where it was and is reported; it stops neither the log nor the others.
 */
import { TruthError } from '../errors.ts';
import { SEQUENCE_NONE, type Sequence } from '../types.ts';
import type { Log } from '../wal/log.ts';
import { type Capture, captureView, releaseCapture } from './capture.ts';
import { type CheckpointStore, PendingParts } from './checkpoint-store.ts';
import { checkViewName } from './manifest.ts';
import type {
  Materializer,
  ViewCommit,
  ViewDefinition,
  ViewGap,
  ViewHandle,
  ViewStatus,
} from './materializer.ts';
import { MemoryBudget } from './memory-budget.ts';
import { commitAt, payloadBytes, replay } from './replay.ts';
import { restoreViews } from './restore.ts';
import type { RestorePoint } from './restore-point.ts';
import type { SaveRunner } from './save-step.ts';
import type { ViewAhead } from './set-aside.ts';
import { Slot } from './slot.ts';

export interface RegistryOptions {
  readonly log: Log;
  readonly definitions: readonly ViewDefinition[];
  readonly store: CheckpointStore;
  /** Writes the checkpoints that are taken while the database works. */
  readonly saver: SaveRunner;
  /** Copies of views beside their checkpoints, newest first. */
  readonly restorePoints?: readonly RestorePoint[];
  /** Of views that say what they take; without it there are no bounds. */
  readonly memory?: MemoryBudget;
  /** Lets other work of the thread run. */
  readonly pause: () => Promise<void>;
  /** One line per step and per problem. */
  readonly report: (line: string) => void;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #slots: readonly Slot[];
  readonly memory: MemoryBudget;
  readonly #rebuilds: Promise<void>[] = [];
  #position: Sequence = SEQUENCE_NONE;
  #ahead: readonly ViewAhead[] = [];
  #saving: Promise<void> | null = null;
  #stopped = false;

  constructor(options: RegistryOptions) {
    const names = new Set<string>();
    for (const { name } of options.definitions) {
      checkViewName(name);
      if (names.has(name)) throw new TruthError('INVALID_ARGUMENT', `two views are named "${name}"`);
      names.add(name);
    }
    this.#options = options;
    this.memory = options.memory ?? new MemoryBudget({ bytesMax: null, scratch: null });
    const { logId } = options.log.identity;
    const { scratch } = this.memory;
    this.#slots = options.definitions.map((definition) => {
      const folder = definition.files === undefined ? null : options.store.folderOf(definition.name);
      return new Slot(definition, { logId, folder, scratch }, this.memory);
    });
    this.memory.watch(() => this.#slots.map(({ view }) => view));
  }

  /**
   * Brings the views to the log's stable end: those restored and those required before it returns, the others behind it.
   */
  async open(): Promise<void> {
    const { log, store, restorePoints = [], report } = this.#options;
    const restored = await restoreViews(this.#slots, { log, store, restorePoints, report });
    this.#ahead = store.ahead(log.stable);
    await this.#catchUp(this.#slots.filter((slot) => slot.definition.required || restored.has(slot)));
    const behind = this.#slots.filter((slot) => slot.state === 'rebuilding');
    if (behind.length > 0) this.#rebuilds.push(this.#rebuildBehind(behind));
  }

  /** Position of the newest commit handed out. */
  get position(): Sequence {
    return this.#position;
  }

  /** Why the log must not be written, or null. */
  get readOnly(): string | null {
    const [worst] = this.#ahead;
    if (worst === undefined) return null;
    return (
      `view "${worst.view}" holds commits up to ${worst.applied}, more than the log: durable commits are missing. ` +
      `Bring them back from a copy of the log, or accept the loss by moving ${worst.path}.* out of views/ and opening again`
    );
  }

  /** The view a definition made, for as long as the registry lives. */
  handle<V extends Materializer>(definition: ViewDefinition<V>): ViewHandle<V> {
    const slot = this.#slots.find((candidate) => candidate.definition === definition);
    if (slot === undefined) throw new TruthError('NOT_FOUND', `no view "${definition.name}" is registered`);
    // The slot's view came from this very definition, so it is a V.
    return slot as unknown as ViewHandle<V>;
  }

  status(): ViewStatus[] {
    return this.#slots.map((slot) => slot.status());
  }

  /** Hands a stable commit to all live views. Commits come in log order. */
  apply(commit: ViewCommit): void {
    for (const slot of this.#slots) if (slot.state === 'live') this.#applyTo(slot, commit);
    this.memory.taken(payloadBytes(commit));
    this.#position = commit.sequence;
  }

  /** Tells all live views of what the log has lost, before the commit behind it. */
  gap(gap: ViewGap): void {
    for (const slot of this.#slots) if (slot.state === 'live') this.#tellOfGap(slot, gap);
  }

  /** Saves every live view at its present position; one already running is waited for first. */
  async checkpoint(runner: SaveRunner = this.#options.saver): Promise<void> {
    // Whoever began the one before hears how it went.
    while (this.#saving !== null) await this.#saving.catch(() => {});
    this.#saving = this.#saveAll(runner);
    try {
      await this.#saving;
    } finally {
      this.#saving = null;
    }
  }

  /**
   * What all views hold at one position, to be written while apply goes on and then to be released (`releaseCapture`). Views that are being rebuilt are waited for;
   * those that have failed are missing. Errors: VIEW_UNAVAILABLE when none is left.
   */
  async capture(): Promise<Capture> {
    const { log, pause } = this.#options;
    await Promise.all(this.#rebuilds);
    for (const { view } of this.#slots) for (const _step of view.digestAhead?.() ?? []) await pause();
    // Nothing else runs until all are captured, so they stand at the same commit.
    const live = this.#slots.filter((slot) => slot.state === 'live');
    const position = Math.max(...live.map((slot) => slot.applied), SEQUENCE_NONE) as Sequence;
    const views = live.filter((slot) => slot.applied === position).map(captureView);
    const missing = this.#slots
      .filter(({ name }) => views.every((view) => view.name !== name))
      .map(({ name, state, applied, error }) => ({ name, reason: `${error ?? state} at ${applied}` }));
    const commit = await commitAt(log, position);
    if (commit !== null && views.length > 0) return { commit, views, missing };
    releaseCapture({ views });
    throw new TruthError(
      'VIEW_UNAVAILABLE',
      `no view can be captured at ${position}: ${missing.map(({ name, reason }) => `"${name}" ${reason}`).join(', ')}`,
    );
  }

  /**
   * Forgets what all views hold, on disk too, and computes them from the beginning of the log. They cannot be asked
   * meanwhile. Errors: those of reading the log; then the views stay where they are, unusable.
   */
  async rebuild(): Promise<void> {
    await Promise.all(this.#rebuilds);
    while (this.#saving !== null) await this.#saving.catch(() => {});
    const { store } = this.#options;
    store.dropSetAside();
    for (const slot of this.#slots) {
      slot.close();
      store.drop(slot.name);
      slot.reset();
    }
    this.memory.scratch?.clear();
    await this.#catchUp(this.#slots);
  }

  /** The oldest position of a copy that a view went on from; 0 when all were computed from the beginning. */
  get restoredFrom(): Sequence {
    const positions = this.#slots.map((slot) => slot.restoredFrom).filter((position) => position > 0);
    return (positions.length === 0 ? SEQUENCE_NONE : Math.min(...positions)) as Sequence;
  }

  /** Ends rebuilds in the background and waits for them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#rebuilds);
    while (this.#saving !== null) await this.#saving.catch(() => {});
    await this.#options.saver.close();
  }

  /** Gives back what views hold open; nothing can be asked of them afterwards. */
  close(): void {
    for (const slot of this.#slots) slot.close();
    this.memory.scratch?.clear();
  }

  #tellOfGap(slot: Slot, gap: ViewGap): void {
    if (!slot.gap(gap)) this.#options.report(`view "${slot.name}" stays at ${slot.applied}: ${slot.error}`);
  }

  #applyTo(slot: Slot, commit: ViewCommit): void {
    if (!slot.apply(commit))
      this.#options.report(`view "${slot.name}" stays at ${slot.applied}: ${slot.error}`);
  }

  /**
   * Replays until a pass during which nothing new became stable, then marks the slots live. Nothing can come between that
   * last look and the mark, so the next commit handed out is the next one of the log.
   */
  async #catchUp(slots: readonly Slot[]): Promise<void> {
    const { log, pause, report } = this.#options;
    const names = slots.map((slot) => slot.name);
    const apply = (commit: ViewCommit): boolean => {
      for (const slot of slots) this.#applyTo(slot, commit);
      this.memory.taken(payloadBytes(commit));
      return !this.#stopped;
    };
    const gap = (lost: ViewGap): void => {
      for (const slot of slots) this.#tellOfGap(slot, lost);
    };
    for (let end: Sequence | null = null; end !== log.stable; ) {
      const behind = slots.filter((slot) => slot.state === 'rebuilding').map((slot) => slot.applied);
      if (behind.length === 0) break;
      end = log.stable;
      const after = Math.min(...behind) as Sequence;
      await replay({ log, after, names, apply, gap, pause, report });
      if (this.#stopped) return;
    }
    for (const slot of slots) {
      if (!slot.goLive()) report(`view "${slot.name}" stays at ${slot.applied}: ${slot.error}`);
    }
    this.#position = Math.max(this.#position, log.stable) as Sequence;
    this.memory.look();
  }

  async #rebuildBehind(slots: readonly Slot[]): Promise<void> {
    const { report } = this.#options;
    try {
      await this.#catchUp(slots);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      for (const slot of slots) if (slot.state === 'rebuilding') slot.fail(`rebuild stopped: ${reason}`);
      report(`rebuild of ${slots.map((slot) => `"${slot.name}"`).join(', ')} stopped: ${reason}`);
    }
  }

  async #saveAll(runner: SaveRunner): Promise<void> {
    const { log, store, report } = this.#options;
    for (const slot of this.#slots) {
      if (slot.state !== 'live' || slot.applied === slot.checkpoint) continue;
      const applied = slot.applied;
      const files = slot.files === null ? null : await slot.filed.persist();
      const writer = new PendingParts();
      if (files === null) slot.view.checkpoint(writer);
      const chain = (await commitAt(log, applied))?.chain;
      if (chain === undefined) {
        report(`view "${slot.name}" is not saved: the log has no commit at ${applied}`);
        for (const { done } of writer.parts) done?.();
        continue;
      }
      const { name, version } = slot.definition;
      if (files === null) await store.save({ name, version, applied, chain, parts: writer.parts }, runner);
      else await store.savePosition({ name, version, applied, chain, files }, runner);
      slot.checkpoint = applied;
    }
  }
}
