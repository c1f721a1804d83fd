/**
 * Streams are a tenant's own: two tenants may have streams of one name. The index keeps names as bytes, and those of other
 * tenants than the first with the tenant before them, behind a zero byte, which no name can hold. The first tenant's are
 * what they always were.
 */
import { streamBytesOf, streamOffset } from '../kernel/index.ts';
import { TENANT_DEFAULT, type TenantId } from '../types.ts';
import type { NameTable } from './name-table.ts';

export const SCOPE_BYTES = 5;

const SCRATCH = new Uint8Array(SCOPE_BYTES + 0xffff);

/** Writes what stands before a name of the tenant; returns where the name begins. */
export function writeScope(target: Uint8Array, tenant: TenantId): number {
  if (tenant === TENANT_DEFAULT) return 0;
  target[0] = 0;
  target[1] = tenant;
  target[2] = tenant >>> 8;
  target[3] = tenant >>> 16;
  target[4] = tenant >>> 24;
  return SCOPE_BYTES;
}

/** Whose stream a name of the index is. */
export function tenantOfName(name: Uint8Array): TenantId {
  if (name[0] !== 0) return TENANT_DEFAULT;
  return ((name[1]! | (name[2]! << 8) | (name[3]! << 16) | (name[4]! << 24)) >>> 0) as TenantId;
}

/** Number of the stream an event entry's payload names, added to the table if it is not there. */
export function numberOfStream(names: NameTable, tenant: TenantId, payload: Uint8Array): number {
  const length = streamBytesOf(payload);
  if (tenant === TENANT_DEFAULT) return names.numberOf(payload, streamOffset, length);
  const start = writeScope(SCRATCH, tenant);
  for (let index = 0; index < length; index++) SCRATCH[start + index] = payload[streamOffset + index]!;
  return names.numberOf(SCRATCH, 0, start + length);
}

/** A stream among those of all tenants, as a key of maps. */
export function scopedKey(tenant: TenantId, stream: string): string {
  return tenant === TENANT_DEFAULT ? stream : `\0${tenant}\0${stream}`;
}
