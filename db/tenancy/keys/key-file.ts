/**
 * One tenant's wrapped keys: `metadata/keys/<tenant, 10 digits>.keys`, lines of JSON that each carry a checksum. The first
 * says which key-encryption key they are wrapped under. New keys are a line at the end, which is a list where they are several,
 * synced before anything is sealed under them; a destroyed key is a new file without it, renamed over the old one.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import { xxh64 } from '../../hash/index.ts';
import { type Disk, type FileHandle, isNotFound, readSmallFile, writeSmallFile } from '../../io/index.ts';
import type { TenantId } from '../../types.ts';

const KEYS_FOLDER = 'keys';
const NAME = /^(\d{10})\.keys$/;
/** The first line is shorter. */
const HEADER_BYTES_MAX = 256;

/**
 * `data` seals entries without a subject, `subject` those about one person, `secret` makes handles and partition keys. Of a
 * `destroyed` one only the name is left, so that what it sealed is known to be erased and not merely unreadable.
 */
const KINDS = ['data', 'secret', 'subject', 'destroyed'] as const;

const headerSchema = z.strictObject({
  format: z.literal(1),
  tenant: z.int().min(0).max(0xffff_ffff),
  kek: z.string().regex(/^[0-9a-f]{16}$/),
});
const keySchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  kind: z.enum(KINDS),
  /** Of a subject's key: whose, as a handle. */
  handle: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** Empty for a destroyed one. */
  wrapped: z.base64(),
});

export type WrappedKey = z.infer<typeof keySchema>;

export interface KeyFile {
  readonly tenant: TenantId;
  /** Name of the key-encryption key. */
  readonly kek: string;
  readonly keys: readonly WrappedKey[];
  /** Bytes of the file that count; what is behind them was being written when the machine stopped. */
  readonly bytes: number;
}

export function keysDirectory(directory: string): string {
  return join(directory, 'metadata', KEYS_FOLDER);
}

/** Every tenant's file. Errors: CORRUPT. */
export function readKeyFiles(disk: Disk, directory: string): KeyFile[] {
  const folder = keysDirectory(directory);
  return namesIn(disk, folder)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => parse(join(folder, name), readSmallFile(disk, join(folder, name)) ?? new Uint8Array()));
}

/**
 * What came into a tenant's file since it was read, or all of it where it is another file by now, under another key-encryption
 * key; null where there is none. Errors: CORRUPT.
 */
export function readKeyTail(
  disk: Disk,
  directory: string,
  tenant: TenantId,
  read: Pick<KeyFile, 'kek' | 'bytes'> | null,
): Omit<KeyFile, 'tenant'> | null {
  const path = pathOf(directory, tenant);
  const handle = openIfThere(disk, path);
  if (handle === null) return null;
  try {
    const size = disk.size(handle);
    const beginning = linesOf(pread(disk, handle, 0, Math.min(size, HEADER_BYTES_MAX)))[0];
    const header = headerSchema.safeParse(beginning === undefined ? null : contentOf(beginning));
    if (!header.success) throw damaged(path);
    const { kek } = header.data;
    const start = read?.kek === kek ? read.bytes : Buffer.byteLength(`${beginning}\n`);
    const { contents, bytes } = counting(linesOf(pread(disk, handle, start, size - start)));
    const keys = z.array(keySchema).safeParse(contents.flat());
    if (!keys.success) throw damaged(path);
    return { kek, keys: keys.data, bytes: start + bytes };
  } finally {
    disk.close(handle);
  }
}

/** Writes the file anew. Returns its size. */
export function writeKeyFile(disk: Disk, directory: string, file: Omit<KeyFile, 'bytes'>): number {
  const { tenant, kek, keys } = file;
  const text = [{ format: 1, tenant, kek }, ...keys].map(line).join('');
  writeSmallFile(disk, pathOf(directory, tenant), Buffer.from(text));
  return Buffer.byteLength(text);
}

/** Adds keys behind the bytes that count, durably and as one: all are there or none. Returns the new size. */
export function appendKeys(
  disk: Disk,
  directory: string,
  tenant: TenantId,
  bytes: number,
  keys: readonly WrappedKey[],
): number {
  // Several are one line: of lines written at once a crash may leave a later one and not an earlier.
  const text = Buffer.from(line(keys.length === 1 ? keys[0]! : keys));
  const handle = disk.open(pathOf(directory, tenant), 'write');
  try {
    if (disk.size(handle) > bytes) disk.truncate(handle, bytes);
    disk.pwrite(handle, text, bytes);
    disk.fsync(handle);
  } finally {
    disk.close(handle);
  }
  return bytes + text.length;
}

function namesIn(disk: Disk, folder: string): string[] {
  try {
    return disk.list(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function pathOf(directory: string, tenant: TenantId): string {
  return join(keysDirectory(directory), `${String(tenant).padStart(10, '0')}.keys`);
}

function line(content: object): string {
  const json = JSON.stringify(content);
  return `${checksum(json)} ${json}\n`;
}

function parse(path: string, bytes: Uint8Array): KeyFile {
  const { contents, bytes: size } = counting(linesOf(bytes));
  const header = headerSchema.safeParse(contents[0]);
  const keys = z.array(keySchema).safeParse(contents.slice(1).flat());
  if (!header.success || !keys.success) throw damaged(path);
  const { tenant, kek } = header.data;
  return { tenant: tenant as TenantId, kek, keys: keys.data, bytes: size };
}

/** Without what is behind the last line break: nothing, or a line that was being written. */
function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString().split('\n').slice(0, -1);
}

/** What the lines say, and how many bytes they are: of the last one only if it is whole. */
function counting(lines: readonly string[]): {
  readonly contents: readonly unknown[];
  readonly bytes: number;
} {
  const contents = lines.map(contentOf);
  if (contents.at(-1) === null) contents.pop();
  const bytes = lines.slice(0, contents.length).reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);
  return { contents, bytes };
}

function pread(disk: Disk, handle: FileHandle, from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, disk.pread(handle, bytes, length, from));
}

function openIfThere(disk: Disk, path: string): FileHandle | null {
  try {
    return disk.open(path, 'read');
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

function contentOf(line: string): unknown {
  const json = line.slice(17);
  if (line.slice(0, 16) !== checksum(json)) return null;
  return JSON.parse(json);
}

function checksum(json: string): string {
  return xxh64(Buffer.from(json)).toString(16).padStart(16, '0');
}

function damaged(path: string): TruthError {
  return new TruthError(
    'CORRUPT',
    `${path} is damaged: what is sealed under its keys cannot be read; restore it from a copy or from exported keys`,
    { file: path },
  );
}
