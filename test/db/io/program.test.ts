import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { ownProgram } from '../../../db/io/index.ts';

test('is the database, whatever program has it within', () => {
  const [command, ...first] = ownProgram();
  const { stdout, status } = spawnSync(command, [...first, 'evaluate', '--help'], { encoding: 'utf8' });
  expect(status).toBe(0);
  expect(stdout).toContain('truthdb evaluate');
});
