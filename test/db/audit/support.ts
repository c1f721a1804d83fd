/** One way to make a log of several tenants with its proofs, on a disk in memory, with keys that repeat. */
import { bundlePieces } from '../../../db/audit/bundle.ts';
import { entryRecords } from '../../../db/audit/entry-records.ts';
import { ErasureSigner } from '../../../db/audit/erasure-signer.ts';
import type { SignedErasure } from '../../../db/audit/erasure-verifier.ts';
import { ProofService } from '../../../db/audit/proof-service.ts';
import type { RangeProof, RangeRequest } from '../../../db/audit/prover.ts';
import { KERNEL_ENTRY } from '../../../db/kernel/entry-types.ts';
import { encodeErasure } from '../../../db/tenancy/erasure-entry.ts';
import type { RecordedAt, Sequence, TenantId } from '../../../db/types.ts';
import type { OpenedLog } from '../../../db/wal/index.ts';
import { readLogId } from '../../../db/wal/metadata.ts';
import type { MemoryDisk } from '../wal/memory-disk.ts';
import { DIRECTORY, draft, newDisk, open } from '../wal/support.ts';

export interface Proven {
  readonly disk: MemoryDisk;
  readonly log: OpenedLog;
  readonly service: ProofService;
  readonly reports: string[];
}

/** A moment after 2026 began, the same in every run. */
export const NOW = 1_767_225_600_000_000_000n;

export function serviceOver(disk: MemoryDisk, reports: string[] = []): ProofService {
  return new ProofService({
    disk,
    directory: DIRECTORY,
    logId: readLogId(disk, DIRECTORY) ?? '',
    nowNanos: () => NOW,
    report: (line) => reports.push(line),
  });
}

export async function openProven(
  disk: MemoryDisk = newDisk(),
  reason: 'open' | 'restore' = 'open',
): Promise<Proven> {
  const { log } = await open(disk, { reason });
  const reports: string[] = [];
  return { disk, log, service: serviceOver(disk, reports), reports };
}

/** Appends one entry for each tenant named, all in one commit; payloads tell them apart. */
export function appendFor(log: OpenedLog, ...tenants: readonly number[]): void {
  for (const tenant of tenants) {
    const payload = `entry ${log.next} of tenant ${tenant}`;
    log.append([{ ...draft(payload), tenant: tenant as TenantId }], 0n as RecordedAt);
  }
  log.flush();
}

/** Appends the entry that says that a person's key is destroyed, in a commit of its own. Returns its sequence. */
export function appendErasure(log: OpenedLog, tenant: number, key: string): Sequence {
  const at = log.next;
  const payload = encodeErasure({ of: 'subject', handle: key.repeat(2), keys: [key as never] });
  const entry = { ...draft(payload, KERNEL_ENTRY.erasure), tenant: tenant as TenantId };
  log.append([entry], 0n as RecordedAt);
  log.flush();
  return at;
}

/** Signs certificates with the keys of that database. */
export function signerOver(disk: MemoryDisk, makesKeys: boolean, reports: string[] = []): ErasureSigner {
  return new ErasureSigner({
    ...{ disk, directory: DIRECTORY, logId: readLogId(disk, DIRECTORY) ?? '', makesKeys },
    nowNanos: () => NOW,
    pause: async () => {},
    report: (line) => reports.push(line),
  });
}

/** A certificate of the erasure at that position, when the log ended with it. */
export function certificateOf(
  signer: ErasureSigner,
  position: Sequence,
  key: string,
): Promise<SignedErasure> {
  return signer.certify({
    ...{ of: 'subject', tenant: 1, name: 'acme', handle: key.repeat(2), position, size: position + 1 },
    at: '2026-01-02T03:04:05.678Z',
    destroyed: { keys: [key], keyEncryptionKey: 'replaced', snapshots: [], views: ['streams', 'tables'] },
    unconfirmed: [{ holder: 'backups and archives made before', why: 'their log is sealed' }],
  });
}

/** Takes in all that is stable. */
export function catchUp(service: ProofService, stable: Sequence): void {
  while (service.step(stable) > 0);
}

/** Takes in all that is stable and signs it. */
export function signAll({ service, log }: Proven): Uint8Array {
  catchUp(service, log.stable);
  return service.checkpoint();
}

export function proofOf({ service }: Pick<Proven, 'service'>, request: Partial<RangeRequest>): RangeProof {
  return service.prover.range({ kind: 'entries', tenant: 0, from: 1, to: 1, since: null, ...request });
}

export async function bundleOf(
  { service, disk }: Pick<Proven, 'service' | 'disk'>,
  request: Partial<RangeRequest>,
  payloads = true,
): Promise<Uint8Array> {
  const proof = proofOf({ service }, request);
  const records = entryRecords({ disk, directory: DIRECTORY }, service.store, proof, payloads);
  return joined(bundlePieces(proof, records));
}

export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  for await (const piece of pieces) found.push(piece);
  return Buffer.concat(found);
}

export function rootKeyOf({ service }: Pick<Proven, 'service'>): Uint8Array {
  return service.keys.rootKey!;
}
