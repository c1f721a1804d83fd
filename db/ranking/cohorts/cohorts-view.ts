/**
 * The view of all cohorts: how often what happened to each item, by what was known of the users. It feeds on schema and signals
 * entries of every tenant, and takes nothing for tenants that have none.
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
import type { CohortReader } from '../reading.ts';
import { type CohortMemory, TenantCohorts } from './tenant-cohorts.ts';

const NAME = 'ranking-cohorts';
const VERSION = 1;
/** Cells of a tenant that are kept exactly: about 350 MB of them. */
const CELLS_MAX = 64 * 1024 * 1024;

export class CohortsView implements Materializer {
  readonly #cellsMax: number;
  readonly #scratch: Scratch | null;
  readonly #nothing: CohortReader;
  readonly #tenants = new Map<TenantId, TenantCohorts>();

  /** `cellsMax`: cells of each tenant that are kept exactly. */
  constructor(cellsMax: number, { scratch = null }: Pick<ViewContext, 'scratch'> = {}) {
    this.#cellsMax = cellsMax;
    this.#scratch = scratch;
    this.#nothing = new TenantCohorts(cellsMax);
  }

  /** Of a tenant that has none, everything is 0. */
  tenant(id: TenantId): CohortReader {
    return this.#tenants.get(id) ?? this.#nothing;
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
  memoryBytes(): CohortMemory {
    const all = [...this.#tenants.values()].map((tenant) => tenant.memoryBytes());
    return {
      cells: all.reduce((sum, { cells }) => sum + cells, 0),
      cellCount: all.reduce((sum, { cellCount }) => sum + cellCount, 0),
      boards: all.reduce((sum, { boards }) => sum + boards, 0),
    };
  }

  memory(): MemoryUse {
    const { cells, boards } = this.memoryBytes();
    return { kept: cells, ready: boards };
  }

  spill(bytes: number): number {
    return spillInOrder(() => this.#tenants.values(), bytes, this.#scratch);
  }

  dropReady(): void {
    for (const tenant of this.#tenants.values()) tenant.dropReady();
  }

  #made(id: TenantId): TenantCohorts {
    const tenant = this.#tenants.get(id) ?? new TenantCohorts(this.#cellsMax);
    this.#tenants.set(id, tenant);
    return tenant;
  }

  #inOrder(): [TenantId, TenantCohorts][] {
    return [...this.#tenants].sort(([a], [b]) => a - b);
  }
}

export const rankingCohorts: ViewDefinition<CohortsView> = Object.freeze({
  name: NAME,
  version: VERSION,
  scope: 'tenant',
  required: false,
  create: (context: ViewContext) => new CohortsView(CELLS_MAX, context),
});
