/** Runs the full-screen interface on a terminal, through blessed: keys in, painted lines out. */

import { PassThrough } from 'node:stream';
import blessed from 'blessed';
import { openConnection } from './connection.ts';
import { type FormEvent, initialForm, type Key, stepForm } from './form.ts';
import { type PaintedLine, paint, type Style } from './paint.ts';
import { sizeOf, type Terminal } from './terminal.ts';

/** Somebody may attach a terminal late, or the kernel may have written over the screen. */
const REDRAW_INTERVAL_MS = 60_000;
/** How long a lone escape waits for the rest of a function key; slow serial lines deliver those in pieces. */
const ESCAPE_WAIT_MS = 100;

const SGR: Readonly<Record<Style, string>> = { plain: '', bold: '\u001b[1m', inverse: '\u001b[7m', dim: '' };
const SGR_END = '\u001b[m';

/** @returns When the terminal hangs up. */
export function runFullScreen(terminal: Terminal, socketPath: string, term: string): Promise<number> {
  const size = sizeOf(terminal);
  // A serial line reports 0 by 0, and blessed would believe it.
  Object.assign(terminal.output, size);
  const unicode = !/^(vt|ansi|dumb)/.test(term);
  // Lines go out as UTF-8 or as ASCII, never as letters in the alternate character set: a terminal that misses the switch shows
  // rows of q and x.
  process.env = { ...process.env, NCURSES_NO_UTF8_ACS: '1' };
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
  const box = blessed.box({
    parent: screen,
    top: 0,
    left: 0,
    width: '100%',
    height: '100%',
    tags: false,
    wrap: false,
  });
  let state = initialForm();
  let deafUntilMs = 0;

  const draw = () => {
    const { columns, rows } = sizeOf(terminal);
    const lines = paint(state, { columns, rows, unicode, console: terminal.name });
    box.setContent(lines.map(formatLine).join('\n'));
    screen.render();
  };
  const redraw = () => {
    screen.realloc();
    draw();
  };
  const handle = (event: FormEvent) => {
    const step = stepForm(state, event);
    state = step.state;
    if (step.guardMs > 0) deafUntilMs = performance.now() + step.guardMs;
    for (const message of step.messages) connection.send(message);
    draw();
  };
  const connection = openConnection({
    socketPath,
    console: terminal.name,
    onReply: handle,
    onLost: () => handle({ type: 'lost' }),
  });
  screen.on(
    'keypress',
    (
      character: string | undefined,
      pressed: { name?: string; full?: string; ctrl?: boolean; shift?: boolean },
    ) => {
      const key = keyOf(character, pressed);
      if (key.control && key.name === 'l') redraw();
      // Return is reported a second time under the name enter.
      else if (pressed.full !== 'return' && performance.now() >= deafUntilMs) handle({ type: 'key', key });
    },
  );
  screen.on('resize', redraw);
  const timer = setInterval(redraw, REDRAW_INTERVAL_MS);
  draw();
  return new Promise((resolve) => {
    const leave = (code: number) => {
      clearInterval(timer);
      connection.close();
      screen.destroy();
      resolve(code);
    };
    terminal.input.on('end', () => leave(0));
    terminal.input.on('error', () => leave(1));
  });
}

function keyOf(
  character: string | undefined,
  pressed: { name?: string; ctrl?: boolean; shift?: boolean },
): Key {
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
  input.on('data', (chunk: Buffer | string) => {
    clearTimeout(timer);
    held += chunk.toString();
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
