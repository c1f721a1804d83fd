/** What SQLite's failures mean to us: its result codes (sqlite.org/rescode.html) as errors of the database's own family. */
import { existsSync, writeFileSync } from 'node:fs';
import { type ErrorCode, TruthError } from '../../errors.ts';

/** Beside a file in which SQLite has found damage. */
export function damageMark(path: string): string {
  return `${path}.damaged`;
}

/** Primary result codes; the others are errors of ours. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  5: 'BUSY',
  6: 'BUSY',
  7: 'TOO_LARGE',
  8: 'READ_ONLY',
  9: 'TIMEOUT',
  10: 'IO',
  11: 'CORRUPT',
  13: 'DISK_FULL',
  14: 'VIEW_UNAVAILABLE',
  18: 'TOO_LARGE',
  26: 'CORRUPT',
};

/** Runs what talks to SQLite; what it throws names the file. */
export function withStoreErrors<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    throw storeError(path, error);
  }
}

/** The same error where it is none of SQLite's. */
export function storeError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TruthError) return error;
  if ('code' in error && error.code === 'ERR_INVALID_STATE') {
    return new TruthError('CLOSED', `the store ${path} is closed (${error.message})`, {}, { cause: error });
  }
  if (!('errcode' in error) || typeof error.errcode !== 'number') return error;
  const code = CODES[error.errcode & 0xff] ?? 'INTERNAL';
  if (code === 'CORRUPT') markDamage(path, error.message);
  return new TruthError(
    code,
    `the store ${path}: SQLite reports "${error.message}" (${error.errcode})`,
    { sqlite: error.errcode },
    { cause: error },
  );
}

/** The next start has to know: what SQLite meets in one page it may not meet again before answers are wrong. */
function markDamage(path: string, message: string): void {
  try {
    if (existsSync(path)) writeFileSync(damageMark(path), `${message}\n`);
  } catch {
    // A disk that takes no file keeps the error itself, which goes to whoever asked.
  }
}
