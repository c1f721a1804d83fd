/** Times of questions one after the other on a connection. */
import { percentile } from './findings.ts';

export interface Times {
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
  /** Questions the server gave up after its second; their time is until it said so. */
  readonly stopped: number;
}

export async function timesOf(
  ask: (at: number) => Promise<unknown>,
  count: number,
  signal: AbortSignal,
): Promise<Times> {
  const micros = new Float64Array(count);
  let stopped = 0;
  for (let at = 0; at < count; at++) {
    signal.throwIfAborted();
    const began = performance.now();
    try {
      await ask(at);
    } catch (error) {
      if ((error as { code?: string }).code !== 'TIMEOUT') throw error;
      stopped += 1;
    }
    micros[at] = (performance.now() - began) * 1000;
  }
  return { p50: percentile(micros, 0.5), p99: percentile(micros, 0.99), count, stopped };
}
