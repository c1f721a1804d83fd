/**
 * Exponential decay seen from a fixed moment: instead of what everything weighs now, it is kept what it would weigh at the
 * landmark, where an event counts the more the later it is. Events out of order need nothing special, the order of items
 * stands still while nothing happens, and one factor for all turns it into what they weigh now (forward decay: Cormode,
 * Shkapenyuk, Srivastava, Xu, ICDE 2009).
 */
import { exp2, halfLifeFactor } from '../../numeric/index.ts';
import type { Micros } from '../ground.ts';

/** The landmark moves when events are so many half-lives ahead of it, long before doubles end. */
const HALF_LIVES_MAX = 512;

export class Landmark {
  readonly halfLifeMicros: number;
  #origin: number;

  constructor(halfLifeMicros: number, origin: number) {
    this.halfLifeMicros = halfLifeMicros;
    this.#origin = origin;
  }

  get origin(): number {
    return this.#origin;
  }

  /** How much an event of that time counts. */
  growth(at: Micros): number {
    return exp2((at - this.#origin) / this.halfLifeMicros);
  }

  /** What turns everything into what it weighs at `now`. */
  factor(now: Micros): number {
    return halfLifeFactor(now - this.#origin, this.halfLifeMicros);
  }

  /** Moves towards an event that is too far ahead. Returns the factor for everything there is, 1 when it stays: a power of two, so nothing is rounded. */
  moveTowards(at: Micros): number {
    const ahead = (at - this.#origin) / this.halfLifeMicros;
    if (ahead <= HALF_LIVES_MAX) return 1;
    const halfLives = Math.floor(ahead);
    this.#origin += halfLives * this.halfLifeMicros;
    return exp2(-halfLives);
  }
}
