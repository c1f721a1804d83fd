/**
 * The events every clone can try the product with: the history of this very repository, one stream per file, or where
 * there is too little history (a shallow clone, a young one) generated measurements.
 *
 * Both are lines of JSON as `truthdb import` takes them. Ids follow from the content, so importing twice adds nothing.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { generatedEvents } from './generated.ts';
import { GIT_LOG_FORMAT, historyEvents } from './git-history.ts';

export interface SampleEvent {
  readonly stream: string;
  /** A UUID. */
  readonly id: string;
  readonly type: string;
  readonly data: Readonly<Record<string, string | number>>;
}

export interface Sample {
  /** One sentence: what these events are. */
  readonly description: string;
  readonly events: readonly SampleEvent[];
}

const COMMITS_MIN = 100;
const run = promisify(execFile);

/** The sample for a clone at `repository`. Never fails for want of git: then the events are generated. */
export async function sampleEvents(repository: string): Promise<Sample> {
  const log = await gitLog(repository);
  const { commits, events } = historyEvents(log);
  if (commits < COMMITS_MIN) {
    const generated = generatedEvents();
    return {
      description: `${generated.length} generated measurements (the git history has ${commits} commits, fewer than ${COMMITS_MIN})`,
      events: generated,
    };
  }
  return {
    description: `${events.length} changes to files in ${commits} commits of this repository`,
    events,
  };
}

/** One JSON object a line, as `truthdb import` reads it. */
export function sampleLines(events: readonly SampleEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

async function gitLog(repository: string): Promise<string> {
  try {
    const { stdout } = await run(
      'git',
      [
        'log',
        '--reverse',
        '--no-merges',
        '--no-renames',
        '--name-status',
        '-z',
        `--format=${GIT_LOG_FORMAT}`,
      ],
      { cwd: repository, maxBuffer: 1 << 30 },
    );
    return stdout;
  } catch {
    return '';
  }
}
