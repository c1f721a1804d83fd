import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killsText, runKills } from '../../scripts/sim/kill-loop.ts';

const KILLS = 100;

test(`a server killed ${KILLS} times under load loses nothing it acknowledged and invents nothing`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-kills-'));
  try {
    const report = await runKills({ kills: KILLS, directory, seed: 1 });
    console.log(killsText(report));
    expect(report).toMatchObject({ kills: KILLS, lost: 0, invented: 0 });
    expect(report.acknowledged).toBeGreaterThan(KILLS * 10);
    expect(report.segments).toBeGreaterThan(2);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 600_000);
