/**
 * `follow/` keeps a copy of another server's log: the same segment files, byte for byte, verified before anything is kept.
 * Bytes come in through the client's log stream, are judged by the receiver (pure: frames in, verified writes out), written
 * by the copy, and shown to readers once they are durable here. May import client, protocol, engine, wal and the ground;
 * knows nothing of payloads.
 *
 *     receiver, group-finder, received-bytes    checks checksums, sequences and chain of what arrives
 *     copy, copy-mark, examine, refill          the files: writing, what a start finds, healing a break
 *     follower, fork                            the life of it: connect, resume, stop at another history
 *     threaded-follower, follower-thread        the same beside a server
 *     replica, followed-log, copy-tail          the copy as a database that is read and not appended to
 */
export { readCopyMark } from './copy-mark.ts';
export { Follower, type FollowerOptions } from './follower.ts';
export { type FollowerState, type Lag, lagOf } from './follower-state.ts';
export { openReplica } from './replica.ts';
export { type StreamedGroup, StreamedGroups } from './streamed-groups.ts';
