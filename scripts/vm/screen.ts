/**
 * A terminal without a window: bytes from a serial line become the cells a person would see. Answers the terminal
 * queries a program may send (cursor position, device attributes), as a real one does.
 */
import { createRequire } from 'node:module';
import type { Terminal as HeadlessTerminal, IBufferCell } from '@xterm/headless';

// The package is CommonJS with exports that Node's static scan does not see.
const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as {
  Terminal: typeof HeadlessTerminal;
};

export interface ScreenCell {
  readonly text: string;
  readonly bold: boolean;
  readonly inverse: boolean;
  /** False when the cell uses a colour other than the terminal's own. */
  readonly plain: boolean;
}

export class Screen {
  readonly columns: number;
  readonly rows: number;
  readonly #terminal: HeadlessTerminal;

  /** `reply` receives the bytes the terminal answers to queries. */
  constructor(columns: number, rows: number, reply: (bytes: string) => void) {
    this.columns = columns;
    this.rows = rows;
    this.#terminal = new Terminal({ cols: columns, rows, scrollback: 0, allowProposedApi: true });
    this.#terminal.onData(reply);
  }

  /** Resolves when the bytes are on the screen. */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(bytes, resolve));
  }

  /** All rows without the spaces at their ends, joined by newlines. */
  text(): string {
    return Array.from({ length: this.rows }, (_, row) => this.line(row)).join('\n');
  }

  /** One row, 0 at the top, without the spaces at its end. */
  line(row: number): string {
    const buffer = this.#terminal.buffer.active;
    return buffer.getLine(buffer.viewportY + row)?.translateToString(true) ?? '';
  }

  cell(row: number, column: number): ScreenCell {
    const buffer = this.#terminal.buffer.active;
    const cell: IBufferCell | undefined = buffer.getLine(buffer.viewportY + row)?.getCell(column);
    if (cell === undefined) {
      throw new Error(
        `cell (${row}, ${column}) is outside the screen of ${this.rows} rows and ${this.columns} columns`,
      );
    }
    return {
      text: cell.getChars() === '' ? ' ' : cell.getChars(),
      bold: cell.isBold() !== 0,
      inverse: cell.isInverse() !== 0,
      plain: cell.isFgDefault() && cell.isBgDefault(),
    };
  }

  cursor(): { readonly row: number; readonly column: number } {
    const buffer = this.#terminal.buffer.active;
    return { row: buffer.cursorY, column: buffer.cursorX };
  }

  /** Columns of the first inverse run of cells in a row as text, or undefined: where a menu's choice stands. */
  highlighted(row: number): string | undefined {
    let text = '';
    for (let column = 0; column < this.columns; column += 1) {
      const cell = this.cell(row, column);
      if (cell.inverse) text += cell.text;
      else if (text !== '') break;
    }
    return text === '' ? undefined : text.trim();
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}
