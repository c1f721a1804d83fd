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
import { corruptEntities } from './corrupt.ts';
import { type Piece, partName, pieceName } from './piece.ts';
import { TenantEntities } from './tenant-entities.ts';

const SCHEMA_PLACE = 'schema';
const PIECE_NAME = /^t(\d+)\.(.+)$/;

/** The view `ranking-entities`: what items, users and creators there are and what is known of them, of every tenant. */
export class EntitiesView implements Materializer {
  readonly #tenants = new Map<TenantId, TenantEntities>();

  /** Null for a tenant that does not use this layer. */
  tenant(id: TenantId): TenantEntities | null {
    return this.#tenants.get(id) ?? null;
  }

  onCommit(commit: ViewCommit): void {
    for (const { type, tenant, payload } of commit.entries) {
      if (type === KERNEL_ENTRY.rankingEntity) this.#open(tenant).applyEntity(payload);
      else if (type === KERNEL_ENTRY.rankingSchema) this.#open(tenant).applySchema(payload);
      else if (type === KERNEL_ENTRY.rankingNumbers) this.#open(tenant).applyNumbers(payload);
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const piece of this.#pieces()) writer.part(partName(piece), () => piece.chunks());
  }

  restore(reader: CheckpointReader): void {
    const parts = [...reader.parts].map((part) => ({ part, ...placeOf(part) }));
    // A tenant's schema says what the other parts are.
    parts.sort((a, b) => Number(b.place === SCHEMA_PLACE) - Number(a.place === SCHEMA_PLACE));
    for (const { part, tenant, place } of parts) {
      if (place === SCHEMA_PLACE) this.#open(tenant);
      const entities = this.#tenants.get(tenant);
      if (entities === undefined) throw corruptEntities(`tenant ${tenant} has no schema`);
      entities.restore(place, reader.read(part));
    }
    for (const entities of this.#tenants.values()) entities.restored();
  }

  digest(): string {
    const hash = createHash('sha256');
    for (const piece of this.#pieces()) hash.update(partName(piece)).update('\n');
    return hash.digest('hex');
  }

  *digestAhead(): Generator<void> {
    for (const entities of this.#tenants.values()) yield* entities.digestAhead();
  }

  memory(): MemoryUse {
    let kept = 0;
    for (const { bytes } of this.#tenants.values()) kept += bytes;
    return { kept, ready: 0 };
  }

  #pieces(): readonly Piece[] {
    const tenants = [...this.#tenants].sort(([a], [b]) => a - b);
    return tenants.flatMap(([id, entities]) => entities.pieces(`t${id}`));
  }

  #open(id: TenantId): TenantEntities {
    let entities = this.#tenants.get(id);
    if (entities === undefined) {
      entities = new TenantEntities();
      this.#tenants.set(id, entities);
    }
    return entities;
  }
}

function placeOf(part: string): { readonly tenant: TenantId; readonly place: string } {
  const found = PIECE_NAME.exec(pieceName(part));
  if (found === null) throw corruptEntities(`a part is named "${part}"`);
  return { tenant: Number(found[1]) as TenantId, place: found[2]! };
}
