/** Looks at the screen of tty1 while somebody works at the serial line: every page must stand there as well, word for word. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GlyphReader, type PlacedText } from '../../../scripts/vm/glyphs.ts';
import type { Vm } from '../../../scripts/vm/index.ts';
import { encodePng, type Picture } from '../../../scripts/vm/png.ts';
import type { Screen } from '../../../scripts/vm/screen.ts';

/** Of the kernel's console font, in pixels. */
const CELL = { width: 8, height: 16 };
/** On larger screens the installer's page stands in the middle, in this many cells. */
const PAGE_MAX = { columns: 100, rows: 30 };
/** Above a page's text: title and rule; below it: rule, two lines of notice, actions, keys. */
const HEAD_ROWS = 2;
const FOOT_ROWS = 5;
const WITNESS_SECONDS = 60;
const PAUSE_MS = 300;

interface Region {
  readonly top: number;
  readonly left: number;
  readonly columns: number;
  readonly rows: number;
}

export class ScreenWitness {
  readonly #vm: Vm;
  readonly #reader = new GlyphReader(CELL);
  constructor(vm: Vm) {
    this.#vm = vm;
  }

  /**
   * Fails the test unless tty1 shows the page of that id and title with the words that the serial screen shows, read as
   * `wordsOf` reads them. Gives the picture of the page alone. The frame's words are compared, and the text's; what each console
   * has of its own (the actions of the one that drives) is not.
   */
  async sees(
    page: string,
    title: string,
    wordsOf: (screen: Screen) => readonly string[] | undefined = bodyWords,
  ): Promise<Picture> {
    const end = performance.now() + WITNESS_SECONDS * 1000;
    while (true) {
      const picture = await this.#vm.picture();
      const region = pageRegion(picture);
      try {
        this.#compareFrame(picture, region, page, title);
        const words = wordsOf(this.#vm.screen);
        if (words !== undefined) this.#compareWords(picture, region, words);
        const cut = crop(picture, region);
        writeFileSync(join(this.#vm.folder, `tty1-${page}.png`), encodePng(cut));
        return cut;
      } catch (error) {
        if (performance.now() > end) {
          throw await this.#vm.failure(`tty1 does not show the page "${page}": ${(error as Error).message}`);
        }
        await sleep(PAUSE_MS);
      }
    }
  }

  #compareFrame(picture: Picture, region: Region, page: string, title: string): void {
    const { top, left, columns, rows } = region;
    const id = `[${page}]`;
    this.#reader.learnAll(picture, [
      { row: top, column: left, text: ` TruthDB  ${title} ` },
      { row: top, column: left + columns - 1 - 'tty1 '.length, text: 'tty1 ' },
      { row: top + rows - 1, column: left + columns - 1 - id.length, text: id },
    ]);
  }

  #compareWords(picture: Picture, region: Region, words: readonly string[]): void {
    const found = this.#lines(picture, region).flatMap((line, row) =>
      [...line.matchAll(/\S+/g)].map((run) => ({
        row: region.top + HEAD_ROWS + row,
        column: region.left + run.index,
        text: run[0],
      })),
    );
    const placed: PlacedText[] = found.map((run, index) => {
      const word = words[index] ?? '';
      if (word.length !== run.text.length)
        throw new Error(`"${run.text}" stands where the serial line has "${word}"`);
      return { ...run, text: word };
    });
    if (placed.length !== words.length)
      throw new Error(`it ends before "${words.slice(placed.length).join(' ')}"`);
    this.#reader.learnAll(picture, placed);
  }

  #lines(picture: Picture, { top, left, columns, rows }: Region): readonly string[] {
    return Array.from({ length: rows - HEAD_ROWS - FOOT_ROWS }, (_, row) =>
      this.#reader.read(picture, top + HEAD_ROWS + row, left, columns - 1),
    );
  }
}

/** The words of the page on the serial screen, between its rules. */
export function bodyWords(screen: Screen): readonly string[] {
  const lines = Array.from({ length: screen.rows - HEAD_ROWS - FOOT_ROWS }, (_, row) =>
    screen.line(HEAD_ROWS + row),
  );
  return lines.join(' ').split(/\s+/).filter(Boolean);
}

function pageRegion(picture: Picture): Region {
  const screen = {
    columns: Math.floor(picture.width / CELL.width),
    rows: Math.floor(picture.height / CELL.height),
  };
  const columns = Math.min(screen.columns, PAGE_MAX.columns);
  const rows = Math.min(screen.rows, PAGE_MAX.rows);
  return {
    top: Math.floor((screen.rows - rows) / 2),
    left: Math.floor((screen.columns - columns) / 2),
    columns,
    rows,
  };
}

function crop(picture: Picture, { top, left, columns, rows }: Region): Picture {
  const [width, height] = [columns * CELL.width, rows * CELL.height];
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const start = ((top * CELL.height + y) * picture.width + left * CELL.width) * 3;
    rgb.set(picture.rgb.subarray(start, start + width * 3), y * width * 3);
  }
  return { width, height, rgb };
}
