/** A git log as events: each change of a file is an event in that file's stream. */
import { idFromText } from './id.ts';
import type { SampleEvent } from './index.ts';

/** Begins each commit's record with a byte no path or subject holds. */
export const GIT_LOG_FORMAT = '%x01%H%x00%aI%x00%an%x00%s%x00';

const TYPES: Readonly<Record<string, string>> = {
  A: 'file-added',
  M: 'file-changed',
  D: 'file-deleted',
  T: 'file-kind-changed',
};

/** Longest stream name in bytes; longer paths are cut at their beginning, where they differ least. */
const STREAM_BYTES_MAX = 512;
const STREAM_PREFIX = 'git/';

export interface History {
  readonly commits: number;
  readonly events: readonly SampleEvent[];
}

/** Reads the output of `git log --reverse --no-renames --name-status -z` with GIT_LOG_FORMAT. */
export function historyEvents(log: string): History {
  const records = log.split('\x01').slice(1);
  return { commits: records.length, events: records.flatMap(commitEvents) };
}

function commitEvents(record: string): SampleEvent[] {
  const [commit = '', at = '', author = '', subject = '', ...changes] = record.split('\0');
  const events: SampleEvent[] = [];
  for (let index = 0; index + 1 < changes.length; ) {
    const status = changes[index]!.trim();
    if (status === '') {
      index += 1;
      continue;
    }
    const path = changes[index + 1]!;
    events.push({
      stream: streamOf(path),
      id: idFromText(`${commit} ${path}`),
      type: TYPES[status[0]!] ?? 'file-changed',
      data: { path, commit, at, author, subject },
    });
    index += 2;
  }
  return events;
}

function streamOf(path: string): string {
  const clean = path.replaceAll(/\p{Cc}/gu, '?');
  const bytes = Buffer.from(clean);
  const room = STREAM_BYTES_MAX - STREAM_PREFIX.length;
  if (bytes.length <= room) return STREAM_PREFIX + clean;
  // Cutting may split a character: leave its rest out.
  return (
    STREAM_PREFIX +
    bytes
      .subarray(bytes.length - room)
      .toString('utf8')
      .replace(/^\ufffd+/, '')
  );
}
