/** The segment files there are now, of a log whose writer makes, renames and removes some meanwhile. */
import { TruthError } from '../errors.ts';
import { type Disk, isNotFound } from '../io/index.ts';
import type { Sequence } from '../types.ts';
import { archivedBefore, headerOfArchived, openArchived } from './archive-places.ts';
import {
  type OpenedSegment,
  openSegment,
  parseSegmentFileName,
  type SegmentHeader,
  type SegmentName,
  walDirectory,
} from './segment.ts';

/** A file can be renamed twice while it is looked for: open, sealed, archived. */
const ATTEMPTS = 3;

export class SegmentFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #wal: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#wal = walDirectory(directory);
  }

  /** By index. */
  list(): SegmentName[] {
    return this.#disk
      .list(this.#wal)
      .flatMap((name) => parseSegmentFileName(name) ?? [])
      .sort((a, b) => a.index - b.index);
  }

  /**
   * Bytes of the complete segments, `segmentBytes` each, in which a sequence and what follows it lie; null when the log
   * begins behind it.
   */
  bytesFrom(sequence: Sequence, segmentBytes: number): number | null {
    const names = this.list();
    const holding = names.findLastIndex(({ firstSequence }) => firstSequence <= sequence);
    return holding < 0 ? null : (names.length - 1 - holding) * segmentBytes;
  }

  /** By index, with those before them that archives have. */
  reachable(): SegmentName[] {
    const own = this.list();
    const [first] = own;
    if (first === undefined || first.index === 1) return own;
    return [...archivedBefore(this.#disk, this.#directory, first.index), ...own];
  }

  /** One that an archive has and the log's own directory has not, opened for reading; null when none has it. */
  archived(index: number): OpenedSegment | null {
    const [first] = this.list();
    if (first === undefined || index >= first.index) return null;
    const all = archivedBefore(this.#disk, this.#directory, first.index);
    const at = all.findIndex((each) => each.index === index);
    const [found, next] = [all[at], all[at + 1]];
    if (found === undefined) return null;
    const header = next === undefined ? this.#headerAt(first.index) : headerOfArchived(this.#disk, next);
    return openArchived(this.#disk, this.#directory, found, header);
  }

  #headerAt(index: number): SegmentHeader {
    const { handle, header } = this.at(index) as OpenedSegment;
    this.#disk.close(handle);
    return header;
  }

  /** The first there is, opened for reading. Errors: NOT_FOUND. */
  first(): OpenedSegment {
    const [first] = this.list();
    const segment = first === undefined ? null : this.at(first.index);
    if (segment === null) throw new TruthError('NOT_FOUND', `there is no log in ${this.#wal}`);
    return segment;
  }

  /** The one in which a sequence lies, opened for reading; null when there is none. */
  holding(sequence: Sequence): OpenedSegment | null {
    const name = this.list().findLast(({ firstSequence }) => firstSequence <= sequence);
    return name === undefined ? null : this.at(name.index);
  }

  /** The one with an index, opened for reading; null when there is none. */
  at(index: number): OpenedSegment | null {
    for (let attempt = 1; ; attempt++) {
      const name = this.list().find((each) => each.index === index);
      if (name === undefined) return null;
      try {
        return openSegment(this.#disk, this.#wal, name, 'read');
      } catch (error) {
        if (!isNotFound(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}
