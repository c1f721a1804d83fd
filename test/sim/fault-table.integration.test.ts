/**
 * Every call of every stage failing in every way, held to the table of docs/simulation.md. Whatever becomes of the stage,
 * nothing acknowledged is lost and the next start goes on: outcomesOf fails otherwise.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Operation } from '../../db/sim/faults.ts';
import { type Fault, outcomesOf, type Stage } from './fault-bench.ts';

const STAGES: readonly Stage[] = [
  'init',
  'start',
  'append',
  'rollover',
  'idle mark',
  'close',
  'archive',
  'prune',
  'checkpoint',
];
const OPERATIONS: readonly Operation[] = [
  'open',
  'pwrite',
  'fdatasync',
  'fsync',
  'fsyncDirectory',
  'rename',
  'allocate',
  'unlink',
  'truncate',
];

interface Row {
  readonly eio: readonly string[];
  readonly enospc: readonly string[];
}

const document = readFileSync(join(import.meta.dirname, '../../docs/simulation.md'), 'utf8');
const rows = new Map<string, Row>();
for (const [, stage, call, eio = '', enospc = ''] of document.matchAll(
  /^\| ([a-z ]+) \| (\w+) \| ([a-z ,]+) \| ([a-z ,]+) \|$/gm,
)) {
  rows.set(`${stage} ${call}`, { eio: eio.split(', '), enospc: enospc.split(', ') });
}

/** Outcomes without the error's code. */
async function found(stage: Stage, operation: Operation, fault: Fault): Promise<string[]> {
  const outcomes = await outcomesOf(stage, operation, fault);
  return [...new Set(outcomes.map((outcome) => outcome.replace(/:.*/, '')))].sort();
}

describe.each(STAGES)('%s', (stage) => {
  test.each(OPERATIONS)('%s fails as the table says', async (operation) => {
    const row = rows.get(`${stage} ${operation}`) ?? { eio: [], enospc: [] };
    expect(await found(stage, operation, 'EIO')).toEqual(row.eio);
    expect(await found(stage, operation, 'ENOSPC')).toEqual(row.enospc);
    expect(await found(stage, operation, 'short')).toEqual(row.eio);
    const done = await found(stage, operation, 'late-EIO');
    expect(done.filter((outcome) => outcome !== 'goes on' && !row.eio.includes(outcome))).toEqual([]);
    expect(await found(stage, operation, 'delay')).toEqual(row.eio.length === 0 ? [] : ['goes on']);
  });
});

test('the table speaks of stages and calls that there are', () => {
  const known = STAGES.flatMap((stage) => OPERATIONS.map((operation) => `${stage} ${operation}`));
  expect([...rows.keys()].filter((key) => !known.includes(key))).toEqual([]);
  expect(rows.size).toBeGreaterThan(30);
});
