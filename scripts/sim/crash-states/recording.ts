/** Runs the program under strace and keeps the disk as it was before and the operations that followed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type Content, contentOf } from './content.ts';
import { PREPARED } from './events.ts';
import { type Operation, readStraceLog, TRACED } from './strace-log.ts';

export interface Recording {
  readonly operations: readonly Operation[];
  readonly files: ReadonlyMap<string, { readonly file: number; readonly content: Content }>;
  readonly directories: readonly string[];
  readonly events: number;
}

/** Longer than any write. */
const STRING_BYTES = 8 * 1024 * 1024;
const PROGRAM = join(import.meta.dirname, 'program.ts');

export function record(): Recording {
  const root = mkdtempSync(join(tmpdir(), 'truthdb-crash-states-'));
  try {
    for (const folder of ['data', 'archive']) mkdirSync(join(root, folder));
    run(process.execPath, [PROGRAM, 'prepare', root]);
    const { files, directories } = imageOf(root);
    const log = `${root}.strace`;
    try {
      const watch = [
        '-f',
        '-qq',
        '--seccomp-bpf',
        '-xx',
        '-s',
        String(STRING_BYTES),
        '-e',
        `trace=${TRACED}`,
      ];
      run('strace', [...watch, '-o', log, process.execPath, PROGRAM, 'run', root]);
      const numbers = new Map([...files].map(([path, { file }]) => [path, file]));
      return {
        operations: readStraceLog(readFileSync(log, 'latin1'), root, numbers),
        files,
        directories,
        events: PREPARED,
      };
    } finally {
      rmSync(log, { force: true });
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1024 * 1024 });
}

function imageOf(root: string): Pick<Recording, 'files' | 'directories'> {
  const files = new Map<string, { file: number; content: Content }>();
  const directories: string[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const place = join(entry.parentPath, entry.name);
    const path = `/${relative(root, place)}`;
    if (entry.isDirectory()) directories.push(path);
    else files.set(path, { file: files.size + 1, content: contentOf(readFileSync(place)) });
  }
  return { files, directories };
}
