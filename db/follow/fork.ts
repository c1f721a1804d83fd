/**
 * Where a copy and its source part. The source is asked for places of the copy's log, by halves: first beginnings of segments,
 * then ends of groups in the one where it must be. Asking changes nothing on either side.
 */
import { LogStream } from '../client/log-stream.ts';
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { Address } from '../protocol/index.ts';
import type { Epoch, Sequence } from '../types.ts';
import { linkSegmentHeader } from '../wal/chain.ts';
import { SEGMENT_HEADER_BYTES } from '../wal/format.ts';
import type { LogPlace } from '../wal/index.ts';
import { Scanner } from '../wal/scanner.ts';
import { openSegment, type SegmentName, walDirectory } from '../wal/segment.ts';
import { listCopy } from './examine.ts';
import type { CopyEnd } from './receiver.ts';

export interface ForkOptions {
  readonly address: Address;
  readonly source: string;
  readonly disk: Disk;
  readonly directory: string;
  /** Where the copy ends. */
  readonly end: CopyEnd;
  /** The refusal that is to be explained. */
  readonly cause: TruthError;
}

/** A place with the epoch of the group that follows it in the copy. */
interface Parting extends LogPlace {
  readonly nextEpoch: Epoch;
}

/** FORKED naming the last sequence both have and the epochs behind it. Errors: those of connecting. */
export async function describeFork(options: ForkOptions): Promise<TruthError> {
  const { end, source, cause } = options;
  const segments = listCopy(options.disk, options.directory).filter(({ index }) => index <= end.segment);
  const shared = await lastAccepted(segments, (name) => accepts(options, beginningOf(options, name)));
  const groups = shared === null ? [] : groupsOf(options, shared);
  const parting = await lastAccepted(groups, (group) => accepts(options, group));
  if (parting === null) return cause;
  const theirs = await sourceEnd(options);
  const more = end.sequence - parting.sequence;
  return new TruthError(
    'FORKED',
    `this copy and ${source} share their history up to sequence ${parting.sequence}. Behind it the copy has ${more} entries, ` +
      `from epoch ${parting.nextEpoch} on, and ends at ${end.sequence}; the source is in epoch ${theirs.epoch} and ends at ${theirs.stable}. ` +
      'Nothing was changed. If the source is right, keep this directory and start a new copy in an empty one; ' +
      'if the copy is right, it holds what the source has lost',
    {
      sequence: parting.sequence,
      copyEpoch: parting.nextEpoch,
      copyEnd: end.sequence,
      sourceEpoch: theirs.epoch,
      sourceEnd: theirs.stable,
    },
    { cause },
  );
}

/** The last candidate that is accepted; all before it are. Null when not even the first is. */
async function lastAccepted<T>(
  candidates: readonly T[],
  accepted: (candidate: T) => Promise<boolean>,
): Promise<T | null> {
  let low = -1;
  let high = candidates.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (await accepted(candidates[middle] as T)) low = middle;
    else high = middle;
  }
  return candidates[low] ?? null;
}

/** Whether the source's log has that place with that chain. */
async function accepts({ address }: ForkOptions, place: LogPlace): Promise<boolean> {
  const { sequence: after, segment, offset, chain } = place;
  const stream = await LogStream.open({ address, from: { after, segment, offset, chain }, window: 1 });
  try {
    await stream.next();
    return true;
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    // What the source no longer has cannot be asked about: it counts as shared.
    if (error.code === 'PRUNED') return true;
    if (error.code === 'FORKED') return false;
    throw error;
  } finally {
    stream.close();
  }
}

async function sourceEnd({ address }: ForkOptions): Promise<{ epoch: Epoch; stable: Sequence }> {
  const stream = await LogStream.open({ address, from: null, window: 1 });
  const { epoch, stable } = stream.welcome;
  stream.close();
  return { epoch, stable };
}

function beginningOf({ disk, directory }: ForkOptions, name: SegmentName): LogPlace {
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  disk.close(segment.handle);
  return {
    segment: name.index,
    offset: SEGMENT_HEADER_BYTES,
    sequence: (name.firstSequence - 1) as Sequence,
    chain: linkSegmentHeader(segment.header.chainHead, segment.headerBytes),
  };
}

/** Every place between two groups of a segment of the copy, the beginning first. */
function groupsOf(options: ForkOptions, name: SegmentName): Parting[] {
  const { disk, directory, end } = options;
  const segment = openSegment(disk, walDirectory(directory), name, 'read');
  try {
    const scanner = new Scanner(disk);
    let place = beginningOf(options, name);
    const { lastOrdinal: ordinal, firstSequence: sequence } = segment.header;
    scanner.start(segment, {
      offset: place.offset,
      sequence,
      ordinal,
      chain: place.chain,
      contentHash: false,
    });
    const places: Parting[] = [];
    for (;;) {
      const scanned = scanner.next();
      if (scanned.kind === 'break') {
        places.push({ ...place, nextEpoch: end.epoch });
        return places;
      }
      places.push({ ...place, nextEpoch: scanned.epoch });
      place = { segment: name.index, offset: scanned.end, sequence: scanned.sequence, chain: scanned.chain };
      if (scanned.kind !== 'seal') continue;
      places.push({ ...place, nextEpoch: end.epoch });
      return places;
    }
  } finally {
    disk.close(segment.handle);
  }
}
