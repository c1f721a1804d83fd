import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const open = new Set<string>();
const forgotten = new FinalizationRegistry<string>(remove);

/** A folder for files that nobody needs after `owner`: removed with it, or when the process ends. Returns how to remove it at once. */
export function scratchFolder(owner: object): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'truthdb-scratch-'));
  if (open.size === 0) process.once('exit', () => open.forEach(remove));
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

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  open.delete(path);
}
