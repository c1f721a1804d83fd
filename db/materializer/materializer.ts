/**
 * What a view of the log is, whatever it holds: the contract that every domain's materializer keeps.
 *
 * A view is a pure function of the log: the same commits in the same order leave the same `digest()`, whether they came
 * live, by replay from zero, or after a restored checkpoint. It reads no clock, no random numbers and nothing outside
 * the entries it is given.
 */
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import type { ErasedEntry, LogEntry } from '../wal/log.ts';

/** Whose entries a view wants, and whose answers wait for it. */
export type ViewScope = 'global' | 'tenant' | 'cohort' | 'user' | 'relationship';

/**
 * One stable commit as views see it: everything of the log's commit but its chain hash, which no view may depend on.
 * `entries` and their payloads are lent for the call: a view copies what it keeps.
 */
export interface ViewCommit {
  readonly ordinal: CommitOrdinal;
  readonly epoch: Epoch;
  readonly recordedAt: RecordedAt;
  /** Sequence of the commit entry: the view's position once the commit is applied. */
  readonly sequence: Sequence;
  readonly entries: readonly LogEntry[];
  /** What was about persons and cannot be opened any more: not among `entries`, for whoever shows that something was there. */
  readonly erased?: readonly ErasedEntry[] | undefined;
}

export interface Materializer {
  /**
   * Applies one commit. The registry calls it in log order, each commit once per instance. Whatever it throws freezes
   * the view at the commit before: the registry never calls a view again that has thrown.
   */
  onCommit(commit: ViewCommit): void;
  /** It also wants commits of which nothing is left but what was erased. */
  readonly seesErased?: true;
  /**
   * A range of the log was lost and isolated: the commits that come next follow it, not what came before. Only in a
   * replay, once for each gap. A view that has no use for it goes on as if nothing had been there.
   */
  onGap?(gap: ViewGap): void;
  /**
   * Hands over the view's content as parts. It is called between two commits; what it hands over must be the content
   * of that moment although `onCommit` goes on while the parts are being written: take copies, or hand over what never changes.
   */
  checkpoint(writer: CheckpointWriter): void;
  /** Fills a fresh instance from the parts of a checkpoint. Throwing means the checkpoint is unusable: the view is rebuilt. */
  restore(reader: CheckpointReader): void;
  /** Hex digest over the logical content, in an order that does not depend on how the content came to be. */
  digest(): string;
  /**
   * Prepares `digest` in steps of a few milliseconds, as far as content that does not change any more allows, so that the
   * digest of a large view does not hold up the thread. Other things may happen between two steps, `onCommit` too.
   */
  digestAhead?(): Iterable<void>;
  /** It has everything that is stable, and hears of commits as they come from now on: a replay in larger steps ends here. */
  caughtUp?(): void;
  /** Memory it takes now, about. In steps as many as it has pages, not rows: it is asked a few times a second. */
  memory?(): MemoryUse;
  /**
   * Moves about so many bytes of what it seldom reads from memory to its scratch files, and returns how many. Called between two
   * commits, and between two parts of a checkpoint that is read. Nothing it answers may depend on it, nor its digest.
   */
  spill?(bytes: number): number;
  /** Drops what it has ready for answers. Called as `spill` is. */
  dropReady?(): void;
  /** Gives back what it holds open; its files stay. Nothing is called afterwards. */
  close?(): void;
  /** The view is given up: what it keeps in files of its own is closed and removed. */
  discard?(): void;
}

/** Bytes, about. */
export interface MemoryUse {
  /** In memory, of what the view knows. */
  readonly kept: number;
  /** In memory, made of that for answers: it can be dropped and made again. */
  readonly ready: number;
}

/** Files for what is read seldom. They are gone with the process: nothing in them is ever found again. */
export interface Scratch {
  /** Fewer are not worth what has to be remembered of a piece. */
  readonly bytesLeast: number;
  /** Null where it could not be written: there is no room, or the disk is broken. */
  put(bytes: Uint8Array): ScratchPiece | null;
}

/** Its room is given back when nobody has it any more. */
export interface ScratchPiece {
  /** What was put, not to be changed. Errors: IO; CORRUPT where it is something else. */
  read(): Uint8Array<ArrayBuffer>;
}

/**
 * A view with files of its own below `views/<name>/`: it is not saved as parts; its files hold it, with the commits they stand
 * at. `checkpoint` and `restore` are for snapshots then, and for disks it cannot keep files on.
 *
 * Its position is the one in `metadata/views.json`, written now and then. A file may be behind it, where nothing concerned it,
 * or ahead, where it has committed since. So each commit is applied to a file only if that one does not hold it yet.
 */
export interface FiledView extends Materializer {
  /**
   * Makes durable what is applied now, and says where each file stood. Commits may be applied meanwhile: they may or may not be
   * durable afterwards.
   */
  persist(): Promise<readonly HeldFile[]>;
}

/** A file of a view, and the sequence of the last commit that it holds durably; 0 before the first. */
export interface HeldFile {
  /** Name in the view's folder. */
  readonly file: string;
  readonly applied: number;
}

/** What the files of a view say when they are looked at without being changed. */
export interface FoundFiles {
  readonly files: readonly { readonly file: string; readonly commit: HeldCommit | null }[];
  /** Why they cannot be used, or null: `other version` is rebuilt, `damaged` is set aside first. */
  readonly problem: { readonly kind: 'other version' | 'damaged'; readonly reason: string } | null;
}

/** The last commit a file holds. */
export type HeldCommit = Pick<ViewCommit, 'sequence' | 'epoch' | 'recordedAt'>;

/** How the registry finds a view's files before there is a view, and before the log is open. */
export interface ViewFiles {
  /** No files at all when the folder is not there. Never throws because of what is in them. */
  find(folder: string, logId: Uint8Array, version: number): FoundFiles;
}

export interface ViewContext {
  /** 16 bytes: seeds hash tables, so that all copies of one log agree. */
  readonly logId: Uint8Array;
  /** Absolute path of the view's own folder, which may not be there yet; null where it can keep no files: then it is saved as parts. */
  readonly folder: string | null;
  /** Where it can move what it seldom reads; none where nothing limits its memory. */
  readonly scratch?: Scratch | null;
}

/** Sequences `from` to `to` of the log, both lost. */
export interface ViewGap {
  readonly from: Sequence;
  readonly to: Sequence;
}

/** A view before it exists: one line of the registration list. */
export interface ViewDefinition<View extends Materializer = Materializer> {
  /** Lower-case words joined by dashes: it names the view's folder, its status row and its metrics. */
  readonly name: string;
  /** Grows with every change of what the view derives or how a checkpoint lays it out: older checkpoints are then rebuilt. */
  readonly version: number;
  readonly scope: ViewScope;
  /** True when the database cannot work without it: opening waits for its rebuild instead of leaving it to the background. */
  readonly required: boolean;
  /** For a view that keeps files of its own: `create` makes a FiledView wherever it is given a folder. */
  readonly files?: ViewFiles;
  /** An instance that is empty, or holds what its folder has. */
  create(context: ViewContext): View;
}

export interface CheckpointWriter {
  /**
   * Adds a part under a name of its own. Parts never change once written: when the previous checkpoint of the view has
   * a part of this name, that one is kept and `chunks` is not looked at. So a view that grows at the end writes only its end.
   * `done` is called once when nobody will ask for them any more, written or not.
   */
  part(name: string, chunks: () => Iterable<Uint8Array>, done?: () => void): void;
}

export interface CheckpointReader {
  readonly parts: readonly string[];
  /** Whole content of a part, checksum verified. Errors: CORRUPT. */
  read(name: string): Uint8Array;
  /** The same in pieces, for parts too large to be held. What is wrong with them may be told only behind the last one. */
  chunks?(name: string): Iterable<Uint8Array>;
}

/**
 * `live`: applies each commit as it becomes stable. `rebuilding`: catching up from an older position.
 * `failed`: it threw, or its files could not be used, and it stays where it is.
 */
export type ViewState = 'live' | 'rebuilding' | 'failed';

/** A registered view as its readers hold it. A rebuild makes a new `view`: ask for it each time. */
export interface ViewHandle<View> {
  readonly view: View;
  readonly state: ViewState;
  /** Everything up to here is in the view. */
  readonly applied: Sequence;
  readonly error: string | null;
}

export interface ViewStatus {
  readonly name: string;
  readonly version: number;
  readonly scope: ViewScope;
  readonly state: ViewState;
  /** Everything up to here is in the view. */
  readonly applied: Sequence;
  /** Position of the last checkpoint on disk, 0 without one. */
  readonly checkpoint: Sequence;
  /** Null: it does not say. */
  readonly memory: MemoryUse | null;
  readonly error: string | null;
}
