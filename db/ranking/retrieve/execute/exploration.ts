import { MICROS_PER_HOUR } from '../../ground.ts';
import type { Profile } from '../../schema/model.ts';
import { type Batch, compile, evaluate, type Freshness, mixed, type Scope } from '../score/index.ts';
import { AGE_HOURS } from '../score/measure.ts';

/** Novelty from which on few have seen something. */
const NOVELTY_MIN = 0.5;
/** Spreads users, so that two with the same seed are not shown the same. */
const USER_STEP = 0x61c88647;

/** How new each candidate is: its novelty, or 0 where it is older than the profile explores. */
export function freshnessOf(
  exploration: NonNullable<Profile['exploration']>,
  batch: Batch,
  scope: Scope,
): Freshness {
  const program = compile([AGE_HOURS, { scalar: 'feature', feature: 'novelty' }], scope.kind);
  const { columns, release } = evaluate(program, batch, scope);
  const [age, novelty] = columns;
  const column = scope.memory.column();
  const hours = exploration.withinMicros / MICROS_PER_HOUR;
  for (let at = 0; at < batch.count; at++) {
    column[at] = age![at]! <= hours && novelty![at]! >= NOVELTY_MIN ? novelty![at]! : 0;
  }
  release();
  return { column };
}

/** The new candidates in the order in which they get the places kept for them: by chance, and rather what scores well. */
export function explored({ column }: Freshness, scores: Float64Array, batch: Batch, scope: Scope): number[] {
  const fresh: number[] = [];
  let most = 0;
  for (let at = 0; at < batch.count; at++) {
    if (column[at]! <= 0) continue;
    fresh.push(at);
    most = Math.max(most, scores[at]!);
  }
  const seed = scope.seed ^ Math.imul(scope.query.user, USER_STEP);
  const chances = new Map(
    fresh.map((at) => {
      const merit = most > 0 ? Math.max(0, scores[at]!) / most : 0;
      return [at, mixed(batch.ids[at]!, seed) * (1 + merit)];
    }),
  );
  return fresh.sort((one, other) => chances.get(other)! - chances.get(one)! || one - other);
}
