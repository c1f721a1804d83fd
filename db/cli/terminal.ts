/** The real terminal of a process: standard streams, signals, environment. */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import type { Terminal } from './command.ts';
import { ReadlineInput } from './line-input.ts';

const PROGRESS_LINE_MILLIS = 5000;

export function processTerminal(json: boolean): Terminal {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  // Whoever started this and keeps a channel to it waits for the result; without the channel nobody does.
  process.once('disconnect', interrupt);
  process.channel?.unref();
  let closed = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of the pipe has had enough (`| head`): that ends the command, it is no failure.
    if (error.code !== 'EPIPE') throw error;
    closed = true;
    stop.abort();
  });
  let shownAt = 0;
  let progressShown = false;
  const clearProgress = () => {
    if (progressShown) process.stderr.write('\r\x1b[K');
    progressShown = false;
  };
  const write = async (result: string | Uint8Array) => {
    if (closed) return;
    clearProgress();
    if (!process.stdout.write(result))
      await Promise.race([once(process.stdout, 'drain'), aborted(stop.signal)]);
  };
  return {
    environment: process.env,
    json,
    isJournal: isJournal(process.env),
    signal: stop.signal,
    out: (line) => write(`${line}\n`),
    bytes: write,
    say: (line) => {
      clearProgress();
      process.stderr.write(`${line}\n`);
    },
    progress: (line) => {
      if (process.stderr.isTTY) {
        process.stderr.write(`\r\x1b[K${line}`);
        progressShown = true;
      } else if (performance.now() - shownAt > PROGRESS_LINE_MILLIS) {
        shownAt = performance.now();
        process.stderr.write(`${line}\n`);
      }
    },
    stdin: () => process.stdin as AsyncIterable<Buffer>,
    isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    lineInput: () => new ReadlineInput(process.stdin, process.stdout),
  };
}

/** systemd names the journal's socket in JOURNAL_STREAM; children inherit the variable, so it is compared. */
function isJournal(environment: NodeJS.ProcessEnv): boolean {
  const { dev, ino } = fstatSync(process.stdout.fd);
  return environment['JOURNAL_STREAM'] === `${dev}:${ino}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
