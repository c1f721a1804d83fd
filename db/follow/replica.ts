/**
 * A copy as a database that is read: the follower feeds it, views apply what is durable here, appends are refused with the
 * name of the source.
 */
import { type Engine, type OverLogOptions, openEngineOver } from '../engine.ts';
import { TruthError } from '../errors.ts';
import { RealDisk } from '../io/index.ts';
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
export async function openReplica({ follower: options, engine, signal }: ReplicaOptions): Promise<Engine> {
  const { directory, disk } = engine;
  const stopping = new AbortController();
  const first = Promise.withResolvers<FollowerState>();
  let state: FollowerState | null = null;
  let log: FollowedLog | null = null;
  let failure: Error | null = null;
  // Another thread can only use the real disk.
  const Following = disk instanceof RealDisk ? ThreadedFollower : Follower;
  const follower = new Following({
    ...options,
    directory,
    disk,
    onState: (now) => {
      state = now;
      if (now.durable === null || now.durable.sequence < 1 || now.identity === null) return;
      first.resolve(now);
      log?.advance(now.durable.sequence);
    },
  });
  const stop = (): void => stopping.abort();
  signal.addEventListener('abort', stop);
  const ended = follower.run(stopping.signal).then(
    () => first.reject(new TruthError('CLOSED', 'stopped before there was anything to read')),
    (error: Error) => {
      failure = error;
      first.reject(error);
      log?.fail(error);
    },
  );
  const { durable, identity } = await first.promise.finally(() => signal.removeEventListener('abort', stop));
  if (durable === null || identity === null)
    throw new Error('a follower without an end was taken for one with');
  const { source } = options;
  const onClose = async (): Promise<void> => {
    stop();
    await ended;
  };
  const followed = new FollowedLog({ disk, directory, identity, source, stable: durable.sequence, onClose });
  const following = () => statusOf(state ?? { ...NOT_YET, source });
  const replication = {
    onReplicated: (listener: Parameters<FollowedLog['onReplicated']>[0]) => followed.onReplicated(listener),
    refusal: () => readOnlyCopy(source),
    status: following,
  };
  try {
    const opened = await openEngineOver(followed, { ...engine, replication });
    log = followed;
    if (failure !== null) throw failure;
    // What became durable while the views were being opened.
    const now = state as FollowerState | null;
    if (now?.durable != null) followed.advance(now.durable.sequence);
    return opened;
  } catch (error) {
    await followed.close();
    throw error;
  }
}

const NOT_YET: Omit<FollowerState, 'source'> = {
  connected: false,
  identity: null,
  durable: null,
  sourceEnd: null,
  reconnects: 0,
  problem: null,
};

function statusOf(state: FollowerState) {
  const { source, connected, reconnects, problem } = state;
  return { source, connected, lag: lagOf(state), reconnects, problem };
}
