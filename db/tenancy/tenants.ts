/**
 * Tenants as they are administered: one change at a time, each an entry that is applied before the call returns. Reads of the
 * directory go through it too, so that a name means the same to everybody.
 */
import { TruthError } from '../errors.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { TenantDirectory, TenantRecord } from './directory.ts';
import { type Erasure, encodeErasure } from './erasure-entry.ts';
import { findTenant } from './find-tenant.ts';
import type { KekSource, KeyId, KeyRing } from './keys/index.ts';
import { sealKeys } from './keys/recovery.ts';
import {
  checkTenantName,
  encodeTenantChange,
  type ReadsAudited,
  type TenantChange,
  type TenantQuota,
} from './tenant-entry.ts';

/** An entry that is no event and no row: its place is given by the log. */
export interface SystemEntry {
  readonly type: number;
  readonly tenant: TenantId;
  readonly payload: Uint8Array;
  readonly subject: string | null;
}

/** What has gone, and what may still have it, signed by whoever signs checkpoints. JSON-safe. */
export interface ErasureCertificate {
  readonly format: 2;
  readonly logId: string;
  readonly of: 'tenant' | 'subject';
  readonly tenant: number;
  readonly name: string;
  /** Of a subject: what stood for it in the log. */
  readonly handle: string | null;
  /** Where the log says so, and that entry's leaf in the trees. */
  readonly position: number;
  readonly leaf: string;
  /** Last position of the log when this was issued. */
  readonly size: number;
  readonly at: string;
  readonly destroyed: {
    readonly keys: readonly string[];
    /** The key-encryption key that copies of the destroyed keys were wrapped under. */
    readonly keyEncryptionKey: string;
    readonly snapshots: readonly string[];
    readonly views: readonly string[];
  };
  readonly unconfirmed: readonly { readonly holder: string; readonly why: string }[];
  readonly signed: {
    readonly keyId: string;
    readonly certificates: readonly string[];
    readonly signature: string;
  } | null;
}

export interface TenantsOptions {
  readonly directory: () => TenantDirectory;
  readonly ring: KeyRing;
  readonly logId: Uint8Array;
  /** To be called before the first entry is sealed: what keys are derived from is kept from here on. */
  readonly beforeSealing: () => void;
  /** Resolves when the entries are in the views. Errors: those of writing. */
  readonly append: (entries: readonly SystemEntry[]) => Promise<Sequence>;
  /** Brings an erasure about: nothing else is written meanwhile. */
  readonly erase: (request: ErasureRequest) => Promise<ErasureCertificate>;
  /** Whether the erasure at that position has its certificate: it was brought to its end once. */
  readonly isCertified: (position: Sequence) => boolean;
  /** Computes all views again, without copies made before. */
  readonly recompute: () => Promise<void>;
}

export interface ErasureRequest {
  readonly tenant: TenantRecord;
  readonly erasure: Erasure;
  readonly entry: SystemEntry;
  /** Where the log says so already; null: it does not yet. */
  readonly position: Sequence | null;
}

const TENANTS_MAX = 100_000;

export class Tenants {
  readonly #options: TenantsOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TenantsOptions) {
    this.#options = options;
  }

  /** By number, shredded ones too. */
  list(): readonly TenantRecord[] {
    return this.#directory.list();
  }

  get(id: TenantId): TenantRecord | null {
    return this.#directory.get(id);
  }

  /** Null where there is no such tenant. */
  idOf(name: string): TenantId | null {
    return this.#directory.byName(name)?.id ?? null;
  }

  /** Errors: NOT_FOUND. */
  named(name: string): TenantRecord {
    const tenant = this.#directory.byName(name);
    if (tenant !== null) return tenant;
    throw new TruthError('NOT_FOUND', `there is no tenant named "${name}"`, { tenant: name });
  }

  /** As `named`, for whoever may know of all tenants: the error tells names that are close. */
  find(name: string): TenantRecord {
    return findTenant(this.#directory, name);
  }

  /** Errors: INVALID_ARGUMENT, ALREADY_EXISTS, CONFIG (no key-encryption key), those of writing. */
  create(name: string, { encrypted }: { readonly encrypted: boolean }): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      this.#checkFree(name);
      const id = this.#directory.nextId;
      if (id > TENANTS_MAX)
        throw new TruthError('TOO_LARGE', `there have been ${TENANTS_MAX} tenants, shredded ones counted`);
      const key = encrypted ? this.#firstKey(id) : null;
      await this.#change(id, { change: 'created', name, partition: 0, key });
      return this.named(name);
    });
  }

  rename(name: string, to: string): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      this.#checkFree(to);
      await this.#change(this.named(name).id, { change: 'renamed', name: to });
      return this.named(to);
    });
  }

  limit(name: string, quota: TenantQuota): Promise<TenantRecord> {
    return this.#changed(name, { change: 'limited', quota });
  }

  suspend(name: string): Promise<TenantRecord> {
    return this.#changed(name, { change: 'suspended' });
  }

  resume(name: string): Promise<TenantRecord> {
    return this.#changed(name, { change: 'resumed' });
  }

  auditReads(name: string, audited: ReadsAudited): Promise<TenantRecord> {
    return this.#changed(name, { change: 'reads', audited });
  }

  /** What the tenant writes from now on is sealed; what it wrote before stays as it is. Errors: ALREADY_EXISTS, CONFIG. */
  encrypt(name: string): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      const { id, key } = this.named(name);
      if (key !== null) throw new TruthError('ALREADY_EXISTS', `tenant "${name}" is encrypted already`);
      await this.#change(id, { change: 'key', key: this.#firstKey(id) });
      return this.named(name);
    });
  }

  /** What the tenant writes from now on is sealed under another key. Errors: INVALID_ARGUMENT where nothing is sealed. */
  rotateKey(name: string): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      const { id } = this.named(name);
      await this.#change(id, { change: 'key', key: this.#options.ring.rotate(id) });
      return this.named(name);
    });
  }

  /** Wraps all keys anew; the log is not touched. */
  replaceKek(source?: KekSource): Promise<void> {
    return this.#inTurn(async () => this.#options.ring.replaceKek(source));
  }

  /** All keys, sealed to whoever has the private half of an X25519 key in PEM. Errors: INVALID_ARGUMENT. */
  exportKeys(publicKey: string): string {
    const { ring, logId } = this.#options;
    return sealKeys(ring.bareKeys(), logId, publicKey);
  }

  /** Destroys all keys of a tenant, and with them whatever it wrote. Errors: INVALID_ARGUMENT for one that is not encrypted. */
  shred(name: string): Promise<ErasureCertificate> {
    return this.#inTurn(() => {
      const tenant = this.named(name);
      checkErasable(tenant);
      checkNotFirst(tenant);
      return this.#erase(tenant, { of: 'tenant', keys: this.#options.ring.keysOf(tenant.id) });
    });
  }

  /** Destroys the key of one person. Errors: NOT_FOUND when nothing was written about them, INVALID_ARGUMENT. */
  eraseSubject(name: string, subject: string): Promise<ErasureCertificate> {
    return this.#inTurn(() => {
      const tenant = this.named(name);
      checkErasable(tenant);
      const handle = this.#options.ring.handle(tenant.id, subject);
      const key = this.#options.ring.subjectKeyOf(tenant.id, handle);
      if (key === null)
        throw new TruthError('NOT_FOUND', `tenant "${name}" has nothing about that subject`, { handle });
      return this.#erase(tenant, { of: 'subject', handle, keys: [key] });
    });
  }

  /**
   * Brings to an end what the last run of the database began: the log has the erasure, and a key is still there, or a view
   * went on from a copy that was made before (`computedBefore`: the oldest position of those, 0 for none). An erasure that
   * was brought to its end keeps its certificate: for it views are only computed again, once for all of them.
   */
  async finishErasures(computedBefore: Sequence): Promise<ErasureCertificate[]> {
    const { ring } = this.#options;
    const open = this.#directory.erasures.filter(
      ({ keys, position }) =>
        keys.some((id) => ring.state(id) === 'there') || (computedBefore > 0 && position > computedBefore),
    );
    const certificates: ErasureCertificate[] = [];
    let recompute = false;
    for (const { tenant, position, ...erasure } of open) {
      const record = this.#directory.get(tenant);
      if (this.#options.isCertified(position) && erasure.keys.every((id) => ring.state(id) !== 'there')) {
        recompute = true;
        continue;
      }
      // Views that go on from a copy made afterwards have nothing of it: only the keys came back.
      if (computedBefore >= position) ring.destroy(erasure.keys);
      else if (record !== null)
        certificates.push(await this.#inTurn(() => this.#erase(record, erasure as Erasure, position)));
    }
    // Each erasure computes all views again.
    if (recompute && certificates.length === 0) await this.#inTurn(() => this.#options.recompute());
    return certificates;
  }

  /**
   * In a copy: destroys what the source has erased of the keys that were given to the copy, and computes views again. Keys that
   * never were here could open nothing. `computedBefore` as above. Errors: PRUNED, where keys are gone and views may still have it.
   */
  async followErasures(computedBefore: Sequence): Promise<ErasureCertificate[]> {
    const { ring, isCertified } = this.#options;
    const open = this.#directory.erasures.filter(({ keys, position }) => {
      const states = keys.map((id) => ring.state(id));
      const older = computedBefore > 0 && position > computedBefore && states.includes('erased');
      return states.includes('there') || (older && !isCertified(position));
    });
    const certificates: ErasureCertificate[] = [];
    for (const { tenant, position, ...erasure } of open) {
      const record = this.#directory.get(tenant);
      if (record !== null)
        certificates.push(await this.#inTurn(() => this.#erase(record, erasure as Erasure, position)));
    }
    return certificates;
  }

  get #directory(): TenantDirectory {
    return this.#options.directory();
  }

  #erase(
    tenant: TenantRecord,
    erasure: Erasure,
    position: Sequence | null = null,
  ): Promise<ErasureCertificate> {
    const payload = encodeErasure(erasure);
    const entry = { type: KERNEL_ENTRY.erasure, tenant: tenant.id, payload, subject: null };
    return this.#options.erase({ tenant, erasure, entry, position });
  }

  #firstKey(id: TenantId): KeyId {
    this.#options.beforeSealing();
    return this.#options.ring.create(id);
  }

  #changed(name: string, change: TenantChange): Promise<TenantRecord> {
    return this.#inTurn(async () => {
      await this.#change(this.named(name).id, change);
      return this.named(name);
    });
  }

  async #change(tenant: TenantId, change: TenantChange): Promise<void> {
    const payload = encodeTenantChange(change);
    await this.#options.append([{ type: KERNEL_ENTRY.tenant, tenant, payload, subject: null }]);
  }

  #checkFree(name: string): void {
    checkTenantName(name);
    if (this.#directory.byName(name) === null) return;
    throw new TruthError('ALREADY_EXISTS', `there is a tenant named "${name}" already`, { tenant: name });
  }

  /** Each after the one before, however that ended. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act, act);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** What concerns the whole database is tenant 0's: who came, and what was done. */
function checkNotFirst({ id, name }: TenantRecord): void {
  if (id !== TENANT_DEFAULT) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `tenant "${name}" is the first one, which the database cannot be without: erase persons, or give the database up`,
  );
}

function checkErasable({ name, key }: TenantRecord): void {
  if (key !== null) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `tenant "${name}" is not encrypted: there is no key to destroy, and the log is never rewritten`,
    { tenant: name },
  );
}
