import { createHash } from 'node:crypto';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  MemoryUse,
  ViewCommit,
} from '../../materializer/index.ts';
import type { TenantId } from '../../types.ts';
import type { Micros } from '../ground.ts';
import { decodeEdge } from '../kernel/index.ts';
import { corruptEntities } from './corrupt.ts';
import { type Piece, partName, pieceName } from './piece.ts';
import { TenantSignatures } from './tenant-signatures.ts';

const PIECE_NAME = /^t(\d+)\.((signals|edges|first)|rows\.(\d+)\.\d+)$/;
const NANOS_PER_MICRO = 1_000n;

/** The view `ranking-duplicates`: which signals were recorded lately, so that none counts twice, and how many there were. */
export class DuplicatesView implements Materializer {
  readonly #tenants = new Map<TenantId, TenantSignatures>();

  /** Null for a tenant that has sent no signals. */
  tenant(id: TenantId): TenantSignatures | null {
    return this.#tenants.get(id) ?? null;
  }

  onCommit({ recordedAt, entries }: ViewCommit): void {
    for (const { type, tenant, payload } of entries) {
      if (type === KERNEL_ENTRY.rankingSignals)
        this.#open(tenant).add(payload, Number(recordedAt / NANOS_PER_MICRO) as Micros);
      else if (type === KERNEL_ENTRY.rankingEdge)
        this.#open(tenant).addEdge(decodeEdge(payload).relationship);
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const piece of this.#pieces()) writer.part(partName(piece), () => piece.chunks());
  }

  restore(reader: CheckpointReader): void {
    const parts = reader.parts.map((part) => ({ part, ...placeOf(part) }));
    parts.sort((a, b) => a.order - b.order);
    for (const { part, tenant, place } of parts) this.#open(tenant).restore(place, reader.read(part));
  }

  digest(): string {
    const hash = createHash('sha256');
    for (const piece of this.#pieces()) hash.update(partName(piece)).update('\n');
    return hash.digest('hex');
  }

  memory(): MemoryUse {
    let kept = 0;
    for (const { bytes } of this.#tenants.values()) kept += bytes;
    return { kept, ready: 0 };
  }

  #pieces(): readonly Piece[] {
    return [...this.#tenants].sort(([a], [b]) => a - b).flatMap(([id, tenant]) => tenant.pieces(`t${id}`));
  }

  #open(id: TenantId): TenantSignatures {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = new TenantSignatures();
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }
}

/** `order`: where the window begins comes first, its rows follow in their order. */
function placeOf(part: string): {
  readonly tenant: TenantId;
  readonly place: string;
  readonly order: number;
} {
  const found = PIECE_NAME.exec(pieceName(part));
  if (found === null) throw corruptEntities(`a part is named "${part}"`);
  return {
    tenant: Number(found[1]) as TenantId,
    place: found[2]!,
    order: found[4] === undefined ? -1 : Number(found[4]),
  };
}
