/** The view of audiences by tenant. Nothing is there for a tenant before it defines a schema. */
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
import type { LogEntry } from '../../wal/log.ts';
import type { KindId } from '../ground.ts';
import { DELETED, decodeEdge, decodeEntity, SignalRecords } from '../kernel/index.ts';
import type { AudienceReader } from '../reading.ts';
import {
  decodeShard,
  encodeShard,
  hasOwners,
  nameOfPart,
  type OwnedStore,
  type PartName,
  partOfName,
  sha256,
} from './audience-parts.ts';
import { KindAudienceReader } from './audience-reader.ts';
import type { CommitMark } from './owned-blocks.ts';
import { TenantAudience } from './tenant-audience.ts';

export class AudienceView implements Materializer {
  readonly #mark: CommitMark = { sequence: 0 };
  readonly #tenants = new Map<TenantId, TenantAudience>();
  /** Digests of shards by name: one that has not changed has the same. */
  #digests = new Map<string, Uint8Array>();

  /** What queries about entities of a kind ask; null for a tenant without a schema. */
  reader(tenant: TenantId, kind: KindId): AudienceReader | null {
    const audience = this.#tenants.get(tenant);
    return audience === undefined ? null : new KindAudienceReader(audience, kind);
  }

  memory(): MemoryUse {
    let kept = 0;
    for (const { bytes } of this.#tenants.values()) kept += bytes;
    return { kept, ready: 0 };
  }

  onCommit(commit: ViewCommit): void {
    this.#mark.sequence = commit.sequence;
    let changed: TenantAudience | null = null;
    for (const entry of commit.entries) {
      if (entry.type < KERNEL_ENTRY.rankingSchema || entry.type > KERNEL_ENTRY.rankingEdge) continue;
      const tenant = this.#tenant(entry.tenant);
      if (changed !== null && changed !== tenant) changed.tidy();
      changed = tenant;
      apply(tenant, entry);
    }
    changed?.tidy();
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const [id, tenant] of this.#sorted()) {
      for (const { part, bytes } of tenant.smallParts(id)) writer.part(nameOfPart(part), () => [bytes]);
      for (const { section, id: of, store } of tenant.stores()) {
        const parts = shardsOf(store).map((shard) => ({ tenant: id, section, id: of, ...shard }));
        writeStore(writer, store, parts);
      }
    }
  }

  restore(reader: CheckpointReader): void {
    const parts = reader.parts.map((name) => ({ name, ...partOfName(name) }));
    for (const { name, tenant, section } of parts)
      if (section === 'schema') this.#tenant(tenant as TenantId).restoreSchema(reader.read(name));
    for (const part of parts) {
      if (part.section === 'schema') continue;
      const tenant = this.#tenant(part.tenant as TenantId);
      const bytes = reader.read(part.name);
      if (part.section === 'gone') tenant.restoreGone(part.id, part.sequence, bytes);
      else decodeShard(tenant.storeOf(part.section, part.id), part, bytes);
    }
    for (const tenant of this.#tenants.values()) tenant.restored();
  }

  digest(): string {
    const digest = createHash('sha256');
    const digests = new Map<string, Uint8Array>();
    for (const { part, bytes } of this.#contents()) {
      const name = nameOfPart(part);
      const known = this.#digests.get(name) ?? sha256(bytes());
      digests.set(name, known);
      digest.update(`${part.tenant}-${part.section}-${part.id}-${part.shard}:`).update(known);
    }
    this.#digests = digests;
    return digest.digest('hex');
  }

  *digestAhead(): Generator<void> {
    for (const { part, bytes } of this.#contents()) {
      const name = nameOfPart(part);
      if (this.#digests.has(name)) continue;
      this.#digests.set(name, sha256(bytes()));
      yield;
    }
  }

  *#contents(): Generator<{ readonly part: PartName; readonly bytes: () => Uint8Array }> {
    for (const [id, tenant] of this.#sorted()) {
      for (const { part, bytes } of tenant.smallParts(id)) yield { part, bytes: () => bytes };
      for (const { section, id: of, store } of tenant.stores())
        for (const shard of shardsOf(store))
          yield {
            part: { tenant: id, section, id: of, ...shard },
            bytes: () => encodeShard(store, store.blocks, shard.shard),
          };
    }
  }

  #tenant(id: TenantId): TenantAudience {
    const there = this.#tenants.get(id);
    if (there !== undefined) return there;
    const made = new TenantAudience(this.#mark);
    this.#tenants.set(id, made);
    return made;
  }

  #sorted(): (readonly [TenantId, TenantAudience])[] {
    return [...this.#tenants].sort(([a], [b]) => a - b);
  }
}

function apply(tenant: TenantAudience, { type, payload }: LogEntry): void {
  if (type === KERNEL_ENTRY.rankingSignals) tenant.applySignals(SignalRecords.of(payload));
  else if (type === KERNEL_ENTRY.rankingEdge) tenant.applyEdge(decodeEdge(payload));
  else if (type === KERNEL_ENTRY.rankingSchema) tenant.applySchema(payload);
  else {
    const { kind, number, state, before } = decodeEntity(payload);
    if (state === DELETED || before.state === DELETED) tenant.applyState(kind, number, state);
  }
}

/** Shards that have something, with the commit that changed each last. */
function shardsOf({ blocks }: OwnedStore): { readonly shard: number; readonly sequence: number }[] {
  const shards = [];
  for (let shard = 0; shard < blocks.shards; shard++)
    if (hasOwners(blocks, shard)) shards.push({ shard, sequence: blocks.changed(shard) });
  return shards;
}

/** All parts of a store read the blocks as they are now, which are held until the last is done. */
function writeStore(writer: CheckpointWriter, store: OwnedStore, parts: readonly PartName[]): void {
  if (parts.length === 0) return;
  const held = store.blocks.hold();
  let open = parts.length;
  for (const part of parts) {
    writer.part(
      nameOfPart(part),
      () => [encodeShard(store, held, part.shard)],
      () => {
        open -= 1;
        if (open === 0) held.release();
      },
    );
  }
}
