/** Places in the order of two keys, the second within the first, byte by byte from the least: no comparisons. */
export function radixOrder(
  places: Uint32Array,
  words: Uint32Array,
  keys: { readonly stride: number; readonly first: number; readonly second: number },
): Uint32Array {
  let from = places;
  let to: Uint32Array = new Uint32Array(places.length);
  for (const offset of [keys.second, keys.first]) {
    const largest = largestAt(places, words, keys.stride, offset);
    for (let shift = 0; shift < 32 && largest >>> shift !== 0; shift += 8) {
      scatter(from, to, words, keys.stride, offset, shift);
      [from, to] = [to, from];
    }
  }
  return from;
}

function largestAt(places: Uint32Array, words: Uint32Array, stride: number, offset: number): number {
  let largest = 0;
  for (const place of places) largest = Math.max(largest, words[place * stride + offset]!);
  return largest;
}

function scatter(
  from: Uint32Array,
  to: Uint32Array,
  words: Uint32Array,
  stride: number,
  offset: number,
  shift: number,
): void {
  const next = new Uint32Array(257);
  for (const place of from) next[((words[place * stride + offset]! >>> shift) & 0xff) + 1]! += 1;
  for (let byte = 0; byte < 256; byte++) next[byte + 1]! += next[byte]!;
  for (const place of from) {
    const byte = (words[place * stride + offset]! >>> shift) & 0xff;
    to[next[byte]!++] = place;
  }
}
