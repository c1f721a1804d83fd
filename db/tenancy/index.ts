/**
 * `tenancy/` is whose data it is and who could read it: the directory of tenants, their quotas, the keys that seal their
 * entries, the erasure of keys, and the trail of who did or was refused what. It may import the log, the kernel, the
 * contract of views, and ground. Changes of tenants come in from the engine as calls and leave as entries of the log; the
 * directory and the trail are views of those.
 *
 *     tenant-entry, erasure-entry, subject-entry, audit-entry   the entries: what is in the log
 *     directory, audit-view                                     the views of them
 *     find-tenant, close-names, tenants-in-log                  tenants by name
 *     admission                                                 quotas
 *     keys/, sealed-log, entry-opener                           keys and what they seal
 */
import type { ViewDefinition } from '../materializer/index.ts';
import { AuditView } from './audit-view.ts';
import { TenantDirectory } from './directory.ts';

export { TenantAdmission } from './admission.ts';
export { type AuditedEntry, AuditLog, type NewAuditRecord } from './audit-log.ts';
export type { AuditView } from './audit-view.ts';
export { TenantDirectory, type TenantRecord } from './directory.ts';
export { EntryOpener, FLAG_ENCRYPTED } from './entry-opener.ts';
export { Epochs } from './epochs.ts';
export { decodeErasure } from './erasure-entry.ts';
export { findTenant } from './find-tenant.ts';
export { GivenKeys, type Kek, type KekSource, KeyRing, moveKek, readKekSource } from './keys/index.ts';
export { openKeys, sealKeys } from './keys/recovery.ts';
export { SealedLog } from './sealed-log.ts';
export { encodeSubjectStream } from './subject-entry.ts';
export { READS_AUDITED, type ReadsAudited, type TenantQuota } from './tenant-entry.ts';
export { type ErasureCertificate, type ErasureRequest, type SystemEntry, Tenants } from './tenants.ts';
export { tenantsInLog } from './tenants-in-log.ts';

export const tenantDirectory: ViewDefinition<TenantDirectory> = {
  name: 'tenants',
  version: 1,
  scope: 'global',
  required: true,
  create: () => new TenantDirectory(),
};

export const auditTrail: ViewDefinition<AuditView> = {
  name: 'audit',
  version: 1,
  scope: 'global',
  required: false,
  create: () => new AuditView(),
};
