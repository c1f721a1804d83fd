/** Makes a new, empty log. */
import { dirname, join } from 'node:path';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { hasSegments } from './catalog.ts';
import { createSegment, randomSalt } from './create-segment.ts';
import { commandBytesMax } from './encoder.ts';
import {
  ENTRY_BYTES_DEFAULT,
  ENTRY_BYTES_MAX,
  entryBytes,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
} from './format.ts';
import type { LogIdentity } from './log.ts';
import { metadataDirectory, readEpoch, writeLogId } from './metadata.ts';
import { isSpareFileName, walDirectory } from './segment.ts';

export interface InitLogOptions {
  /** Absolute path of the data directory; made if it is missing (its parent must exist). */
  readonly directory: string;
  readonly disk: Disk;
  readonly random: (bytes: number) => Uint8Array;
  /** Size of segment files: a multiple of 4096 from 1 MiB to 1 GiB; 64 MiB unless given. */
  readonly segmentBytes?: number;
  /** Largest payload of one entry, up to 16 MiB; 4 MiB (or what the segment takes) unless given. */
  readonly entryBytesMax?: number;
  readonly hash?: LogIdentity['hash'];
}

const FOLDERS = ['wal', 'snapshots', 'metadata', 'views'];

/** Creates the four folders and the first segment, durably. Throws ALREADY_EXISTS, LOCKED or INVALID_ARGUMENT. */
export function initLog(options: InitLogOptions): LogIdentity {
  const { directory, disk, random } = options;
  const identity = createIdentity(options);
  disk.mkdir(directory);
  disk.fsyncDirectory(dirname(directory));
  const lock = disk.lock(directory);
  if (lock === null) throw lockedError(directory);
  try {
    if (hasSegments(disk, directory)) {
      throw new TruthError('ALREADY_EXISTS', `${directory} already holds a log; nothing was changed`, {
        directory,
      });
    }
    if (readEpoch(disk, directory) > 0) {
      throw new TruthError(
        'ALREADY_EXISTS',
        `${directory} belongs to a log that was in use, and its segments are gone. Bring wal/ back, or remove metadata/ to give that log up; nothing was changed`,
        { directory },
      );
    }
    for (const folder of FOLDERS) disk.mkdir(join(directory, folder));
    disk.fsyncDirectory(directory);
    removeLeftovers(disk, walDirectory(directory));
    writeLogId(disk, directory, identity.logId);
    disk.fsyncDirectory(metadataDirectory(directory));
    // The first segment's rename is the moment from which the log exists.
    createSegment(disk, directory, {
      identity,
      index: 1,
      firstSequence: 1 as Sequence,
      epoch: 0 as Epoch,
      salt: randomSalt(random),
      lastOrdinal: 0 as CommitOrdinal,
      lastRecordedAt: 0n as RecordedAt,
      chainHead: new Uint8Array(32),
    });
    return identity;
  } finally {
    lock.release();
  }
}

export function lockedError(directory: string): TruthError {
  return new TruthError(
    'LOCKED',
    `another process has ${directory} open; only one may write a log. Stop it first (\`systemctl status truthdb\`).`,
    { directory },
  );
}

function createIdentity({ random, segmentBytes, entryBytesMax, hash }: InitLogOptions): LogIdentity {
  const size = segmentBytes ?? SEGMENT_BYTES_DEFAULT;
  if (!Number.isInteger(size) || size % 4096 !== 0 || size < SEGMENT_BYTES_MIN || size > SEGMENT_BYTES_MAX) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `a segment size of ${size} is not a multiple of 4096 from ${SEGMENT_BYTES_MIN} to ${SEGMENT_BYTES_MAX}`,
    );
  }
  if (hash === 'blake3') {
    throw new TruthError('INVALID_ARGUMENT', 'chain hash blake3 is reserved; use sha256');
  }
  const fits = commandBytesMax(size, Number.POSITIVE_INFINITY) - entryBytes(0) - 8;
  const limit = entryBytesMax ?? Math.min(ENTRY_BYTES_DEFAULT, fits);
  if (!Number.isInteger(limit) || limit < 1 || limit > ENTRY_BYTES_MAX || limit > fits) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `an entry limit of ${limit} bytes is not from 1 to ${Math.min(ENTRY_BYTES_MAX, fits)}, which is what segments of ${size} bytes take`,
    );
  }
  return { logId: random(16).slice(), segmentBytes: size, entryBytesMax: limit, hash: 'sha256' };
}

/** An init that was interrupted before its last step may be repeated. */
function removeLeftovers(disk: Disk, wal: string): void {
  const leftovers = disk.list(wal).filter(isSpareFileName);
  for (const name of leftovers) disk.unlink(join(wal, name));
}
