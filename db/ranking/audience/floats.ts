/** Single-precision numbers in words. */
const float = new Float32Array(1);
const FLOAT_MAX = 3.4028234663852886e38;
const word = new Uint32Array(float.buffer);

/** What is too large for one becomes the largest. */
export function wordOfFloat(value: number): number {
  float[0] = Math.max(-FLOAT_MAX, Math.min(FLOAT_MAX, value));
  return word[0]!;
}

export function floatOfWord(bits: number): number {
  word[0] = bits;
  return float[0]!;
}
