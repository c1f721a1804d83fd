import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePpm, encodePng } from '../../scripts/vm/png.ts';

function ppm(width: number, height: number, rgb: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), rgb]);
}

/** Reads back the one kind of PNG that is written: one IDAT, filter "up" on every row. */
function decodePng(png: Buffer): { width: number; height: number; rgb: Buffer } {
  const width = png.readUInt32BE(16);
  const height = png.readUInt32BE(20);
  const length = png.readUInt32BE(33);
  expect(png.toString('latin1', 37, 41)).toBe('IDAT');
  const rows = inflateSync(png.subarray(41, 41 + length));
  const rgb = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    expect(rows[y * (width * 3 + 1)]).toBe(2);
    for (let x = 0; x < width * 3; x += 1) {
      const above = y === 0 ? 0 : rgb[(y - 1) * width * 3 + x]!;
      rgb[y * width * 3 + x] = rows[y * (width * 3 + 1) + 1 + x]! + above;
    }
  }
  return { width, height, rgb };
}

describe('a screendump', () => {
  test('comes back from its PNG pixel by pixel', () => {
    const pictures = fc
      .record({ width: fc.integer({ min: 1, max: 9 }), height: fc.integer({ min: 1, max: 9 }) })
      .chain(({ width, height }) =>
        fc.record({
          width: fc.constant(width),
          height: fc.constant(height),
          rgb: fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }),
        }),
      );
    fc.assert(
      fc.property(pictures, ({ width, height, rgb }) => {
        const back = decodePng(Buffer.from(encodePng(decodePpm(ppm(width, height, rgb)))));
        expect(back).toEqual({ width, height, rgb: Buffer.from(rgb) });
      }),
    );
  });

  test('is refused when it is cut off or not a PPM', () => {
    expect(() => decodePpm(ppm(2, 2, new Uint8Array(11)))).toThrow(
      'must carry 12 bytes of pixels, it carries 11',
    );
    expect(() => decodePpm(Buffer.from('P5\n1 1\n255\nx'))).toThrow('not a binary PPM');
  });
});
