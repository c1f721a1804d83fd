/**
 * `backup.json`: what a backup consists of, written last: a backup without it is none. Its own SHA-256 stands in it, and
 * only exactly the bytes written are accepted.
 *
 *     backup.json                          { "manifest": { … }, "sha256": of the manifest's JSON }
 *     segments/<index>-<first>-<offset>    bytes of a segment from that offset on; no zeros behind the last that counts
 *     snapshots/<name>.snapshot            only of a log whose oldest segments were pruned
 *     metadata/…                           what belongs to the log and is no secret: epochs.json, checkpoints/, erasures/, and of signing/
 *                                          the public part; tokens.json, tls/ and the signing key only where asked for
 *
 * Format 1 has only epochs.json, tokens.json and tls/ of metadata. It is still read, and written where that is all.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { type Disk, readSmallFile } from '../io/index.ts';

const FORMAT = 2;
export const MANIFEST_FILE = 'backup.json';

const count = z.int().min(0);
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));

const placeSchema = z.strictObject({
  /** Index of the segment, and offset in it after the last group or seal. */
  segment: z.int().min(1),
  offset: count,
  sequence: count,
  ordinal: count,
  epoch: count,
  /** Nanoseconds since 1970, decimal: they do not fit a double. */
  recordedAt: z.string().regex(/^\d+$/),
  chain: hex(32),
});

const pieceSchema = z.strictObject({
  index: z.int().min(1),
  firstSequence: z.int().min(1),
  offset: count,
  bytes: z.int().min(1),
  /** The last byte is the last of the segment's seal. */
  sealed: z.boolean(),
  sha256: hex(32),
});

const floorSchema = z.strictObject({ segment: z.int().min(1), sequence: z.int().min(1), chain: hex(32) });

const FILES_OF_FORMAT_1: readonly string[] = [
  'epochs.json',
  'tokens.json',
  'tls/key.pem',
  'tls/certificate.pem',
];
const FILE =
  /^(epochs\.json|tokens\.json|tls\/(key|certificate)\.pem|checkpoints\/checkpoints|erasures\/\d{20}\.json|signing\/(root\.public|certificates|[0-9a-f]{32}\.key))$/;

const fileSchema = z.strictObject({
  /** Below `metadata/`. */
  file: z.string().regex(FILE),
  bytes: count,
  sha256: hex(32),
});

const gapSchema = z.strictObject({
  segment: z.int().min(1),
  offset: count,
  end: count,
  from: count,
  to: count,
  recorded: z.boolean(),
});

const snapshotSchema = z.strictObject({
  name: z.string().regex(/^\d{20}-\d{10}$/),
  sequence: z.int().min(1),
  bytes: count,
  sha256: hex(32),
});

const manifestSchema = z.strictObject({
  format: z.union([z.literal(1), z.literal(FORMAT)]),
  /** Random; what an incremental backup names its base by. */
  id: hex(16),
  createdAt: z.iso.datetime(),
  logId: hex(16),
  segmentBytes: count,
  /** Null for a full backup. `directory` is where the base was when this was made. */
  base: z.strictObject({ id: hex(16), directory: z.string(), end: placeSchema }).nullable(),
  /** Where the log begins of which the oldest segments were pruned before the first backup of the chain; otherwise null. */
  floor: floorSchema.nullable(),
  end: placeSchema,
  /** Highest epoch ever used by the database, which may be more than the log's last. */
  highestEpoch: count,
  pieces: z.array(pieceSchema),
  /** What was declared lost of the log, as `metadata/gaps.json` has it. */
  gaps: z.array(gapSchema),
  /** Of a log with a floor: its views cannot be made again from the beginning. */
  snapshots: z.array(snapshotSchema),
  metadata: z.array(fileSchema),
});

export type BackupManifest = z.infer<typeof manifestSchema>;
export type BackupPlace = z.infer<typeof placeSchema>;
export type BackupPiece = z.infer<typeof pieceSchema>;
export type BackupFloor = z.infer<typeof floorSchema>;
export type BackupSnapshot = z.infer<typeof snapshotSchema>;
export type BackupFile = z.infer<typeof fileSchema>;

/** Made by `backupManifest` so that the format's number is written in one place. */
export function backupManifest(fields: Omit<BackupManifest, 'format'>): BackupManifest {
  const first = fields.metadata.every(({ file }) => FILES_OF_FORMAT_1.includes(file));
  return { ...fields, format: first ? 1 : FORMAT };
}

export function pieceFile({
  index,
  firstSequence,
  offset,
}: Pick<BackupPiece, 'index' | 'firstSequence' | 'offset'>): string {
  return `segments/${padded(index, 10)}-${padded(firstSequence, 20)}-${padded(offset, 10)}`;
}

export function snapshotFile({ name }: BackupSnapshot): string {
  return `snapshots/${name}.snapshot`;
}

export function metadataFile({ file }: BackupFile): string {
  return `metadata/${file}`;
}

export function encodeManifest(fields: BackupManifest): Uint8Array {
  // The schema puts the fields into its own order, whatever order they were given in: one manifest, one text.
  const manifest = manifestSchema.parse(fields);
  const sha256 = createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
  return Buffer.from(`${JSON.stringify({ manifest, sha256 }, null, 2)}\n`);
}

/** Errors: NOT_FOUND (no complete backup there), CORRUPT, UNSUPPORTED_VERSION. */
export function readManifest(disk: Disk, directory: string): BackupManifest {
  const path = join(directory, MANIFEST_FILE);
  const bytes = readSmallFile(disk, path);
  if (bytes === null) {
    throw new TruthError('NOT_FOUND', `${directory} holds no complete backup: there is no ${MANIFEST_FILE}`);
  }
  const content = parseJson(bytes) as { manifest?: { format?: unknown } } | null;
  const format = content?.manifest?.format;
  if (typeof format === 'number' && format > FORMAT) {
    throw new TruthError('UNSUPPORTED_VERSION', `${path} has format ${format}; this release reads ${FORMAT}`);
  }
  const parsed = manifestSchema.safeParse(content?.manifest);
  // Written again it must give the same bytes: that covers the checksum, and everything around the values.
  if (!parsed.success || Buffer.compare(bytes, encodeManifest(parsed.data)) !== 0) {
    throw new TruthError('CORRUPT', `${path} is not what was written there; use another backup`, {
      file: path,
    });
  }
  return parsed.data;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
