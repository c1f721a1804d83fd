/**
 * `snapshot/` keeps copies of all views at one position of the log, each a file in `snapshots/`: an optimisation, never the
 * truth. It may import ground, wal and materializer. Content comes in from the registry's capture and goes out through the
 * same steps that save checkpoints, so that apply and appends go on; it comes back as restore points of the registry, which
 * believes none of them before log and digest bear it out.
 *
 *     format                the file: parts, manifest, trailer
 *     writer, snapshot-file  into it and out of it
 *     store                 the folder: what is there, what is held, what goes
 *     keeper                takes them, by command or by policy
 *     check                 offline: verify one, put one in place of the views
 */
export { restoreSnapshot, type SnapshotCheck, verifySnapshot } from './check.ts';
export { SnapshotKeeper, type SnapshotPolicy } from './keeper.ts';
export { SnapshotStore, type SnapshotSummary, snapshotClaims } from './store.ts';
