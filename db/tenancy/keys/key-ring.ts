/**
 * All keys of one database. Keys are unwrapped when they are first used and kept for a while; what leaves this object is
 * entry keys and handles, never a tenant's or a person's key. Threads that open entries are given the key-encryption key.
 */
import { createHmac } from 'node:crypto';
import { TruthError } from '../../errors.ts';
import type { Disk } from '../../io/index.ts';
import type { Epoch, TenantId } from '../../types.ts';
import { entryKey } from './entry-cipher.ts';
import { KEY_BYTES, type Kek, unwrapKey, wrapKey } from './kek.ts';
import type { KekSource } from './kek-source.ts';
import { appendKeys, readKeyFiles, type WrappedKey, writeKeyFile } from './key-file.ts';
import { type KekGiven, Unlocked } from './unlocked.ts';

/** Name of a key: 16 hexadecimal digits, random, so that two copies of a database never give one name twice. */
export type KeyId = string & { readonly __keyId: true };

/** `erased`: destroyed on purpose. `unknown`: never seen here. */
export type KeyState = 'there' | 'erased' | 'unknown';

/** A key outside its wrapping, for export. */
export interface BareKey {
  readonly tenant: TenantId;
  readonly id: KeyId;
  readonly kind: WrappedKey['kind'];
  readonly handle: string | null;
  /** Empty for a destroyed one. */
  readonly key: Uint8Array;
}

const ID_BYTES = 8;
const HANDLE_BYTES = 16;
/** Keys kept unwrapped, and entry keys derived: of those used together, some 40 MB when that many persons are. */
const CACHED_MAX = 65_536;

/** What becomes of a key-encryption key when another takes its place, for people. */
const KEK_FATES: Readonly<Record<KekSource['from'], string>> = {
  file: 'replaced, and its file overwritten: copies of metadata/keys made before are dead without a copy of that file',
  passphrase:
    'replaced, but derived from the same passphrase: whoever has a copy of metadata/keys made before and knows the passphrase can still open it',
  tpm: 'replaced, but sealed by the same TPM: whoever has a copy of metadata/keys made before and is root on this machine can still open it',
};

interface TenantKeys {
  readonly tenant: TenantId;
  keys: WrappedKey[];
  /** Key of a subject by handle. */
  readonly subjects: Map<string, KeyId>;
  /** What was computed with the secret and is likely to be asked for again. */
  readonly handles: Map<string, string>;
  readonly partitions: Map<bigint, bigint>;
  data: KeyId | null;
  secret: KeyId | null;
  bytes: number;
  /** Name of the key-encryption key the file is under. */
  kek: string;
}

export interface KeyRingOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** 16 bytes: a key of one log opens in no other. */
  readonly logId: Uint8Array;
  /** Null: nothing can be opened or made. */
  readonly source: KekGiven | null;
  readonly random: (bytes: number) => Uint8Array;
}

export class KeyRing {
  readonly #options: KeyRingOptions;
  readonly #logId: string;
  readonly #tenants = new Map<TenantId, TenantKeys>();
  readonly #byId = new Map<KeyId, { readonly tenant: TenantId; readonly key: WrappedKey }>();
  readonly #bare = new Map<KeyId, Uint8Array>();
  readonly #entryKeys = new Map<string, Uint8Array>();
  #unlocked: Unlocked | null = null;

  /** Errors: KEY_UNAVAILABLE (no or the wrong source for keys that are there), CORRUPT, CONFIG. */
  constructor(options: KeyRingOptions) {
    const { disk, directory, source } = options;
    this.#options = options;
    this.#logId = Buffer.from(options.logId).toString('hex');
    const files = readKeyFiles(disk, directory);
    for (const { tenant, kek, keys, bytes } of files) this.#add(tenant, kek, keys, bytes);
    if (files.length === 0) return;
    if (source === null) {
      throw new TruthError(
        'KEY_UNAVAILABLE',
        `${directory} has encrypted tenants, and no key-encryption key was given: set encryption.keyFile, encryption.passphraseFile or encryption.tpm`,
      );
    }
    this.#unlocked = new Unlocked({ ...options, source });
    for (const { kek } of files) this.#unlocked.byId(kek);
    if (this.#unlocked.interrupted !== null) this.#rewrap(this.#unlocked.interrupted);
    // One key opened tells a wrong file from a right one before anything is believed.
    for (const { secret } of this.#tenants.values()) if (secret !== null) this.#bareKey(secret);
  }

  /** Whether anything is or was sealed here. */
  get empty(): boolean {
    return this.#tenants.size === 0;
  }

  state(id: KeyId): KeyState {
    const found = this.#byId.get(id);
    if (found === undefined) return 'unknown';
    return found.key.kind === 'destroyed' ? 'erased' : 'there';
  }

  /** Whether a tenant's entries are sealed; of a shredded one they would have to be. */
  encrypts(tenant: TenantId): boolean {
    return this.#tenants.has(tenant);
  }

  /** The key that what a tenant writes now is sealed under; null where there is none, or none any more. */
  dataKey(tenant: TenantId): KeyId | null {
    return this.#tenants.get(tenant)?.data ?? null;
  }

  /** Makes a tenant's first keys, or finds those of an attempt that got no further. Errors: CONFIG without a source. */
  create(tenant: TenantId): KeyId {
    const there = this.dataKey(tenant);
    if (there !== null) return there;
    const { disk, directory } = this.#options;
    const { current } = this.#unlock();
    const keys = (['data', 'secret'] as const).map((kind) => this.#newKey(tenant, kind, null));
    const bytes = writeKeyFile(disk, directory, { tenant, kek: current.id, keys });
    this.#add(tenant, current.id, keys, bytes);
    return this.dataKey(tenant) as KeyId;
  }

  /** A new data key: what the tenant writes from now on is sealed under it. */
  rotate(tenant: TenantId): KeyId {
    this.#of(tenant);
    return this.#append(tenant, this.#newKey(tenant, 'data', null));
  }

  /** Key of the person with that handle, made where there is none. It is on disk before the call returns. */
  subjectKey(tenant: TenantId, handle: string): KeyId {
    const there = this.subjectKeyOf(tenant, handle);
    return there ?? this.#append(tenant, this.#newKey(tenant, 'subject', handle));
  }

  /** Makes the keys of those of these persons who have none. They are on disk before the call returns, by one write. */
  makeSubjectKeys(tenant: TenantId, handles: ReadonlySet<string>): void {
    const keys: WrappedKey[] = [];
    for (const handle of handles)
      if (this.subjectKeyOf(tenant, handle) === null) keys.push(this.#newKey(tenant, 'subject', handle));
    if (keys.length > 0) this.#appendAll(tenant, keys);
  }

  subjectKeyOf(tenant: TenantId, handle: string): KeyId | null {
    return this.#tenants.get(tenant)?.subjects.get(handle) ?? null;
  }

  /** Keys of a tenant that are there. */
  keysOf(tenant: TenantId): KeyId[] {
    const keys = this.#tenants.get(tenant)?.keys ?? [];
    return keys.filter(({ kind }) => kind !== 'destroyed').map(({ id }) => id as KeyId);
  }

  /** What stands for a person in the log, hex: it cannot be computed without the tenant's secret. */
  handle(tenant: TenantId, subject: string): string {
    const { handles } = this.#of(tenant);
    let handle = handles.get(subject);
    if (handle === undefined) {
      handle = this.#keyed(tenant, `subject:${subject}`).subarray(0, HANDLE_BYTES).toString('hex');
      keep(handles, subject, handle);
    }
    return handle;
  }

  /** What stands for a partition key in the log. */
  partitionKey(tenant: TenantId, partitionKey: bigint): bigint {
    const { partitions } = this.#of(tenant);
    let keyed = partitions.get(partitionKey);
    if (keyed === undefined) {
      keyed = this.#keyed(tenant, `partition:${partitionKey}`).readBigUInt64LE(0);
      keep(partitions, partitionKey, keyed);
    }
    return keyed;
  }

  /** The same of what was written before; null where the tenant's secret is not here, or not any more. */
  keyedPartition(tenant: TenantId, partitionKey: bigint): bigint | null {
    const secret = this.#tenants.get(tenant)?.secret ?? null;
    return secret === null ? null : this.partitionKey(tenant, partitionKey);
  }

  /** Errors: KEY_UNAVAILABLE. */
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

  /** Destroys keys, and with the key-encryption key whatever copies of them are left. Those that are gone already are no error. */
  destroy(ids: readonly KeyId[]): void {
    if (this.empty) return;
    this.#rewrap(this.#next(this.kekSource), new Set(ids));
  }

  /** What became of the key-encryption key that destroyed keys were wrapped under, for people. */
  get kekFate(): string {
    return KEK_FATES[this.kekSource.from];
  }

  /** The key-encryption keys that the files on disk are under: for a thread of this process that opens entries, and nobody else. */
  get opening(): readonly Kek[] {
    const names = new Set([...this.#tenants.values()].map(({ kek }) => kek));
    return [...names].map((kek) => this.#unlock().byId(kek));
  }

  /** Where the key-encryption key comes from. Errors: CONFIG, KEY_UNAVAILABLE. */
  get kekSource(): KekSource {
    return this.#unlock().source;
  }

  /** Wraps all keys under another key-encryption key, which comes from `source` from then on. */
  replaceKek(source: KekSource = this.kekSource): void {
    this.#rewrap(this.#next(source));
  }

  /** A key that takes the current one's place; a replacement that failed half-way is brought to its end first. */
  #next(source: KekSource): Kek {
    const unlocked = this.#unlock();
    if (unlocked.interrupted !== null) this.#rewrap(unlocked.interrupted);
    return unlocked.prepareNext(source);
  }

  /** All keys there are: to be sealed at once. Destroyed ones too, so that an older log is known to have lost what they sealed. */
  *bareKeys(): Generator<BareKey> {
    for (const { tenant, keys } of this.#tenants.values()) {
      for (const { id, kind, handle } of keys) {
        const key = kind === 'destroyed' ? new Uint8Array() : this.#bareKey(id as KeyId);
        yield { tenant, id: id as KeyId, kind, handle, key };
      }
    }
  }

  /** Takes over keys that are not here, and destroys those that were destroyed elsewhere. Returns how many came. */
  adopt(keys: readonly BareKey[]): number {
    const { disk, directory } = this.#options;
    const gone = keys.filter(({ id, kind }) => kind === 'destroyed' && this.state(id) === 'there');
    if (gone.length > 0) this.destroy(gone.map(({ id }) => id));
    const { current } = this.#unlock();
    const unknown = keys.filter(({ id }) => this.state(id) === 'unknown');
    for (const { tenant, id, kind, handle, key } of unknown) {
      const wrapped: WrappedKey =
        kind === 'destroyed'
          ? { id, kind, handle: null, wrapped: '' }
          : this.#wrapped(tenant, { id, kind, handle }, key);
      if (this.#tenants.has(tenant)) this.#append(tenant, wrapped);
      else {
        const bytes = writeKeyFile(disk, directory, { tenant, kek: current.id, keys: [wrapped] });
        this.#add(tenant, current.id, [wrapped], bytes);
      }
    }
    return unknown.filter(({ kind }) => kind !== 'destroyed').length;
  }

  #unlock(): Unlocked {
    const { source } = this.#options;
    if (source === null) {
      throw new TruthError(
        'CONFIG',
        'encryption needs a key-encryption key: set encryption.keyFile, encryption.passphraseFile or encryption.tpm',
      );
    }
    this.#unlocked ??= new Unlocked({ ...this.#options, source });
    return this.#unlocked;
  }

  #of(tenant: TenantId): TenantKeys {
    const keys = this.#tenants.get(tenant);
    if (keys !== undefined) return keys;
    throw new TruthError('INVALID_ARGUMENT', `tenant ${tenant} is not encrypted: it has no keys`, { tenant });
  }

  /** Writes every file anew under `next`, without what is destroyed, and ends the key-encryption key before. */
  #rewrap(next: Kek, destroyed: ReadonlySet<KeyId> = new Set()): void {
    const { disk, directory, random } = this.#options;
    for (const held of this.#tenants.values()) {
      const { tenant } = held;
      const keys = held.keys.map((key): WrappedKey => {
        const { id, kind } = key;
        if (kind === 'destroyed') return key;
        if (destroyed.has(id as KeyId)) return { id, kind: 'destroyed', handle: null, wrapped: '' };
        const bare = this.#bareKey(id as KeyId);
        return { ...key, wrapped: wrapKey(next, bare, this.#context(tenant, key), random) };
      });
      const bytes = writeKeyFile(disk, directory, { tenant, kek: next.id, keys });
      this.#add(tenant, next.id, keys, bytes);
    }
    this.#unlock().finish();
    for (const id of destroyed) this.#bare.get(id)?.fill(0);
    this.#bare.clear();
    for (const key of this.#entryKeys.values()) key.fill(0);
    this.#entryKeys.clear();
  }

  #newKey(tenant: TenantId, kind: 'data' | 'secret' | 'subject', handle: string | null): WrappedKey {
    const { random } = this.#options;
    const id = Buffer.from(random(ID_BYTES)).toString('hex');
    return this.#wrapped(tenant, { id, kind, handle }, random(KEY_BYTES));
  }

  #wrapped(tenant: TenantId, key: Omit<WrappedKey, 'wrapped'>, bare: Uint8Array): WrappedKey {
    const kek = this.#unlock().current;
    return { ...key, wrapped: wrapKey(kek, bare, this.#context(tenant, key), this.#options.random) };
  }

  #append(tenant: TenantId, key: WrappedKey): KeyId {
    this.#appendAll(tenant, [key]);
    return key.id as KeyId;
  }

  #appendAll(tenant: TenantId, keys: readonly WrappedKey[]): void {
    const { disk, directory } = this.#options;
    const held = this.#of(tenant);
    held.bytes = appendKeys(disk, directory, tenant, held.bytes, keys);
    for (const key of keys) {
      held.keys.push(key);
      this.#note(held, key);
    }
  }

  #add(tenant: TenantId, kek: string, keys: readonly WrappedKey[], bytes: number): void {
    const held: TenantKeys = {
      ...{ tenant, kek, bytes, keys: [...keys], data: null, secret: null },
      ...{ subjects: new Map(), handles: new Map(), partitions: new Map() },
    };
    this.#tenants.set(tenant, held);
    for (const key of keys) this.#note(held, key);
  }

  #note(held: TenantKeys, key: WrappedKey): void {
    const id = key.id as KeyId;
    this.#byId.set(id, { tenant: held.tenant, key });
    if (key.kind === 'data') held.data = id;
    else if (key.kind === 'secret') held.secret = id;
    else if (key.kind === 'subject' && key.handle !== null) held.subjects.set(key.handle, id);
  }

  #bareKey(id: KeyId): Uint8Array {
    const cached = this.#bare.get(id);
    if (cached !== undefined) return cached;
    const found = this.#byId.get(id);
    if (found === undefined || found.key.kind === 'destroyed')
      throw new TruthError('KEY_UNAVAILABLE', `the key ${id} is not here: restore metadata/keys`, {
        key: id,
      });
    const { tenant, key } = found;
    const kek = this.#unlock().byId(this.#of(tenant).kek);
    const bare = unwrapKey(kek, key.wrapped, this.#context(tenant, key));
    if (this.#bare.size >= CACHED_MAX) this.#bare.clear();
    this.#bare.set(id, bare);
    return bare;
  }

  #keyed(tenant: TenantId, text: string): Buffer {
    const { secret } = this.#of(tenant);
    if (secret === null)
      throw new TruthError('KEY_UNAVAILABLE', `tenant ${tenant} was shredded: its keys are destroyed`, {
        tenant,
      });
    return createHmac('sha256', this.#bareKey(secret)).update(text).digest();
  }

  #context(tenant: TenantId, key: Omit<WrappedKey, 'wrapped'>): string {
    return keyContext(this.#logId, tenant, key);
  }
}

/** What a key is wrapped for: it opens as nothing else. `logId`: hex. */
export function keyContext(
  logId: string,
  tenant: TenantId,
  { id, kind, handle }: Omit<WrappedKey, 'wrapped'>,
): string {
  return `truthdb key 1:${logId}:${tenant}:${kind}:${id}:${handle ?? ''}`;
}

function keep<Key, Value>(cache: Map<Key, Value>, key: Key, value: Value): void {
  if (cache.size >= CACHED_MAX) cache.clear();
  cache.set(key, value);
}
