/** A terminal as the interfaces need it: opened by path or standard streams, raw, with a size. */

import { constants, openSync } from 'node:fs';
import { basename } from 'node:path';
import { isatty, ReadStream, WriteStream } from 'node:tty';

export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Name the other consoles see: ttyS0, tty1. */
  readonly name: string;
  readonly isTerminal: boolean;
  /** Device it was opened by; undefined: standard streams. */
  readonly path: string | undefined;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a serial line is when it does not say: it reports a size of 0 by 0. */
export const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** @param path Device of the terminal; undefined: standard input and output. */
export function openTerminal(path: string | undefined): Terminal {
  if (path === undefined) {
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    const isTerminal = stdin.isTTY === true && stdout.isTTY === true;
    return { input: stdin, output: stdout, name: 'this terminal', isTerminal, path };
  }
  const descriptor = openDevice(path);
  if (!isatty(descriptor)) throw new Error(`${path} is no terminal`);
  const input = new ReadStream(descriptor);
  input.setRawMode(true);
  return { input, output: new WriteStream(openDevice(path)), name: basename(path), isTerminal: true, path };
}

/**
 * The size right now. A stream knows only the size it was opened with, and the signal that tells of a change reaches the terminal's
 * own session alone; but the screen grows from 80 by 25 to its full size when the graphics driver takes over, some time after start.
 */
export function measure(terminal: Terminal): TerminalSize {
  if (terminal.path === undefined) return sizeOf(terminal.output);
  const probe = new WriteStream(openDevice(terminal.path));
  const size = sizeOf(probe);
  probe.destroy();
  return size;
}

function sizeOf({ columns, rows }: NodeJS.WriteStream): TerminalSize {
  return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
}

function openDevice(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NOCTTY);
}
