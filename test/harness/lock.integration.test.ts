import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { withLock } from '../../scripts/vm/lock.ts';

describe('a lock between processes', () => {
  test('lets one after the other in, also after a failure', async () => {
    const folder = mkdtempSync(join(os.tmpdir(), 'truthdb-lock-'));
    const path = join(folder, 'deep', 'lock');
    let inside = 0;
    let most = 0;
    const visit = (fail: boolean) =>
      withLock(path, async () => {
        inside += 1;
        most = Math.max(most, inside);
        await sleep(30);
        inside -= 1;
        if (fail) throw new Error('on purpose');
        return 'done';
      });
    const results = await Promise.allSettled([visit(false), visit(true), visit(false), visit(false)]);
    expect(most).toBe(1);
    expect(results.map((result) => result.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    rmSync(folder, { recursive: true });
  });
});
