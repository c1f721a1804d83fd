/**
 * Where the key-encryption key comes from. Not from a TPM: there is no support for one yet.
 *
 *     file        a file outside the data directory with 32 bytes in base64; it is made on first use. Replacing the key
 *                 overwrites the file, so copies of wrapped keys made before are dead without a copy of the old file.
 *     passphrase  scrypt over what somebody knows. Its parameters lie beside the wrapped keys, with a salt that is new for
 *                 each replacement; whoever has an old copy of them and knows the passphrase can still derive the old key,
 *                 so replacing the key ends nothing unless the passphrase changes too.
 */
import { scryptSync } from 'node:crypto';
import { TruthError } from '../../errors.ts';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../../io/index.ts';
import { KEY_BYTES, type Kek, kekOf } from './kek.ts';

export type KekSource =
  /** Absolute path. */
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'passphrase'; readonly passphrase: string };

export interface ScryptParameters {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** Base64. */
  readonly salt: string;
}

const SCRYPT = { n: 1 << 16, r: 8, p: 1 };
const SALT_BYTES = 16;
const PASSPHRASE_CHARACTERS_MIN = 12;
/** The key that is to take the place of the one in the file, until it has. */
const NEXT = '.next';

/** A source as settings name it: a path for the key, or a path of a file with a passphrase; both empty: none. */
export function readKekSource(
  disk: Disk,
  settings: { readonly keyFile: string; readonly passphraseFile: string },
): KekSource | null {
  const { keyFile, passphraseFile } = settings;
  if (keyFile !== '' && passphraseFile !== '')
    throw new TruthError('CONFIG', 'a key file and a passphrase file are set: one of them is needed');
  if (keyFile !== '') return { from: 'file', path: keyFile };
  if (passphraseFile === '') return null;
  const bytes = readSmallFile(disk, passphraseFile);
  if (bytes === null) throw new TruthError('CONFIG', `there is no passphrase file ${passphraseFile}`);
  const passphrase = Buffer.from(bytes).toString().trim();
  if (passphrase.length < PASSPHRASE_CHARACTERS_MIN) {
    throw new TruthError(
      'CONFIG',
      `the passphrase in ${passphraseFile} has ${passphrase.length} characters; at least ${PASSPHRASE_CHARACTERS_MIN} are needed`,
    );
  }
  return { from: 'passphrase', passphrase };
}

export function newScrypt(random: (bytes: number) => Uint8Array): ScryptParameters {
  return { ...SCRYPT, salt: Buffer.from(random(SALT_BYTES)).toString('base64') };
}

export function kekOfPassphrase(passphrase: string, { n, r, p, salt }: ScryptParameters): Kek {
  const maxmem = 256 * n * r;
  return kekOf(scryptSync(passphrase, Buffer.from(salt, 'base64'), KEY_BYTES, { N: n, r, p, maxmem }));
}

/**
 * The keys there are: the one that counts first, then the one that was to take its place. Where the first was overwritten
 * already when the machine stopped, the second takes its place now.
 */
export function kekFiles(disk: Disk, path: string, random: (bytes: number) => Uint8Array): Kek[] {
  const kek = readKekFile(disk, path);
  const next = readKekFile(disk, `${path}${NEXT}`);
  if (kek === null && next !== null) replaceKekFile(disk, path, next, random);
  return [kek, next].filter((each) => each !== null);
}

/** Makes the key that is to take the place of the one in the file. */
export function writeNextKek(disk: Disk, path: string, key: Uint8Array): void {
  writeKekFile(disk, `${path}${NEXT}`, key);
}

export function writeKekFile(disk: Disk, path: string, key: Uint8Array): void {
  writeSmallFile(disk, path, Buffer.from(`${Buffer.from(key).toString('base64')}\n`));
}

/** Puts the next key in the place of the one in the file, whose bytes are overwritten first. */
export function replaceKekFile(
  disk: Disk,
  path: string,
  next: Kek,
  random: (bytes: number) => Uint8Array,
): void {
  overwrite(disk, path, random);
  writeKekFile(disk, path, next.key);
  overwrite(disk, `${path}${NEXT}`, random);
  disk.unlink(`${path}${NEXT}`);
}

/** What a copying or wearing disk keeps of the old bytes is beyond this. */
function overwrite(disk: Disk, path: string, random: (bytes: number) => Uint8Array): void {
  let handle: ReturnType<Disk['open']>;
  try {
    handle = disk.open(path, 'write');
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
  try {
    disk.pwrite(handle, random(disk.size(handle)), 0);
    disk.fsync(handle);
  } finally {
    disk.close(handle);
  }
}

/** Null also for a file that was being overwritten when the machine stopped: the other one has the key then. */
function readKekFile(disk: Disk, path: string): Kek | null {
  const bytes = readSmallFile(disk, path);
  if (bytes === null) return null;
  const text = Buffer.from(bytes).toString('latin1').trim();
  const key = /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64') : null;
  return key === null || key.length !== KEY_BYTES ? null : kekOf(key);
}
