import { refused } from './refused.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the numbers and names of a program's bytes, never past the end. */
export class ByteCursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  u8(): number {
    if (this.at >= this.end) throw refused('it ends in the middle', this.at);
    return this.bytes[this.at++]!;
  }

  /** LEB128, unsigned, 32 bits. */
  u32(): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw refused('a number is longer than 32 bits', start);
  }

  /** Passes over a signed LEB128 of that many bytes at most. */
  skipSigned(bytesMax: number): void {
    const start = this.at;
    for (let count = 0; count < bytesMax; count++) if (this.u8() < 0x80) return;
    throw refused('a number is too long', start);
  }

  /** A block's type: below 0 for a value type or none, as the format has it. */
  s33(): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw refused('a number is longer than 33 bits', start);
  }

  /** The length of a list whose elements take a byte or more each: never more than bytes are left. */
  count(): number {
    const start = this.at;
    const count = this.u32();
    if (count > this.end - this.at) throw refused(`a list of ${count} is longer than the file`, start);
    return count;
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.at) throw refused('it ends in the middle', this.at);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    const start = this.at;
    const bytes = this.take(this.u32());
    try {
      return utf8.decode(bytes);
    } catch {
      throw refused('a name is not UTF-8', start);
    }
  }
}
