/**
 * `metadata/keys/kek.json`: where the key-encryption key comes from, and what a source needs beside itself to give it. Format 1
 * is written as long as it says enough; format 2 has the names of the keys, so that one that is moved from one source to
 * another is known by either.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../../io/index.ts';
import { keysDirectory } from './key-file.ts';

const scryptSchema = z.strictObject({
  n: z.int().min(1024),
  r: z.int().min(1),
  p: z.int().min(1),
  salt: z.base64(),
});

/** A sealed object has a few hundred bytes. */
const TEXT_MAX = 4096;
const sealedSchema = z.strictObject({
  public: z.base64().min(1).max(TEXT_MAX),
  private: z.base64().min(1).max(TEXT_MAX),
  pcrs: z.array(z.int().min(0).max(23)).max(24),
});

const firstSchema = z.strictObject({
  format: z.literal(1),
  from: z.enum(['file', 'passphrase']),
  scrypt: scryptSchema.nullable(),
  next: scryptSchema.nullable(),
});

const id = z.string().regex(/^[0-9a-f]{16}$/);
const keySchema = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('file'), id }),
  z.strictObject({ from: z.literal('passphrase'), id, scrypt: scryptSchema }),
  z.strictObject({ from: z.literal('tpm'), id, sealed: sealedSchema }),
]);
const secondSchema = z.strictObject({
  format: z.literal(2),
  /** Whether `next` comes from another source than `current`, and not only in its place. */
  moving: z.boolean(),
  current: keySchema,
  next: keySchema.nullable(),
});

/** What there is to know of a key, but the key. `id` is its name; null in format 1, which has none. */
export type StoredKek =
  | { readonly from: 'file'; readonly id: string | null }
  | { readonly from: 'passphrase'; readonly id: string | null; readonly scrypt: z.infer<typeof scryptSchema> }
  | { readonly from: 'tpm'; readonly id: string; readonly sealed: z.infer<typeof sealedSchema> };

export interface KekFile {
  readonly moving: boolean;
  readonly current: StoredKek;
  /** What is to take its place, until it has. Of a file that is replaced in its place it lies beside it. */
  readonly next: StoredKek | null;
}

/** Null where nothing was set up. Errors: CORRUPT. */
export function readKekJson(disk: Disk, directory: string): KekFile | null {
  const path = kekPath(directory);
  const bytes = readSmallFile(disk, path);
  if (bytes === null) return null;
  try {
    const content: unknown = JSON.parse(Buffer.from(bytes).toString());
    const first = firstSchema.safeParse(content);
    if (first.success) return fromFirst(first.data);
    const { moving, current, next } = secondSchema.parse(content);
    return { moving, current, next };
  } catch (cause) {
    throw new TruthError('CORRUPT', `${path} is damaged; restore it from a copy`, {}, { cause });
  }
}

export function writeKekJson(disk: Disk, directory: string, { moving, current, next }: KekFile): void {
  const second = moving || current.from === 'tpm';
  const content = second ? { format: 2, moving, current, next } : inFirst(current, next);
  writeSmallFile(disk, kekPath(directory), Buffer.from(`${JSON.stringify(content)}\n`));
}

function fromFirst({ from, scrypt, next }: z.infer<typeof firstSchema>): KekFile {
  if (from === 'file') return { moving: false, current: { from, id: null }, next: null };
  if (scrypt === null) throw new Error('a passphrase without parameters');
  return {
    moving: false,
    current: { from, id: null, scrypt },
    next: next === null ? null : { from, id: null, scrypt: next },
  };
}

function inFirst(current: StoredKek, next: StoredKek | null): z.infer<typeof firstSchema> {
  const scrypt = (key: StoredKek | null) => (key?.from === 'passphrase' ? key.scrypt : null);
  const from = current.from === 'passphrase' ? 'passphrase' : 'file';
  return { format: 1, from, scrypt: scrypt(current), next: scrypt(next) };
}

function kekPath(directory: string): string {
  return join(keysDirectory(directory), 'kek.json');
}
