/** What a signal does to an audience: its type's effects, looked up once for each change of the schema. */
import type { KindId, RelationshipId } from '../ground.ts';
import { type SignalType, USER_ITEM_STATES, type UserItemState } from '../schema/model.ts';
import type { Push } from './edges.ts';
import { LEVEL_MAX } from './recent-items.ts';

/** What an item means of which nothing good was said, as far as the weight goes: a fifth. */
const LEVEL_LEAST = 3;
const SCALE_MAX = 100;

/** What it says of the item. */
type Meaning = 'good' | 'bad' | 'nothing';

export interface PlannedPush extends Push {
  readonly relationship: RelationshipId;
  readonly to: 'creator' | 'target';
}

export interface SignalPlan {
  readonly target: KindId;
  readonly meaning: Meaning;
  /** Bits of states. */
  readonly set: number;
  readonly cleared: number;
  readonly pushes: readonly PlannedPush[];
  /** A weight from here on says as much as there is to say; below it less, and at `least` a fifth. */
  readonly full: number;
  readonly least: number;
}

/** `others`: all signals of the schema. Where none of the kind is positive, neutral ones have to do. */
export function planOf(signal: SignalType, others: readonly SignalType[]): SignalPlan {
  const { target, effects, weight } = signal;
  let set = 0;
  let cleared = 0;
  const pushes: PlannedPush[] = [];
  for (const effect of effects) {
    if (effect.effect === 'relationship') {
      const { relationship, to, delta, min, max } = effect;
      pushes.push({ relationship, to, delta, min, max });
    } else if (effect.effect === 'state') {
      const bit = bitOf(effect.state);
      set = effect.set ? set | bit : set & ~bit;
      cleared = effect.set ? cleared & ~bit : cleared | bit;
    }
  }
  return {
    target,
    meaning: meaningOf(signal, others),
    set,
    cleared,
    pushes,
    full: fullOf(weight),
    least: weight.min,
  };
}

function meaningOf({ target, polarity }: SignalType, others: readonly SignalType[]): Meaning {
  if (polarity !== 'neutral') return polarity === 'positive' ? 'good' : 'bad';
  const isPraised = others.some((other) => other.target === target && other.polarity === 'positive');
  return isPraised ? 'nothing' : 'good';
}

/** Bounds that are far apart only keep nonsense out: then the default says what is usual. Else they are a scale with a middle. */
function fullOf({ min, max, default: usual }: SignalType['weight']): number {
  const middle = min + (max - min) / 2;
  return max - min <= SCALE_MAX ? middle : Math.min(usual, middle);
}

/** How much a positive signal of this weight means, in fifteenths. */
export function levelOf({ full, least }: SignalPlan, weight: number): number {
  if (weight >= full || full <= least) return LEVEL_MAX;
  const share = Math.max(0, weight - least) / (full - least);
  return LEVEL_LEAST + Math.floor(share * (LEVEL_MAX - LEVEL_LEAST));
}

export function bitOf(state: UserItemState): number {
  return 1 << USER_ITEM_STATES.indexOf(state);
}
