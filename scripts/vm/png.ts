/**
 * Screendumps as PNG. QEMU always writes PPM and PNG only where its build had libpng, so the picture is made here;
 * having the pixels also lets a test read what stands on the screen.
 */
import { crc32, deflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, red green blue, rows from the top, no padding. */
  readonly rgb: Uint8Array;
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const FILTER_UP = 2;
const COLOUR_RGB = 2;

/** Reads a binary PPM (P6, 8 bits a sample), the form of QEMU's `screendump`. Throws when the bytes are not one. */
export function decodePpm(bytes: Uint8Array): Picture {
  const header = /^P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+(\d+)\s/.exec(
    Buffer.from(bytes.subarray(0, 256)).toString('latin1'),
  );
  if (header === null) throw new Error('not a binary PPM: it does not start with "P6 width height maximum"');
  const [text, width, height, maximum] = [header[0], Number(header[1]), Number(header[2]), Number(header[3])];
  const rgb = bytes.subarray(text.length);
  if (maximum !== 255) throw new Error(`PPM samples go to ${maximum}; only 8-bit pictures (255) are read`);
  if (rgb.length !== width * height * 3) {
    throw new Error(
      `PPM of ${width}x${height} must carry ${width * height * 3} bytes of pixels, it carries ${rgb.length}`,
    );
  }
  return { width, height, rgb };
}

/** An 8-bit RGB PNG. Rows are stored as differences to the row above, which makes text screens small. */
export function encodePng(picture: Picture): Uint8Array {
  const { width, height, rgb } = picture;
  const stride = width * 3;
  const rows = new Uint8Array((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    rows[y * (stride + 1)] = FILTER_UP;
    for (let x = 0; x < stride; x += 1) {
      const above = y === 0 ? 0 : rgb[(y - 1) * stride + x]!;
      rows[y * (stride + 1) + 1 + x] = rgb[y * stride + x]! - above;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, COLOUR_RGB, 0, 0, 0], 8);
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, data.length + 8)), data.length + 8);
  return out;
}
