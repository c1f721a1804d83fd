/** A world in the real views, and their readers: what the plain ones of `world` stand for. */
import { KERNEL_ENTRY } from '../../../../db/kernel/entry-types.ts';
import type { ViewCommit } from '../../../../db/materializer/index.ts';
import { rankingAudience } from '../../../../db/ranking/audience/index.ts';
import { rankingCohorts } from '../../../../db/ranking/cohorts/index.ts';
import { rankingEntities } from '../../../../db/ranking/entities/index.ts';
import type { EntityNumber, KindId, Micros, SignalId, TupleNumber } from '../../../../db/ranking/ground.ts';
import { rankingText } from '../../../../db/ranking/indexes/text/index.ts';
import { rankingVectors } from '../../../../db/ranking/indexes/vectors/index.ts';
import type { EntityEntry } from '../../../../db/ranking/kernel/index.ts';
import { encodeEdge, encodeEntity, SignalsEncoder } from '../../../../db/ranking/kernel/index.ts';
import type { RankingReaders } from '../../../../db/ranking/reading.ts';
import { encodeChange } from '../../../../db/ranking/schema/codec.ts';
import type { RankingSchema, SignalType, UserItemState } from '../../../../db/ranking/schema/model.ts';
import { rankingSignals } from '../../../../db/ranking/signals/index.ts';
import type { CommitOrdinal, Epoch, RecordedAt, Sequence, TenantId } from '../../../../db/types.ts';
import {
  CATEGORY,
  CITY,
  CONTENT,
  CREATOR,
  exampleSchema,
  FOLLOWS,
  ITEM,
  LENGTH,
  TAGS,
  TASTE,
  TITLE,
  USER,
} from './example-schema.ts';
import type { World } from './world.ts';

const TENANT = 1 as TenantId;
const STATES = ['seen', 'saved', 'hidden', 'liked'] as const satisfies readonly UserItemState[];

/** The example, with a signal more for each state. */
const viewSchema: RankingSchema = {
  ...exampleSchema,
  signals: [
    ...exampleSchema.signals,
    ...STATES.map((state, at): SignalType => {
      const [like] = exampleSchema.signals;
      const effects = [{ effect: 'state', state, set: true } as const];
      return { ...like!, id: (11 + at) as SignalId, name: `mark_${state}`, polarity: 'neutral', effects };
    }),
  ],
};

interface Draft {
  readonly type: number;
  readonly payload: Uint8Array;
}

export function viewReadersOf(world: World): RankingReaders {
  const context = { logId: new Uint8Array(16), folder: null };
  const entities = rankingEntities.create(context);
  const signals = rankingSignals.create(context);
  const audience = rankingAudience.create(context);
  const cohorts = rankingCohorts.create(context);
  const vectors = rankingVectors.create(context);
  const text = rankingText.create(context);
  const commit = commitOf(draftsOf(world));
  for (const view of [entities, signals, audience, cohorts, vectors, text]) view.onCommit(commit);
  return {
    entities: entities.tenant(TENANT)!,
    signals: signals.tenant(TENANT)!,
    audience: audience.reader(TENANT, ITEM)!,
    cohorts: cohorts.tenant(TENANT)!,
    vectors: vectors.tenant(TENANT)!,
    text: text.reader(TENANT)!,
  };
}

function draftsOf(world: World): readonly Draft[] {
  const { kinds, signals, relationships } = viewSchema;
  const steps = [
    ...kinds.map((value) => ({ step: 'put', what: 'entity', value }) as const),
    ...signals.map((value) => ({ step: 'put', what: 'signal', value }) as const),
    ...relationships.map((value) => ({ step: 'put', what: 'relationship', value }) as const),
  ];
  return [
    { type: KERNEL_ENTRY.rankingSchema, payload: encodeChange({ version: 1, steps }) },
    ...entitiesOf(world),
    ...edgesOf(world),
    signalsOf(world),
  ];
}

function entitiesOf(world: World): readonly Draft[] {
  return [
    ...Array.from({ length: world.creators }, (_, at) => entityOf(CREATOR, at + 1, {})),
    ...world.users.map(({ tuple, taste }, at) =>
      entityOf(USER, at + 1, {
        tuple: tuple as TupleNumber,
        attributes: tuple === 0 ? [] : [{ attribute: CITY, value: world.cities[tuple - 1]! }],
        embeddings: taste === null ? [] : [{ slot: TASTE, vector: Float32Array.from(taste) }],
      }),
    ),
    ...world.items.map(({ state, createdAt, creator, category, length, title, tags, vector }, at) =>
      entityOf(ITEM, at + 1, {
        at: createdAt as Micros,
        state,
        creator: creator as EntityNumber,
        attributes: [
          ...(category === null ? [] : [{ attribute: CATEGORY, value: category }]),
          ...(length === null ? [] : [{ attribute: LENGTH, value: length }]),
          ...(title === '' ? [] : [{ attribute: TITLE, value: title }]),
          ...(tags.length === 0 ? [] : [{ attribute: TAGS, value: tags }]),
        ],
        embeddings: vector === null ? [] : [{ slot: CONTENT, vector: Float32Array.from(vector) }],
      }),
    ),
  ];
}

function entityOf(kind: KindId, number: number, more: Partial<EntityEntry>): Draft {
  const letter = kind === ITEM ? 'i' : kind === CREATOR ? 'c' : 'u';
  const entry: EntityEntry = {
    entry: 'entity',
    kind,
    number: number as EntityNumber,
    key: `${letter}${number}`,
    created: true,
    at: 1 as Micros,
    state: 0,
    creator: 0 as EntityNumber,
    tuple: 0 as TupleNumber,
    attributes: [],
    embeddings: [],
    before: { creator: 0 as EntityNumber, state: 255 },
    ...more,
  };
  return { type: KERNEL_ENTRY.rankingEntity, payload: encodeEntity(entry) };
}

function edgesOf({ follows }: World): readonly Draft[] {
  return follows.map(({ user, creator, weight }) => ({
    type: KERNEL_ENTRY.rankingEdge,
    payload: encodeEdge({
      entry: 'edge',
      relationship: FOLLOWS,
      from: user as EntityNumber,
      to: creator as EntityNumber,
      at: 1 as Micros,
      weight,
    }),
  }));
}

function signalsOf(world: World): Draft {
  const marks = world.states.map(({ user, state, item }) => {
    const signal = 11 + (STATES as readonly UserItemState[]).indexOf(state);
    return { signal, target: item, user, at: 1_000_000, weight: 1 };
  });
  const all = [...marks, ...world.events].sort((one, other) => one.at - other.at);
  const encoder = new SignalsEncoder(all.length);
  for (const { signal, target, user, at, weight } of all) {
    encoder.add({
      signal: signal as SignalId,
      target: target as EntityNumber,
      user: user as EntityNumber,
      creator: world.items[target - 1]!.creator as EntityNumber,
      tuple: world.users[user - 1]!.tuple as TupleNumber,
      at: at as Micros,
      weight,
      late: false,
      ...{ hashHigh: 0, hashLow: 0, checkHigh: 0, checkLow: 0 },
    });
  }
  return { type: KERNEL_ENTRY.rankingSignals, payload: encoder.finish() };
}

function commitOf(drafts: readonly Draft[]): ViewCommit {
  const ordinal = 1 as CommitOrdinal;
  return {
    ordinal,
    epoch: 1 as Epoch,
    recordedAt: 1n as RecordedAt,
    sequence: (drafts.length + 1) as Sequence,
    entries: drafts.map(({ type, payload }, at) => ({
      ...{ sequence: (at + 1) as Sequence, ordinal, tenant: TENANT, partitionKey: 0n, flags: 0 },
      type,
      payload,
    })),
  };
}
