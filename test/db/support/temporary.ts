import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An empty data directory, removed when the test is over. */
export function temporaryData(): string {
  const directory = mkdtempSync(join(tmpdir(), 'truthdb-data-'));
  for (const folder of ['metadata', 'views']) mkdirSync(join(directory, folder));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
