/**
 * Makes a data directory of a backup, up to its end or to a commit before. The log comes out byte for byte as it was, and
 * then begins an epoch that says it was restored: whoever has seen more of the old history is told that it forked.
 *
 * All segments are written under temporary names and renamed from the last to the first, so that there is no log before
 * there is all of it. `metadata/restoring.json` says meanwhile what the files are.
 */
import { dirname, join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Clock, type Disk, isNotFound, readSmallFile, writeSmallFile } from '../io/index.ts';
import { type Epoch, sequence } from '../types.ts';
import { addGap, noteRecorded } from '../wal/gaps.ts';
import { lockedError } from '../wal/init.ts';
import { writeDurableMark, writeEpoch, writeFloor, writeLogId } from '../wal/metadata.ts';
import { openLog } from '../wal/open.ts';
import { type SegmentName, segmentFileName, walDirectory } from '../wal/segment.ts';
import { verifyLog } from '../wal/verify.ts';
import { openSegmentInAnyState } from '../wal/walk.ts';
import { BackupDisk } from './backup-disk.ts';
import { type ChainedBackup, readChain } from './chain.ts';
import { type Cut, findCut, type RestoreUntil } from './cut.ts';
import { type BackupManifest, metadataFile, snapshotFile } from './manifest.ts';
import { checkpointsUpTo, erasuresUpTo } from './signed-files.ts';
import { checkChain } from './verify.ts';

export type { RestoreUntil } from './cut.ts';

const BLOCK_BYTES = 1024 * 1024;
const FOLDERS = ['wal', 'snapshots', 'metadata', 'views'];
const TEMPORARY = '.restoring';
const MARKER = 'restoring.json';
/** What may lie in a directory that is to become a database: what a new file system or an interrupted restore has. */
const HARMLESS = new Set(['lost+found', ...FOLDERS]);

export interface RestoreOptions {
  readonly disk: Disk;
  /** Of the backup. */
  readonly from: string;
  /** Where its base is, if not where it was or beside it. */
  readonly base: string | null;
  /** The data directory to make; its parent must exist. */
  readonly to: string;
  readonly until: RestoreUntil;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly progress: (line: string) => void;
}

export interface RestoredBackup {
  readonly logId: string;
  /** Last position that was restored: a commit, or the seal behind it. */
  readonly position: number;
  /** When the last commit was recorded, ISO 8601. */
  readonly recordedAt: string;
  /** The epoch that begins with the restored log. */
  readonly epoch: number;
  readonly segments: number;
  readonly metadata: readonly string[];
}

/**
 * Errors: NOT_FOUND (no complete backup, a base is missing), CORRUPT (the backup is damaged; nothing was written),
 * INVALID_ARGUMENT (`until` is outside of the backup), ALREADY_EXISTS (`to` holds something), LOCKED, those of the disk.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoredBackup> {
  const { disk, from, base, to, until, progress } = options;
  const chain = readChain(disk, from, base);
  checkUntil(chain, until);
  const [problem] = checkChain({ disk, progress }, chain).problems;
  if (problem !== undefined) {
    throw new TruthError('CORRUPT', `the backup is damaged and nothing was restored: ${problem}`);
  }
  const view = new BackupDisk(disk, chain);
  try {
    const cut = findCut(view, view.directory, until);
    snapshotsUpTo(chain, cut);
    makeLog(options, chain, view, cut);
    const { end } = cut.last;
    checkRestored(disk, to, cut);
    const epoch = await beginEpoch(options);
    restoreMetadata(disk, to, chain, end.sequence);
    disk.unlink(markerPath(to));
    disk.fsyncDirectory(join(to, 'metadata'));
    return {
      logId: Buffer.from(cut.last.header.identity.logId).toString('hex'),
      position: end.sequence,
      recordedAt: new Date(Number(end.recordedAt / 1_000_000n)).toISOString(),
      epoch,
      segments: cut.segments.length,
      metadata: (chain.at(-1) as ChainedBackup).manifest.metadata.map(({ file }) => file),
    };
  } finally {
    view.end();
  }
}

/** Past its end a backup cannot say that nothing is missing. */
function checkUntil(chain: readonly ChainedBackup[], until: RestoreUntil): void {
  const { end, createdAt } = (chain.at(-1) as ChainedBackup).manifest;
  if (until.kind === 'sequence' && until.sequence > end.sequence) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `sequence ${until.sequence} is past the end of this backup, which is at ${end.sequence}; restore a later one`,
    );
  }
  if (until.kind === 'moment' && until.recordedAt > BigInt(Date.parse(createdAt)) * 1_000_000n) {
    throw new TruthError(
      'INVALID_ARGUMENT',
      `this backup was made at ${createdAt} and cannot know what was recorded after that; restore a later one or leave the moment out`,
    );
  }
}

function makeLog(
  { disk, to, progress }: RestoreOptions,
  chain: readonly ChainedBackup[],
  view: BackupDisk,
  cut: Cut,
): void {
  disk.mkdir(to);
  disk.fsyncDirectory(dirname(to));
  const lock = disk.lock(to);
  if (lock === null) throw lockedError(to);
  try {
    const { manifest } = chain.at(-1) as ChainedBackup;
    prepare(disk, to, manifest.id);
    writeLogId(disk, to, cut.last.header.identity.logId);
    writeEpoch(disk, to, manifest.highestEpoch as Epoch);
    const { floor } = manifest;
    restoreGaps(disk, to, manifest, cut);
    if (floor !== null) writeFloor(disk, to, { ...floor, sequence: sequence(floor.sequence) });
    const { end } = cut.last;
    writeDurableMark(disk, to, { sequence: end.sequence, epoch: end.epoch });
    restoreSnapshots(disk, to, chain, cut);
    const files = cut.segments.map((name, at) => {
      progress(`restoring segment ${at + 1} of ${cut.segments.length}`);
      return writeSegment(disk, to, view, name, cut);
    });
    disk.fsyncDirectory(walDirectory(to));
    for (const file of files.reverse()) {
      disk.rename(join(walDirectory(to), file + TEMPORARY), join(walDirectory(to), file));
      disk.fsyncDirectory(walDirectory(to));
    }
  } finally {
    lock.release();
  }
}

/** An empty data directory; what an interrupted restore left is removed, as long as it had not become a log. */
function prepare(disk: Disk, to: string, id: string): void {
  const strange = disk.list(to).find((name) => !HARMLESS.has(name));
  if (strange !== undefined) throw notEmpty(to, strange);
  const wal = walDirectory(to);
  const there = FOLDERS.flatMap((folder) =>
    listIfThere(disk, join(to, folder)).map((name) => join(folder, name)),
  );
  const strangers = there.filter((name) => name !== join('metadata', `.${MARKER}.tmp`));
  const interrupted = readSmallFile(disk, markerPath(to)) !== null;
  const segments = listIfThere(disk, wal).sort();
  if (!interrupted && strangers[0] !== undefined) throw notEmpty(to, strangers[0]);
  // The last segment to get its name makes the log: while a temporary one is there, it is none.
  const isLog = segments.length > 0 && !segments.some((name) => name.endsWith(TEMPORARY));
  if (isLog) throw notEmpty(to, join('wal', segments[0] as string));
  for (const folder of FOLDERS) disk.mkdir(join(to, folder));
  disk.fsyncDirectory(to);
  for (const name of listIfThere(disk, join(to, 'snapshots'))) disk.unlink(join(to, 'snapshots', name));
  writeSmallFile(disk, markerPath(to), Buffer.from(`${JSON.stringify({ backup: id })}\n`));
  const temporaryLast = segments.sort(
    (a, b) => Number(a.endsWith(TEMPORARY)) - Number(b.endsWith(TEMPORARY)),
  );
  for (const name of temporaryLast) {
    disk.unlink(join(wal, name));
    disk.fsyncDirectory(wal);
  }
}

function writeSegment(
  disk: Disk,
  to: string,
  view: BackupDisk,
  name: SegmentName,
  { segments, last }: Cut,
): string {
  const source = openSegmentInAnyState(view, view.directory, { ...name, state: 'open' });
  const isLast = name === segments.at(-1);
  const { segmentBytes } = source.header.identity;
  const end = isLast ? last.end.offset : segmentBytes;
  const state = isLast && !last.sealed ? 'open' : 'sealed';
  const file = segmentFileName(name.index, name.firstSequence, state);
  const handle = disk.open(join(walDirectory(to), file + TEMPORARY), 'create');
  try {
    disk.allocate(handle, segmentBytes);
    const block = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < end; at += BLOCK_BYTES) {
      const count = view.pread(source.handle, block, Math.min(BLOCK_BYTES, end - at), at);
      disk.pwrite(handle, block.subarray(0, count), at);
    }
    disk.fsync(handle);
  } finally {
    disk.close(handle);
    view.close(source.handle);
  }
  return file;
}

/** Read back from the new files: the same log, up to the same chain. */
function checkRestored(disk: Disk, to: string, { last }: Cut): void {
  const report = verifyLog({ disk, directory: to });
  const chain = Buffer.from(last.end.chain).toString('hex');
  if (report.ok && report.lastSequence === last.end.sequence && report.chain === chain) return;
  throw new TruthError(
    'CORRUPT',
    `what was written to ${to} does not read back as the log it should be (${report.problems[0]?.problem ?? `it ends at ${report.lastSequence}`}); look at the disk`,
  );
}

async function beginEpoch({ disk, to, clock, random }: RestoreOptions): Promise<number> {
  const log = await openLog({ directory: to, disk, clock, random, inline: true, reason: 'restore' });
  const { epoch } = log;
  await log.close();
  return epoch;
}

/** What was declared lost before the cut stays so. The epoch that begins records it, which the log may not have before the cut. */
function restoreGaps(disk: Disk, to: string, { gaps, end }: BackupManifest, { last }: Cut): void {
  for (const gap of gaps) {
    if (gap.to > last.end.sequence) continue;
    addGap(disk, to, { ...gap, from: sequence(gap.from), to: sequence(gap.to) });
  }
  if (last.end.sequence === end.sequence && gaps.every(({ recorded }) => recorded)) noteRecorded(disk, to);
}

/** Errors: INVALID_ARGUMENT when the log is pruned and no snapshot lies before the cut. */
function snapshotsUpTo(
  chain: readonly ChainedBackup[],
  { last }: Cut,
): { path: string; file: string; bytes: number }[] {
  const all = chain.flatMap(({ directory, manifest }) =>
    manifest.snapshots.map((snapshot) => ({
      path: join(directory, snapshotFile(snapshot)),
      file: snapshotFile(snapshot),
      bytes: snapshot.bytes,
      sequence: snapshot.sequence,
    })),
  );
  const fitting = all.filter(({ sequence }) => sequence <= last.end.sequence);
  if (chain[0]?.manifest.floor === null || fitting.length > 0) return fitting;
  const first = Math.min(...all.map(({ sequence }) => sequence));
  throw new TruthError(
    'INVALID_ARGUMENT',
    `this log was pruned; its views begin from a snapshot, of which the first is at ${first}. Restore up to there or later`,
    { first },
  );
}

function restoreSnapshots(disk: Disk, to: string, chain: readonly ChainedBackup[], cut: Cut): void {
  for (const { path, file, bytes } of snapshotsUpTo(chain, cut)) copyFile(disk, path, join(to, file), bytes);
  disk.fsyncDirectory(join(to, 'snapshots'));
}

/** `end`: last sequence of the log that is restored. What was signed of more does not belong to it. */
function restoreMetadata(disk: Disk, to: string, chain: readonly ChainedBackup[], end: number): void {
  const { directory, manifest } = chain.at(-1) as ChainedBackup;
  const checkpoints = checkpointsUpTo(disk, directory, end);
  const erasures = erasuresUpTo(disk, directory, end);
  // The tokens come last: they mark a data directory as set up.
  const files = [...manifest.metadata].sort(
    (a, b) => Number(a.file === 'tokens.json') - Number(b.file === 'tokens.json'),
  );
  for (const each of files) {
    const { file } = each;
    if (file.startsWith('erasures/') && !erasures.includes(file)) continue;
    const [from, path] = [join(directory, metadataFile(each)), join(to, 'metadata', file)];
    if (file.includes('/')) disk.mkdir(dirname(path));
    if (file === checkpoints.file) copyFile(disk, from, path, checkpoints.bytes);
    else {
      const content = readSmallFile(disk, from);
      if (content === null)
        throw new TruthError('NOT_FOUND', `${metadataFile(each)} is gone from ${directory}`);
      writeSmallFile(disk, path, content);
    }
    disk.fsyncDirectory(join(to, 'metadata'));
  }
}

/** The first `bytes` of a file, durably, in place of what an interrupted restore has left. */
function copyFile(disk: Disk, from: string, to: string, bytes: number): void {
  try {
    disk.unlink(to);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  if (bytes === 0) return;
  const source = disk.open(from, 'read');
  const handle = disk.open(to, 'create');
  try {
    const block = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      const count = disk.pread(source, block, Math.min(BLOCK_BYTES, bytes - at), at);
      disk.pwrite(handle, block.subarray(0, count), at);
    }
    disk.fsync(handle);
  } finally {
    disk.close(handle);
    disk.close(source);
  }
  disk.fsyncDirectory(dirname(to));
}

function markerPath(to: string): string {
  return join(to, 'metadata', MARKER);
}

function notEmpty(to: string, found: string): TruthError {
  return new TruthError(
    'ALREADY_EXISTS',
    `${to} is not empty (${found}); a backup is restored into a directory of its own, nothing was changed`,
  );
}

function listIfThere(disk: Disk, directory: string): string[] {
  try {
    return disk.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
