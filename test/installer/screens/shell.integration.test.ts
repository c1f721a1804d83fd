import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Terminal } from '@xterm/headless';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatMessage, lineSplitter, parseRequest, type Request } from '../../../installer/protocol.ts';
import { joinEscapes } from '../../../installer/screens/blessed-shell.ts';
import type { PageId, View } from '../../../installer/session/view.ts';
import { everyPage } from './views.ts';

/**
 * The interface as its own process on a pseudo-terminal of 80 by 24 (script(1) makes one), against an engine of the test's own; a
 * terminal emulator turns what it writes into the screen a person would see.
 */

const pages = everyPage();
const viewOf = (page: PageId): View => pages.get(page) as View;
const { PATH } = process.env;
const MAIN = new URL('../../../image/main.ts', import.meta.url).pathname;
const WAIT_MS = 20_000;

let folder: string;
let server: Server;
let client: Socket | undefined;
let requests: Request[];
let child: ChildProcess | undefined;
let terminal: Terminal;
let written: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'screens-'));
  requests = [];
  written = '';
  server = createServer((socket) => {
    client = socket;
    socket.setEncoding('utf8');
    const feed = lineSplitter((line) => requests.push(parseRequest(line)));
    socket.on('data', (chunk: string) => feed(chunk));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'engine.sock'), resolve));
});

afterEach(async () => {
  child?.stdin?.end();
  child?.kill('SIGKILL');
  client?.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

/** Starts the interface and waits until it has attached. */
async function start(term: string, ui: 'blessed' | 'line' = 'blessed'): Promise<void> {
  terminal = new Terminal({ cols: 80, rows: 24, allowProposedApi: true });
  const command = `stty cols 80 rows 24; exec ${process.execPath} ${MAIN} --as truthdb-installer ui --ui=${ui} --socket ${join(folder, 'engine.sock')}`;
  child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH, TERM: term },
  });
  child.stdout?.on('data', (chunk: Buffer) => {
    written += chunk.toString('latin1');
    terminal.write(chunk);
  });
  await until('attached', () => requests.some(({ type }) => type === 'hello'));
}

function show(view: View, driver = 'me', youDrive = true): void {
  client?.write(formatMessage({ type: 'view', driver, youDrive, view }));
}

function type(text: string): void {
  child?.stdin?.write(text);
}

function screen(): string[] {
  return Array.from(
    { length: 24 },
    (_, row) =>
      terminal.buffer.active.getLine(terminal.buffer.active.baseY + row)?.translateToString(true) ?? '',
  );
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!holds()) {
    if (Date.now() > deadline)
      throw new Error(
        `not ${what} within ${WAIT_MS} ms; the screen:\n${terminal === undefined ? '' : screen().join('\n')}`,
      );
    await sleep(20);
  }
}

const shown = (page: PageId) =>
  until(`on page ${page}`, () => screen().at(-1)?.trimEnd().endsWith(`[${page}]`) ?? false);

describe.each(['vt220', 'linux', 'xterm'])('the full screen on a terminal of type %s', (term) => {
  it('shows every page where it belongs, without a stray letter of the alternate character set', async () => {
    await start(term);
    for (const [page, view] of pages) {
      show(view);
      await shown(page);
      const lines = screen();
      expect(lines[0]).toContain(view.title);
      expect(lines[1]).toMatch(/^(-{79}|\u2500{79})$/);
      expect(lines.join('\n')).not.toMatch(/qqqq|\ufffd/);
    }
  });

  it('uses ASCII where the character set is unknown', async () => {
    await start(term);
    show(viewOf('disk'));
    await shown('disk');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what the terminal is sent is looked at.
    expect(/^[\x00-\x7f]*$/.test(written)).toBe(term === 'vt220');
  });
});

describe('keys on the full screen', () => {
  it('reach the engine: choose, fill in, confirm', async () => {
    await start('vt220');
    show(viewOf('menu'));
    await shown('menu');
    type('\r');
    await until('asked to install', () =>
      requests.some((request) => request.type === 'act' && request.action === 'install'),
    );
    show(viewOf('disk'));
    await shown('disk');
    type('\u001b[B\u001b[B\r');
    await until('sent a disk', () =>
      requests.some((request) => request.type === 'act' && request.choice === '1:sdb'),
    );
    show(viewOf('confirm'));
    await shown('confirm');
    await sleep(1200);
    type('2B3C\tvg_store\t\t\r');
    await until('confirmed', () => requests.some((request) => request.type === 'install'));
    expect(requests.at(-1)).toMatchObject({
      planHash: viewOf('confirm').planHash,
      typed: { token: '2B3C', array: 'vg_store' },
    });
  });

  it('are thrown away in the first second of the confirm page', async () => {
    await start('vt220');
    show(viewOf('confirm'));
    await shown('confirm');
    type('2B3C\t\t\t\r');
    await sleep(1300);
    expect(screen().join('\n')).toContain('[_  ');
    expect(requests.filter((request) => request.type !== 'hello')).toEqual([]);
  });

  it('take an arrow key that arrives in pieces for what it is, and a lone escape for Back', async () => {
    await start('vt220');
    show(viewOf('disk'));
    await shown('disk');
    type('\u001b');
    await sleep(30);
    type('[B');
    await until('on a row', () => screen().some((line) => line.startsWith('> 1')));
    expect(requests.filter((request) => request.type === 'act')).toEqual([]);
    type('\u001b');
    await until('back', () =>
      requests.some((request) => request.type === 'act' && request.action === 'back'),
    );
  });
});

describe('the line mode on a terminal', () => {
  it('prompts with the page, echoes what is typed, but no password', async () => {
    await start('dumb', 'line');
    show(viewOf('access'));
    await until('prompted', () => screen().some((line) => line.startsWith('access>')));
    type('1\r');
    await until('asked', () => screen().some((line) => line.startsWith('Password:')));
    type('hunter2hunter2\r');
    await until('taken', () => screen().some((line) => line.includes('Password: (typed)')));
    expect(written).not.toContain('hunter2');
    type('n\r');
    await until('sent', () =>
      requests.some(
        (request) => request.type === 'act' && Object.values(request.values).includes('hunter2hunter2'),
      ),
    );
  });

  it('is what a terminal of type dumb gets', async () => {
    await start('dumb');
    show(viewOf('menu'));
    await until('prompted', () => screen().some((line) => line.startsWith('menu>')));
  });

  it('reads nothing in the first second of the confirm page, and prompts when it does', async () => {
    await start('dumb', 'line');
    show(viewOf('confirm'));
    await until('shown', () => screen().some((line) => line.includes('--- [confirm]')));
    type('1\r2B3C\re\r');
    await until('prompted', () => screen().some((line) => line.startsWith('confirm>')));
    await sleep(100);
    expect(requests.filter((request) => request.type !== 'hello')).toEqual([]);
  });
});

describe('joining escapes', () => {
  const join = async (pieces: readonly string[], pauseMs: number) => {
    const input = new PassThrough();
    const seen: string[] = [];
    const joined = joinEscapes(input as unknown as NodeJS.ReadStream, 50);
    joined.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
    for (const piece of pieces) {
      input.write(piece);
      await sleep(pauseMs);
    }
    await sleep(100);
    return seen;
  };

  it('waits for the rest of a sequence, and gives a lone escape up', async () => {
    expect(await join(['\u001b', '[', 'A'], 10)).toEqual(['\u001b[A']);
    expect(await join(['\u001b', '[A'], 120)).toEqual(['\u001b', '[A']);
    expect(await join(['abc', '\u001b[15~x'], 10)).toEqual(['abc', '\u001b[15~x']);
  });
});
