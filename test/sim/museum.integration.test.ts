/**
 * Every bug the simulator found, kept with what shows it: the seeds hold with the code as it is, and break the same
 * property again when the repair is taken back. A piece whose seeds no longer find its bug is worth nothing: look for others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SimPlan } from '../../db/sim/index.ts';
import type { Canary, Patch } from '../../scripts/sim/canaries.ts';
import { runSeeds } from '../../scripts/sim/pool.ts';

interface Piece {
  readonly found: string;
  readonly bug: string;
  readonly property: string;
  readonly plan: Partial<SimPlan>;
  readonly from: number;
  readonly seeds: number;
  /** What takes the repair back. */
  readonly again: Patch;
}

const folder = join(import.meta.dirname, 'museum');
const pieces = readdirSync(folder).map((file): [string, Piece] => [
  file.replace(/\.json$/, ''),
  JSON.parse(readFileSync(join(folder, file), 'utf8')) as Piece,
]);

test.each(pieces)(
  '%s holds, and its seeds still show the bug',
  async (name, piece) => {
    const { from, seeds: count, plan, property, bug } = piece;
    const now = await runSeeds({ from, count, plan });
    expect(now.failures, bug).toEqual([]);
    const canary: Canary = { name, bug, patch: piece.again };
    const then = await runSeeds({ from, count, plan, canary });
    const seen = then.failures.filter((failure) => failure.property === property);
    console.log(`${name}: without its repair ${seen.length} of ${count} seeds break, first ${seen[0]?.seed}`);
    expect(seen.length, bug).toBeGreaterThan(0);
  },
  300_000,
);
