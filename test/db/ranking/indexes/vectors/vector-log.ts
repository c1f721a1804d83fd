/** Commits of a small world: items with vectors that creators made, and users whose preferences signals move. */
import { KERNEL_ENTRY } from '../../../../../db/kernel/entry-types.ts';
import type { ViewCommit } from '../../../../../db/materializer/index.ts';
import type {
  EntityNumber,
  KindId,
  Micros,
  SignalId,
  SlotId,
  TupleNumber,
} from '../../../../../db/ranking/ground.ts';
import { type EntityEntry, encodeEntity, SignalsEncoder } from '../../../../../db/ranking/kernel/index.ts';
import { encodeChange, type SchemaStep } from '../../../../../db/ranking/schema/index.ts';
import type { EmbeddingSlot, EntityKind, SignalType } from '../../../../../db/ranking/schema/model.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../../db/types.ts';

export const TENANT = 3 as TenantId;
export const ITEM = 1 as KindId;
export const USER = 2 as KindId;
export const CREATOR = 3 as KindId;
export const CONTENT = 1 as SlotId;
export const PREFERENCE = 2 as SlotId;
export const CATALOGUE = 3 as SlotId;
export const LIKE = 1 as SignalId;
export const SKIP = 2 as SignalId;
export const ACTIVE = 0;
export const ARCHIVED = 1;
export const DELETED = 255;

export const RATES: Readonly<Record<number, number>> = { [LIKE]: 0.2, [SKIP]: -0.05 };

export interface EntryDraft {
  readonly type: number;
  readonly payload: Uint8Array;
}

type Slots = Pick<EmbeddingSlot, 'dimensions' | 'metric'>;

function kind(id: KindId, name: string, slot: EmbeddingSlot | null): EntityKind {
  const creator = id === ITEM ? { name: 'by', kind: CREATOR } : null;
  return {
    id,
    name,
    attributes: [],
    embeddings: slot === null ? [] : [slot],
    states: ['active', 'archived'],
    creator,
    person: false,
  };
}

function signal(id: SignalId, name: string): SignalType {
  return {
    ...{ id, name, target: ITEM, polarity: 'neutral', decay: { kind: 'none' }, windows: ['all'] },
    ...{ weight: { min: 0, max: 100, default: 1 }, lateMicros: 1_000_000, cohorts: false },
    effects: [{ effect: 'preference', slot: PREFERENCE, rate: RATES[id]! }],
  };
}

export function kindsOf({ dimensions, metric }: Slots): readonly EntityKind[] {
  const slot = (id: SlotId, source: EmbeddingSlot['source']): EmbeddingSlot => ({
    ...{ id, name: 'content', dimensions, metric, source },
  });
  return [
    kind(ITEM, 'item', slot(CONTENT, 'given')),
    kind(USER, 'user', slot(PREFERENCE, 'preference')),
    kind(CREATOR, 'creator', slot(CATALOGUE, 'catalogue')),
  ];
}

export function schemaEntry(version: number, steps: readonly SchemaStep[]): EntryDraft {
  return { type: KERNEL_ENTRY.rankingSchema, payload: encodeChange({ version, steps }) };
}

/** The whole schema at once. */
export function wholeSchema(slots: Slots): EntryDraft {
  const kinds = kindsOf(slots).map((value) => ({ step: 'put', what: 'entity', value }) as const);
  const signals = [signal(LIKE, 'like'), signal(SKIP, 'skip')].map(
    (value) => ({ step: 'put', what: 'signal', value }) as const,
  );
  return schemaEntry(1, [...kinds, ...signals]);
}

export function entityEntry(
  kind: KindId,
  number: number,
  rest: { readonly state?: number; readonly creator?: number; readonly vector?: Float32Array | null },
): EntryDraft {
  const { state = ACTIVE, creator = 0, vector } = rest;
  const entry: EntityEntry = {
    ...{
      entry: 'entity',
      kind,
      number: number as EntityNumber,
      key: `e${number}`,
      created: false,
      at: 1 as Micros,
    },
    ...{ state, creator: creator as EntityNumber, tuple: 0 as TupleNumber, attributes: [] },
    embeddings: vector === undefined ? [] : [{ slot: CONTENT, vector }],
    before: { creator: 0 as EntityNumber, state: 0 },
  };
  return { type: KERNEL_ENTRY.rankingEntity, payload: encodeEntity(entry) };
}

export interface GivenSignal {
  readonly signal: SignalId;
  readonly user: number;
  readonly item: number;
  readonly weight: number;
  readonly late?: boolean;
}

export function signalsEntry(signals: readonly GivenSignal[]): EntryDraft {
  const encoder = new SignalsEncoder(signals.length);
  for (const { signal, user, item, weight, late = false } of signals)
    encoder.add({
      ...{ signal, user: user as EntityNumber, target: item as EntityNumber, weight, late },
      ...{ creator: 0 as EntityNumber, tuple: 0 as TupleNumber, at: 1 as Micros },
      ...{ hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 },
    });
  return { type: KERNEL_ENTRY.rankingSignals, payload: encoder.finish() };
}

/** Commit number `ordinal`, from 1. */
export function commitOf(
  ordinal: number,
  drafts: readonly EntryDraft[],
  tenant: TenantId = TENANT,
): ViewCommit {
  const first = ordinal * 1_000;
  return {
    ordinal: ordinal as CommitOrdinal,
    epoch: 1 as Epoch,
    recordedAt: BigInt(ordinal) as RecordedAt,
    sequence: (first + drafts.length) as Sequence,
    entries: drafts.map(({ type, payload }, at) => ({
      ...{ sequence: (first + at) as Sequence, ordinal: ordinal as CommitOrdinal, type, tenant, payload },
      ...{ partitionKey: 0n, flags: 0 },
    })),
  };
}
