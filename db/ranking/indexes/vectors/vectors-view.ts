/**
 * The view of all vectors: what entities were given, what catalogues come to, and where signals moved preferences, with graphs
 * by which the nearest are found. It knows the schema, the states and the creators from the entries themselves.
 *
 * A checkpoint has a part with the state of all tenants, and pages of vectors and links beside it:
 *
 *     u32 version, f64 sequence of the last commit that concerned it, u32 tenants
 *     each: u32 number, u32 bytes of the schema, the schema, u32 signals that have not paid for a step yet
 *           u32 kinds, each: u32 id, u32 entities + 1, states (u8 each), creators (u32 each)
 *           u32 slots, each: u32 id, then what slot-parts.ts says
 */
import { createHash } from 'node:crypto';
import { TruthError } from '../../../errors.ts';
import { KERNEL_ENTRY } from '../../../kernel/entry-types.ts';
import type {
  CheckpointReader,
  CheckpointWriter,
  Materializer,
  MemoryUse,
  ViewCommit,
  ViewContext,
  ViewDefinition,
} from '../../../materializer/index.ts';
import type { TenantId } from '../../../types.ts';
import type { LogEntry } from '../../../wal/log.ts';
import type { KindId, SlotId } from '../../ground.ts';
import { decodeEntity, SignalRecords } from '../../kernel/index.ts';
import type { VectorReader } from '../../reading.ts';
import { Arenas } from './arena.ts';
import type { LinkingLimits } from './linking.ts';
import { PartReader, PartWriter } from './part-bytes.ts';
import { restoreSlot, saveSlot } from './slot-parts.ts';
import { TenantVectors, type VectorGround } from './tenant-vectors.ts';

const VERSION = 1;
const STATE_PART = 'state-';

/** Comparing fewer floats than this with a query takes less than half a millisecond: there is no need of a graph. */
const FLOATS_WITHOUT_GRAPH = 20_000 * 128;
const SWEPT_FROM = 256;

const NO_VECTORS: VectorReader = Object.freeze({
  vector: () => null,
  similarity: (_kind, _slot, _query, _targets, count, out) => void out.fill(0, 0, count),
  nearest: () => ({ items: new Uint32Array(0), scores: new Float64Array(0) }),
} satisfies VectorReader);

export class VectorsView implements Materializer {
  readonly #ground: VectorGround;
  readonly #tenants = new Map<TenantId, TenantVectors>();
  /** By the commit that is being applied. */
  #touched: TenantVectors[] = [];

  constructor(
    { logId }: Pick<ViewContext, 'logId'>,
    limits: (dimensions: number) => LinkingLimits = linkingLimits,
  ) {
    const seeds = new DataView(logId.buffer, logId.byteOffset, logId.byteLength);
    const seed = { low: seeds.getUint32(0, true), high: seeds.getUint32(4, true) };
    this.#ground = { arenas: new Arenas(), seed, position: { sequence: 0 }, limits };
  }

  /** What there is to ask about a tenant's vectors, at the last commit applied. */
  tenant(id: TenantId): VectorReader {
    return this.#tenants.get(id) ?? NO_VECTORS;
  }

  /**
   * Steps of work on a tenant's graphs that are left: searches compare the vectors these are about one by one. A signals entry
   * without signals does 64 of them.
   */
  due(id: TenantId): number {
    return this.#tenants.get(id)?.due ?? 0;
  }

  onCommit(commit: ViewCommit): void {
    for (const entry of commit.entries) {
      if (entry.type < KERNEL_ENTRY.rankingSchema || entry.type > KERNEL_ENTRY.rankingSignals) continue;
      this.#ground.position.sequence = commit.sequence;
      this.#apply(entry);
    }
    if (this.#touched.length === 0) return;
    for (const tenant of this.#touched) tenant.endCommit();
    this.#touched = [];
  }

  checkpoint(writer: CheckpointWriter): void {
    if (this.#tenants.size === 0) return;
    const { sequence } = this.#ground.position;
    const out = new PartWriter();
    out.u32(VERSION);
    out.integer(sequence);
    out.u32(this.#tenants.size);
    for (const [id, tenant] of this.#sorted()) saveTenant(out, writer, id, tenant);
    writer.part(`${STATE_PART}${sequence}`, () => out.chunks);
  }

  restore(reader: CheckpointReader): void {
    const name = reader.parts.find((part) => part.startsWith(STATE_PART));
    if (name === undefined) {
      if (reader.parts.length === 0) return;
      throw new TruthError('CORRUPT', 'the checkpoint of vectors has no part with their state');
    }
    const input = new PartReader('the saved state of vectors', reader.read(name));
    const version = input.u32();
    if (version !== VERSION) throw input.corrupt(`has version ${version}`);
    this.#ground.position.sequence = input.integer();
    for (let left = input.u32(); left > 0; left--) {
      const id = input.u32() as TenantId;
      if (this.#tenants.has(id)) throw input.corrupt(`has tenant ${id} twice`);
      const tenant = new TenantVectors(this.#ground);
      this.#tenants.set(id, tenant);
      restoreTenant(input, reader, id, tenant);
    }
    input.end();
  }

  digest(): string {
    const digest = createHash('sha256');
    for (const [id, tenant] of this.#sorted()) {
      digest.update(`tenant ${id} `).update(tenant.history.encode());
      for (const [kind, columns] of tenant.kinds) {
        const { states, creators } = columns.save();
        digest.update(`kind ${kind} ${columns.end} `).update(states).update(creators);
      }
      for (const [slot, { rows }] of tenant.slots) digest.update(`slot ${slot} ${rows.hash()} `);
    }
    return digest.digest('hex');
  }

  *digestAhead(): Generator<void> {
    for (const [, tenant] of this.#sorted()) for (const [, { rows }] of tenant.slots) yield* rows.hashAhead();
  }

  memory(): MemoryUse {
    let kept = 0;
    for (const { bytes } of this.#tenants.values()) kept += bytes;
    return { kept, ready: 0 };
  }

  discard(): void {
    for (const tenant of this.#tenants.values()) tenant.discard();
    this.#tenants.clear();
  }

  #apply({ type, tenant: id, payload }: LogEntry): void {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      // Nothing can be said before there is a schema.
      if (type !== KERNEL_ENTRY.rankingSchema) return;
      tenant = new TenantVectors(this.#ground);
      this.#tenants.set(id, tenant);
    }
    if (type === KERNEL_ENTRY.rankingSchema) tenant.applySchema(payload);
    else if (type === KERNEL_ENTRY.rankingEntity) tenant.applyEntity(decodeEntity(payload));
    else tenant.applySignals(SignalRecords.of(payload));
    if (!this.#touched.includes(tenant)) this.#touched.push(tenant);
  }

  #sorted(): readonly (readonly [TenantId, TenantVectors])[] {
    return [...this.#tenants].sort(([a], [b]) => a - b);
  }
}

export const rankingVectors: ViewDefinition<VectorsView> = {
  name: 'ranking-vectors',
  version: VERSION,
  scope: 'tenant',
  required: false,
  create: (context) => new VectorsView(context),
};

function linkingLimits(dimensions: number): LinkingLimits {
  return { graphFrom: Math.ceil(FLOATS_WITHOUT_GRAPH / dimensions), sweptFrom: SWEPT_FROM };
}

function saveTenant(out: PartWriter, writer: CheckpointWriter, id: TenantId, tenant: TenantVectors): void {
  const schema = tenant.history.encode();
  out.u32(id, schema.length);
  out.column(schema);
  out.u32(tenant.signals, tenant.kinds.length);
  for (const [kind, columns] of tenant.kinds) {
    const { states, creators } = columns.save();
    out.u32(kind, columns.end);
    out.column(states);
    out.column(creators);
  }
  const saved = tenant.slots.filter(([slot]) => tenant.slotToRestore(slot) !== null);
  out.u32(saved.length);
  for (const [slot, index] of saved) {
    out.u32(slot);
    saveSlot(out, writer, `${id}-${slot}`, index);
  }
}

function restoreTenant(
  input: PartReader,
  reader: CheckpointReader,
  id: TenantId,
  tenant: TenantVectors,
): void {
  const schema = input.bytes(input.u32());
  tenant.restoreSchema(schema, input.u32());
  for (let left = input.u32(); left > 0; left--) {
    const kind = input.u32() as KindId;
    const columns = tenant.columnsToRestore(kind);
    if (columns === null || columns.end > 0)
      throw input.corrupt(`has entities of kind ${kind}, which is not there, or twice`);
    const end = input.u32();
    columns.restore(input.bytes(end), input.u32s(end));
  }
  const expected = tenant.slots.filter(([slot]) => tenant.slotToRestore(slot) !== null);
  const saved = input.u32();
  if (saved !== expected.length)
    throw input.corrupt(`has ${saved} slots where the schema has ${expected.length}`);
  for (const [expectedSlot, index] of expected) {
    const slot = input.u32() as SlotId;
    const planned = tenant.slotToRestore(expectedSlot);
    if (slot !== expectedSlot || planned === null)
      throw input.corrupt(`has slot ${slot} where ${expectedSlot} belongs`);
    restoreSlot(input, reader, `${id}-${slot}`, index, tenant.columnsToRestore(planned.kind)?.end ?? 0);
  }
  tenant.endRestore();
}
