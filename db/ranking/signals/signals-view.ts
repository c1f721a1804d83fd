/**
 * The view of all signals: what happened to each item, how often, how lately. It feeds on schema and signals entries of every
 * tenant, and takes nothing for tenants that have none.
 */
import { createHash } from 'node:crypto';
import { KERNEL_ENTRY } from '../../kernel/entry-types.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  MemoryUse,
  Scratch,
  ViewCommit,
  ViewContext,
  ViewDefinition,
} from '../../materializer/index.ts';
import type { TenantId } from '../../types.ts';
import { readSections, spillInOrder, writeSections } from '../counting/index.ts';
import type { SignalReader } from '../reading.ts';
import type { SignalMemory } from './signal-ledger.ts';
import { sumOf, TenantSignals } from './tenant-signals.ts';

const NAME = 'ranking-signals';
const VERSION = 1;
const NOTHING: SignalReader = new TenantSignals();

export class SignalsView implements Materializer {
  readonly #scratch: Scratch | null;
  readonly #tenants = new Map<TenantId, TenantSignals>();

  constructor({ scratch = null }: Pick<ViewContext, 'scratch'> = {}) {
    this.#scratch = scratch;
  }

  /** Of a tenant that has none, everything is 0. */
  tenant(id: TenantId): SignalReader {
    return this.#tenants.get(id) ?? NOTHING;
  }

  onCommit({ entries }: ViewCommit): void {
    for (const { type, tenant, payload } of entries) {
      if (type === KERNEL_ENTRY.rankingSignals) this.#tenants.get(tenant)?.record(payload);
      else if (type === KERNEL_ENTRY.rankingSchema) this.#made(tenant).changeSchema(payload);
    }
  }

  checkpoint(writer: CheckpointWriter): void {
    for (const [id, tenant] of this.#inOrder()) writeSections(writer, tenant.sections(id));
  }

  restore(reader: CheckpointReader): void {
    readSections(reader, ({ tenant, owner, kind }, body) =>
      this.#made(tenant as TenantId).restore(kind, owner, body),
    );
  }

  digest(): string {
    const digest = createHash('sha256');
    for (const [id, tenant] of this.#inOrder()) {
      digest.update(new Uint8Array(Uint32Array.of(id).buffer));
      tenant.digestInto(digest);
    }
    return digest.digest('hex');
  }

  *digestAhead(): Generator<void> {
    for (const tenant of this.#tenants.values()) yield* tenant.digestAhead();
  }

  /** Of all tenants. */
  memoryBytes(): SignalMemory {
    return sumOf([...this.#tenants.values()].map((tenant) => tenant.memoryBytes()));
  }

  memory(): MemoryUse {
    const { totals, cells, standings } = this.memoryBytes();
    return { kept: totals + cells, ready: standings };
  }

  spill(bytes: number): number {
    return spillInOrder(() => this.#tenants.values(), bytes, this.#scratch);
  }

  dropReady(): void {
    for (const tenant of this.#tenants.values()) tenant.dropReady();
  }

  #made(id: TenantId): TenantSignals {
    const tenant = this.#tenants.get(id) ?? new TenantSignals();
    this.#tenants.set(id, tenant);
    return tenant;
  }

  #inOrder(): [TenantId, TenantSignals][] {
    return [...this.#tenants].sort(([a], [b]) => a - b);
  }
}

export const rankingSignals: ViewDefinition<SignalsView> = Object.freeze({
  name: NAME,
  version: VERSION,
  scope: 'tenant',
  required: false,
  create: (context: ViewContext) => new SignalsView(context),
});
