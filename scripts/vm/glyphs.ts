/**
 * Reads text off a screendump of the kernel's console without knowing its font: the first texts, known from elsewhere,
 * teach which cell of pixels means which character; later texts must agree with all that was learned before.
 */
import type { Picture } from './png.ts';

export interface CellSize {
  readonly width: number;
  readonly height: number;
}

/** A text and where its first character stands, in cells. */
export interface PlacedText {
  readonly row: number;
  readonly column: number;
  readonly text: string;
}

export class GlyphReader {
  readonly #cell: CellSize;
  readonly #known = new Map<string, string>();

  constructor(cell: CellSize) {
    this.#cell = cell;
  }

  /** How many different characters have been learned. */
  get size(): number {
    return this.#known.size;
  }

  /** Teaches that `text` stands at the row and column (of cells). Throws, having learned nothing, when that contradicts what is known. */
  learn(picture: Picture, row: number, column: number, text: string): void {
    this.learnAll(picture, [{ row, column, text }]);
  }

  /** As `learn`, for several texts: they all stand where they should, or nothing is learned. */
  learnAll(picture: Picture, texts: readonly PlacedText[]): void {
    const known = new Map(this.#known);
    for (const { row, column, text } of texts) this.#learnInto(known, picture, row, column, text);
    for (const [shape, character] of known) this.#known.set(shape, character);
  }

  #learnInto(known: Map<string, string>, picture: Picture, row: number, column: number, text: string): void {
    for (const [index, character] of [...text].entries()) {
      const shape = this.#shape(picture, row, column + index);
      const before = known.get(shape) ?? character;
      if (before !== character) {
        throw new Error(
          `"${text}" does not stand at row ${row}: its character ${index + 1} looks like "${before}"`,
        );
      }
      known.set(shape, character);
    }
    if (new Set(known.values()).size !== known.size) {
      throw new Error(
        `"${text}" does not stand at row ${row}: a character of it has looked otherwise before`,
      );
    }
  }

  /** What stands there; `?` for cells never learned. */
  read(picture: Picture, row: number, column: number, length: number): string {
    return Array.from(
      { length },
      (_, index) => this.#known.get(this.#shape(picture, row, column + index)) ?? '?',
    ).join('');
  }

  /** Pixels of a cell that differ from its top left one, which is background: inverse and plain text look alike. */
  #shape(picture: Picture, row: number, column: number): string {
    const { width, height } = this.#cell;
    const [left, top] = [column * width, row * height];
    if (left + width > picture.width || top + height > picture.height) {
      throw new Error(
        `cell (${row}, ${column}) lies outside a picture of ${picture.width}x${picture.height}`,
      );
    }
    const pixel = (x: number, y: number): number => {
      const at = ((top + y) * picture.width + left + x) * 3;
      return (picture.rgb[at]! << 16) | (picture.rgb[at + 1]! << 8) | picture.rgb[at + 2]!;
    };
    const background = pixel(0, 0);
    let shape = '';
    for (let y = 0; y < height; y += 1) {
      let bits = 0;
      for (let x = 0; x < width; x += 1) bits = bits * 2 + (pixel(x, y) === background ? 0 : 1);
      shape += `${bits.toString(36)},`;
    }
    return shape;
  }
}
