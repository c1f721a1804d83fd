import { xxh64 } from '../../hash/index.ts';
import type { TenantId } from '../../types.ts';

const KEPT_MAX = 4096;
const TENANT_STRIDE = 0x1_0000_0000;
/** Asked for with each command, mostly of the same few tables. */
const kept = new Map<number, bigint>();

/** Partition key of a table's entries: xxHash64 of tenant and table, both u32; table 0 is the catalog. */
export function tablePartition(tenant: TenantId, table: number): bigint {
  const name = tenant * TENANT_STRIDE + table;
  let key = kept.get(name);
  if (key === undefined) {
    key = xxh64(new Uint8Array(Uint32Array.of(tenant, table).buffer));
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(name, key);
  }
  return key;
}
