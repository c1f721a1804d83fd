/** Writing and reading what is audited. */
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { type RecordedAt, type Sequence, TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { LogEntry } from '../wal/log.ts';
import { type AuditRecord, decodeAuditRecord, encodeAuditRecord } from './audit-entry.ts';
import type { AuditView } from './audit-view.ts';
import type { SystemEntry } from './tenants.ts';

/** A record with its place. */
export interface AuditedEntry extends AuditRecord {
  readonly tenant: TenantId;
  readonly position: Sequence;
  readonly at: RecordedAt;
}

export interface NewAuditRecord extends AuditRecord {
  readonly tenant: TenantId;
  /** The stream it is about, where there is one: whom that is about, the record is about too. */
  readonly stream: string | null;
}

export interface AuditLogOptions {
  readonly view: () => AuditView;
  readonly append: (entries: readonly SystemEntry[]) => Promise<Sequence>;
  readonly isShredded: (tenant: TenantId) => boolean;
  readonly subjectOf: (tenant: TenantId, stream: string) => string | null;
  readonly entryAt: (at: Sequence) => (LogEntry & { readonly recordedAt: RecordedAt }) | null;
}

export class AuditLog {
  readonly #options: AuditLogOptions;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Resolves when the records are in the log, durably. Errors: those of writing. */
  async record(records: readonly NewAuditRecord[]): Promise<void> {
    const { append, subjectOf } = this.#options;
    await append(
      records.map(({ tenant, stream, ...record }) => ({
        ...{ type: KERNEL_ENTRY.audit, payload: encodeAuditRecord(record) },
        // Nothing can be sealed for a tenant whose keys are gone.
        tenant: this.#options.isShredded(tenant) ? TENANT_DEFAULT : tenant,
        subject: stream === null ? null : subjectOf(tenant, stream),
      })),
    );
  }

  /** The newest first, before a position; of one tenant, or of all. Errors: those of reading the log. */
  list(request: {
    readonly tenant: TenantId | null;
    readonly before: Sequence;
    readonly limit: number;
  }): readonly AuditedEntry[] {
    const { view, entryAt } = this.#options;
    const found: AuditedEntry[] = [];
    for (const { tenant, position } of view().before(request.before, request.tenant)) {
      if (found.length >= request.limit) break;
      const entry = entryAt(position);
      if (entry === null) continue;
      found.push({ ...decodeAuditRecord(entry.payload, position), tenant, position, at: entry.recordedAt });
    }
    return found;
  }
}
