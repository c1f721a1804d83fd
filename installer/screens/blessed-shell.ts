/** Runs the full-screen interface on a terminal, through blessed: keys in, painted lines out. */

import { PassThrough } from 'node:stream';
import blessed from 'blessed';
import { openConnection } from './connection.ts';
import { type FormEvent, type FormState, initialForm, type Key, stepForm } from './form.ts';
import { type PaintedLine, paint, type Style } from './paint.ts';
import { measure, type Terminal, type TerminalSize } from './terminal.ts';

/** Somebody may attach a terminal late, or the kernel may have written over the screen. */
const REDRAW_INTERVAL_MS = 60_000;
const MEASURE_INTERVAL_MS = 2000;
/** On larger screens the page stands in the middle: lines of 160 characters are hard to read. */
const PAGE_SIZE_MAX: TerminalSize = { columns: 100, rows: 30 };
/** How long a lone escape waits for the rest of a function key; slow serial lines deliver those in pieces. */
const ESCAPE_WAIT_MS = 100;

const SGR: Readonly<Record<Style, string>> = { plain: '', bold: '\u001b[1m', inverse: '\u001b[7m', dim: '' };
const SGR_END = '\u001b[m';

/** @returns When the terminal hangs up. */
export function runFullScreen(terminal: Terminal, socketPath: string, term: string): Promise<number> {
  const canvas = openCanvas(terminal, term);
  let state = initialForm();
  let deafUntilMs = 0;
  const handle = (event: FormEvent) => {
    const step = stepForm(state, event);
    state = step.state;
    if (step.guardMs > 0) deafUntilMs = performance.now() + step.guardMs;
    for (const message of step.messages) connection.send(message);
    canvas.draw(state);
  };
  const connection = openConnection({
    socketPath,
    console: terminal.name,
    onReply: handle,
    onLost: () => handle({ type: 'lost' }),
  });
  canvas.screen.on('keypress', (character: string | undefined, pressed: PressedKey) => {
    const key = keyOf(character, pressed);
    if (key.control && key.name === 'l') canvas.redraw(state);
    // Return is reported a second time under the name enter.
    else if (pressed.full !== 'return' && performance.now() >= deafUntilMs) handle({ type: 'key', key });
  });
  const timers = [
    setInterval(() => canvas.redraw(state), REDRAW_INTERVAL_MS),
    setInterval(() => {
      if (canvas.fit()) canvas.redraw(state);
    }, MEASURE_INTERVAL_MS),
  ];
  canvas.draw(state);
  return new Promise((resolve) => {
    const leave = (code: number) => {
      for (const timer of timers) clearInterval(timer);
      connection.close();
      canvas.screen.destroy();
      resolve(code);
    };
    terminal.input.on('end', () => leave(0));
    terminal.input.on('error', () => leave(1));
  });
}

interface Canvas {
  readonly screen: blessed.Widgets.Screen;
  draw(state: FormState): void;
  /** Draws every cell anew, whatever the terminal is believed to show. */
  redraw(state: FormState): void;
  /** @returns Whether the terminal has another size than before. */
  fit(): boolean;
}

function openCanvas(terminal: Terminal, term: string): Canvas {
  const unicode = !/^(vt|ansi|dumb)/.test(term);
  // Lines go out as UTF-8 or as ASCII, never as letters in the alternate character set: a terminal that misses the switch shows
  // rows of q and x.
  process.env = { ...process.env, NCURSES_NO_UTF8_ACS: '1' };
  let size = measure(terminal);
  Object.assign(terminal.output, size); // A serial line reports 0 by 0, and blessed would believe it.
  const screen = blessed.screen({
    input: joinEscapes(terminal.input),
    output: terminal.output,
    terminal: term,
    fullUnicode: false,
    forceUnicode: unicode,
    smartCSR: false,
    sendFocus: false,
    autoPadding: false,
    warnings: false,
  });
  const box = blessed.box({ parent: screen, tags: false, wrap: false });
  const draw = (state: FormState) => {
    const columns = Math.min(size.columns, PAGE_SIZE_MAX.columns);
    const rows = Math.min(size.rows, PAGE_SIZE_MAX.rows);
    box.left = Math.floor((size.columns - columns) / 2);
    box.top = Math.floor((size.rows - rows) / 2);
    box.width = columns;
    box.height = rows;
    const lines = paint(state, { columns, rows, unicode, console: terminal.name });
    box.setContent(lines.map(formatLine).join('\n'));
    screen.render();
  };
  return {
    screen,
    draw,
    redraw: (state) => {
      screen.realloc();
      draw(state);
    },
    fit: () => {
      const now = measure(terminal);
      if (now.columns === size.columns && now.rows === size.rows) return false;
      size = now;
      Object.assign(terminal.output, size);
      terminal.output.emit('resize');
      return true;
    },
  };
}

interface PressedKey {
  readonly name?: string;
  readonly full?: string;
  readonly ctrl?: boolean;
  readonly shift?: boolean;
}

function keyOf(character: string | undefined, pressed: PressedKey): Key {
  const name = pressed.name === 'tab' && pressed.shift === true ? 'backtab' : (pressed.name ?? '');
  const control = pressed.ctrl === true;
  return {
    name,
    character: !control && character !== undefined && character.length === 1 ? character : '',
    control,
  };
}

function formatLine(line: PaintedLine): string {
  return line
    .map(({ text, style }) => (SGR[style] === '' ? text : `${SGR[style]}${text}${SGR_END}`))
    .join('');
}

/**
 * Holds an escape at the end of a piece of input back until its sequence arrives: taken alone it would be the Escape key, which
 * leads a page back.
 */
export function joinEscapes(input: NodeJS.ReadStream, waitMs = ESCAPE_WAIT_MS): NodeJS.ReadStream {
  const joined = new PassThrough();
  let held = '';
  let timer: NodeJS.Timeout | undefined;
  const release = () => {
    joined.write(held);
    held = '';
  };
  input.setEncoding('utf8'); // Or a letter that arrives in two pieces would be two that are none.
  input.on('data', (chunk: string) => {
    clearTimeout(timer);
    held += chunk;
    // An escape, or one that has only begun to be a sequence: ESC, ESC [, ESC O, ESC [ 1 5.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
    if (/\u001b(?:[[O][0-9;]*)?$/.test(held)) timer = setTimeout(release, waitMs);
    else release();
  });
  input.on('end', () => joined.end());
  return Object.assign(joined, {
    isTTY: true,
    isRaw: true,
    setRawMode: () => joined,
  }) as unknown as NodeJS.ReadStream;
}
