/** Commits of ranking entries for the audience, in the making, and checkpoints in memory. */
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { CheckpointReader, CheckpointWriter, ViewCommit } from '../../../../db/materializer/index.ts';
import { AudienceView } from '../../../../db/ranking/audience/audience-view.ts';
import type {
  EntityNumber,
  KindId,
  Micros,
  RelationshipId,
  SignalId,
  TupleNumber,
} from '../../../../db/ranking/ground.ts';
import { encodeEdge, encodeEntity, SignalsEncoder } from '../../../../db/ranking/kernel/index.ts';
import type { AudienceReader } from '../../../../db/ranking/reading.ts';
import type { SchemaStep } from '../../../../db/ranking/schema/change.ts';
import { encodeChange } from '../../../../db/ranking/schema/codec.ts';
import type {
  Decay,
  Effect,
  EntityKind,
  RelationshipType,
  SignalType,
} from '../../../../db/ranking/schema/model.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../db/types.ts';
import type { LogEntry } from '../../../../db/wal/log.ts';

export const ITEM = 1 as KindId;
export const USER = 2 as KindId;
export const CREATOR = 3 as KindId;
export const FOLLOWS = 1 as RelationshipId;
export const AFFINITY = 2 as RelationshipId;
export const HALF_LIFE_SECONDS = 1_000;

export const SIGNAL = Object.freeze({
  view: 1 as SignalId,
  like: 2 as SignalId,
  hide: 3 as SignalId,
  rate: 4 as SignalId,
  unlike: 5 as SignalId,
  follow: 6 as SignalId,
});

export interface GivenSignal {
  readonly signal: SignalId;
  readonly user: number;
  readonly target: number;
  readonly creator: number;
  readonly seconds: number;
  readonly weight: number;
}

const NOT_DECAYING: Decay = { kind: 'none' };

function kind(id: KindId, name: string): EntityKind {
  const states = ['active', 'archived'];
  const creator = name === 'item' ? { name: 'creator', kind: CREATOR } : null;
  return { id, name, attributes: [], embeddings: [], states, creator, person: false };
}

function signal(
  name: keyof typeof SIGNAL,
  polarity: SignalType['polarity'],
  effects: readonly Effect[],
  weight = { min: 0, max: 1_000_000, default: 1 },
): SignalType {
  const target = name === 'follow' ? USER : ITEM;
  const rest = { decay: NOT_DECAYING, windows: [], lateMicros: 1, cohorts: false };
  return { id: SIGNAL[name], name, target, polarity, effects, weight, ...rest };
}

const toCreator = (delta: number): Effect => {
  return { effect: 'relationship', relationship: AFFINITY, to: 'creator', delta, min: -2, max: 5 };
};

export const SIGNALS: readonly SignalType[] = [
  signal('view', 'neutral', [{ effect: 'state', state: 'seen', set: true }, toCreator(0.25)]),
  signal('like', 'positive', [
    { effect: 'state', state: 'seen', set: true },
    { effect: 'state', state: 'liked', set: true },
    toCreator(1),
  ]),
  signal('hide', 'negative', [{ effect: 'state', state: 'hidden', set: true }, toCreator(-1.5)]),
  signal('rate', 'positive', [{ effect: 'state', state: 'seen', set: true }], {
    min: 0,
    max: 10,
    default: 5,
  }),
  signal('unlike', 'neutral', [{ effect: 'state', state: 'liked', set: false }]),
  signal('follow', 'neutral', [
    { effect: 'relationship', relationship: FOLLOWS, to: 'target', delta: 1, min: 0, max: 1 },
  ]),
];

export const RELATIONSHIPS: readonly RelationshipType[] = [
  {
    ...{ id: FOLLOWS, name: 'follows', from: USER, to: USER, decay: NOT_DECAYING },
    weight: { min: 0, max: 1, default: 1 },
  },
  {
    ...{ id: AFFINITY, name: 'affinity', from: USER, to: CREATOR },
    decay: { kind: 'exponential', halfLifeMicros: HALF_LIFE_SECONDS * 1e6 },
    weight: { min: -3, max: 4, default: 1 },
  },
];

export const SCHEMA_STEPS: readonly SchemaStep[] = [
  ...[kind(ITEM, 'item'), kind(USER, 'user'), kind(CREATOR, 'creator')].map(
    (value) => ({ step: 'put', what: 'entity', value }) as const,
  ),
  ...SIGNALS.map((value) => ({ step: 'put', what: 'signal', value }) as const),
  ...RELATIONSHIPS.map((value) => ({ step: 'put', what: 'relationship', value }) as const),
];

export function schemaEntry(version: number, steps: readonly SchemaStep[]): Draft {
  return { type: KERNEL_ENTRY.rankingSchema, payload: encodeChange({ version, steps }) };
}

export interface Draft {
  readonly type: number;
  readonly payload: Uint8Array;
}

export function signalsEntry(signals: readonly GivenSignal[]): Draft {
  const encoder = new SignalsEncoder(signals.length);
  for (const { signal: id, user, target, creator, seconds, weight } of signals) {
    encoder.add({
      signal: id,
      target: target as EntityNumber,
      user: user as EntityNumber,
      creator: creator as EntityNumber,
      tuple: 0 as TupleNumber,
      at: micros(seconds),
      weight,
      late: false,
      ...{ hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 },
    });
  }
  return { type: KERNEL_ENTRY.rankingSignals, payload: encoder.finish() };
}

export function edgeEntry(
  relationship: RelationshipId,
  [from, to]: readonly [number, number],
  seconds: number,
  weight: number | null,
): Draft {
  const ends = { from: from as EntityNumber, to: to as EntityNumber };
  return {
    type: KERNEL_ENTRY.rankingEdge,
    payload: encodeEdge({ entry: 'edge', relationship, ...ends, at: micros(seconds), weight }),
  };
}

export function stateEntry(of: KindId, number: number, state: number, before: number): Draft {
  return {
    type: KERNEL_ENTRY.rankingEntity,
    payload: encodeEntity({
      ...{ entry: 'entity', kind: of, number: number as EntityNumber, key: `${of}/${number}` },
      ...{ created: false, at: micros(1), state, creator: 0 as EntityNumber, tuple: 0 as TupleNumber },
      ...{ attributes: [], embeddings: [], before: { creator: 0 as EntityNumber, state: before } },
    }),
  };
}

export function micros(seconds: number): Micros {
  return (seconds * 1e6) as Micros;
}

/** One commit for each list of entries. */
export function commitsOf(groups: readonly (readonly Draft[])[], tenant = 0): ViewCommit[] {
  let sequence = 0;
  return groups.map((drafts, index) => {
    const entries = drafts.map(({ type, payload }): LogEntry => {
      sequence += 1;
      const place = { sequence: sequence as Sequence, ordinal: (index + 1) as CommitOrdinal };
      return { ...place, type, tenant: tenant as TenantId, partitionKey: 0n, flags: 0, payload };
    });
    sequence += 1;
    return {
      ordinal: (index + 1) as CommitOrdinal,
      epoch: 1 as Epoch,
      recordedAt: BigInt(index + 1) as RecordedAt,
      sequence: sequence as Sequence,
      entries,
    };
  });
}

export function viewOf(commits: readonly ViewCommit[]): AudienceView {
  const view = new AudienceView();
  for (const commit of commits) view.onCommit(commit);
  return view;
}

export function readerOf(view: AudienceView, of = ITEM, tenant = 0): AudienceReader {
  return view.reader(tenant as TenantId, of)!;
}

/** Parts that can be asked for before or after other things happened to the view. */
export class MemoryCheckpoint implements CheckpointWriter {
  readonly #parts: { name: string; chunks: () => Iterable<Uint8Array>; done: (() => void) | undefined }[] =
    [];

  part(name: string, chunks: () => Iterable<Uint8Array>, done?: () => void): void {
    this.#parts.push({ name, chunks, done });
  }

  get names(): readonly string[] {
    return this.#parts.map(({ name }) => name);
  }

  finish(): Map<string, Uint8Array> {
    const bytes = new Map(
      this.#parts.map(({ name, chunks }) => [name, Buffer.concat([...chunks()])] as const),
    );
    for (const { done } of this.#parts) done?.();
    return bytes;
  }
}

export function savedParts(view: AudienceView): Map<string, Uint8Array> {
  const checkpoint = new MemoryCheckpoint();
  view.checkpoint(checkpoint);
  return checkpoint.finish();
}

export function readerOfParts(parts: ReadonlyMap<string, Uint8Array>): CheckpointReader {
  return { parts: [...parts.keys()], read: (name) => parts.get(name)! };
}

export function restored(parts: ReadonlyMap<string, Uint8Array>): AudienceView {
  const view = new AudienceView();
  view.restore(readerOfParts(parts));
  return view;
}
