/**
 * A copy as a database that is read: the follower feeds it, views apply what is durable here, appends are refused with the
 * name of the source.
 */
import {
  type Engine,
  type FollowingStatus,
  type OverLogOptions,
  openEngineOver,
  type Replication,
} from '../engine.ts';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import type { LogIdentity } from '../wal/log.ts';
import { FollowedLog, readOnlyCopy } from './followed-log.ts';
import { Follower, type FollowerOptions } from './follower.ts';
import { type FollowerState, lagOf } from './follower-state.ts';
import { ThreadedFollower } from './threaded-follower.ts';

export interface ReplicaOptions {
  readonly follower: Omit<FollowerOptions, 'onState' | 'directory' | 'disk'>;
  readonly engine: OverLogOptions & Pick<FollowerOptions, 'directory' | 'disk'>;
  /** Ends the wait for the first bytes; afterwards `close` ends it all. */
  readonly signal: AbortSignal;
}

/**
 * Returns when there is something to read: as soon as the source has recognised the copy, or cannot be reached and the copy
 * has something from before. The engine fails, once, with what ends the follower. Errors: those of the follower; CLOSED when
 * the signal came first.
 */
export async function openReplica({ follower, engine, signal }: ReplicaOptions): Promise<Engine> {
  const { directory, disk } = engine;
  const { source } = follower;
  const feed = new Feed({ ...follower, directory, disk }, signal);
  const { stable, identity } = await feed.first;
  const log = new FollowedLog({ disk, directory, identity, source, stable, onClose: () => feed.stop() });
  const replication: Replication = {
    onReplicated: (listener) => log.onReplicated(listener),
    onGap: (listener) => log.onGap(listener),
    refusal: () => readOnlyCopy(source),
    status: () => feed.status(),
  };
  try {
    const opened = await openEngineOver(log, { ...engine, replication });
    feed.feeds(log);
    return opened;
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** What a reader needs to begin. */
interface Beginning {
  readonly stable: Sequence;
  readonly identity: LogIdentity;
}

/** A running follower and the log it feeds, from before there is one. */
class Feed {
  readonly #stopping = new AbortController();
  readonly #first = Promise.withResolvers<Beginning>();
  readonly #ended: Promise<void>;
  #state: FollowerState;
  #failure: Error | null = null;
  #log: FollowedLog | null = null;

  constructor(options: Omit<FollowerOptions, 'onState'>, signal: AbortSignal) {
    const { source, disk } = options;
    this.#state = {
      source,
      connected: false,
      identity: null,
      durable: null,
      sourceEnd: null,
      reconnects: 0,
      problem: null,
    };
    // Another thread can only use the real disk.
    const Following = disk instanceof RealDisk ? ThreadedFollower : Follower;
    const follower = new Following({ ...options, onState: (state) => this.#moved(state) });
    const stop = (): void => this.#stopping.abort();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    const done = (): void => signal.removeEventListener('abort', stop);
    this.#first.promise.then(done, done);
    this.#ended = follower.run(this.#stopping.signal).then(
      () => this.#first.reject(new TruthError('CLOSED', 'stopped before there was anything to read')),
      (error: Error) => this.#failed(error),
    );
  }

  /** Resolves when there is something to read. */
  get first(): Promise<Beginning> {
    return this.#first.promise;
  }

  /** From now on the log hears of what becomes durable, and of what has since it was opened. Errors: what ended the follower. */
  feeds(log: FollowedLog): void {
    if (this.#failure !== null) throw this.#failure;
    this.#log = log;
    this.#moved(this.#state);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  status(): FollowingStatus {
    const { source, connected, reconnects, problem } = this.#state;
    return { source, connected, lag: lagOf(this.#state), reconnects, problem };
  }

  #moved(state: FollowerState): void {
    this.#state = state;
    const { durable, identity } = state;
    if (durable === null || durable.sequence < 1 || identity === null) return;
    this.#first.resolve({ stable: durable.sequence, identity });
    this.#log?.advance(durable.sequence);
  }

  #failed(error: Error): void {
    this.#failure = error;
    this.#first.reject(error);
    this.#log?.fail(error);
  }
}
