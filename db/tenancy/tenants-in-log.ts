/** The tenants as a log's files say, without a server and without keys: entries about tenants are never sealed. */
import { TruthError } from '../errors.ts';
import type { Disk } from '../io/index.ts';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import { type Sequence, sequence, type TenantId } from '../types.ts';
import { forEachEntry, RawGroups } from '../wal/raw-groups.ts';
import { TenantDirectory } from './directory.ts';

const ABOUT_TENANTS: readonly number[] = [KERNEL_ENTRY.tenant, KERNEL_ENTRY.erasure];

/** Up to a sequence that is stable. Errors: PRUNED where the log's beginning is in no archive, CORRUPT. */
export function tenantsInLog(disk: Disk, directory: string, to: Sequence): TenantDirectory {
  const tenants = new TenantDirectory();
  const groups = new RawGroups(disk, directory);
  for (const piece of groups.read(beginning(groups), to)) {
    if (piece.kind === 'gap') continue;
    const { bytes } = piece;
    forEachEntry(bytes, ({ type, tenant, sequence: at, payloadAt, payloadBytes }) => {
      if (!ABOUT_TENANTS.includes(type)) return;
      const payload = bytes.slice(payloadAt, payloadAt + payloadBytes);
      tenants.evolve({ type, tenant: tenant as TenantId, sequence: sequence(at), payload });
    });
  }
  return tenants;
}

function beginning(groups: RawGroups) {
  try {
    return groups.placeOf(sequence(1));
  } catch (error) {
    if (!(error instanceof TruthError) || error.code !== 'PRUNED') throw error;
    throw new TruthError(
      'PRUNED',
      'the names of tenants are not known here, because the beginning of the log was pruned: give the tenant’s number',
    );
  }
}
