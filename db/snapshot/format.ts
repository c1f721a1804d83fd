/**
 * A snapshot's bytes. The file is written once, front to back, under a temporary name, and renamed when all of it is on
 * disk; nothing in it ever changes.
 *
 *     magic "TRUTHSNP", format version u32, zeros u32
 *     parts, each at a multiple of 8, zeros between
 *     manifest, JSON: position, chain, the views with their digests, where each part lies
 *     trailer: the table below; the file ends with it
 */
import { z } from 'zod';
import { TruthError } from '../errors.ts';
import { xxh64 } from '../hash/index.ts';
import type { Epoch, Sequence } from '../types.ts';
import { layout, readCount, writeCount } from '../wal/layout.ts';

const FORMAT = 1;

/** "TRUTHSNP" */
const MAGIC = 0x504e_5348_5455_5254n;
export const FRONT_BYTES = 16;

const TRAILER = layout('Snapshot trailer', {
  manifestOffset: ['u64', 'Where the manifest begins'],
  manifestBytes: ['u64', 'Its length; the trailer follows'],
  version: ['u32', 'Format version'],
  reserved: ['u32', 'Zero'],
  checksum: ['u64', 'xxHash64, seed 0, of the manifest and the trailer before this field'],
  magic: ['u64', 'The letters TRUTHSNP'],
});
export const TRAILER_BYTES = TRAILER.size;

const NAME = /^(\d{20})-(\d{10})\.snapshot$/;

const count = z.int().min(0);
const partSchema = z.strictObject({
  name: z.string().min(1),
  offset: count,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const viewSchema = z.strictObject({
  name: z.string().min(1),
  version: z.int().min(1),
  digest: z.string().regex(/^[0-9a-f]+$/),
  parts: z.array(partSchema),
});
const manifestSchema = z.strictObject({
  logId: z.string().regex(/^[0-9a-f]{32}$/),
  sequence: z.int().min(1),
  ordinal: z.int().min(1),
  epoch: count,
  /** Nanoseconds since 1970 of the commit at the position; decimal digits, they do not fit a double. */
  recordedAt: z.string().regex(/^\d+$/),
  /** Chain of the log at the position. */
  chain: z.string().regex(/^[0-9a-f]{64}$/),
  views: z.array(viewSchema),
  missing: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});

export type SnapshotManifest = z.infer<typeof manifestSchema>;
export type SnapshotView = z.infer<typeof viewSchema>;
export type SnapshotPart = z.infer<typeof partSchema>;

/** Names sort by position; the epoch tells branches apart. */
export function snapshotName({
  sequence,
  epoch,
}: {
  readonly sequence: number;
  readonly epoch: number;
}): string {
  return `${String(sequence).padStart(20, '0')}-${String(epoch).padStart(10, '0')}`;
}

/** The snapshot a file of this name is, or null for any other file. */
export function parseSnapshotFile(
  file: string,
): { readonly name: string; readonly sequence: Sequence; readonly epoch: Epoch } | null {
  const match = NAME.exec(file);
  if (match === null || !Number.isSafeInteger(Number(match[1]))) return null;
  return {
    name: file.slice(0, -'.snapshot'.length),
    sequence: Number(match[1]) as Sequence,
    epoch: Number(match[2]) as Epoch,
  };
}

export function encodeFront(): Uint8Array {
  const bytes = new Uint8Array(FRONT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, MAGIC, true);
  view.setUint32(8, FORMAT, true);
  return bytes;
}

/** Manifest and trailer, to be written at `offset`. */
export function encodeEnd(manifest: SnapshotManifest, offset: number): Uint8Array {
  const text = Buffer.from(JSON.stringify(manifest));
  const bytes = new Uint8Array(text.length + TRAILER_BYTES);
  bytes.set(text);
  const view = new DataView(bytes.buffer, text.length);
  writeCount(view, TRAILER.at.manifestOffset, offset);
  writeCount(view, TRAILER.at.manifestBytes, text.length);
  view.setUint32(TRAILER.at.version, FORMAT, true);
  view.setBigUint64(TRAILER.at.checksum, xxh64(bytes.subarray(0, text.length + TRAILER.at.checksum)), true);
  view.setBigUint64(TRAILER.at.magic, MAGIC, true);
  return bytes;
}

/** Where the manifest lies in a file of `size` bytes that ends with this trailer. Throws CORRUPT, UNSUPPORTED_VERSION. */
export function decodeTrailer(trailer: Uint8Array, size: number): { offset: number; bytes: number } {
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength);
  if (trailer.length !== TRAILER_BYTES || view.getBigUint64(TRAILER.at.magic, true) !== MAGIC)
    throw damaged('it does not end as a snapshot does');
  const version = view.getUint32(TRAILER.at.version, true);
  if (version !== FORMAT) {
    throw new TruthError('UNSUPPORTED_VERSION', `it has format ${version}; this release reads ${FORMAT}`);
  }
  const offset = readCount(view, TRAILER.at.manifestOffset);
  const bytes = readCount(view, TRAILER.at.manifestBytes);
  if (offset < FRONT_BYTES || offset + bytes + TRAILER_BYTES !== size)
    throw damaged('its trailer does not fit its size');
  return { offset, bytes };
}

/** `end`: manifest and trailer as in the file. Throws CORRUPT. */
export function decodeEnd(end: Uint8Array): SnapshotManifest {
  const view = new DataView(end.buffer, end.byteOffset, end.byteLength);
  const trailer = end.length - TRAILER_BYTES;
  const stored = view.getBigUint64(trailer + TRAILER.at.checksum, true);
  if (stored !== xxh64(end.subarray(0, trailer + TRAILER.at.checksum)))
    throw damaged('its manifest does not match its checksum');
  const parsed = manifestSchema.safeParse(jsonOf(end.subarray(0, trailer)));
  if (parsed.success) return parsed.data;
  throw damaged(`its manifest is none (${z.prettifyError(parsed.error)})`);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return null;
  }
}

/** Where the next part begins. */
export function aligned(offset: number): number {
  return Math.ceil(offset / 8) * 8;
}

export function damaged(problem: string): TruthError {
  return new TruthError('CORRUPT', problem);
}
