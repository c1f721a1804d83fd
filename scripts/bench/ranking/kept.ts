/** What was measured last, kept in dist/ part by part: an interrupted run loses only the part it was in, and parts may be measured one by one. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import type { Machine } from '../machine.ts';
import type { PartResult } from './findings.ts';
import type { SizeName } from './size.ts';

const FILE = join(import.meta.dirname, '../../../dist/bench-ranking.json');

/** A part as it was measured, and under what. */
export interface KeptPart extends PartResult {
  readonly size: SizeName;
  readonly rounds: number;
  readonly machine: Machine;
  /** Programs that wanted a processor on average of the last five minutes, the benchmark's own among them. */
  readonly load: number;
}

export type Kept = Readonly<Record<string, KeptPart>>;

/** All parts that were ever measured here, each as it was last. */
export function kept(file = FILE): Kept {
  return existsSync(file) ? restored(JSON.parse(readFileSync(file, 'utf8')) as Kept) : {};
}

/** Keeps a part in the place of what was known of it. */
export function keep(part: string, measured: Omit<KeptPart, 'load'>, file = FILE): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...kept(file), [part]: { ...measured, load: loadavg()[1] ?? 0 } }));
}

/** JSON has no NaN. */
function restored(all: Kept): Kept {
  return Object.fromEntries(
    Object.entries(all).map(([name, part]) => [
      name,
      { ...part, aims: part.aims.map((aim) => ({ ...aim, value: aim.value ?? Number.NaN })) },
    ]),
  );
}
