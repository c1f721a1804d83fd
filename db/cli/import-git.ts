/** The history of a git repository as events: each change of a file is an event in that file's stream. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { TruthError } from '../errors.ts';
import { STREAM_NAME_BYTES_MAX } from '../protocol/index.ts';
import { uuidFromHash } from './import-id.ts';
import type { ImportedEvent } from './import-jsonl.ts';

/** A byte that neither paths nor subjects hold begins each commit. */
const COMMIT_MARK = '\x01';
const FORMAT = '%x01%H%x00%aI%x00%an%x00%s%x00';
const STREAM_PREFIX = 'git/';

const TYPES: Readonly<Record<string, string>> = {
  A: 'file-added',
  M: 'file-changed',
  D: 'file-deleted',
  T: 'file-kind-changed',
};

/** Oldest commit first. Errors: INVALID_ARGUMENT when `directory` is no repository or there is no git. */
export async function* gitEvents(directory: string): AsyncGenerator<ImportedEvent> {
  const args = [
    'log',
    '--reverse',
    '--no-merges',
    '--no-renames',
    '--name-status',
    '-z',
    `--format=${FORMAT}`,
  ];
  const git = spawn('git', ['-C', directory, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(git, 'close').catch((cause: Error) => [-1, cause.message]);
  let complaint = '';
  git.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk;
  });
  yield* historyEvents(git.stdout);
  const [code] = await closed;
  if (code === 0) return;
  throw new TruthError(
    'INVALID_ARGUMENT',
    `the git history of ${directory} cannot be read: ${complaint.trim() || 'is git installed?'}`,
  );
}

/** Reads what `git log -z --name-status` prints with FORMAT. */
async function* historyEvents(output: AsyncIterable<Buffer>): AsyncGenerator<ImportedEvent> {
  let commit: readonly string[] = [];
  let fields: string[] = [];
  let status: string | null = null;
  for await (const token of tokensOf(output)) {
    if (token.startsWith(COMMIT_MARK)) {
      fields = [token.slice(1)];
      status = null;
    } else if (fields.length < 4) {
      fields.push(token);
    } else if (status !== null) {
      yield changeEvent(commit, status, token);
      status = null;
    } else if (token.trim() !== '') {
      status = token.trim();
    }
    if (fields.length === 4) commit = fields;
  }
}

async function* tokensOf(output: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of output) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
      yield bytes.toString('utf8', start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}

function changeEvent(commitFields: readonly string[], status: string, path: string): ImportedEvent {
  const [commit = '', at = '', author = '', subject = ''] = commitFields;
  return {
    stream: streamOf(path),
    event: {
      id: uuidFromHash(createHash('sha256').update(`${commit} ${path}`).digest()),
      type: TYPES[status[0] as string] ?? 'file-changed',
      contentType: 'json',
      data: Buffer.from(JSON.stringify({ path, commit, at, author, subject })),
      metadata: Buffer.alloc(0),
    },
  };
}

/** A path that is too long for a name is told by its hash; characters a name may not hold become "?". */
function streamOf(path: string): string {
  const name = STREAM_PREFIX + path.replaceAll(/\p{Cc}/gu, '?');
  if (Buffer.byteLength(name) <= STREAM_NAME_BYTES_MAX) return name;
  return `${STREAM_PREFIX}sha256-${createHash('sha256').update(path).digest('hex')}`;
}
