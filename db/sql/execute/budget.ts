/**
 * What one query may use up. Everything that takes rows from the store or keeps them says so here, so a query without end
 * is ended in the middle of whatever it does.
 */
import { TruthError } from '../../errors.ts';
import type { Clock } from '../../io/index.ts';
import type { QueryLimits } from './query.ts';

/** Looking at the clock costs more than looking at a row. */
const ROWS_BETWEEN_LOOKS = 128;
const NANOS_PER_MILLI = 1_000_000n;

export interface BudgetOptions {
  readonly limits: QueryLimits;
  readonly clock: Pick<Clock, 'monotonicNanos'>;
  /** Whether whoever asked has given up. */
  readonly cancelled: () => boolean;
  /** Milliseconds of the limit that had passed before. */
  readonly waitedMillis?: number;
}

export class Budget {
  readonly #options: BudgetOptions;
  readonly #start: bigint;
  readonly #deadline: bigint;
  #untilLook = ROWS_BETWEEN_LOOKS;
  #examined = 0;
  #bytes = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#start = options.clock.monotonicNanos();
    const millis = Math.max(0, options.limits.millisMax - (options.waitedMillis ?? 0));
    this.#deadline = this.#start + BigInt(Math.ceil(millis)) * NANOS_PER_MILLI;
  }

  /** Rows and versions read so far. */
  get examinedRows(): number {
    return this.#examined;
  }

  /** Milliseconds since the query began. */
  get millis(): number {
    return Number(this.#options.clock.monotonicNanos() - this.#start) / Number(NANOS_PER_MILLI);
  }

  /** A row or version was read. Throws TIMEOUT and CLOSED (57014), TOO_LARGE (54000). */
  examine(): void {
    this.#examined += 1;
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return;
    this.#untilLook = ROWS_BETWEEN_LOOKS;
    this.check();
  }

  check(): void {
    const { limits, clock, cancelled } = this.#options;
    if (cancelled()) throw cancelledError();
    if (clock.monotonicNanos() > this.#deadline) throw timeoutError(limits.millisMax);
    if (this.#examined > limits.examinedMax) {
      throw tooLarge(
        `the query has read ${this.#examined} rows, more than the ${limits.examinedMax} a query may read`,
        'narrow its WHERE to a key or an index',
      );
    }
  }

  /** Bytes are kept until they are released. Throws TOO_LARGE (54000). */
  hold(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#options.limits.bytesMax) return;
    throw tooLarge(
      `the query keeps more than ${this.#options.limits.bytesMax} bytes of rows`,
      'give it a LIMIT, select fewer columns, or sort by a key',
    );
  }

  release(bytes: number): void {
    this.#bytes -= bytes;
  }

  /** So many rows are in the answer. Throws TOO_LARGE (54000). */
  answer(rows: number): void {
    const { rowsMax } = this.#options.limits;
    if (rows <= rowsMax) return;
    throw tooLarge(
      `the answer has more than ${rowsMax} rows`,
      'give the query a LIMIT and go on from the last key',
    );
  }
}

function tooLarge(problem: string, wayOut: string): TruthError {
  return new TruthError('TOO_LARGE', `${problem}: ${wayOut}`, { sqlstate: '54000' });
}

export function timeoutError(millisMax: number): TruthError {
  const message = `the query was ended after ${millisMax} ms, the time one may take: narrow it, or ask for more time`;
  return new TruthError('TIMEOUT', message, { sqlstate: '57014', millisMax });
}

export function cancelledError(): TruthError {
  return new TruthError('CLOSED', 'the query was cancelled by whoever asked it', { sqlstate: '57014' });
}
