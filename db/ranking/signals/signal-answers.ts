/** What is asked of one signal: counts, weights and scores of given items, and the best items. */
import {
  Best,
  type Board,
  type BoardMeasure,
  endOf,
  type Ranking,
  WINDOWS,
  windowGone,
  windowNotKept,
} from '../counting/index.ts';
import { MICROS_PER_HOUR, MICROS_PER_SECOND, type Micros } from '../ground.ts';
import type { WindowName } from '../schema/model.ts';
import type { TotalsMeasure } from './item-totals.ts';
import type { SignalLedger } from './signal-ledger.ts';

/** Items that are asked about and where the answers go, side by side. */
export interface Asked {
  readonly targets: Uint32Array;
  readonly count: number;
  readonly now: Micros;
  readonly out: Float64Array;
}

export type Order = 'score' | 'count' | 'weight' | 'velocity' | 'acceleration';

/** Errors of all of these: INVALID_ARGUMENT for a window that is not kept, PRUNED for a time of which too much is gone. */
export class SignalAnswers {
  readonly #ledger: SignalLedger;

  constructor(ledger: SignalLedger) {
    this.#ledger = ledger;
  }

  score({ targets, count, now, out }: Asked): void {
    const { linear, totals } = this.#ledger;
    if (linear !== null) {
      const board = this.#ledger.standings.linear(linear, this.#notBeforeEvents(now));
      for (let at = 0; at < count; at++) out[at] = board.value(targets[at]!);
      return;
    }
    const factor = this.#ledger.scoreFactor(now);
    for (let at = 0; at < count; at++) out[at] = totals.value(targets[at]!) * factor;
  }

  count(window: WindowName, asked: Asked): void {
    if (window === 'all') this.#total('count', asked);
    else this.#windowed('count', window, 1, asked);
  }

  weight(window: WindowName, asked: Asked): void {
    if (window === 'all') this.#total('weight', asked);
    else this.#windowed('weight', window, 1, asked);
  }

  velocity(window: WindowName, asked: Asked): void {
    if (window === 'all') this.#overall(asked);
    else this.#windowed('count', window, WINDOWS[window].hours, asked);
  }

  /** There is no window before `all`: over it nothing accelerates. */
  acceleration(window: WindowName, asked: Asked): void {
    if (window === 'all') asked.out.fill(0, 0, asked.count);
    else this.#windowed('acceleration', window, WINDOWS[window].hours, asked);
  }

  top(by: Order, window: WindowName, limit: number, now: Micros): Ranking {
    if (by === 'score') return this.#topScores(limit, now);
    if (window === 'all') return this.#topOverall(by, limit, now);
    const measure = by === 'velocity' ? 'count' : by;
    return this.#board(measure, window, now).top(limit);
  }

  #topScores(limit: number, now: Micros): Ranking {
    const { linear, standings } = this.#ledger;
    if (linear !== null) return standings.linear(linear, this.#notBeforeEvents(now)).top(limit);
    const { items, values } = standings.leading('value', limit);
    const factor = this.#ledger.scoreFactor(now);
    const scores = values.map((value) => value * factor);
    // What is so long ago that nothing is left of it comes last.
    const none = scores.indexOf(0);
    const end = none < 0 ? scores.length : none;
    return { items: items.subarray(0, end), values: scores.subarray(0, end) };
  }

  /** Velocities over everything change their order as time goes by, so all of them have to be looked at. */
  #topOverall(by: Exclude<Order, 'score'>, limit: number, now: Micros): Ranking {
    if (by === 'count' || by === 'weight') return this.#ledger.standings.leading(by, limit);
    const best = new Best(limit);
    if (by === 'acceleration') return best.take();
    this.#ledger.totals.forEach((item, count, firstSecond) => {
      best.offer(velocitySince(firstSecond, count, now), item);
    });
    return best.take();
  }

  #total(measure: TotalsMeasure, { targets, count, out }: Asked): void {
    const { totals } = this.#ledger;
    for (let at = 0; at < count; at++) out[at] = totals.measure(measure, targets[at]!);
  }

  #overall({ targets, count, now, out }: Asked): void {
    const { totals } = this.#ledger;
    for (let at = 0; at < count; at++) {
      const target = targets[at]!;
      out[at] = velocitySince(totals.firstSecond(target), totals.count(target), now);
    }
  }

  #windowed(
    measure: BoardMeasure,
    window: Exclude<WindowName, 'all'>,
    hours: number,
    { targets, count, now, out }: Asked,
  ): void {
    this.#board(measure, window, now).read(targets, count, hours, out);
  }

  #board(measure: BoardMeasure, window: Exclude<WindowName, 'all'>, now: Micros): Board {
    const { type } = this.#ledger;
    if (!type.windows.includes(window)) throw windowNotKept(type, window);
    const shape = WINDOWS[window];
    const buckets = shape.buckets * (measure === 'acceleration' ? 2 : 1);
    if (!this.#ledger.reachesBackTo(shape.grain, endOf(now, shape.grain) - buckets))
      throw windowGone(type, window, now, this.#ledger.horizon);
    return this.#ledger.standings.board(measure, shape, now);
  }

  #notBeforeEvents(now: Micros): Micros {
    return Math.max(now, this.#ledger.horizon) as Micros;
  }
}

/** Events an hour since the first; of an item that is younger than an hour, its events. */
function velocitySince(firstSecond: number, count: number, now: Micros): number {
  const hours = (now - firstSecond * MICROS_PER_SECOND) / MICROS_PER_HOUR;
  return count / Math.max(hours, 1);
}
