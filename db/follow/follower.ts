/**
 * The life of a copy: examine, heal, connect, receive, make durable, and again after every cut. Cuts of the connection are
 * normal and end in another attempt; another history, a lie, a refusal or a failing disk end the follower.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { LogStream } from '../client/log-stream.ts';
import { TruthError } from '../errors.ts';
import { type Disk, type DiskLock, isNoSpace } from '../io/index.ts';
import type { Address, ReceivedUpTo } from '../protocol/index.ts';
import type { Sequence } from '../types.ts';
import { readGaps } from '../wal/gaps.ts';
import { Copy } from './copy.ts';
import { type CopyMark, readCopyMark } from './copy-mark.ts';
import { copyName } from './copy-name.ts';
import { type Examined, examineCopy } from './examine.ts';
import type { FollowerState, SourceEnd } from './follower-state.ts';
import { describeFork } from './fork.ts';
import { type CopyEnd, Receiver } from './receiver.ts';
import { refill } from './refill.ts';

export interface FollowerOptions {
  /** The source. */
  readonly address: Address;
  /** The same for people and for the mark: no token in it. */
  readonly source: string;
  /** Absolute path of the copy's data directory; made if it is missing (its parent must exist). */
  readonly directory: string;
  readonly disk: Disk;
  /** Name by which the source is to know the copy; null: the one it has, or a random one. */
  readonly name: string | null;
  /** Check every byte of the copy first, sealed segments too. */
  readonly everything: boolean;
  readonly nowMillis: () => number;
  /** Lines for people. */
  readonly report: (line: string) => void;
  /** Called after every change. The copy's durable end is null until the source has recognised it. */
  readonly onState: (state: FollowerState) => void;
}

const RETRY_MILLIS_MIN = 100;
const RETRY_MILLIS_MAX = 5000;
/** After these the source may be there again. */
const PASSING = new Set(['CONNECTION', 'TIMEOUT', 'BUSY', 'CLOSED', 'DISK_FULL']);

export class Follower {
  readonly #options: FollowerOptions;
  #lock: DiskLock | null = null;
  #mark: CopyMark | null = null;
  #copy: Copy | null = null;
  #stream: LogStream | null = null;
  #state: FollowerState;
  #settledBefore = false;
  #name = '';
  #marked: CopyEnd | null = null;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#state = {
      source: options.source,
      connected: false,
      identity: null,
      durable: null,
      sourceEnd: null,
      reconnects: 0,
      problem: null,
    };
  }

  /**
   * Follows until the signal. Errors: LOCKED, FORKED (details.sequence: last one shared), PRUNED (details.first), CORRUPT
   * (details.side: source or copy), FORBIDDEN, UNAUTHENTICATED, UNSUPPORTED_VERSION, IO.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { disk, directory } = this.#options;
    disk.mkdir(directory);
    this.#lock = disk.lock(directory);
    if (this.#lock === null) {
      throw new TruthError('LOCKED', `another process has ${directory} open; stop it first`, { directory });
    }
    const stop = (): void => this.#stream?.close();
    try {
      this.#name = copyName(disk, directory, this.#options.name);
    } catch (error) {
      this.#lock.release();
      throw error;
    }
    signal.addEventListener('abort', stop);
    try {
      await this.#attempts(signal);
      this.#copy?.close();
    } finally {
      signal.removeEventListener('abort', stop);
      this.#stream?.close();
      this.#copy?.abandon();
      this.#lock.release();
    }
  }

  /** Each attempt lasts until the connection breaks; one that got somewhere makes the next come at once. */
  async #attempts(signal: AbortSignal): Promise<void> {
    let delay = RETRY_MILLIS_MIN;
    while (!signal.aborted) {
      const before = this.#state.durable?.sequence ?? null;
      try {
        await this.#attempt(signal);
      } catch (error) {
        this.#tell({ connected: false });
        const reason = this.#judged(error);
        if (reason === null) throw await this.#explained(worded(error, this.#options.directory));
        if (signal.aborted) return;
        this.#lost(reason);
      }
      const moved = (this.#state.durable?.sequence ?? null) !== before;
      delay = moved ? RETRY_MILLIS_MIN : Math.min(delay * 2, RETRY_MILLIS_MAX);
      await sleep(delay, undefined, { signal }).catch(() => undefined);
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    this.#copy ??= await this.#openCopy(signal);
    const copy = this.#copy;
    const { address } = this.#options;
    const stream = await this.#open(placeOf(copy.end), this.#name);
    try {
      const { logId } = stream.welcome;
      if (copy.identity !== null && Buffer.compare(logId, copy.identity.logId) !== 0) throw otherLog(address);
      const receiver = this.#receiverFor(copy);
      for (
        let frames = await stream.next();
        frames !== null && !signal.aborted;
        frames = await stream.next()
      ) {
        // The first frame is the source's word that the copy is one of its log.
        copy.settle();
        this.#settledBefore = true;
        let sourceEnd: SourceEnd | null = this.#state.sourceEnd;
        for (const frame of frames) {
          for (const received of receiver.receive(frame)) {
            if (received.kind === 'end') sourceEnd = received;
            else copy.apply(received);
          }
        }
        const durable = copy.sync();
        stream.kept(durable.sequence);
        this.#tell({ connected: true, durable, identity: copy.identity, sourceEnd, problem: null });
      }
    } finally {
      stream.close();
      this.#stream = null;
    }
  }

  #receiverFor(copy: Copy): Receiver {
    const mark = this.#mark;
    const proofs = mark !== null && mark.sequence > copy.end.sequence ? [mark] : [];
    const { disk, directory } = this.#options;
    const gaps = readGaps(disk, directory);
    return new Receiver({ end: copy.end, open: copy.open, identity: copy.identity, proofs, gaps });
  }

  /** Why this attempt ended, if another may do better. A disk that failed leaves the copy in doubt: it is examined anew. */
  #judged(error: unknown): TruthError | null {
    const reason = worded(error, this.#options.directory);
    if (reason !== error) {
      this.#copy?.abandon();
      this.#copy = null;
    }
    return reason instanceof TruthError && PASSING.has(reason.code) ? reason : null;
  }

  async #openCopy(signal: AbortSignal): Promise<Copy> {
    const { disk, directory, source, nowMillis, report } = this.#options;
    let examined = this.#examine();
    while (examined.damage.length > 0 && !signal.aborted) {
      for (const damage of examined.damage) {
        const { identity } = examined;
        await refill({ disk, directory, identity, damage, open: (after) => this.#open(after), report });
      }
      examined = this.#examine();
    }
    this.#marked = examined.marked;
    return new Copy({ disk, directory, source, examined, mark: this.#mark, nowMillis });
  }

  #examine(): Examined {
    const { disk, directory, everything, report } = this.#options;
    this.#mark = readCopyMark(disk, directory);
    return examineCopy({
      disk,
      directory,
      mark: this.#mark,
      everything: everything && !this.#settledBefore,
      progress: report,
    });
  }

  /** `follower` when the copy is to be known by its name; a repair asks for old bytes and says nothing of the copy. */
  async #open(from: ReceivedUpTo | Sequence, follower?: string): Promise<LogStream> {
    const { address } = this.#options;
    this.#stream = await LogStream.open({
      address,
      from,
      gaps: true,
      ...(follower === undefined ? {} : { follower }),
    });
    return this.#stream;
  }

  /** The source says that histories differ; where they part is found by asking. */
  async #explained(error: unknown): Promise<unknown> {
    const copy = this.#copy;
    if (!(error instanceof TruthError) || error.code !== 'FORKED' || copy === null) return error;
    const { address, source, disk, directory } = this.#options;
    try {
      return await describeFork({ address, source, disk, directory, end: copy.end, cause: error });
    } catch {
      return error;
    }
  }

  /** Without its source a copy can still be read up to where it is durable for certain. */
  #lost({ message }: TruthError): void {
    const { source, report } = this.#options;
    const problem = message.includes(source) ? message : `${source}: ${message}`;
    if (problem !== this.#state.problem) report(`${problem}; trying again`);
    const durable = this.#state.durable ?? this.#marked;
    const identity = this.#copy?.identity ?? this.#state.identity;
    this.#tell({ durable, identity, problem, reconnects: this.#state.reconnects + 1 });
  }

  #tell(change: Partial<FollowerState>): void {
    this.#state = { ...this.#state, ...change };
    this.#options.onState(this.#state);
  }
}

/** What a copy says of itself to be recognised. */
export function placeOf({ sequence, segment, offset, chain }: CopyEnd): ReceivedUpTo | Sequence {
  return segment === 0 ? sequence : { after: sequence, segment, offset, chain };
}

/** What the disk said, in words of ours; anything else as it is. */
function worded(error: unknown, directory: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error || 'code' in error) || error instanceof TruthError) {
    return error;
  }
  const [code, advice] = isNoSpace(error)
    ? (['DISK_FULL', 'free some space and it goes on'] as const)
    : (['IO', 'what it had made durable is safe; look at the disk, then start again'] as const);
  return new TruthError(
    code,
    `the copy in ${directory} cannot be written: ${error.message}; ${advice}`,
    {},
    { cause: error },
  );
}

function otherLog(address: Address): TruthError {
  const place = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
  return new TruthError(
    'FORKED',
    `the server at ${place} has another log than the one this is a copy of. Nothing was changed. Name the right source, or start a new copy in an empty directory`,
    { sequence: 0 },
  );
}
