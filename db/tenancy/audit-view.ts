/** Where what was audited lies in the log, by tenant; the records themselves are read from there. */
import { createHash } from 'node:crypto';
import { KERNEL_ENTRY } from '../kernel/entry-types.ts';
import type { CheckpointReader, CheckpointWriter, Materializer, ViewCommit } from '../materializer/index.ts';
import type { Sequence, TenantId } from '../types.ts';

/** Of a checkpoint's part; a full one never changes again. */
const PAGE_ROWS = 4096;
const ROW_BYTES = 16;

export interface AuditedPlace {
  readonly tenant: TenantId;
  readonly position: Sequence;
}

export class AuditView implements Materializer {
  readonly #places: AuditedPlace[] = [];

  onCommit(commit: ViewCommit): void {
    for (const { type, tenant, sequence: position } of commit.entries)
      if (type === KERNEL_ENTRY.audit) this.#places.push({ tenant, position });
  }

  /** The newest first, before a position; of one tenant, or of all. */
  *before(position: Sequence, tenant: TenantId | null): Generator<AuditedPlace> {
    for (let at = this.#places.length - 1; at >= 0; at--) {
      const place = this.#places[at]!;
      if (place.position < position && (tenant === null || place.tenant === tenant)) yield place;
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    for (let first = 0; first < this.#places.length; first += PAGE_ROWS) {
      const page = this.#places.slice(first, first + PAGE_ROWS);
      const name = `places-${String(first / PAGE_ROWS).padStart(8, '0')}`;
      writer.part(page.length === PAGE_ROWS ? name : `${name}-${page.length}`, () => [bytesOf(page)]);
    }
  }

  restore(reader: CheckpointReader): void {
    for (const name of [...reader.parts].sort()) this.#places.push(...placesOf(reader.read(name)));
  }

  digest(): string {
    return createHash('sha256').update(bytesOf(this.#places)).digest('hex');
  }
}

function bytesOf(places: readonly AuditedPlace[]): Uint8Array {
  const bytes = Buffer.alloc(places.length * ROW_BYTES);
  for (const [row, { tenant, position }] of places.entries()) {
    bytes.writeBigUInt64LE(BigInt(position), row * ROW_BYTES);
    bytes.writeUInt32LE(tenant, row * ROW_BYTES + 8);
  }
  return bytes;
}

function placesOf(bytes: Uint8Array): AuditedPlace[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / ROW_BYTES }, (_, row) => ({
    position: Number(view.getBigUint64(row * ROW_BYTES, true)) as Sequence,
    tenant: view.getUint32(row * ROW_BYTES + 8, true) as TenantId,
  }));
}
