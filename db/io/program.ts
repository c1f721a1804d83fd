/** How this program is started once more, for work that belongs into a process of its own. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The command and its first arguments; those of a subcommand come behind them. */
export function ownProgram(): readonly [string, ...string[]] {
  // The binary may have been started under another of its names, and has no file to start from.
  if (globalThis.__TRUTHDB_THREADS__ !== undefined) return [process.execPath, '--as', 'truthdb'];
  // Not what was started: `npm start` serves from a program that does nothing else.
  return [process.execPath, join(dirname(fileURLToPath(import.meta.url)), '..', 'bin.ts')];
}
