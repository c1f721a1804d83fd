/** The installer's serial console in this terminal: every key goes to it, Ctrl-C included; Ctrl-] leaves. */

import type { Vm } from '../vm/index.ts';
import type { Screen } from '../vm/screen.ts';

const COLUMNS_MIN = 80;
const ROWS_MIN = 24;
const LEAVE = 0x1d;

/**
 * Undoes whatever a program on a serial line may have set, at any point of its drawing: key modes, character set, scroll region,
 * attributes, hidden cursor. The cursor ends below everything drawn, which stays to be read.
 */
export const TERMINAL_RESTORED = [
  '\x1b[?1l\x1b>',
  '\x1b(B\x0f',
  '\x1b[r',
  '\x1b[m',
  '\x1b[?25h',
  '\x1b[999;1H\r\n',
].join('');

export interface ShownConnection {
  readonly adminToken: string;
  readonly fingerprint: string;
}

export interface InteractiveEnd {
  /** False when the person left before the machine was off. */
  readonly machineOff: boolean;
  /** What the installer's last page showed, when it was reached. */
  readonly connection: ShownConnection | undefined;
}

/** A sentence on why this terminal will not do, or undefined. */
export function terminalProblem(input: NodeJS.ReadStream, output: NodeJS.WriteStream): string | undefined {
  if (!input.isTTY || !output.isTTY) return '--interactive needs a terminal; this is a pipe or a file';
  if (output.columns < COLUMNS_MIN || output.rows < ROWS_MIN) {
    return `--interactive needs a terminal of at least ${COLUMNS_MIN} by ${ROWS_MIN}; this one is ${output.columns} by ${output.rows}`;
  }
  return undefined;
}

/** Connects terminal and machine until the machine is off or the person leaves. */
export async function connectTerminal(vm: Vm): Promise<InteractiveEnd> {
  const { stdin, stdout } = process;
  let connection: ShownConnection | undefined;
  const stopScreen = vm.serial.tap((bytes) => stdout.write(bytes));
  const stopWatching = vm.serial.watch(() => {
    connection = findConnection(vm.screen) ?? connection;
  });
  stdin.setRawMode(true);
  try {
    const machineOff = await new Promise<boolean>((resolve) => {
      stdin.on('data', (keys: Buffer) => {
        if (keys.includes(LEAVE)) resolve(false);
        else vm.serial.send(keys);
      });
      void vm.ended.then(() => resolve(true));
    });
    return { machineOff, connection };
  } finally {
    stopScreen();
    stopWatching();
    stdin.removeAllListeners('data');
    stdin.setRawMode(false);
    stdin.pause();
    stdout.write(TERMINAL_RESTORED);
  }
}

/** Token and fingerprint of a connection string on the screen, which may be broken over several lines inside a frame. */
export function findConnection(screen: Pick<Screen, 'text'>): ShownConnection | undefined {
  const text = screen.text().replaceAll(/[\s│|]+/g, '');
  const found = /truthdb:\/\/([A-Za-z0-9_-]{20,})@[^?]{1,300}\?fp=([0-9a-f]{64})/.exec(text);
  return found === null ? undefined : { adminToken: found[1]!, fingerprint: found[2]! };
}
