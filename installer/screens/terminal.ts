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
}

/** What a serial line is when it does not say: it reports a size of 0 by 0. */
export const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** @param path Device of the terminal; undefined: standard input and output. */
export function openTerminal(path: string | undefined): Terminal {
  if (path === undefined) {
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    return {
      input: stdin,
      output: stdout,
      name: 'standard input',
      isTerminal: stdin.isTTY === true && stdout.isTTY === true,
    };
  }
  const open = (flags: number) => openSync(path, flags | constants.O_NOCTTY);
  const inputDescriptor = open(constants.O_RDWR);
  if (!isatty(inputDescriptor)) throw new Error(`${path} is no terminal`);
  const input = new ReadStream(inputDescriptor);
  input.setRawMode(true);
  return { input, output: new WriteStream(open(constants.O_RDWR)), name: basename(path), isTerminal: true };
}

export function sizeOf(terminal: Terminal): { columns: number; rows: number } {
  const { columns, rows } = terminal.output;
  return columns > 0 && rows > 0 ? { columns, rows } : DEFAULT_SIZE;
}
