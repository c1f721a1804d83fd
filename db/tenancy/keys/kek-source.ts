/**
 * Where the key-encryption key comes from.
 *
 *     file        a file outside the data directory with 32 bytes in base64; it is made on first use. Replacing the key
 *                 overwrites the file, so copies of wrapped keys made before are dead without a copy of the old file.
 *     passphrase  scrypt over what somebody knows. Its parameters lie beside the wrapped keys, with a salt that is new for
 *                 each replacement; whoever has an old copy of them and knows the passphrase can still derive the old key,
 *                 so replacing the key ends nothing unless the passphrase changes too.
 *     tpm         random bytes sealed to this machine's TPM 2.0. What was sealed lies beside the wrapped keys; whoever has an
 *                 old copy of it and this machine can still unseal the old key, so replacing it ends nothing either.
 */
import { scryptSync } from 'node:crypto';
import { dirname } from 'node:path';
import { TruthError } from '../../errors.ts';
import { type Disk, isNotFound, readSmallFile, writeSmallFile } from '../../io/index.ts';
import { KEY_BYTES, type Kek, kekOf } from './kek.ts';
import { parseTpmAddress, type TpmPlace } from './tpm/index.ts';

export type KekSource =
  /** Absolute path. */
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'passphrase'; readonly passphrase: string }
  /** `pcrs`: what the next key that is made is bound to, ascending; none: to the TPM alone. */
  | { readonly from: 'tpm'; readonly tpm: TpmPlace; readonly pcrs: readonly number[] };

/** As settings name a source: at most one of the three texts is not empty. */
export interface KekSettings {
  readonly keyFile: string;
  readonly passphraseFile: string;
  /** `/dev/tpmrm0`, `unix:PATH` or `tcp:PORT`. */
  readonly tpm: string;
  readonly tpmPcrs: readonly number[];
}

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

/** Null where nothing is named. Errors: CONFIG. */
export function readKekSource(disk: Disk, settings: KekSettings): KekSource | null {
  const { keyFile, passphraseFile, tpm, tpmPcrs } = settings;
  if ([keyFile, passphraseFile, tpm].filter((text) => text !== '').length > 1)
    throw new TruthError(
      'CONFIG',
      'of key file, passphrase file and TPM more than one is set: one of them is needed',
    );
  if (tpm === '' && tpmPcrs.length > 0)
    throw new TruthError('CONFIG', 'PCRs are set and no TPM: name it too, or leave them out');
  if (keyFile !== '') return { from: 'file', path: keyFile };
  if (tpm !== '')
    return { from: 'tpm', tpm: parseTpmAddress(tpm), pcrs: [...new Set(tpmPcrs)].sort((a, b) => a - b) };
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

/** Whether two name the same place: a key from one is then replaced there, and from another moved. */
export function isSameSource(a: KekSource, b: KekSource): boolean {
  if (a.from === 'file') return b.from === 'file' && a.path === b.path;
  if (a.from === 'passphrase') return b.from === 'passphrase' && a.passphrase === b.passphrase;
  return b.from === 'tpm' && a.tpm.name === b.tpm.name && a.pcrs.join() === b.pcrs.join();
}

/** With its article, for people. */
export function sourceWords(from: KekSource['from']): string {
  return from === 'tpm' ? 'a TPM' : `a ${from}`;
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
  removeKekFile(disk, `${path}${NEXT}`, random);
}

/** Overwrites the file, then removes it, durably. One that is gone already is no error. */
export function removeKekFile(disk: Disk, path: string, random: (bytes: number) => Uint8Array): void {
  overwrite(disk, path, random);
  try {
    disk.unlink(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  disk.fsyncDirectory(dirname(path));
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
