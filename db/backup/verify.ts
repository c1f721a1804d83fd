/** Checks a backup and all it builds on: every byte against the manifests, then the log they make up as a log. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Disk } from '../io/index.ts';
import { verifyLog } from '../wal/verify.ts';
import { BackupDisk } from './backup-disk.ts';
import { type ChainedBackup, readChain } from './chain.ts';
import { type CreatedBackup, summaryOf } from './create.ts';
import { metadataFile, pieceFile, snapshotFile } from './manifest.ts';

const BLOCK_BYTES = 1024 * 1024;

export interface BackupCheck extends CreatedBackup {
  readonly ok: boolean;
  /** Directories of the backups it builds on, the full one first. */
  readonly bases: readonly string[];
  /** First position and commits of the whole. */
  readonly firstPosition: number;
  readonly commits: number;
  /** What was declared lost of the log when it was backed up. Not a problem of the backup. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[];
  readonly problems: readonly string[];
}

export interface VerifyBackupOptions {
  readonly disk: Disk;
  /** Of the backup. */
  readonly directory: string;
  /** Where its base is, if not where it was or beside it. */
  readonly base: string | null;
  readonly progress: (line: string) => void;
}

/** Errors: NOT_FOUND (no complete backup there, or a base is missing), CORRUPT and UNSUPPORTED_VERSION of a manifest. */
export function verifyBackup(options: VerifyBackupOptions): BackupCheck {
  const { disk, directory, base } = options;
  const chain = readChain(disk, directory, base);
  const { manifest } = chain.at(-1) as ChainedBackup;
  const checked = checkChain(options, chain);
  return {
    ...summaryOf(manifest),
    ok: checked.problems.length === 0,
    bases: chain.slice(0, -1).map((each) => each.directory),
    firstPosition: checked.firstPosition,
    commits: checked.commits,
    gaps: manifest.gaps.map(({ from, to }) => ({ from, to })),
    problems: checked.problems,
  };
}

/** What is wrong with the files, or, where all of them are right, with the log. */
export function checkChain(
  { disk, progress }: Pick<VerifyBackupOptions, 'disk' | 'progress'>,
  chain: readonly ChainedBackup[],
): { readonly problems: string[]; readonly firstPosition: number; readonly commits: number } {
  const problems = chain.flatMap((backup) => checkFiles(disk, backup, progress));
  const none = { problems, firstPosition: 0, commits: 0 };
  if (problems.length > 0) return none;
  const view = new BackupDisk(disk, chain);
  try {
    const report = verifyLog({ disk: view, directory: view.directory, progress });
    const { end, logId } = (chain.at(-1) as ChainedBackup).manifest;
    problems.push(
      ...report.problems.map(
        ({ segment, offset, problem }) => `segment ${segment} offset ${offset}: ${problem}`,
      ),
    );
    if (report.logId !== logId) problems.push(`its segments belong to log ${report.logId}, not to ${logId}`);
    if (report.lastSequence !== end.sequence || report.chain !== end.chain)
      problems.push(`its log ends at ${report.lastSequence}, not at ${end.sequence} as written down`);
    return {
      problems,
      firstPosition: report.segments[0]?.firstSequence ?? 0,
      commits: report.commits,
    };
  } finally {
    view.end();
  }
}

function checkFiles(
  disk: Disk,
  { directory, manifest }: ChainedBackup,
  progress: (line: string) => void,
): string[] {
  const files = [
    ...manifest.pieces.map((piece) => ({ ...piece, name: pieceFile(piece) })),
    ...manifest.snapshots.map((snapshot) => ({ ...snapshot, name: snapshotFile(snapshot) })),
    ...manifest.metadata.map((file) => ({ ...file, name: metadataFile(file) })),
  ];
  return files.flatMap(({ name, bytes, sha256 }) => {
    const path = join(directory, name);
    progress(`checking ${path}`);
    const problem = fileProblem(disk, path, bytes, sha256);
    return problem === null ? [] : [`${path} ${problem}`];
  });
}

function fileProblem(disk: Disk, path: string, bytes: number, sha256: string): string | null {
  let handle: ReturnType<Disk['open']>;
  try {
    handle = disk.open(path, 'read');
  } catch (error) {
    return `cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
  try {
    const size = disk.size(handle);
    if (size !== bytes) return `has ${size} bytes, ${bytes} were written`;
    const hash = createHash('sha256');
    const block = new Uint8Array(BLOCK_BYTES);
    for (let at = 0; at < bytes; at += BLOCK_BYTES) {
      const count = disk.pread(handle, block, Math.min(BLOCK_BYTES, bytes - at), at);
      hash.update(block.subarray(0, count));
    }
    return hash.digest('hex') === sha256 ? null : 'is not what was written: its SHA-256 differs';
  } finally {
    disk.close(handle);
  }
}
