/** Makes a backup of a database, running or not: plans, copies, writes down what was copied. */
import { createHash, type Hash } from 'node:crypto';
import { join } from 'node:path';
import { TruthError } from '../errors.ts';
import { type Clock, type Disk, type DiskLock, type FileHandle, readSmallFile } from '../io/index.ts';
import { SnapshotStore } from '../snapshot/index.ts';
import type { Epoch, Sequence } from '../types.ts';
import { holdFiles } from '../wal/index.ts';
import { readEpoch, readLogId } from '../wal/metadata.ts';
import { openSegmentInAnyState } from '../wal/walk.ts';
import {
  type BackupFile,
  type BackupFloor,
  type BackupManifest,
  type BackupPiece,
  type BackupPlace,
  type BackupSnapshot,
  backupManifest,
  encodeManifest,
  metadataFile,
  pieceFile,
  readManifest,
  snapshotFile,
} from './manifest.ts';
import { type PlannedPiece, planBackup } from './plan.ts';
import { checkpointsUpTo, erasuresUpTo, signingKeyFile } from './signed-files.ts';
import type { BackupTarget } from './target.ts';

const BLOCK_BYTES = 1024 * 1024;

export interface CreateOptions {
  readonly disk: Disk;
  /** The data directory. */
  readonly directory: string;
  readonly target: BackupTarget;
  /** Directory of the backup to continue; null for a full one. Only its manifest is read. */
  readonly base: string | null;
  /** Secrets are taken only where they are asked for. `signing`: the key that signs checkpoints, never the root key. */
  readonly with: { readonly tokens: boolean; readonly tls: boolean; readonly signing: boolean };
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  /** Called with what is made in the data directory, which belongs to its owner. */
  readonly made: (path: string) => void;
  readonly progress: (line: string) => void;
}

/** What was made. JSON-safe. */
export interface CreatedBackup {
  readonly id: string;
  readonly kind: 'full' | 'incremental';
  readonly logId: string;
  /** Everything up to this position is in it, or in what it builds on. */
  readonly position: number;
  readonly epoch: number;
  /** When the last commit was recorded, ISO 8601. */
  readonly recordedAt: string;
  readonly pieces: number;
  /** Bytes of log copied. */
  readonly bytes: number;
  /** Snapshots that came along, because the log is pruned. */
  readonly snapshots: readonly string[];
  readonly metadata: readonly string[];
}

/**
 * Errors: NOT_FOUND (no log, no base, no snapshot of a pruned log), ALREADY_EXISTS (the target is not empty), CORRUPT (the log is damaged), FORKED (the
 * base is not of this log's history), those of the disk.
 */
export async function createBackup(options: CreateOptions): Promise<CreatedBackup> {
  const { disk } = options;
  const base = options.base === null ? null : readManifest(disk, options.base);
  const lock = holdLog(options, base);
  try {
    return await create(options, base);
  } finally {
    lock?.release();
  }
}

/** Nothing is pruned meanwhile that the backup still has to read. */
function holdLog(options: CreateOptions, base: BackupManifest | null): DiskLock | null {
  const { disk, directory, progress, made } = options;
  // Where there is no log, somebody else says so.
  if (readLogId(disk, directory) === null) return null;
  const from = (base?.end.sequence ?? 1) as Sequence;
  try {
    return holdFiles(disk, directory, { name: 'being made', from }, made);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    progress(`pruning is not held back, because nothing can be written in ${directory}: ${reason}`);
    return null;
  }
}

async function create(options: CreateOptions, base: BackupManifest | null): Promise<CreatedBackup> {
  const { disk, directory, target, clock, random, progress } = options;
  const source = { disk, directory, progress };
  // Read before the plan: the log may begin another epoch meanwhile, which is then not in the backup either.
  const epochUsed = readEpoch(disk, directory);
  const plan = await planBackup(source, base?.end ?? null, base?.logId ?? null);
  target.begin();
  const pieces: BackupPiece[] = [];
  for (const [at, piece] of plan.pieces.entries()) {
    progress(`copying ${at + 1} of ${plan.pieces.length}: segment ${piece.index}, ${piece.bytes} bytes`);
    pieces.push(await copyPiece(options, piece));
  }
  // Segments pruned since the base are in it.
  const floor = base === null ? plan.floor : base.floor;
  const snapshots = floor === null ? [] : await copySnapshots(options, base, floor, plan.end);
  const metadata = await copyMetadata(options, plan.end);
  const manifest = backupManifest({
    id: Buffer.from(random(16)).toString('hex'),
    createdAt: new Date(Number(clock.nowNanos() / 1_000_000n)).toISOString(),
    logId: plan.logId,
    segmentBytes: plan.segmentBytes,
    floor,
    base: base === null ? null : { id: base.id, directory: options.base as string, end: base.end },
    end: plan.end,
    highestEpoch: Math.max(epochUsed, plan.end.epoch) as Epoch,
    pieces,
    gaps: plan.gaps,
    snapshots,
    metadata,
  });
  await target.finish(encodeManifest(manifest));
  return summaryOf(manifest);
}

export function summaryOf(manifest: BackupManifest): CreatedBackup {
  const { id, base, logId, end, pieces, snapshots, metadata } = manifest;
  return {
    id,
    kind: base === null ? 'full' : 'incremental',
    logId,
    position: end.sequence,
    epoch: end.epoch,
    recordedAt: new Date(Number(BigInt(end.recordedAt) / 1_000_000n)).toISOString(),
    pieces: pieces.length,
    bytes: pieces.reduce((sum, piece) => sum + piece.bytes, 0),
    snapshots: snapshots.map(({ name }) => name),
    metadata: metadata.map(({ file }) => file),
  };
}

async function copyPiece(
  { disk, directory, target }: CreateOptions,
  piece: PlannedPiece,
): Promise<BackupPiece> {
  const hash = createHash('sha256');
  const { index, firstSequence, offset, bytes } = piece;
  const name = { index, firstSequence, state: 'open' } as Parameters<typeof openSegmentInAnyState>[2];
  const { handle, name: file } = openSegmentInAnyState(disk, directory, name);
  try {
    await target.file(pieceFile(piece), bytes, blocksOf(disk, { handle, offset, bytes, file }, hash));
  } finally {
    disk.close(handle);
  }
  return { ...piece, sha256: hash.digest('hex') };
}

/** Bytes of an open file, counted into the hash as they pass. */
function* blocksOf(
  disk: Disk,
  stretch: {
    readonly handle: FileHandle;
    readonly offset: number;
    readonly bytes: number;
    readonly file: string;
  },
  hash: Hash,
): Generator<Uint8Array> {
  const { handle, offset, bytes, file } = stretch;
  for (let at = 0; at < bytes; at += BLOCK_BYTES) {
    const block = new Uint8Array(Math.min(BLOCK_BYTES, bytes - at));
    if (disk.pread(handle, block, block.length, offset + at) !== block.length) {
      throw new TruthError('CORRUPT', `${file} became shorter while it was copied`, { file });
    }
    hash.update(block);
    yield block;
  }
}

/** Views of a pruned log begin from a snapshot or not at all, so such a backup has those that fit to it. */
async function copySnapshots(
  { disk, directory, target, progress }: CreateOptions,
  base: BackupManifest | null,
  floor: BackupFloor,
  end: BackupPlace,
): Promise<BackupSnapshot[]> {
  const store = new SnapshotStore(disk, directory);
  const after = base === null ? floor.sequence - 1 : base.end.sequence;
  const usable = store
    .list()
    .filter(({ problem, position }) => problem === null && position > after && position <= end.sequence);
  if (usable.length === 0 && base === null) {
    throw new TruthError(
      'NOT_FOUND',
      `this log was pruned and begins at ${floor.sequence}, and no snapshot stands behind that: nobody could make its views again. Take one first: truthdb snapshot create`,
      { first: floor.sequence },
    );
  }
  const copied: BackupSnapshot[] = [];
  for (const { name, position } of usable) {
    progress(`copying snapshot ${name}`);
    const handle = disk.open(store.path(name), 'read');
    try {
      const bytes = disk.size(handle);
      const stretch = { handle, offset: 0, bytes, file: name };
      const hash = createHash('sha256');
      const snapshot = { name, sequence: position, bytes };
      await target.file(snapshotFile({ ...snapshot, sha256: '' }), bytes, blocksOf(disk, stretch, hash));
      copied.push({ ...snapshot, sha256: hash.digest('hex') });
    } finally {
      disk.close(handle);
    }
  }
  return copied;
}

async function copyMetadata(options: CreateOptions, end: BackupPlace): Promise<BackupFile[]> {
  const { disk, directory, target } = options;
  // Without keys epochs tell nothing; with them, what an epoch's pruned beginning said is needed.
  const there = (file: string): boolean => readSmallFile(disk, join(directory, 'metadata', file)) !== null;
  // Before the certificates: those of every checkpoint that is in the backup are in it too.
  const checkpoints = await copyCheckpoints(options, end);
  const wanted = [
    ...['epochs.json', 'signing/root.public', 'signing/certificates'].filter(there),
    ...erasuresUpTo(disk, directory, end.sequence),
    ...(options.with.signing ? [signingKeyFile(disk, directory)] : []),
    ...(options.with.tokens ? ['tokens.json'] : []),
    ...(options.with.tls ? ['tls/key.pem', 'tls/certificate.pem'] : []),
  ];
  const files: BackupFile[] = [...checkpoints];
  for (const file of wanted) {
    const content = readSmallFile(disk, join(directory, 'metadata', file));
    if (content === null) {
      throw new TruthError(
        'NOT_FOUND',
        `there is no ${join(directory, 'metadata', file)} to put into the backup`,
      );
    }
    const copied = {
      file,
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    };
    await target.file(metadataFile(copied), content.length, [content]);
    files.push(copied);
  }
  return files;
}

/** The signed checkpoints that the backup's log leads to. */
async function copyCheckpoints(
  { disk, directory, target }: CreateOptions,
  { sequence }: BackupPlace,
): Promise<BackupFile[]> {
  const signed = checkpointsUpTo(disk, directory, sequence);
  if (signed.bytes === 0) return [];
  const handle = disk.open(join(directory, 'metadata', signed.file), 'read');
  try {
    const hash = createHash('sha256');
    const stretch = { ...signed, handle, offset: 0 };
    await target.file(metadataFile({ ...signed, sha256: '' }), signed.bytes, blocksOf(disk, stretch, hash));
    return [{ ...signed, sha256: hash.digest('hex') }];
  } finally {
    disk.close(handle);
  }
}
