/**
 * Keys for a thread that opens entries and does nothing else: the wrapped ones are read from their files, and what they are
 * wrapped under was given by the thread that has the ring. Files are read on where a key is met that is not known yet.
 */
import { TruthError } from '../../errors.ts';
import type { Disk } from '../../io/index.ts';
import type { Epoch, TenantId } from '../../types.ts';
import { entryKey } from './entry-cipher.ts';
import { type Kek, unwrapKey } from './kek.ts';
import { type KeyFile, readKeyTail, type WrappedKey } from './key-file.ts';
import { type KeyId, type KeyState, keyContext } from './key-ring.ts';

/** Entry keys that are kept: of those used together. */
const CACHED_MAX = 8192;

interface Known {
  readonly tenant: TenantId;
  readonly key: WrappedKey;
  readonly kek: Kek;
}

export interface GivenKeysOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** 16 bytes. */
  readonly logId: Uint8Array;
  readonly keks: readonly Kek[];
}

export class GivenKeys {
  readonly #options: GivenKeysOptions;
  readonly #logId: string;
  readonly #known = new Map<string, Known>();
  /** What was read of each tenant's file. */
  readonly #read = new Map<TenantId, Pick<KeyFile, 'kek' | 'bytes'>>();
  readonly #entryKeys = new Map<string, Uint8Array>();

  constructor(options: GivenKeysOptions) {
    this.#options = options;
    this.#logId = Buffer.from(options.logId).toString('hex');
  }

  /** Errors: CORRUPT, KEY_UNAVAILABLE where the files are under a key that was not given. */
  state(id: KeyId, tenant: TenantId): KeyState {
    if (!this.#known.has(id)) this.#readOn(tenant);
    const known = this.#known.get(id);
    if (known === undefined) return 'unknown';
    return known.key.kind === 'destroyed' ? 'erased' : 'there';
  }

  /** Of a key that is there. */
  entryKey(id: KeyId, epoch: Epoch, epochRandom: Uint8Array): Uint8Array {
    const name = `${id}${epoch}`;
    let key = this.#entryKeys.get(name);
    if (key === undefined) {
      key = entryKey(this.#bareKey(id), epochRandom);
      if (this.#entryKeys.size >= CACHED_MAX) this.#entryKeys.clear();
      this.#entryKeys.set(name, key);
    }
    return key;
  }

  /** Nobody asks a thread that only opens entries where erased ones were. */
  keyedPartition(): bigint | null {
    return null;
  }

  #bareKey(id: KeyId): Uint8Array {
    const known = this.#known.get(id);
    if (known === undefined)
      throw new TruthError('KEY_UNAVAILABLE', `the key ${id} is not here`, { key: id });
    const { tenant, key, kek } = known;
    return unwrapKey(kek, key.wrapped, keyContext(this.#logId, tenant, key));
  }

  #readOn(tenant: TenantId): void {
    const { disk, directory, keks } = this.#options;
    const tail = readKeyTail(disk, directory, tenant, this.#read.get(tenant) ?? null);
    if (tail === null) return;
    const kek = keks.find(({ id }) => id === tail.kek);
    if (kek === undefined) {
      throw new TruthError(
        'KEY_UNAVAILABLE',
        `the keys of tenant ${tenant} are wrapped under the key-encryption key ${tail.kek}, which this thread was not given`,
        { kek: tail.kek },
      );
    }
    for (const key of tail.keys) this.#known.set(key.id, { tenant, key, kek });
    this.#read.set(tenant, { kek: tail.kek, bytes: tail.bytes });
  }
}
