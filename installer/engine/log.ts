/** The installer's log: lines with the time since its start, kept in memory and in a file under /run, copied to the disk at the end. */

import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { printable } from '../disks/disk.ts';

export interface Log {
  /** Never call it with a secret: the log ends on the installed disk and on every console. */
  write(line: string): void;
  lines(): readonly string[];
  /** Waits until the file holds every line written so far. */
  flush(): Promise<void>;
}

const LINES_MAX = 5000;

/**
 * @param file Where the lines go besides memory; losing it must not stop an installation.
 * @param nowMs Monotonic milliseconds.
 */
export function createLog(file: string, nowMs: () => number, onLine: (line: string) => void): Log {
  const start = nowMs();
  const lines: string[] = [];
  let written: Promise<void> = mkdir(dirname(file), { recursive: true })
    .then(() => writeFile(file, '', { mode: 0o600 }))
    .catch(() => undefined);
  return {
    write: (text) => {
      const line = `${((nowMs() - start) / 1000).toFixed(3).padStart(9)}  ${printable(text)}`;
      lines.push(line);
      if (lines.length > LINES_MAX) lines.shift();
      written = written.then(() => appendFile(file, `${line}\n`)).catch(() => undefined);
      onLine(line);
    },
    lines: () => lines,
    flush: () => written,
  };
}
