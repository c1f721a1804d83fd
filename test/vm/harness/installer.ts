/** The installer's full-screen interface as a person uses it on a serial terminal of 80 by 24. */
import { expect } from 'vitest';
import type { KeyName, Vm } from '../../../scripts/vm/index.ts';

const PAGE_SECONDS = 90;
const TABS_MAX = 20;
/** The footer's right end names the page. */
const PAGE_ID = /\[([a-z]+)\]$/;
/** Longest part of a typed text that is sure to be shown. */
const SHOWN = 12;

const SETTLED_MS = 250;
/** A letter that stands for no action. */
const KNOCK = 'x';
const KNOCK_MS = 300;
const ERASE_LINE = '\x15';

interface Focus {
  readonly row: number;
  readonly text: string;
}

const NOWHERE: Focus = { row: -1, text: '' };

export class Installer {
  readonly vm: Vm;

  constructor(vm: Vm) {
    this.vm = vm;
  }

  /** Id of the page on the screen; undefined while there is none. */
  page(): string | undefined {
    const { screen } = this.vm;
    return PAGE_ID.exec(screen.line(screen.rows - 1))?.[1];
  }

  /** What the title line says. */
  title(): string {
    return this.vm.screen
      .line(0)
      .replace(/^ TruthDB\s+/, '')
      .replace(/\s+ttyS0\s*$/, '');
  }

  /** Waits for a page, then checks what must hold for every page on this terminal. */
  async waitForPage(id: string, seconds = PAGE_SECONDS): Promise<void> {
    await this.vm.waitFor(`the page "${id}"`, seconds, () => this.page() === id || undefined);
    this.checkScreen();
  }

  /** No line runs over, no letters stand where lines should be drawn, and only the terminal's own two colours are used. */
  checkScreen(): void {
    const { screen } = this.vm;
    expect(screen.text()).not.toMatch(/[lmqxjk]{5,}/);
    for (let row = 0; row < screen.rows; row += 1) {
      expect(screen.line(row).length).toBeLessThan(screen.columns);
      for (let column = 0; column < screen.columns; column += 1) {
        const { plain } = screen.cell(row, column);
        expect({ row, column, plain }).toEqual({ row, column, plain: true });
      }
    }
  }

  press(...keys: readonly KeyName[]): void {
    this.vm.serial.press(...keys);
  }

  type(text: string): void {
    this.vm.serial.send(text);
  }

  waitForText(text: string | RegExp, seconds = PAGE_SECONDS): Promise<true> {
    return this.vm.waitForScreen(text, seconds);
  }

  /** Moves the focus with Tab to an action and presses Enter. */
  async choose(label: string): Promise<void> {
    await this.focusOn(label);
    this.press('enter');
  }

  /** Moves the focus with Tab to an action. */
  focusOn(label: string): Promise<void> {
    return this.#tabTo(`the action ${label}`, ({ text }) => text.includes(label));
  }

  /** Moves the focus to the field of that label (its beginning) and types; a secret shows as stars. */
  async fill(label: string, text: string, shown: 'text' | 'stars' = 'text'): Promise<void> {
    await this.#tabToField(label);
    this.type(text);
    const expected = (shown === 'stars' ? '*'.repeat(text.length) : text).slice(-SHOWN);
    await this.vm.waitFor(
      `"${label}" to show what was typed`,
      PAGE_SECONDS,
      () => this.focus()?.text.includes(expected) || undefined,
    );
  }

  /** What the field of that label shows while it has the focus; undefined while it has not. */
  shownIn(label: string): string | undefined {
    const focus = this.focus();
    if (focus === undefined || !this.#isField(label, focus)) return undefined;
    return /^\[(.*)_ *\]$/.exec(focus.text)?.[1];
  }

  /** Waits until a page that ignores its first keys takes keys again; fails when keys pressed before did count. */
  async waitUntilAwake(label: string): Promise<void> {
    const knock = setInterval(() => this.type(KNOCK), KNOCK_MS);
    try {
      await this.vm.waitFor(`"${label}" to take keys`, PAGE_SECONDS, () => Boolean(this.shownIn(label)));
    } finally {
      clearInterval(knock);
    }
    expect(this.shownIn(label)).toMatch(new RegExp(`^${KNOCK}+$`));
    await this.clear(label);
  }

  /** Empties the field of that label. */
  async clear(label: string): Promise<void> {
    await this.#tabToField(label);
    this.type(ERASE_LINE);
    await this.vm.waitFor(`"${label}" to be empty`, PAGE_SECONDS, () => this.shownIn(label) === '');
  }

  #tabToField(label: string): Promise<void> {
    return this.#tabTo(`the field ${label}`, (focus) => this.#isField(label, focus));
  }

  /** A long label stands above its field. */
  #isField(label: string, { row }: Focus): boolean {
    const { screen } = this.vm;
    return [row, row - 1].some((line) => line > 0 && screen.line(line).startsWith(`> ${label}`));
  }

  /** Chooses the row of a list that holds `text`, by its number. */
  async chooseRow(text: string): Promise<void> {
    const { screen } = this.vm;
    const row = screen
      .text()
      .split('\n')
      .find((line) => line.includes(text));
    const number = /^[ >] ?(\d)/.exec(row ?? '')?.[1];
    if (number === undefined) throw await this.vm.failure(`no row that can be chosen shows ${text}`);
    // A list in which nothing is chosen yet has the focus without showing it.
    await this.#tabTo('the list', (focus) => focus.row === NOWHERE.row || /^> ?\d /.test(focus.text));
    this.type(number);
    await this.vm.waitFor(
      `row ${number} to be chosen`,
      PAGE_SECONDS,
      () => this.focus()?.text.includes(text) || undefined,
    );
  }

  /** The one inverse run of cells below the title, NOWHERE without one, undefined with several (while the screen is painted). */
  focus(): Focus | undefined {
    const { screen } = this.vm;
    const runs: Focus[] = [];
    for (let row = 1; row < screen.rows; row += 1) {
      const text = screen.highlighted(row);
      if (text !== undefined && !this.#continues(row)) runs.push({ row, text });
    }
    return runs.length > 1 ? undefined : (runs[0] ?? NOWHERE);
  }

  /** A row of a list is inverse over the full width, and so are the lines below that belong to it. */
  #continues(row: number): boolean {
    const { screen } = this.vm;
    return row > 1 && screen.cell(row, 0).inverse && screen.cell(row - 1, 0).inverse;
  }

  async #tabTo(what: string, isThere: (focus: Focus) => boolean): Promise<void> {
    let focus = await this.#settledFocus();
    for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
      if (isThere(focus)) return;
      this.press('tab');
      focus = await this.#settledFocus(focus);
    }
    throw await this.vm.failure(`Tab never reaches ${what}`);
  }

  /** The focus once it has stayed the same for a while, and is another than `before`. */
  async #settledFocus(before?: Focus): Promise<Focus> {
    let last: Focus | undefined;
    let since = performance.now();
    return this.vm.waitFor('the focus to settle', PAGE_SECONDS, () => {
      const now = this.focus();
      if (now?.row !== last?.row || now?.text !== last?.text) {
        last = now;
        since = performance.now();
      }
      const moved = now !== undefined && (now.row !== before?.row || now.text !== before?.text);
      return moved && performance.now() - since >= SETTLED_MS ? now : undefined;
    });
  }
}
