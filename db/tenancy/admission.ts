/**
 * Who may write at all, and how much: asked once for each command, before it is decided. What is counted is what the
 * directory has and what was written since, so that a burst cannot pass a limit while it is in flight.
 */
import { TruthError } from '../errors.ts';
import type { Clock } from '../io/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { TenantDirectory, TenantRecord } from './directory.ts';

const NANOS_PER_SECOND = 1_000_000_000;
const RETRY_MILLIS_MAX = 1000;

interface Written {
  /** As the directory had it when this began to count. */
  bytes: number;
  streams: number;
  /** Bytes that may be written at once; negative: in debt. */
  allowance: number;
  allowedAt: bigint;
}

export class TenantAdmission {
  readonly #directory: () => TenantDirectory;
  readonly #streamsOf: (tenant: TenantId) => number;
  readonly #clock: Clock;
  readonly #written = new Map<TenantId, Written>();

  /** `streamsOf`: streams a tenant has, as far as they are applied. */
  constructor(options: {
    readonly directory: () => TenantDirectory;
    readonly streamsOf: (tenant: TenantId) => number;
    readonly clock: Clock;
  }) {
    this.#directory = options.directory;
    this.#streamsOf = options.streamsOf;
    this.#clock = options.clock;
  }

  /**
   * Errors: NOT_FOUND (no such tenant), FORBIDDEN (suspended, shredded), QUOTA_EXCEEDED (bytes), BUSY (rate;
   * details.retryAfterMillis).
   */
  admit(id: TenantId, bytes: number): void {
    const tenant = this.#directory().get(id);
    if (id === TENANT_DEFAULT && tenant !== null && isUnlimited(tenant)) return;
    checkState(id, tenant);
    const { quota } = tenant;
    const written = this.#of(tenant);
    if (quota.bytes !== null) {
      const stored = Math.max(written.bytes, tenant.bytes);
      if (stored + bytes > quota.bytes) throw overQuota(tenant, 'bytes', stored, quota.bytes);
    }
    if (quota.bytesPerSecond !== null) this.#checkRate(tenant, written, quota.bytesPerSecond, bytes);
    written.bytes += bytes;
  }

  /** Before a stream is made. Errors: QUOTA_EXCEEDED (streams). */
  admitStream(id: TenantId): void {
    const tenant = this.#directory().get(id);
    if (tenant === null || tenant.quota.streams === null) return;
    const written = this.#of(tenant);
    const streams = Math.max(written.streams, this.#streamsOf(id));
    if (streams >= tenant.quota.streams) throw overQuota(tenant, 'streams', streams, tenant.quota.streams);
    written.streams = streams + 1;
  }

  /** What was counted is forgotten: the directory has been computed anew. */
  reset(): void {
    this.#written.clear();
  }

  #of({ id, bytes }: TenantRecord): Written {
    let written = this.#written.get(id);
    if (written === undefined) {
      const now = this.#clock.monotonicNanos();
      written = { bytes, streams: this.#streamsOf(id), allowance: Number.POSITIVE_INFINITY, allowedAt: now };
      this.#written.set(id, written);
    }
    return written;
  }

  /** A second's worth may come at once; one command may be larger and is paid back by waiting. */
  #checkRate(tenant: TenantRecord, written: Written, bytesPerSecond: number, bytes: number): void {
    const now = this.#clock.monotonicNanos();
    const earned = (Number(now - written.allowedAt) / NANOS_PER_SECOND) * bytesPerSecond;
    written.allowance = Math.min(bytesPerSecond, written.allowance + earned);
    written.allowedAt = now;
    if (written.allowance <= 0) {
      const wait = bytesPerSecond === 0 ? RETRY_MILLIS_MAX : (-written.allowance / bytesPerSecond) * 1000 + 1;
      const retryAfterMillis = Math.ceil(Math.min(wait, RETRY_MILLIS_MAX));
      throw new TruthError(
        'BUSY',
        `tenant "${tenant.name}" writes more than its ${bytesPerSecond} bytes a second; try again in ${retryAfterMillis} ms`,
        { quota: 'bytesPerSecond', limit: bytesPerSecond, retryAfterMillis },
      );
    }
    written.allowance -= bytes;
  }
}

function isUnlimited({ state, quota }: TenantRecord): boolean {
  return state === 'active' && quota.bytes === null && quota.bytesPerSecond === null;
}

function checkState(id: TenantId, tenant: TenantRecord | null): asserts tenant is TenantRecord {
  if (tenant === null) throw new TruthError('NOT_FOUND', `there is no tenant ${id}`, { tenant: id });
  if (tenant.state === 'active') return;
  throw new TruthError(
    'FORBIDDEN',
    `tenant "${tenant.name}" is ${tenant.state}: nothing can be written to it`,
    {
      tenant: id,
      state: tenant.state,
    },
  );
}

function overQuota(tenant: TenantRecord, what: 'bytes' | 'streams', used: number, max: number): TruthError {
  return new TruthError(
    'QUOTA_EXCEEDED',
    `tenant "${tenant.name}" has ${used} of ${max} ${what}: an operator can raise it with "truthdb tenant quota"`,
    { quota: what, used, max },
  );
}
