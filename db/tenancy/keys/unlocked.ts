/**
 * The key-encryption keys that a source gives for one data directory: the one that counts, and, where a replacement was
 * interrupted, the one that was to take its place. `metadata/keys/kek.json` says which kind of source it is and holds the
 * parameters of a passphrase.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { TruthError } from '../../errors.ts';
import { type Disk, readSmallFile, writeSmallFile } from '../../io/index.ts';
import { KEY_BYTES, type Kek, kekOf } from './kek.ts';
import {
  type KekSource,
  kekFiles,
  kekOfPassphrase,
  newScrypt,
  replaceKekFile,
  type ScryptParameters,
  writeKekFile,
  writeNextKek,
} from './kek-source.ts';
import { keysDirectory } from './key-file.ts';

const scryptSchema = z.strictObject({
  n: z.int().min(1024),
  r: z.int().min(1),
  p: z.int().min(1),
  salt: z.base64(),
});
const fileSchema = z.strictObject({
  format: z.literal(1),
  from: z.enum(['file', 'passphrase']),
  scrypt: scryptSchema.nullable(),
  next: scryptSchema.nullable(),
});
type KekFile = z.infer<typeof fileSchema>;

export interface UnlockOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly source: KekSource;
  readonly random: (bytes: number) => Uint8Array;
}

export class Unlocked {
  readonly #options: UnlockOptions;
  #keks: readonly Kek[];
  #source: KekSource;

  /** Makes the key where there is none yet. Errors: KEY_UNAVAILABLE, CONFIG. */
  constructor(options: UnlockOptions) {
    this.#options = options;
    this.#source = options.source;
    this.#keks = this.#read() ?? [this.#create()];
  }

  /** Wraps what is new. */
  get current(): Kek {
    return this.#keks[0]!;
  }

  /** Where one was to take the current one's place and the machine stopped meanwhile. */
  get interrupted(): Kek | null {
    return this.#keks[1] ?? null;
  }

  /** Errors: KEY_UNAVAILABLE. */
  byId(id: string): Kek {
    const kek = this.#keks.find((each) => each.id === id);
    if (kek !== undefined) return kek;
    const known = this.#keks.map((each) => each.id).join(', ');
    throw new TruthError(
      'KEY_UNAVAILABLE',
      `the keys of this database are wrapped under the key-encryption key ${id}, and ${known} was given: give the file or passphrase that belongs to it`,
      { kek: id },
    );
  }

  /** Makes the next key, durably; nothing is wrapped under it yet. */
  prepareNext(source: KekSource): Kek {
    const { disk, random } = this.#options;
    if (source.from !== this.#source.from) {
      throw new TruthError(
        'INVALID_ARGUMENT',
        `the key-encryption key comes from a ${this.#source.from}; it cannot be replaced by one from a ${source.from}`,
      );
    }
    let next: Kek;
    if (source.from === 'file') {
      next = kekOf(random(KEY_BYTES));
      writeNextKek(disk, source.path, next.key);
    } else {
      const scrypt = newScrypt(random);
      this.#write({ ...this.#file(), next: scrypt });
      next = kekOfPassphrase(source.passphrase, scrypt);
    }
    this.#keks = [this.current, next];
    this.#source = source;
    return next;
  }

  /** Everything is wrapped under the next key: the current one is destroyed. */
  finish(next: Kek): void {
    const { disk, random } = this.#options;
    if (this.#source.from === 'file') replaceKekFile(disk, this.#source.path, next, random);
    else this.#write({ ...this.#file(), scrypt: this.#file().next, next: null });
    this.#keks = [next];
  }

  #create(): Kek {
    const { disk, directory, random } = this.#options;
    const source = this.#source;
    disk.mkdir(keysDirectory(directory));
    disk.fsyncDirectory(join(directory, 'metadata'));
    if (source.from === 'file') {
      // Before the file that says that there is one.
      const [there] = kekFiles(disk, source.path, random);
      const kek = there ?? kekOf(random(KEY_BYTES));
      if (there === undefined) writeKekFile(disk, source.path, kek.key);
      this.#write({ format: 1, from: 'file', scrypt: null, next: null });
      return kek;
    }
    const scrypt = newScrypt(random);
    this.#write({ format: 1, from: 'passphrase', scrypt, next: null });
    return kekOfPassphrase(source.passphrase, scrypt);
  }

  /** Null where nothing was set up. */
  #read(): readonly Kek[] | null {
    const { disk, directory, source, random } = this.#options;
    const bytes = readSmallFile(disk, kekPath(directory));
    if (bytes === null) return null;
    const file = parse(directory, bytes);
    if (file.from !== source.from) {
      throw new TruthError(
        'CONFIG',
        `the key-encryption key of this database comes from a ${file.from}, not from a ${source.from}`,
      );
    }
    if (source.from === 'file') {
      const keks = kekFiles(disk, source.path, random);
      if (keks.length > 0) return keks;
      throw new TruthError('KEY_UNAVAILABLE', `there is no key in ${source.path}: restore the file`);
    }
    const parameters = [file.scrypt, file.next].filter((each): each is ScryptParameters => each !== null);
    return parameters.map((each) => kekOfPassphrase(source.passphrase, each));
  }

  #file(): KekFile {
    const { disk, directory } = this.#options;
    return parse(directory, readSmallFile(disk, kekPath(directory)) ?? new Uint8Array());
  }

  #write(file: KekFile): void {
    const { disk, directory } = this.#options;
    writeSmallFile(disk, kekPath(directory), Buffer.from(`${JSON.stringify(file)}\n`));
  }
}

function kekPath(directory: string): string {
  return join(keysDirectory(directory), 'kek.json');
}

function parse(directory: string, bytes: Uint8Array): KekFile {
  try {
    return fileSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    throw new TruthError(
      'CORRUPT',
      `${kekPath(directory)} is damaged; restore it from a copy`,
      {},
      { cause },
    );
  }
}
