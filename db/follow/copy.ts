/**
 * The files of a copy: takes what the receiver has verified, in order, and keeps it as the source does, file by file and byte
 * by byte. What was written counts once `sync` has returned. The first write or sync that fails ends it: what the page
 * cache shows afterwards is no evidence, so the files are examined anew before anything goes on.
 */
import { join } from 'node:path';
import type { Disk, FileHandle } from '../io/index.ts';
import { SEGMENT_HEADER_BYTES } from '../wal/format.ts';
import { copyGap, noteRecordedGap } from '../wal/gaps.ts';
import { contentEnd } from '../wal/locate.ts';
import type { LogIdentity } from '../wal/log.ts';
import { metadataDirectory, writeLogId } from '../wal/metadata.ts';
import {
  isSpareFileName,
  openSegment,
  type SegmentHeader,
  type SegmentName,
  segmentFileName,
  spareFileName,
  walDirectory,
} from '../wal/segment.ts';
import { rewriteTail } from '../wal/torn-tail.ts';
import { type CopyMark, writeCopyMark } from './copy-mark.ts';
import type { Examined } from './examine.ts';
import type { CopyEnd, OpenCopySegment, Received } from './receiver.ts';

const FOLDERS = ['wal', 'snapshots', 'metadata', 'views'];
const MARK_MILLIS = 1000;

export interface CopyOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Address of the source, for the mark. */
  readonly source: string;
  /** Without damage. */
  readonly examined: Examined;
  readonly mark: CopyMark | null;
  /** Monotonic milliseconds. */
  readonly nowMillis: () => number;
}

export class Copy {
  readonly #options: CopyOptions;
  readonly #wal: string;
  #identity: LogIdentity | null;
  #file: { name: SegmentName; readonly handle: FileHandle; readonly headerBytes: Uint8Array } | null = null;
  #end: CopyEnd;
  #durable: CopyEnd | null = null;
  #markedAt = Number.NEGATIVE_INFINITY;
  #dirty = false;

  constructor(options: CopyOptions) {
    this.#options = options;
    this.#wal = walDirectory(options.directory);
    this.#identity = options.examined.identity;
    this.#end = options.examined.end;
    const last = options.examined.segments.at(-1);
    if (last === undefined || (this.#end.sealed && last.state !== 'open')) return;
    const { handle, headerBytes } = openSegment(options.disk, this.#wal, last, 'write');
    this.#file = { name: last, handle, headerBytes };
  }

  get identity(): LogIdentity | null {
    return this.#identity;
  }

  /** What has been written. */
  get end(): CopyEnd {
    return this.#end;
  }

  /** What is on this disk for certain; null before `settle`. */
  get durable(): CopyEnd | null {
    return this.#durable;
  }

  /** What a receiver goes on from. */
  get open(): OpenCopySegment | null {
    const file = this.#file;
    if (file === null || this.#end.sealed) return null;
    const { disk } = this.#options;
    return {
      headerBytes: file.headerBytes,
      read: (target, length, position) => disk.pread(file.handle, target, length, position),
    };
  }

  /**
   * Makes durable what was found, and zeros what lies behind it: bytes of writes no sync covered, which the source sends
   * again. To be called once the source has recognised the copy as one of its own log; nothing is changed before.
   */
  settle(): void {
    const { disk, directory, examined, mark } = this.#options;
    if (this.#durable !== null) return;
    this.#makeFolders();
    for (const name of disk.list(this.#wal).filter(isSpareFileName)) disk.unlink(join(this.#wal, name));
    if (this.#file !== null && examined.identity !== null) {
      const { handle, name } = this.#file;
      const { segmentBytes } = examined.identity;
      const settled = mark !== null && mark.segment === name.index ? mark.offset : SEGMENT_HEADER_BYTES;
      const header = openSegment(disk, this.#wal, name, 'read');
      const clean = mark?.sequence === this.#end.sequence && contentEnd(disk, header) <= this.#end.offset;
      disk.close(header.handle);
      if (!clean)
        rewriteTail(disk, handle, Math.min(settled, this.#end.offset), this.#end.offset, segmentBytes);
      if (this.#end.sealed) this.#sealFile();
    }
    this.#finishRenames(examined.segments.slice(0, -1));
    disk.fsyncDirectory(this.#wal);
    disk.fsyncDirectory(directory);
    this.#durable = this.#end;
    this.#mark();
  }

  /** Writes what has been verified. */
  apply(received: Received): void {
    const { disk, directory } = this.#options;
    if (received.kind === 'segment') this.#begin(received.header, received.bytes, received.end);
    else if (received.kind === 'bytes') this.#write(received.offset, received.bytes, received.end);
    // Before anything that lies behind it is written: a start must not take it for damage.
    else if (received.kind === 'gap') copyGap(disk, directory, received.gap);
    else if (received.kind === 'gap-recorded') noteRecordedGap(disk, directory, received.gap);
  }

  /** Makes everything written durable; the copy's stable end. */
  sync(): CopyEnd {
    if (this.#dirty && this.#file !== null) this.#options.disk.fdatasync(this.#file.handle);
    this.#dirty = false;
    this.#durable = this.#end;
    this.#markNowAndThen();
    return this.#end;
  }

  /** A clean stop: the mark is exact. */
  close(): void {
    if (this.#durable !== null) {
      this.sync();
      this.#options.disk.fsyncDirectory(this.#wal);
      this.#mark();
    }
    this.abandon();
  }

  /** Lets go of the files as they are. */
  abandon(): void {
    if (this.#file !== null) this.#options.disk.close(this.#file.handle);
    this.#file = null;
  }

  #makeFolders(): void {
    const { disk, directory } = this.#options;
    for (const folder of FOLDERS) disk.mkdir(join(directory, folder));
  }

  /** The file gets its name when its header is durable, as at the source. */
  #begin(header: SegmentHeader, headerBytes: Uint8Array, end: CopyEnd): void {
    const { disk, directory } = this.#options;
    if (this.#file !== null) this.#endWithoutSeal(this.#file.handle);
    if (this.#identity === null) {
      writeLogId(disk, directory, header.identity.logId);
      disk.fsyncDirectory(metadataDirectory(directory));
      this.#identity = header.identity;
    }
    const path = join(this.#wal, spareFileName(0));
    const name = { index: header.index, firstSequence: header.firstSequence, state: 'open' } as const;
    const handle = disk.open(path, 'create');
    this.#file = { name, handle, headerBytes };
    disk.allocate(handle, header.identity.segmentBytes);
    disk.pwrite(handle, headerBytes, 0);
    disk.fsync(handle);
    disk.rename(path, this.#pathOf(name));
    disk.fsyncDirectory(this.#wal);
    this.#end = end;
  }

  /** The segment's rest was lost, its seal with it. */
  #endWithoutSeal(handle: FileHandle): void {
    this.#options.disk.fdatasync(handle);
    this.#dirty = false;
    this.#sealFile();
  }

  #write(offset: number, bytes: Uint8Array, end: CopyEnd): void {
    if (this.#file === null) throw new Error(`bytes for segment ${end.segment}, which has no file`);
    this.#options.disk.pwrite(this.#file.handle, bytes, offset);
    this.#dirty = true;
    this.#end = end;
    if (!end.sealed) return;
    this.#options.disk.fdatasync(this.#file.handle);
    this.#sealFile();
    this.#durable = end;
    this.#dirty = false;
    this.#markNowAndThen();
  }

  /** A power cut can have kept the next segment's name and not this one's. */
  #finishRenames(sealed: readonly SegmentName[]): void {
    for (const name of sealed.filter(({ state }) => state === 'open')) {
      this.#options.disk.rename(this.#pathOf(name), this.#pathOf({ ...name, state: 'sealed' }));
    }
  }

  #sealFile(): void {
    const file = this.#file;
    if (file === null) return;
    const { disk } = this.#options;
    const sealed = { ...file.name, state: 'sealed' } as const;
    // The directory is synced with the next segment's name: sealed under its open name is what a start expects, too.
    if (file.name.state === 'open') disk.rename(this.#pathOf(file.name), this.#pathOf(sealed));
    disk.close(file.handle);
    this.#file = null;
  }

  #markNowAndThen(): void {
    if (this.#options.nowMillis() - this.#markedAt >= MARK_MILLIS) this.#mark();
  }

  #mark(): void {
    const { disk, directory, source } = this.#options;
    const { durable } = this;
    // At the beginning of a segment the mark of the one before stays: it is that of the last group.
    if (durable === null || durable.offset <= SEGMENT_HEADER_BYTES) return;
    const { segment, offset, sequence, chain, epoch } = durable;
    writeCopyMark(disk, directory, { source, segment, offset, sequence, chain, epoch });
    this.#markedAt = this.#options.nowMillis();
  }

  #pathOf({ index, firstSequence, state }: SegmentName): string {
    return join(this.#wal, segmentFileName(index, firstSequence, state));
  }
}
