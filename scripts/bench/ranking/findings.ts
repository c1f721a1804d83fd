/** What the parts of `bench ranking` are given and give back. */
import { type BenchAim, rounded } from '../bench.ts';
import type { SqlFinding, SqlPartResult } from '../sql/part.ts';
import type { BenchSize } from './size.ts';

export type Finding = SqlFinding;
export type PartResult = SqlPartResult;
export type { BenchAim };

export interface RankingPlan {
  readonly size: BenchSize;
  readonly rounds: number;
  /** Of a turn that is measured by the clock. */
  readonly seconds: number;
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/** A figure by itself: nobody to compare with. */
export function figure(
  part: string,
  load: string,
  who: string,
  unit: string,
  value: number,
  note = '',
): Finding {
  return { part, load, who, unit, value, ratio: null, note };
}

/** The value below which `share` of the values lie; they are sorted in place. */
export function percentile(values: Float64Array | number[], share: number): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** CPU of a server for each question in its turns that count, in microseconds: what a busy machine distorts least. */
export class CpuOfQuestions {
  readonly #names = new Map<string, { micros: number; questions: number }>();

  /** Runs a turn of so many questions to a server whose CPU so far `cpu` gives. */
  async counted<Value>(
    name: string,
    isCounted: boolean,
    cpu: () => number,
    questions: number,
    turn: () => Promise<Value>,
  ): Promise<Value> {
    const before = cpu();
    const value = await turn();
    if (isCounted) {
      const { micros, questions: sum } = this.#names.get(name) ?? { micros: 0, questions: 0 };
      this.#names.set(name, { micros: micros + cpu() - before, questions: sum + questions });
    }
    return value;
  }

  note(name: string): string {
    const { micros, questions } = this.#names.get(name) ?? { micros: Number.NaN, questions: 1 };
    return `${rounded(micros / questions)} µs of the server's CPU each`;
  }
}
