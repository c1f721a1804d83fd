import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NAME = /^truthdb-scratch-(\d+)-/;

const open = new Set<string>();
const forgotten = new FinalizationRegistry<string>(remove);
let begun = false;

/**
 * A folder for files that nobody needs after `owner`: removed with it, when the process ends, or, where that was killed, by the
 * next process that wants one. Returns how to remove it at once.
 */
export function scratchFolder(owner: object): { readonly path: string; remove(): void } {
  if (!begun) begin();
  const path = mkdtempSync(join(tmpdir(), `truthdb-scratch-${process.pid}-`));
  open.add(path);
  forgotten.register(owner, path, owner);
  return {
    path,
    remove: () => {
      forgotten.unregister(owner);
      remove(path);
    },
  };
}

function begin(): void {
  begun = true;
  process.once('exit', () => open.forEach(remove));
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid > 0 && !isAlive(pid)) removeOf(join(tmpdir(), name));
  }
}

/** Also true of a process that is somebody else's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

function remove(path: string): void {
  removeOf(path);
  open.delete(path);
}

/** What cannot be removed is in nobody's way. */
function removeOf(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Another process may be removing the same one.
  }
}
