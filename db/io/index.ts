/**
 * `io/` is the seam between the database and the machine: disk, clock, timers and threads as small interfaces, each with
 * its real implementation beside it. A simulator implements the same interfaces with a disk that tears and a clock that
 * obeys. It may import nothing of the database but errors; everything above may import it. Bytes go out through `Disk`,
 * time comes in through `Clock` and `Scheduler`.
 */
export { type Channel, type ChannelAddress, openChannel } from './channel.ts';
export type { Clock, Scheduler } from './clock.ts';
export { realClock, realScheduler } from './clock.ts';
export type { Disk, DiskLock, FileHandle } from './disk.ts';
export { isNoSpace, isNotFound } from './disk.ts';
export { ownProgram } from './program.ts';
export { RealDisk } from './real-disk.ts';
export { readSmallFile, writeSmallFile } from './small-file.ts';
export { startThread } from './threads.ts';
