/**
 * The picture shown while the machine boots, drawn by code: a mark of four log entries in a row, each resting on the one before,
 * and the name in strokes. Kept as geometry instead of a bitmap in the repository, so a change of it can be read in a diff.
 */

type Point = readonly [x: number, y: number];

/** A stroke of round ends along a line of points; pixels, y downwards. */
interface Stroke {
  readonly points: readonly Point[];
  readonly width: number;
  readonly colour: Colour;
}

type Colour = readonly [red: number, green: number, blue: number];

const WIDTH = 480;
const HEIGHT = 128;
const BACKGROUND: Colour = [0, 0, 0]; // The stub paints the rest of the screen black.
const LIGHT: Colour = [232, 236, 240];
const ACCENTS: readonly Colour[] = [
  [40, 96, 116],
  [48, 132, 150],
  [64, 170, 180],
  [120, 214, 208],
];

/** Letters in a box one unit high; x and y from the upper left. */
interface Glyph {
  readonly advance: number;
  readonly lines: readonly (readonly Point[])[];
}

const GLYPHS: Readonly<Record<string, Glyph>> = {
  T: {
    advance: 0.82,
    lines: [
      [
        [0, 0],
        [0.72, 0],
      ],
      [
        [0.36, 0],
        [0.36, 1],
      ],
    ],
  },
  r: {
    advance: 0.5,
    lines: [
      [
        [0, 0.36],
        [0, 1],
      ],
      [...arc([0.3, 0.66], 0.3, 180, 285)],
    ],
  },
  u: {
    advance: 0.74,
    lines: [
      [[0, 0.36], [0, 0.72], ...arc([0.28, 0.72], 0.28, 180, 0, -1), [0.56, 0.36]],
      [
        [0.56, 0.36],
        [0.56, 1],
      ],
    ],
  },
  t: {
    advance: 0.54,
    lines: [
      [[0.16, 0.1], [0.16, 0.78], ...arc([0.38, 0.78], 0.22, 180, 90, -1)],
      [
        [0, 0.38],
        [0.4, 0.38],
      ],
    ],
  },
  h: {
    advance: 0.74,
    lines: [
      [
        [0, 0],
        [0, 1],
      ],
      [...arc([0.28, 0.64], 0.28, 180, 360), [0.56, 1]],
    ],
  },
  D: { advance: 0.88, lines: [[[0, 0], [0, 1], [0.24, 1], ...arc([0.24, 0.5], 0.5, 90, -90, -1), [0, 0]]] },
  B: {
    advance: 0.72,
    lines: [
      [[0, 0], [0, 1], [0.34, 1], ...arc([0.34, 0.73], 0.27, 90, -90, -1), [0, 0.46]],
      [[0, 0], [0.3, 0], ...arc([0.3, 0.23], 0.23, -90, 90), [0, 0.46]],
    ],
  },
};

const LETTER_HEIGHT = 52;
const LETTER_STROKE = 7;
const LETTER_GAP = 4;

/** The splash as an uncompressed 24-bit Windows bitmap. */
export function drawSplash(): Buffer {
  return encodeBitmap(WIDTH, HEIGHT, rasterise([...markStrokes(36, 96), ...textStrokes('TruthDB', 164, 38)]));
}

/** Four bars, each one step further and higher than the last. */
function markStrokes(left: number, bottom: number): Stroke[] {
  return ACCENTS.map((colour, index) => {
    const x = left + index * 18;
    const y = bottom - 10 - index * 18;
    return {
      points: [
        [x, y],
        [x + 40, y],
      ],
      width: 11,
      colour,
    };
  });
}

function textStrokes(text: string, left: number, top: number): Stroke[] {
  let x = left;
  return [...text].flatMap((letter) => {
    const glyph = GLYPHS[letter];
    if (glyph === undefined) throw new RangeError(`the splash has no letter "${letter}"`);
    const origin = x;
    x += glyph.advance * LETTER_HEIGHT + LETTER_GAP;
    return glyph.lines.map((line) => ({
      points: line.map(([px, py]): Point => [origin + px * LETTER_HEIGHT, top + py * LETTER_HEIGHT]),
      width: LETTER_STROKE,
      colour: LIGHT,
    }));
  });
}

/** Points on a circle from one angle to another, in degrees clockwise from the right. */
function arc([cx, cy]: Point, radius: number, from: number, to: number, direction: 1 | -1 = 1): Point[] {
  const steps = 16;
  const span = (direction * ((((to - from) * direction) % 360) + 360)) % 360 || direction * 360;
  return Array.from({ length: steps + 1 }, (_, index): Point => {
    const angle = ((from + (span * index) / steps) * Math.PI) / 180;
    return [cx + radius * Math.cos(angle), cy + radius * Math.sin(angle)];
  });
}

/** Each pixel takes a stroke's colour in the measure the stroke covers it, estimated from the distance of its centre. */
function rasterise(strokes: readonly Stroke[]): Buffer {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      let colour = BACKGROUND;
      for (const stroke of strokes) {
        const coverage = Math.min(
          1,
          Math.max(0, stroke.width / 2 + 0.5 - distance([x + 0.5, y + 0.5], stroke.points)),
        );
        if (coverage > 0) colour = blend(colour, stroke.colour, coverage);
      }
      pixels.set(colour.map(Math.round), (y * WIDTH + x) * 3);
    }
  }
  return pixels;
}

function blend(under: Colour, over: Colour, coverage: number): Colour {
  const mix = (index: 0 | 1 | 2) => under[index] * (1 - coverage) + over[index] * coverage;
  return [mix(0), mix(1), mix(2)];
}

function distance(point: Point, line: readonly Point[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let index = 1; index < line.length; index += 1) {
    nearest = Math.min(nearest, distanceToSegment(point, line[index - 1] as Point, line[index] as Point));
  }
  return nearest;
}

function distanceToSegment([px, py]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const lengthSquared = (bx - ax) ** 2 + (by - ay) ** 2;
  const along = lengthSquared === 0 ? 0 : ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / lengthSquared;
  const clamped = Math.min(1, Math.max(0, along));
  return Math.hypot(px - ax - clamped * (bx - ax), py - ay - clamped * (by - ay));
}

const FILE_HEADER_BYTES = 14;
const INFO_HEADER_BYTES = 40;

/** BITMAPFILEHEADER and BITMAPINFOHEADER; rows go from the bottom up, pixels are blue, green, red. */
function encodeBitmap(width: number, height: number, rgb: Buffer): Buffer {
  const rowBytes = Math.ceil((width * 3) / 4) * 4;
  const offset = FILE_HEADER_BYTES + INFO_HEADER_BYTES;
  const bitmap = Buffer.alloc(offset + rowBytes * height);
  bitmap.write('BM', 0, 'latin1');
  bitmap.writeUInt32LE(bitmap.length, 2);
  bitmap.writeUInt32LE(offset, 10);
  bitmap.writeUInt32LE(INFO_HEADER_BYTES, 14);
  bitmap.writeInt32LE(width, 18);
  bitmap.writeInt32LE(height, 22);
  bitmap.writeUInt16LE(1, 26); // planes
  bitmap.writeUInt16LE(24, 28); // bits per pixel
  bitmap.writeUInt32LE(rowBytes * height, 34);
  for (let y = 0; y < height; y += 1) {
    const row = offset + (height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1) {
      const from = (y * width + x) * 3;
      bitmap[row + x * 3] = rgb[from + 2] ?? 0;
      bitmap[row + x * 3 + 1] = rgb[from + 1] ?? 0;
      bitmap[row + x * 3 + 2] = rgb[from] ?? 0;
    }
  }
  return bitmap;
}
