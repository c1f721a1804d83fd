/**
 * The key-encryption keys that sources give for one data directory: the one that counts, and, where a replacement was
 * interrupted, the one that was to take its place. A key is replaced where it is, or moved: then the next one comes from
 * another source, and both sources are needed until everything is wrapped under it.
 */
import { join } from 'node:path';
import { TruthError } from '../../errors.ts';
import type { Disk } from '../../io/index.ts';
import { KEY_BYTES, type Kek, kekOf } from './kek.ts';
import { type KekFile, readKekJson, type StoredKek, writeKekJson } from './kek-file.ts';
import {
  isSameSource,
  type KekSource,
  kekFiles,
  kekOfPassphrase,
  newScrypt,
  removeKekFile,
  replaceKekFile,
  sourceWords,
  writeKekFile,
  writeNextKek,
} from './kek-source.ts';
import { keysDirectory } from './key-file.ts';
import { tpmSeal, tpmUnseal } from './tpm/index.ts';

/** What is given to open keys with: the source, or two while the key goes from one to the other. */
export type KekGiven =
  | KekSource
  | { readonly from: 'move'; readonly before: KekSource; readonly after: KekSource };

export interface UnlockOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly source: KekGiven;
  readonly random: (bytes: number) => Uint8Array;
}

/** A key with what is stored of it and the source that gave it. */
interface OpenedKek {
  readonly kek: Kek;
  readonly source: KekSource;
  readonly stored: StoredKek;
}

export class Unlocked {
  readonly #options: UnlockOptions;
  readonly #sources: readonly KekSource[];
  /** Null where it was destroyed already when the machine stopped. */
  #current: OpenedKek | null;
  #next: OpenedKek | null = null;
  #moving = false;

  /** Makes the key where there is none yet. Errors: KEY_UNAVAILABLE, CONFIG. */
  constructor(options: UnlockOptions) {
    const { disk, directory, source } = options;
    this.#options = options;
    this.#sources = source.from === 'move' ? [source.before, source.after] : [source];
    this.#current = null;
    const file = readKekJson(disk, directory);
    if (file === null) this.#current = this.#create(this.#sources[0]!);
    else this.#read(file);
  }

  /** Wraps what is new. */
  get current(): Kek {
    return this.#counting.kek;
  }

  /** Where the current one comes from. */
  get source(): KekSource {
    return this.#counting.source;
  }

  /** Where one was to take the current one's place and the machine stopped meanwhile. */
  get interrupted(): Kek | null {
    return this.#next?.kek ?? null;
  }

  /** Errors: KEY_UNAVAILABLE. */
  byId(id: string): Kek {
    const there = [this.#current, this.#next].flatMap((each) => (each === null ? [] : [each.kek]));
    const kek = there.find((each) => each.id === id);
    if (kek !== undefined) return kek;
    const known = there.map((each) => each.id).join(', ');
    throw new TruthError(
      'KEY_UNAVAILABLE',
      `the keys of this database are wrapped under the key-encryption key ${id}, and ${known} was given: give the file, passphrase or TPM that belongs to it`,
      { kek: id },
    );
  }

  /** Makes the next key, durably; nothing is wrapped under it yet. Errors: KEY_UNAVAILABLE. */
  prepareNext(source: KekSource): Kek {
    const { disk, random } = this.#options;
    const current = this.#counting;
    this.#moving = !isSameSource(current.source, source);
    if (source.from === 'file' && !this.#moving) {
      const kek = kekOf(random(KEY_BYTES));
      writeNextKek(disk, source.path, kek.key);
      this.#next = { kek, source, stored: { from: 'file', id: null } };
      return kek;
    }
    const next = this.#make(source);
    const stored = { ...current.stored, id: current.kek.id };
    this.#write({ moving: this.#moving, current: stored, next: next.stored });
    this.#next = next;
    return next.kek;
  }

  /** Everything is wrapped under the next key: the current one is destroyed. */
  finish(): void {
    const { disk, random } = this.#options;
    const next = this.#next;
    if (next === null) throw new Error('there is no key to take the current one’s place');
    if (!this.#moving && next.source.from === 'file')
      replaceKekFile(disk, next.source.path, next.kek, random);
    else {
      // Before the file that says where the key comes from now: until then both sources are asked for.
      const before = this.#current?.source ?? this.#sources[0]!;
      // One that was overwritten already holds no key; a key that is none of ours stays.
      const ours =
        this.#current !== null ||
        (before.from === 'file' && kekFiles(disk, before.path, random).length === 0);
      if (ours && before.from === 'file' && !isSameSource(before, next.source))
        removeKekFile(disk, before.path, random);
      this.#write({ moving: false, current: next.stored, next: null });
    }
    this.#current = next;
    this.#next = null;
    this.#moving = false;
  }

  get #counting(): OpenedKek {
    const counting = this.#current ?? this.#next;
    if (counting === null) throw new Error('there is no key-encryption key');
    return counting;
  }

  #create(source: KekSource): OpenedKek {
    const { disk, directory } = this.#options;
    disk.mkdir(keysDirectory(directory));
    disk.fsyncDirectory(join(directory, 'metadata'));
    // A key file is there before the file that says that there is one.
    const made = this.#make(source);
    this.#write({ moving: false, current: made.stored, next: null });
    return made;
  }

  /** A new key from a source, or the one that its file has already. */
  #make(source: KekSource): OpenedKek {
    const { disk, random } = this.#options;
    if (source.from === 'file') {
      const [there] = kekFiles(disk, source.path, random);
      const kek = there ?? kekOf(random(KEY_BYTES));
      if (there === undefined) writeKekFile(disk, source.path, kek.key);
      return { kek, source, stored: { from: 'file', id: kek.id } };
    }
    if (source.from === 'passphrase') {
      const scrypt = newScrypt(random);
      const kek = kekOfPassphrase(source.passphrase, scrypt);
      return { kek, source, stored: { from: 'passphrase', id: kek.id, scrypt } };
    }
    const kek = kekOf(random(KEY_BYTES));
    const sealed = tpmSeal(source.tpm, kek.key, source.pcrs, random);
    return {
      kek,
      source,
      stored: { from: 'tpm', id: kek.id, sealed: { ...sealed, pcrs: [...sealed.pcrs] } },
    };
  }

  #read({ moving, current, next }: KekFile): void {
    if (moving && this.#sources.length === 1) throw moveInterrupted(current, next);
    this.#moving = moving;
    const there = this.#open(current);
    this.#current = there[0] ?? null;
    this.#next = (next === null ? there[1] : this.#open(next)[0]) ?? null;
    if (this.#current === null && this.#next === null) throw this.#notThere(current);
  }

  /** The key that is stored so, and of a file one that is to take its place there. Empty where no source has it. */
  #open(stored: StoredKek): OpenedKek[] {
    let refused: TruthError | null = null;
    for (const source of this.#sources) {
      try {
        const found = this.#keksOf(source, stored).map((kek): OpenedKek => ({ kek, source, stored }));
        if (found.length > 0 && (stored.id === null || found[0]!.kek.id === stored.id)) return found;
      } catch (error) {
        // What one TPM has not sealed another may have.
        if (!(error instanceof TruthError)) throw error;
        refused ??= error;
      }
    }
    if (refused !== null) throw refused;
    return [];
  }

  #keksOf(source: KekSource, stored: StoredKek): Kek[] {
    const { disk, random } = this.#options;
    if (source.from === 'file' && stored.from === 'file') return kekFiles(disk, source.path, random);
    if (source.from === 'passphrase' && stored.from === 'passphrase')
      return [kekOfPassphrase(source.passphrase, stored.scrypt)];
    if (source.from === 'tpm' && stored.from === 'tpm')
      return [kekOf(tpmUnseal(source.tpm, stored.sealed, random))];
    return [];
  }

  #notThere({ from }: StoredKek): TruthError {
    const given = this.#sources.find((each) => each.from === from);
    if (given === undefined) {
      const words = this.#sources.map((each) => sourceWords(each.from)).join(' or ');
      return new TruthError(
        'CONFIG',
        `the key-encryption key of this database comes from ${sourceWords(from)}, not from ${words}: set what it comes from, or change that with truthdb key change`,
      );
    }
    if (given.from === 'file')
      return new TruthError('KEY_UNAVAILABLE', `there is no key in ${given.path}: restore the file`);
    return new TruthError(
      'KEY_UNAVAILABLE',
      `${sourceWords(from)} was given that gives another key-encryption key than the one this database needs`,
    );
  }

  #write(file: KekFile): void {
    const { disk, directory } = this.#options;
    writeKekJson(disk, directory, file);
  }
}

function moveInterrupted(current: StoredKek, next: StoredKek | null): TruthError {
  const to = next === null ? current : next;
  return new TruthError(
    'CONFIG',
    `the key-encryption key is on its way from ${sourceWords(current.from)} to ${sourceWords(to.from)}: run truthdb key change once more, with both`,
  );
}
