/**
 * The stable log as its groups lie in the files, for whoever needs the entries' own bytes and not what they mean: what is
 * hashed for proofs, what is exported. Checksums are validated on the way, the chain is not followed. Reads the files beside
 * the writer, archives for what was pruned, and needs no lock.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { archivedBefore, headerOfArchived, openArchived } from './archive-places.ts';
import { listSegments } from './catalog.ts';
import { ENTRY_HEADER, entryBytes, SEGMENT_HEADER_BYTES } from './format.ts';
import { type Gap, gapAt, lostSegment, readGaps } from './gaps.ts';
import { readCount } from './layout.ts';
import { readFloor } from './metadata.ts';
import { startBehind } from './resync.ts';
import { Scanner } from './scanner.ts';
import type { OpenedSegment, SegmentName } from './segment.ts';
import { openSegmentInAnyState } from './walk.ts';

/** Where a group begins: enough to go on from there without looking. JSON-safe. */
export interface GroupPlace {
  /** Index of the segment. */
  readonly segment: number;
  readonly offset: number;
  /** First sequence of the group. */
  readonly sequence: number;
  /** Ordinal of the commit before. */
  readonly ordinal: number;
}

/** A group with its commit, or a seal. `bytes` are valid until the next one is asked for. */
export interface RawGroup {
  readonly kind: 'commit' | 'seal';
  readonly bytes: Uint8Array;
  readonly firstSequence: Sequence;
  /** Of the commit or seal. */
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly epoch: Epoch;
  /** Null for a seal. */
  readonly recordedAt: RecordedAt | null;
  readonly chain: Uint8Array;
  /** Where the group behind it begins. */
  readonly next: GroupPlace;
}

/** A range that was declared lost. */
export interface RawGap {
  readonly kind: 'gap';
  readonly firstSequence: Sequence;
  readonly sequence: Sequence;
  readonly next: GroupPlace;
}

export class RawGroups {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #scanner: Scanner;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#scanner = new Scanner(disk);
  }

  /** The beginning of the segment that holds a sequence. Errors: PRUNED, NOT_FOUND. */
  placeOf(sequence: Sequence): GroupPlace {
    const found = this.#segments().findLast(({ firstSequence }) => firstSequence <= sequence);
    if (found !== undefined) return beginningOf(found);
    const floor = readFloor(this.#disk, this.#directory)?.sequence ?? 1;
    throw new TruthError(
      'PRUNED',
      `sequence ${sequence} is no longer in this log, which begins at ${floor}, nor in an archive it knows of`,
      { first: floor },
    );
  }

  /**
   * Groups from a place on, up to the one that ends with sequence `to` or behind it, which must be stable.
   * Errors: CORRUPT, PRUNED, those of the disk.
   */
  *read(from: GroupPlace, to: Sequence): Generator<RawGroup | RawGap, void, undefined> {
    let place = from;
    while (place.sequence <= to) {
      const gap = lostSegment(readGaps(this.#disk, this.#directory), place.segment);
      if (gap === null) {
        place = yield* this.#segment(place, to);
        continue;
      }
      const piece = gapPiece(gap, { ...place, segment: place.segment + 1, offset: SEGMENT_HEADER_BYTES });
      yield piece;
      place = piece.next;
    }
  }

  /** What a segment has from there on. Returns where the log goes on. */
  *#segment(from: GroupPlace, to: Sequence): Generator<RawGroup | RawGap, GroupPlace, undefined> {
    const segment = this.#open(from.segment);
    try {
      const { header } = segment;
      let place: GroupPlace =
        from.offset > SEGMENT_HEADER_BYTES
          ? from
          : { ...from, sequence: header.firstSequence, ordinal: header.lastOrdinal };
      this.#start(segment, place);
      while (place.sequence <= to) {
        const scanned = this.#scanner.next();
        if (scanned.kind === 'break') {
          const gap = gapAt(readGaps(this.#disk, this.#directory), header.index, scanned.offset);
          if (gap === null) throw broken(segment, scanned.brokenAt, scanned.sequence, scanned.reason);
          const inside = gap.end < header.identity.segmentBytes;
          const behind = inside ? startBehind(this.#disk, segment, gap) : null;
          const piece = gapPiece(gap, {
            segment: inside ? header.index : header.index + 1,
            offset: inside ? gap.end : SEGMENT_HEADER_BYTES,
            sequence: gap.to + 1,
            ordinal: behind?.ordinal ?? place.ordinal,
          });
          yield piece;
          place = piece.next;
          if (behind === null) return place;
          this.#scanner.start(segment, { ...behind, chain: null });
          continue;
        }
        const sealed = scanned.kind === 'seal';
        const ordinal = sealed ? (place.ordinal as CommitOrdinal) : scanned.ordinal;
        place = {
          segment: sealed ? header.index + 1 : header.index,
          offset: sealed ? SEGMENT_HEADER_BYTES : scanned.end,
          sequence: scanned.sequence + 1,
          ordinal,
        };
        const { kind, bytes, sequence, epoch, chain } = scanned;
        yield {
          kind,
          bytes,
          firstSequence: sealed ? sequence : scanned.firstSequence,
          sequence,
          ordinal,
          epoch,
          recordedAt: sealed ? null : scanned.recordedAt,
          chain,
          next: place,
        };
        if (sealed) return place;
      }
      return place;
    } finally {
      this.#disk.close(segment.handle);
    }
  }

  #start(segment: OpenedSegment, { offset, sequence, ordinal }: GroupPlace): void {
    this.#scanner.start(segment, {
      offset,
      sequence: sequence as Sequence,
      ordinal: ordinal as CommitOrdinal,
      chain: null,
      contentHash: false,
    });
  }

  #segments(): SegmentName[] {
    const here = listSegments(this.#disk, this.#directory);
    return [...archivedBefore(this.#disk, this.#directory, here[0]!.index), ...here];
  }

  #open(index: number): OpenedSegment {
    const here = listSegments(this.#disk, this.#directory);
    const name = here.find((each) => each.index === index);
    if (name !== undefined) return openSegmentInAnyState(this.#disk, this.#directory, name);
    const archived = archivedBefore(this.#disk, this.#directory, here[0]!.index);
    const found = archived.find((each) => each.index === index);
    if (found === undefined) {
      throw new TruthError(
        'PRUNED',
        `segment ${index} is neither in this log nor in an archive it knows of`,
        {
          segment: index,
        },
      );
    }
    const after = archived.find((each) => each.index === index + 1);
    if (after !== undefined)
      return openArchived(this.#disk, this.#directory, found, headerOfArchived(this.#disk, after));
    const first = openSegmentInAnyState(this.#disk, this.#directory, here[0]!);
    this.#disk.close(first.handle);
    return openArchived(this.#disk, this.#directory, found, first.header);
  }
}

/** Calls with each entry of a group, the commit or seal included, in order: where it begins in `bytes`, what its header says. */
export function forEachEntry(
  bytes: Uint8Array,
  visit: (entry: {
    readonly offset: number;
    readonly type: number;
    readonly tenant: number;
    readonly sequence: number;
    readonly payloadAt: number;
    readonly payloadBytes: number;
  }) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { at } = ENTRY_HEADER;
  for (let offset = 0; offset < bytes.length; ) {
    const payloadBytes = view.getUint32(offset + at.payloadBytes, true);
    visit({
      offset,
      type: view.getUint16(offset + at.type, true),
      tenant: view.getUint32(offset + at.tenant, true),
      sequence: readCount(view, offset + at.sequence),
      payloadAt: offset + ENTRY_HEADER.size,
      payloadBytes,
    });
    offset += entryBytes(payloadBytes);
  }
}

function beginningOf({ index, firstSequence }: SegmentName): GroupPlace {
  return { segment: index, offset: SEGMENT_HEADER_BYTES, sequence: firstSequence, ordinal: 0 };
}

function gapPiece({ from, to }: Gap, behind: GroupPlace): RawGap {
  return { kind: 'gap', firstSequence: from, sequence: to, next: { ...behind, sequence: to + 1 } };
}

function broken({ name }: OpenedSegment, offset: number, at: Sequence, reason: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `segment ${name} is damaged at offset ${offset}, sequence ${at} (${reason}): what lies behind cannot be proven; see \`truthdb wal verify\``,
    { segment: name, offset, sequence: at },
  );
}
