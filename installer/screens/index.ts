/**
 * Interfaces: what people see of the installer. They attach to the engine's socket, render the views it sends and send back what
 * was chosen; nothing is decided here. line.ts (with line-editor.ts and line-shell.ts) is the line mode. This folder imports the
 * views and the protocol, nothing of the engine.
 */

import { runLineMode } from './line-shell.ts';
import { openTerminal } from './terminal.ts';

export type InterfaceKind = 'blessed' | 'line';

export interface InterfaceOptions {
  readonly kind: InterfaceKind;
  readonly socketPath: string;
  /** Device of the terminal; undefined: standard input and output. */
  readonly tty: string | undefined;
}

export async function runInterface(options: InterfaceOptions): Promise<number> {
  const terminal = openTerminal(options.tty);
  return runLineMode(terminal, options.socketPath);
}
