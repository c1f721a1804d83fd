/**
 * Interfaces: what people see of the installer. They attach to the engine's socket, render the views it sends and send back what
 * was chosen; nothing is decided here. line.ts with line-editor.ts is the line mode, form.ts with paint.ts the full-screen one, both
 * pure; the two shells join them to a terminal. This folder imports the views and the protocol, nothing of the engine.
 */

import { runFullScreen } from './blessed-shell.ts';
import { runLineMode } from './line-shell.ts';
import { DEFAULT_SIZE, measure, openTerminal, type Terminal } from './terminal.ts';

export type InterfaceKind = 'blessed' | 'line';

export interface InterfaceOptions {
  readonly kind: InterfaceKind;
  readonly socketPath: string;
  /** Device of the terminal; undefined: standard input and output. */
  readonly tty: string | undefined;
  /** Terminal type, undefined or empty when nobody said. */
  readonly term: string | undefined;
}

/** @returns Exit code, when the terminal hangs up. */
export async function runInterface(options: InterfaceOptions): Promise<number> {
  const terminal = openTerminal(options.tty);
  const term = termOf(terminal, options.term);
  const full = options.kind === 'blessed' && canDoFullScreen(terminal, term);
  return full ? runFullScreen(terminal, options.socketPath, term) : runLineMode(terminal, options.socketPath);
}

/** Virtual consoles are of type linux; what hangs on a serial line understands vt220 or more. */
function termOf(terminal: Terminal, term: string | undefined): string {
  if (term !== undefined && term !== '') return term;
  return /^tty\d+$/.test(terminal.name) ? 'linux' : 'vt220';
}

function canDoFullScreen(terminal: Terminal, term: string): boolean {
  const { columns, rows } = measure(terminal);
  return (
    terminal.isTerminal && term !== 'dumb' && columns >= DEFAULT_SIZE.columns && rows >= DEFAULT_SIZE.rows
  );
}
