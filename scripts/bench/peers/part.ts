import type { BenchAim } from '../bench.ts';
import type { Finding } from './outcome.ts';

/** What one part of the benchmark gives. */
export interface PartResult {
  readonly findings: readonly Finding[];
  readonly aims: readonly BenchAim[];
}
