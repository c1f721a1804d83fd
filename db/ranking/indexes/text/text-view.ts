/** The view of text by tenant. Nothing is there for a tenant before it defines a schema. */
import { createHash } from 'node:crypto';
import { TruthError } from '../../../errors.ts';
import { xxh64 } from '../../../hash/index.ts';
import { KERNEL_ENTRY } from '../../../kernel/entry-types.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  MemoryUse,
  ViewCommit,
} from '../../../materializer/index.ts';
import type { TenantId } from '../../../types.ts';
import type { KindId } from '../../ground.ts';
import { decodeEntity } from '../../kernel/index.ts';
import type { TextReader } from '../../reading.ts';
import { TenantText } from './tenant-text.ts';

const PART = /^(\d{1,10})-(schema|\d{1,5})-/;

export class TextView implements Materializer {
  readonly #seed: bigint;
  readonly #tenants = new Map<TenantId, TenantText>();

  constructor(logId: Uint8Array) {
    this.#seed = xxh64(logId);
  }

  /** What queries ask; null for a tenant without a schema. */
  reader(tenant: TenantId): TextReader | null {
    return this.#tenants.get(tenant) ?? null;
  }

  /** Whether what an entity says in an attribute can be found. */
  holds(tenant: TenantId, kind: KindId, number: number, attribute: number): boolean {
    return this.#tenants.get(tenant)?.holds(kind, number, attribute) ?? false;
  }

  memory(): MemoryUse {
    let kept = 0;
    for (const { bytes } of this.#tenants.values()) kept += bytes;
    return { kept, ready: 0 };
  }

  onCommit(commit: ViewCommit): void {
    for (const { type, tenant, payload } of commit.entries) {
      if (type === KERNEL_ENTRY.rankingEntity) this.#tenants.get(tenant)?.applyEntity(decodeEntity(payload));
      else if (type === KERNEL_ENTRY.rankingSchema) this.#tenant(tenant).applySchema(payload);
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const [id, tenant] of this.#sorted()) tenant.checkpoint(`${id}-`, writer);
  }

  restore(reader: CheckpointReader): void {
    const tenants = new Set<number>();
    for (const name of reader.parts) {
      const match = PART.exec(name);
      if (match === null)
        throw new TruthError(
          'CORRUPT',
          `the checkpoint of text has a part of the name ${JSON.stringify(name)}`,
        );
      tenants.add(Number(match[1]));
    }
    for (const id of tenants) this.#tenant(id as TenantId).restore(`${id}-`, reader);
  }

  digest(): string {
    const digest = createHash('sha256');
    for (const [id, tenant] of this.#sorted()) {
      digest.update(`tenant ${id}:`);
      for (const content of tenant.contents()) digest.update(content);
    }
    return digest.digest('hex');
  }

  #tenant(id: TenantId): TenantText {
    const there = this.#tenants.get(id);
    if (there !== undefined) return there;
    const made = new TenantText(this.#seed);
    this.#tenants.set(id, made);
    return made;
  }

  #sorted(): (readonly [TenantId, TenantText])[] {
    return [...this.#tenants].sort(([one], [other]) => one - other);
  }
}
