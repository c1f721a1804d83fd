/**
 * The events every clone can try the product with: the history of this very repository, one stream per file, or where
 * there is too little history (a shallow clone, a young one) generated measurements.
 *
 * Both go in through `truthdb import`; the same events are at hand here, so that what comes back out can be compared.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gitEvents } from '../../db/cli/import-git.ts';
import type { ImportedEvent } from '../../db/cli/import-jsonl.ts';
import { generatedEvents, generatedLines } from './generated.ts';

export interface Sample {
  /** One sentence: what these events are. */
  readonly description: string;
  /** What to give `truthdb import`. */
  readonly importArguments: readonly string[];
  /** What is imported, stream by stream in this order. */
  readonly events: readonly ImportedEvent[];
}

const COMMITS_MIN = 100;
const run = promisify(execFile);

/** The sample for a clone at `repository`; generated events are written into `folder`. Never fails for want of git. */
export async function makeSample(repository: string, folder: string): Promise<Sample> {
  const commits = await commitCount(repository);
  if (commits >= COMMITS_MIN) {
    const events: ImportedEvent[] = [];
    for await (const event of gitEvents(repository)) events.push(event);
    const description = `${events.length} changes to files in ${commits} commits of this repository`;
    return { description, importArguments: ['--git', repository], events };
  }
  const file = join(folder, 'sample.jsonl');
  writeFileSync(file, generatedLines());
  const events = generatedEvents();
  const description = `${events.length} generated measurements (the git history has ${commits} commits, fewer than ${COMMITS_MIN})`;
  return { description, importArguments: [file], events };
}

/** Number of commits without merges; 0 when there is no repository or no git. */
async function commitCount(repository: string): Promise<number> {
  try {
    const { stdout } = await run('git', ['-C', repository, 'rev-list', '--count', '--no-merges', 'HEAD']);
    return Number(stdout.trim());
  } catch {
    return 0;
  }
}
