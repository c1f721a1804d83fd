/** What a schema means for vectors: the slots there are, what moves preferences, and what catalogues are made of. */
import type { KindId, SignalId, SlotId } from '../../ground.ts';
import { ACTIVE_STATE, slotBehind, slotById, userKind } from '../../schema/index.ts';
import type { EmbeddingSlot, EntityKind, RankingSchema, SignalType } from '../../schema/model.ts';

export interface PlannedSlot {
  readonly kind: KindId;
  readonly slot: EmbeddingSlot;
}

/** An effect of a signal on the preference of whoever gave it. */
export interface PlannedShift {
  readonly preference: SlotId;
  /** Slot of the signal's target. */
  readonly towards: SlotId;
  readonly rate: number;
}

/** The slot of a kind whose entities make others, and the slots of what they make. */
export interface PlannedCatalogue {
  readonly kind: KindId;
  readonly slot: SlotId;
  readonly sources: readonly { readonly kind: KindId; readonly slot: SlotId }[];
}

export interface VectorPlan {
  readonly slots: ReadonlyMap<SlotId, PlannedSlot>;
  /** Index of the state in which entities of a kind are active. */
  readonly activeStates: ReadonlyMap<KindId, number>;
  readonly users: KindId | null;
  /** By id of the signal; undefined where it moves nothing. */
  readonly shifts: readonly (readonly PlannedShift[] | undefined)[];
  readonly catalogues: readonly PlannedCatalogue[];
}

export const NO_PLAN: VectorPlan = Object.freeze({
  slots: new Map(),
  activeStates: new Map(),
  users: null,
  shifts: [],
  catalogues: [],
});

export function planOf(schema: RankingSchema): VectorPlan {
  const slots = new Map(
    schema.kinds.flatMap(({ id: kind, embeddings }) =>
      embeddings.map((slot) => [slot.id, { kind, slot }] as const),
    ),
  );
  const activeStates = new Map(schema.kinds.map(({ id, states }) => [id, states.indexOf(ACTIVE_STATE)]));
  const users = userKind(schema)?.id ?? null;
  return { slots, activeStates, users, shifts: shiftsOf(schema), catalogues: cataloguesOf(schema) };
}

function shiftsOf(schema: RankingSchema): (readonly PlannedShift[] | undefined)[] {
  const shifts: (readonly PlannedShift[] | undefined)[] = [];
  const users = userKind(schema);
  for (const signal of schema.signals) {
    const moved = users === null ? [] : shiftsOfSignal(schema, users, signal);
    if (moved.length > 0) shifts[signal.id satisfies SignalId] = moved;
  }
  return shifts;
}

function shiftsOfSignal({ kinds }: RankingSchema, users: EntityKind, signal: SignalType): PlannedShift[] {
  const target = kinds.find(({ id }) => id === signal.target);
  return signal.effects.flatMap((effect) => {
    if (effect.effect !== 'preference' || target === undefined) return [];
    const preference = slotById(users, effect.slot);
    const towards = preference === null ? null : slotBehind(target, preference);
    return towards === null ? [] : [{ preference: effect.slot, towards: towards.id, rate: effect.rate }];
  });
}

function cataloguesOf({ kinds }: RankingSchema): PlannedCatalogue[] {
  return kinds.flatMap(({ id: kind, embeddings }) =>
    embeddings
      .filter(({ source }) => source === 'catalogue')
      .map((slot) => {
        const made = kinds.filter(({ creator }) => creator?.kind === kind);
        const sources = made.flatMap((source) => {
          const behind = slotBehind(source, slot);
          return behind === null ? [] : [{ kind: source.id, slot: behind.id }];
        });
        return { kind, slot: slot.id, sources };
      }),
  );
}
