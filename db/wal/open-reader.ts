/** Opens a log for reading only: no lock, nothing changed. Shows what the log itself proves durable. */
import type { Disk, Scheduler } from '../io/index.ts';
import { listSegments } from './catalog.ts';
import type { LogIdentity, LogReader } from './log.ts';
import { SegmentReader } from './reader.ts';
import { openSegment, walDirectory } from './segment.ts';
import { WatchedLog } from './watched-log.ts';

const WATCH_MILLIS_DEFAULT = 50;

export interface OpenReaderOptions {
  readonly directory: string;
  readonly disk: Disk;
  /** For readers that follow: how often to look whether the log has grown. Without it the end stays where it is now. */
  readonly watch?: { readonly scheduler: Scheduler; readonly millis?: number };
}

export interface OpenedReader extends LogReader {
  readonly identity: LogIdentity;
  /** First sequence there is. */
  readonly first: LogReader['stable'];
  /** Looks how far the log reaches now. */
  look(): void;
  close(): void;
}

/**
 * A reader of a log that this process does not write. `stable` is what durable marks cover: after a clean close or 50 ms
 * of idleness everything, otherwise up to the last mark. It moves when a follower waits, or with `look`. Readers that are
 * pruned away hear PRUNED. Throws NOT_FOUND or CORRUPT.
 */
export function openReader({ directory, disk, watch }: OpenReaderOptions): OpenedReader {
  const names = listSegments(disk, directory);
  const last = openSegment(disk, walDirectory(directory), names.at(-1)!, 'read');
  const watched = new WatchedLog({
    disk,
    directory,
    last,
    watch: watch === undefined ? null : { millis: WATCH_MILLIS_DEFAULT, ...watch },
    onSegment: (segment) => reader.addSegment(segment),
  });
  const segments = names.map(({ index, firstSequence }) => ({
    index,
    firstSequence,
    sparse: index === last.header.index ? watched.index : null,
    saved: true,
  }));
  const reader = new SegmentReader(disk, directory, segments, watched);
  watched.look();
  const closeReader = reader.close.bind(reader);
  return Object.assign(reader, {
    identity: last.header.identity,
    look: () => watched.look(),
    close: () => {
      closeReader();
      watched.close();
    },
  });
}
