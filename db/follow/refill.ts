/**
 * Heals damage of a copy with the source's bytes: received like all others, kept in files beside the log until the chain
 * proves them to be what was there, then put in its place. The damaged files stay, in `metadata/torn/`.
 */
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import type { Disk, FileHandle } from '../io/index.ts';
import type { LogFrame } from '../protocol/index.ts';
import type { Sequence } from '../types.ts';
import { gapError, isSameGap, readGaps } from '../wal/gaps.ts';
import type { LogIdentity } from '../wal/log.ts';
import { tornDirectory } from '../wal/metadata.ts';
import {
  isSpareFileName,
  type SegmentHeader,
  type SegmentName,
  segmentFileName,
  spareFileName,
  walDirectory,
} from '../wal/segment.ts';
import { createSpare } from '../wal/spares.ts';
import type { Damage } from './examine.ts';
import { type Received, Receiver } from './receiver.ts';

/** Frames of a log stream as they come; null when it was ended here. */
export interface FrameSource {
  next(): Promise<readonly LogFrame[] | null>;
  close(): void;
}

export interface RefillOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly identity: LogIdentity | null;
  readonly damage: Damage;
  /** The source's bytes behind a sequence. */
  readonly open: (after: Sequence) => Promise<FrameSource>;
  readonly report: (line: string) => void;
}

interface NewFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly header: SegmentHeader;
  sealed: boolean;
}

/** Errors: those of the stream, and FORKED when the source's history is not the one that was here. */
export async function refill(options: RefillOptions): Promise<void> {
  const { disk, directory, damage, report } = options;
  report(`${damage.problem}: bringing it again from the source`);
  const files: NewFile[] = [];
  removeSpares(disk, directory);
  try {
    if (damage.proofs.length > 0) await receive(options, files);
    for (const { handle } of files) disk.fdatasync(handle);
  } catch (error) {
    for (const { path } of files) disk.unlink(path);
    throw error;
  } finally {
    for (const { handle } of files) disk.close(handle);
  }
  keepAside(disk, directory, damage.files);
  for (const file of files) install(disk, directory, file);
  disk.fsyncDirectory(walDirectory(directory));
  report(
    `brought again: segments from ${damage.first} on, proven by the chain; the damaged files are in metadata/torn/`,
  );
}

async function receive(options: RefillOptions, files: NewFile[]): Promise<void> {
  const { damage, identity } = options;
  const { before, proofs } = damage;
  const gaps = readGaps(options.disk, options.directory);
  const receiver = new Receiver({ end: before, open: null, identity, proofs, gaps });
  const stream = await options.open(before.sequence);
  try {
    for (;;) {
      const frames = await stream.next();
      if (frames === null) throw new TruthError('CLOSED', 'stopped before the damage was healed');
      for (const frame of frames) {
        for (const received of receiver.receive(frame)) write(options, files, received);
        if (receiver.proven) return;
      }
    }
  } finally {
    stream.close();
  }
}

function write({ disk, directory }: RefillOptions, files: NewFile[], received: Received): void {
  if (received.kind === 'gap') {
    const { gap } = received;
    // What this copy had and its source has lost cannot be healed from there.
    if (!readGaps(disk, directory).some((known) => isSameGap(known, gap))) throw gapError(gap);
  } else if (received.kind === 'segment') {
    const { header, bytes } = received;
    const before = files.at(-1);
    // Whatever a next segment follows is complete, also without its seal.
    if (before !== undefined) before.sealed = true;
    const path = join(walDirectory(directory), spareFileName(header.index));
    const { handle } = createSpare(disk, path, header.identity.segmentBytes);
    files.push({ path, handle, header, sealed: false });
    disk.pwrite(handle, bytes, 0);
  } else if (received.kind === 'bytes') {
    const file = files.at(-1);
    if (file === undefined) throw new Error('bytes came before a segment');
    disk.pwrite(file.handle, received.bytes, received.offset);
    file.sealed = received.end.sealed;
  }
}

function install(disk: Disk, directory: string, { path, header, sealed }: NewFile): void {
  const name = segmentFileName(header.index, header.firstSequence, sealed ? 'sealed' : 'open');
  disk.rename(path, join(walDirectory(directory), name));
}

/** Nothing damaged is deleted: somebody may want to know what happened to it. */
function keepAside(disk: Disk, directory: string, files: readonly SegmentName[]): void {
  if (files.length === 0) return;
  const torn = tornDirectory(directory);
  disk.mkdir(torn);
  disk.fsyncDirectory(join(torn, '..'));
  const taken = new Set(disk.list(torn));
  for (const { index, firstSequence, state } of files) {
    const name = segmentFileName(index, firstSequence, state);
    let kept = `${name}.damaged`;
    for (let again = 2; taken.has(kept); again++) kept = `${name}-${again}.damaged`;
    disk.rename(join(walDirectory(directory), name), join(torn, kept));
  }
  disk.fsyncDirectory(torn);
}

function removeSpares(disk: Disk, directory: string): void {
  const wal = walDirectory(directory);
  for (const name of disk.list(wal).filter(isSpareFileName)) disk.unlink(join(wal, name));
}
