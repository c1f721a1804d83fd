const ASCII_LAST = 0x7f;

/**
 * Writes `text` as UTF-8 and returns where it ends. Names are short and nearly always ASCII, where a loop beats the call
 * out of JavaScript several times over; everything else goes that way. `target` must have room for 3 bytes a code unit.
 */
export function writeUtf8(target: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > ASCII_LAST) return at + Buffer.from(target.buffer, target.byteOffset + at).write(text, 'utf8');
    target[at + index] = code;
  }
  return at + text.length;
}
