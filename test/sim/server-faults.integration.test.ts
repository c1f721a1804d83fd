/** docs/simulation.md, Faults, on the real server and the real disk: what strace can make fail while it works. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runServerFault, type ServerFault } from '../../scripts/sim/server-faults.ts';

const CELLS: readonly [ServerFault, 'goes on' | 'refuses or ends'][] = [
  [{ call: 'pwrite64', effect: 'error=EIO', when: '20' }, 'refuses or ends'],
  [{ call: 'pwrite64', effect: 'error=ENOSPC', when: '20' }, 'refuses or ends'],
  [{ call: 'pwrite64', effect: 'delay_enter=300000', when: '20' }, 'goes on'],
  [{ call: 'fdatasync', effect: 'error=EIO', when: '10' }, 'refuses or ends'],
  [{ call: 'fdatasync', effect: 'error=EIO', when: '1' }, 'refuses or ends'],
  [{ call: 'fdatasync', effect: 'delay_enter=300000', when: '10' }, 'goes on'],
  [{ call: 'rename', effect: 'error=EIO', when: '1' }, 'refuses or ends'],
  [{ call: 'rename', effect: 'error=EIO', when: '2' }, 'refuses or ends'],
  [{ call: 'fsync', effect: 'error=EIO', when: '2' }, 'refuses or ends'],
  [{ call: 'pwrite64', effect: 'short', when: '700001' }, 'refuses or ends'],
  [{ call: 'openat', effect: 'error=EIO', when: '1+' }, 'refuses or ends'],
  [{ call: 'openat', effect: 'error=ENOSPC', when: '1+' }, 'refuses or ends'],
  [{ call: 'fallocate', effect: 'error=EIO', when: '1' }, 'refuses or ends'],
  [{ call: 'fallocate', effect: 'error=ENOSPC', when: '1+' }, 'refuses or ends'],
];

test.each(CELLS)(
  '%o: the server %s, and shows afterwards all that it acknowledged',
  async (fault, outcome) => {
    const directory = mkdtempSync(join(tmpdir(), 'truthdb-faults-'));
    try {
      const result = await runServerFault(fault, directory, 1);
      expect(result).toMatchObject({ outcome, lost: 0, invented: 0 });
      expect(result.acknowledged).toBeGreaterThanOrEqual(50);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  60_000,
);
