import { describe, expect, test } from 'vitest';
import { GlyphReader } from '../../scripts/vm/glyphs.ts';
import type { Picture } from '../../scripts/vm/png.ts';

const CELL = { width: 8, height: 4 };

/** Draws each character as the bits of its code, white on black or, from `inverseFrom` on, black on white. */
function draw(text: string, inverseFrom = text.length): Picture {
  const width = text.length * CELL.width;
  const rgb = new Uint8Array(width * CELL.height * 3);
  for (const [index, character] of [...text].entries()) {
    for (let x = 0; x < CELL.width; x += 1) {
      for (let y = 0; y < CELL.height; y += 1) {
        const lit = y === 2 && ((character.charCodeAt(0) - 32) >> x) % 2 === 1;
        rgb.fill(
          lit === index < inverseFrom ? 255 : 0,
          (y * width + index * 8 + x) * 3,
          (y * width + index * 8 + x) * 3 + 3,
        );
      }
    }
  }
  return { width, height: CELL.height, rgb };
}

describe('reading a console by its glyphs', () => {
  test('reads later what it was taught earlier, inverse or not', () => {
    const reader = new GlyphReader(CELL);
    reader.learn(draw('install', 3), 0, 0, 'install');
    expect(reader.read(draw('tall in', 2), 0, 0, 7)).toBe('tall?in');
    expect(reader.size).toBe(6);
  });

  test('notices that something else stands there, and forgets the false lesson', () => {
    const reader = new GlyphReader(CELL);
    reader.learn(draw('install'), 0, 0, 'install');
    expect(() => reader.learn(draw('instant'), 0, 0, 'install')).toThrow('does not stand at row 0');
    expect(() => reader.learn(draw('xyz'), 0, 0, 'tax')).toThrow('has looked otherwise before');
    expect(reader.size).toBe(6);
  });

  test('learns several texts together, or none of them', () => {
    const reader = new GlyphReader(CELL);
    const picture = draw('install disk');
    const right = { row: 0, column: 0, text: 'install' };
    expect(() => reader.learnAll(picture, [right, { row: 0, column: 8, text: 'wall' }])).toThrow(
      '"wall" does not stand at row 0',
    );
    expect(reader.size).toBe(0);
    reader.learnAll(picture, [right, { row: 0, column: 8, text: 'disk' }]);
    expect(reader.read(picture, 0, 0, 12)).toBe('install?disk');
  });

  test('takes an empty screen for no text', () => {
    expect(() => new GlyphReader(CELL).learn(draw('    '), 0, 0, 'menu')).toThrow('looks like "m"');
  });
});
