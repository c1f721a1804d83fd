/**
 * Checks one segment by itself: every header field, checksum, footer, padding, sequence, chain link, seal and every byte that
 * must be zero. Knows nothing of its neighbours, so that many can be checked at once; what it returns is plain data.
 */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence } from '../types.ts';
import { linkSegmentHeader } from './chain.ts';
import { SEGMENT_HEADER_BYTES, type SegmentState } from './format.ts';
import { type Gap, gapAt } from './gaps.ts';
import { readDurableMark } from './metadata.ts';
import { groupBehind, startBehind } from './resync.ts';
import { type ScanBreak, type ScannedCommit, type ScannedSeal, Scanner } from './scanner.ts';
import {
  type OpenedSegment,
  openSegment,
  type SegmentHeader,
  type SegmentName,
  segmentFileName,
  walDirectory,
} from './segment.ts';
import { judgeTail } from './torn-tail.ts';
import { preadUpToDamage } from './unreadable.ts';
import { firstNonZero } from './zeros.ts';

export interface VerifyProblem {
  readonly segment: string;
  readonly offset: number;
  /** Sequence expected there, or null where that is unknown. */
  readonly sequence: number | null;
  readonly problem: string;
  /** First sequence behind the damage that can be read in this segment; null where there is none, or no damage. */
  readonly next: number | null;
}

export interface SegmentReport {
  readonly name: string;
  readonly index: number;
  readonly state: SegmentState;
  readonly firstSequence: number;
  /** Last sequence that validates; below `firstSequence` if none does. */
  readonly lastSequence: number;
  readonly commits: number;
  /** Bytes up to the last valid one. */
  readonly bytes: number;
}

/** Bytes behind the last commit that a start would cut off. */
export interface TornTailFound {
  readonly segment: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface SegmentFindings {
  readonly report: SegmentReport;
  readonly problems: readonly VerifyProblem[];
  readonly tornTail: TornTailFound | null;
  /** What the segment says of the log before it; null when its header cannot be trusted. */
  readonly header: SegmentHeader | null;
  /** The log behind it; null where that is not known. */
  readonly end: SegmentEnd | null;
}

export interface SegmentEnd {
  readonly sequence: Sequence;
  readonly ordinal: CommitOrdinal;
  readonly chain: Uint8Array;
}

export interface SegmentTask {
  readonly name: SegmentName;
  /** Whether it is the log's last. */
  readonly last: boolean;
  readonly gaps: readonly Gap[];
}

interface End extends SegmentEnd {
  readonly recordedAt: RecordedAt;
  readonly epoch: Epoch;
}

/** Hears what validates while a segment is checked, in the log's order. Bytes are valid during the call. */
export interface SegmentWatch {
  /** A group's entries with its commit, or a seal. */
  readonly group: (group: ScannedCommit | ScannedSeal) => void;
  readonly gap: (gap: Gap) => void;
}

const UNWATCHED: SegmentWatch = { group: () => {}, gap: () => {} };

/** Throws what the disk throws; everything that is wrong with the segment is in the findings. */
export function verifySegment(
  disk: Disk,
  directory: string,
  task: SegmentTask,
  watch: SegmentWatch = UNWATCHED,
): SegmentFindings {
  const { name } = task;
  let segment: OpenedSegment;
  try {
    segment = openSegment(disk, walDirectory(directory), name, 'read');
  } catch (error) {
    if (!(error instanceof TruthError)) throw error;
    return unreadableHeader(name, error.message);
  }
  try {
    return new SegmentCheck(disk, directory, segment, task, watch).run();
  } finally {
    disk.close(segment.handle);
  }
}

function unreadableHeader(name: SegmentName, problem: string): SegmentFindings {
  const fileName = segmentFileName(name.index, name.firstSequence, name.state);
  return {
    report: { ...name, name: fileName, lastSequence: name.firstSequence - 1, commits: 0, bytes: 0 },
    problems: [{ segment: fileName, offset: 0, sequence: null, problem, next: null }],
    tornTail: null,
    header: null,
    end: null,
  };
}

class SegmentCheck {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #segment: OpenedSegment;
  readonly #task: SegmentTask;
  readonly #watch: SegmentWatch;
  readonly #scanner: Scanner;
  readonly #problems: VerifyProblem[] = [];
  #tornTail: TornTailFound | null = null;
  #end: End;
  /** Whether what lies behind the segment is known. */
  #known = false;
  #commits = 0;
  #bytes = SEGMENT_HEADER_BYTES;
  #mark = 0 as Sequence;

  constructor(disk: Disk, directory: string, segment: OpenedSegment, task: SegmentTask, watch: SegmentWatch) {
    const { header, headerBytes } = segment;
    this.#disk = disk;
    this.#directory = directory;
    this.#segment = segment;
    this.#task = task;
    this.#watch = watch;
    this.#scanner = new Scanner(disk);
    this.#end = {
      sequence: (header.firstSequence - 1) as Sequence,
      ordinal: header.lastOrdinal,
      chain: linkSegmentHeader(header.chainHead, headerBytes),
      recordedAt: header.lastRecordedAt,
      epoch: header.epoch,
    };
  }

  run(): SegmentFindings {
    const { header, name } = this.#segment;
    this.#walk();
    return {
      report: {
        name,
        index: header.index,
        state: this.#task.name.state,
        firstSequence: header.firstSequence,
        lastSequence: this.#end.sequence,
        commits: this.#commits,
        bytes: this.#bytes,
      },
      problems: this.#problems,
      tornTail: this.#tornTail,
      header,
      end: this.#known ? this.#end : null,
    };
  }

  #walk(): void {
    const { header } = this.#segment;
    const { gaps } = this.#task;
    this.#scanner.start(this.#segment, {
      offset: SEGMENT_HEADER_BYTES,
      sequence: header.firstSequence,
      ordinal: header.lastOrdinal,
      chain: this.#end.chain,
      contentHash: true,
    });
    for (;;) {
      const scanned = this.#scanner.next();
      const gap = scanned.kind === 'break' ? gapAt(gaps, header.index, scanned.offset) : null;
      if (gap !== null) {
        this.#watch.gap(gap);
        if (gap.end >= header.identity.segmentBytes) return;
        const behind = startBehind(this.#disk, this.#segment, gap);
        this.#scanner.start(this.#segment, behind);
        this.#end = { ...this.#end, sequence: gap.to, ordinal: behind.ordinal };
      } else if (scanned.kind === 'break') {
        if (!this.#goOnBehind(scanned)) return;
      } else if (scanned.kind === 'seal') {
        this.#watch.group(scanned);
        this.#sealed(scanned);
        return;
      } else {
        this.#watch.group(scanned);
        this.#commit(scanned);
      }
    }
  }

  #commit(commit: ScannedCommit): void {
    checkCommit(commit, this.#end, (problem) => this.#report(commit.offset, commit.sequence, problem));
    this.#commits += 1;
    this.#bytes = commit.end;
    this.#mark = Math.max(this.#mark, commit.durableMark) as Sequence;
    this.#end = commit;
  }

  #sealed(seal: ScannedSeal): void {
    const { firstSequence } = this.#segment.header;
    const entries = seal.sequence - firstSequence;
    if (seal.entryCount !== entries) {
      this.#report(
        seal.offset,
        seal.sequence,
        `its seal counts ${seal.entryCount} entries, there are ${entries}`,
      );
    }
    const stray = strayByte(this.#disk, this.#segment, seal.end);
    if (stray !== null)
      this.#report(stray, seal.sequence, 'a byte after the seal is not zero, or cannot be read');
    this.#bytes = seal.end;
    this.#end = { ...this.#end, sequence: seal.sequence, chain: seal.chain, epoch: seal.epoch };
    this.#known = true;
  }

  /** A break: the end of the open segment, clean or torn, or damage. True when there is more to check behind it. */
  #goOnBehind(found: ScanBreak): boolean {
    const { name, last } = this.#task;
    const open = last && name.state === 'open';
    const tail = open ? this.#judge(found) : null;
    if (tail !== null && tail.kind !== 'corrupt') {
      this.#known = true;
      if (tail.kind === 'torn') {
        this.#tornTail = { segment: this.#segment.name, offset: found.offset, bytes: tail.bytes.length };
      }
      return false;
    }
    const behind = groupBehind(this.#disk, this.#scanner, this.#segment, found);
    const why = open ? 'where one was durable' : 'and no seal behind it';
    const problem = `no valid entry here (${found.reason})${behind === null ? `, ${why}` : ''}`;
    this.#report(found.brokenAt, found.sequence, problem, behind?.sequence ?? null);
    if (behind === null) return false;
    this.#scanner.start(this.#segment, { ...behind, chain: 'restart' });
    this.#end = { ...this.#end, sequence: (behind.sequence - 1) as Sequence, ordinal: behind.ordinal };
    return true;
  }

  #judge(found: ScanBreak) {
    const clean = readDurableMark(this.#disk, this.#directory)?.sequence ?? 0;
    const mark = Math.max(clean, this.#mark) as Sequence;
    const accepted = this.#end.sequence;
    return judgeTail(this.#disk, this.#scanner, this.#segment, found, { accepted, mark });
  }

  #report(offset: number, at: Sequence, problem: string, next: Sequence | null = null): void {
    this.#problems.push({ segment: this.#segment.name, offset, sequence: at, problem, next });
  }
}

/** What the checksums cannot know: that the commits make sense one after the other. */
function checkCommit(commit: ScannedCommit, before: End, report: (problem: string) => void): void {
  if (commit.recordedAt <= before.recordedAt) report('its recorded-at is not later than the one before');
  if (commit.epoch < before.epoch)
    report(`its epoch ${commit.epoch} is lower than ${before.epoch} before it`);
  if (commit.durableMark >= commit.firstSequence)
    report(`its durable mark ${commit.durableMark} lies ahead of it`);
}

const BLOCK_BYTES = 1024 * 1024;

function strayByte(disk: Disk, { handle, header }: OpenedSegment, from: number): number | null {
  const block = new Uint8Array(BLOCK_BYTES);
  for (let at = from; at < header.identity.segmentBytes; at += block.length) {
    const length = Math.min(block.length, header.identity.segmentBytes - at);
    const count = preadUpToDamage(disk, handle, block, length, at);
    const found = firstNonZero(block.subarray(0, count));
    if (found >= 0) return at + found;
    if (count < length && at + count < disk.size(handle)) return at + count;
  }
  return null;
}
